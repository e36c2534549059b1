-- What the admin pages search and count, each from an index, at a million stores.
CREATE INDEX stores_name_prefix ON stores (lower(name) text_pattern_ops);
CREATE INDEX stores_platform_store_id ON stores (platform_store_id);
CREATE INDEX stores_customer_id ON stores (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX credentials_reauthorize_by ON credentials (reauthorize_by) WHERE reauthorize_by IS NOT NULL;
CREATE INDEX refresh_logs_started_at ON refresh_logs USING brin (started_at);
