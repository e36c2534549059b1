DROP INDEX credentials_reauthorize_by;
CREATE INDEX credentials_reauthorize_by ON credentials (reauthorize_by) WHERE reauthorize_by IS NOT NULL;
DROP INDEX stores_credential_id;
CREATE INDEX stores_credential_id ON stores (credential_id);
DROP INDEX stores_states;
DROP INDEX stores_platform_facets;
DROP INDEX stores_facets;
