-- The filters of the admin's list together, answered from the index alone: how many stores match, and which.
CREATE INDEX stores_facets ON stores (app_id, platform, status, health) INCLUDE (id);
CREATE INDEX stores_platform_facets ON stores (platform, status, health) INCLUDE (id);
-- The figures of the overview. Without the id: equal entries share their place, so that counting all reads little.
CREATE INDEX stores_states ON stores (status, health);
-- Which stores' consent ends soon, without a look into either table.
DROP INDEX stores_credential_id;
CREATE INDEX stores_credential_id ON stores (credential_id) INCLUDE (status);
DROP INDEX credentials_reauthorize_by;
CREATE INDEX credentials_reauthorize_by ON credentials (reauthorize_by) INCLUDE (id) WHERE reauthorize_by IS NOT NULL;
