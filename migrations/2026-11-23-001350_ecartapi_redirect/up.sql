-- Apps may have merchants sent back as EcartAPI does, with the token in the address.
ALTER TABLE apps ADD COLUMN ecartapi_redirect boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN apps.ecartapi_redirect IS 'Whether return URLs carry the access token in EcartAPI''s form';
