CREATE TABLE stores (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    credential_id uuid NOT NULL REFERENCES credentials,
    platform_app_id uuid REFERENCES platform_apps,
    platform text NOT NULL,
    method text NOT NULL,
    platform_store_id text NOT NULL,
    url text,
    name text NOT NULL,
    customer_id text,
    merchant_email text,
    merchant_name text,
    merchant_locale text,
    metadata jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('connected', 'needs_reauthorization', 'revoked')),
    status_reason text,
    status_since timestamptz NOT NULL DEFAULT llavero_now(),
    evidence jsonb,
    health text NOT NULL DEFAULT 'ok' CHECK (health IN ('ok', 'refresh_failing', 'refresh_in_doubt', 'platform_unavailable', 'app_misconfigured')),
    sequence bigint NOT NULL DEFAULT 1,
    connected_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now(),
    last_used_at timestamptz
);
COMMENT ON TABLE stores IS 'Connected stores.';
COMMENT ON COLUMN stores.id IS 'UUIDv7, store_ in text';
COMMENT ON COLUMN stores.app_id IS 'App it is connected to';
COMMENT ON COLUMN stores.credential_id IS 'What calls are authenticated with';
COMMENT ON COLUMN stores.platform_app_id IS 'OAuth client it was connected through; null: the store''s own';
COMMENT ON COLUMN stores.platform IS 'Slug of the platform';
COMMENT ON COLUMN stores.method IS 'Connect method';
COMMENT ON COLUMN stores.platform_store_id IS 'The store''s identity at the platform';
COMMENT ON COLUMN stores.url IS 'Address of the shop, for people';
COMMENT ON COLUMN stores.name IS 'Name of the shop';
COMMENT ON COLUMN stores.customer_id IS 'The partner''s own id of its customer; null until told at exchange';
COMMENT ON COLUMN stores.merchant_email IS 'Whom to write to';
COMMENT ON COLUMN stores.merchant_name IS 'How to address them';
COMMENT ON COLUMN stores.merchant_locale IS 'Language of messages: en, es or pt';
COMMENT ON COLUMN stores.metadata IS 'The partner''s own data';
COMMENT ON COLUMN stores.status IS 'State';
COMMENT ON COLUMN stores.status_reason IS 'Why, as a stable code';
COMMENT ON COLUMN stores.status_since IS 'Since when';
COMMENT ON COLUMN stores.evidence IS 'What the state rests on: class, platform code, HTTP status, time';
COMMENT ON COLUMN stores.health IS 'How refreshing goes';
COMMENT ON COLUMN stores.sequence IS 'Grows by one with each event of the store';
COMMENT ON COLUMN stores.connected_at IS 'First connect';
COMMENT ON COLUMN stores.updated_at IS 'Last change';
COMMENT ON COLUMN stores.last_used_at IS 'Last proxied call, written in batches';

-- The same shop twice through one OAuth client would take turns in killing each other's tokens.
CREATE UNIQUE INDEX stores_identity ON stores (coalesce(platform_app_id, app_id), platform, platform_store_id) WHERE status <> 'revoked';
CREATE INDEX stores_app_list ON stores (app_id, id DESC);
CREATE INDEX stores_credential_id ON stores (credential_id);
CREATE INDEX stores_platform_app_id ON stores (platform_app_id);
CREATE INDEX stores_customer ON stores (app_id, customer_id);
CREATE INDEX stores_status ON stores (status, id DESC);
CREATE INDEX stores_platform ON stores (platform, id DESC);
CREATE INDEX stores_health ON stores (health, id DESC) WHERE health <> 'ok';
CREATE INDEX stores_by_name ON stores (lower(name), id);
CREATE INDEX stores_by_status_since ON stores (status_since, id);
CREATE TABLE access_tokens (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES stores,
    app_id uuid NOT NULL REFERENCES apps,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    hint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    ends_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE access_tokens IS 'Our access tokens; only hashes are kept.';
COMMENT ON COLUMN access_tokens.id IS 'UUIDv7, token_ in text';
COMMENT ON COLUMN access_tokens.store_id IS 'Store it stands for';
COMMENT ON COLUMN access_tokens.app_id IS 'App of the store';
COMMENT ON COLUMN access_tokens.hash IS 'SHA-256 of the whole token';
COMMENT ON COLUMN access_tokens.hint IS 'The last characters, to tell tokens apart';
COMMENT ON COLUMN access_tokens.created_at IS 'When it was made';
COMMENT ON COLUMN access_tokens.ends_at IS 'End of an overlap after rotation; null: no end';
COMMENT ON COLUMN access_tokens.revoked_at IS 'When it was revoked';

CREATE INDEX access_tokens_store_id ON access_tokens (store_id);
CREATE INDEX access_tokens_app_id ON access_tokens (app_id);
