ALTER TABLE apps DROP COLUMN ecartapi_redirect;
