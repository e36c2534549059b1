CREATE TABLE connect_sessions (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    store_id uuid REFERENCES stores,
    link_hash bytea NOT NULL UNIQUE CHECK (octet_length(link_hash) = 32),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'at_platform', 'completed', 'failed', 'cancelled', 'expired')),
    failure text,
    failure_detail text,
    options jsonb NOT NULL DEFAULT '{}',
    return_url text NOT NULL,
    partner_state text,
    customer_id text,
    platform text,
    method text,
    state_hash bytea UNIQUE,
    browser_hash bytea,
    attempt_sealed bytea,
    delivered_sealed bytea,
    held_sealed bytea,
    code_hash bytea UNIQUE,
    code_expires_at timestamptz,
    result_store_id uuid REFERENCES stores,
    reauthorized boolean NOT NULL DEFAULT false,
    exchanged_token_id uuid REFERENCES access_tokens,
    exchanged_by uuid REFERENCES api_keys,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    expires_at timestamptz NOT NULL,
    left_at timestamptz,
    ended_at timestamptz
);
COMMENT ON TABLE connect_sessions IS 'One attempt to connect or re-authorize a store; consumed once.';
COMMENT ON COLUMN connect_sessions.id IS 'UUIDv7, cs_ in text';
COMMENT ON COLUMN connect_sessions.app_id IS 'App the store is connected for';
COMMENT ON COLUMN connect_sessions.store_id IS 'Store to re-authorize; null: a new connect';
COMMENT ON COLUMN connect_sessions.link_hash IS 'SHA-256 of the link token';
COMMENT ON COLUMN connect_sessions.status IS 'State';
COMMENT ON COLUMN connect_sessions.failure IS 'Why it failed, as a stable code';
COMMENT ON COLUMN connect_sessions.failure_detail IS 'The same in a sentence, without secrets';
COMMENT ON COLUMN connect_sessions.options IS 'What the partner asked for: platforms, fields, locale, transfer and the like';
COMMENT ON COLUMN connect_sessions.return_url IS 'Where the browser goes at the end';
COMMENT ON COLUMN connect_sessions.partner_state IS 'The partner''s own state, handed back';
COMMENT ON COLUMN connect_sessions.customer_id IS 'The partner''s own id of its customer';
COMMENT ON COLUMN connect_sessions.platform IS 'Slug chosen';
COMMENT ON COLUMN connect_sessions.method IS 'Connect method chosen';
COMMENT ON COLUMN connect_sessions.state_hash IS 'SHA-256 of the state sent to the platform; null once taken';
COMMENT ON COLUMN connect_sessions.browser_hash IS 'SHA-256 of the cookie that binds the browser';
COMMENT ON COLUMN connect_sessions.attempt_sealed IS 'PKCE verifier and typed fields while at the platform (JSON)';
COMMENT ON COLUMN connect_sessions.delivered_sealed IS 'Keys that a platform delivered server-to-server (JSON)';
COMMENT ON COLUMN connect_sessions.held_sealed IS 'A verified grant waiting for a decision of the merchant (JSON)';
COMMENT ON COLUMN connect_sessions.code_hash IS 'SHA-256 of the one-time code';
COMMENT ON COLUMN connect_sessions.code_expires_at IS 'Until when the code may be exchanged';
COMMENT ON COLUMN connect_sessions.result_store_id IS 'The store it ended in';
COMMENT ON COLUMN connect_sessions.reauthorized IS 'It renewed an existing store';
COMMENT ON COLUMN connect_sessions.exchanged_by IS 'API key that exchanged the code';
COMMENT ON COLUMN connect_sessions.exchanged_token_id IS 'Token made at the last exchange of the code';
COMMENT ON COLUMN connect_sessions.created_at IS 'When it was made';
COMMENT ON COLUMN connect_sessions.expires_at IS 'Until when the link works';
COMMENT ON COLUMN connect_sessions.left_at IS 'When the browser left for the platform';
COMMENT ON COLUMN connect_sessions.ended_at IS 'When it was completed, failed, cancelled or expired';

CREATE INDEX connect_sessions_app_id ON connect_sessions (app_id);
CREATE INDEX connect_sessions_store_id ON connect_sessions (store_id);
CREATE INDEX connect_sessions_result_store_id ON connect_sessions (result_store_id);
CREATE INDEX connect_sessions_exchanged_token_id ON connect_sessions (exchanged_token_id);
CREATE INDEX connect_sessions_expires_at ON connect_sessions (expires_at) WHERE status IN ('open', 'at_platform');
CREATE INDEX connect_sessions_exchanged_by ON connect_sessions (exchanged_by);
