-- Requests that came with an Idempotency-Key: a repetition gets the first one's answer and does nothing. Rows live a day.
CREATE TABLE idempotent_requests (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps ON DELETE CASCADE,
    api_key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    key text NOT NULL,
    request_mac bytea NOT NULL,
    status smallint,
    content_type text,
    body_sealed bytea,
    body_until timestamptz,
    busy_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    UNIQUE (api_key_id, key)
);
CREATE INDEX idempotent_requests_app_id ON idempotent_requests (app_id);
CREATE INDEX idempotent_requests_created_at ON idempotent_requests (created_at);
CREATE INDEX idempotent_requests_body_until ON idempotent_requests (body_until) WHERE body_sealed IS NOT NULL;

COMMENT ON TABLE idempotent_requests IS 'Requests with an Idempotency-Key, and their answers';
COMMENT ON COLUMN idempotent_requests.id IS 'UUIDv7, idem_ in text';
COMMENT ON COLUMN idempotent_requests.app_id IS 'App that asked';
COMMENT ON COLUMN idempotent_requests.api_key_id IS 'API key it asked with: the same key text of two API keys are two';
COMMENT ON COLUMN idempotent_requests.key IS 'What the header said';
COMMENT ON COLUMN idempotent_requests.request_mac IS 'MAC of method, address and body, so that another request with the same key is told apart';
COMMENT ON COLUMN idempotent_requests.status IS 'Status of the answer; null: none yet';
COMMENT ON COLUMN idempotent_requests.content_type IS 'Media type of the answer';
COMMENT ON COLUMN idempotent_requests.body_sealed IS 'Body of the answer; null: none yet, or no longer kept';
COMMENT ON COLUMN idempotent_requests.body_until IS 'How long the body is kept: one hour if it holds a secret, else a day';
COMMENT ON COLUMN idempotent_requests.busy_until IS 'Until when the request counts as under way';
COMMENT ON COLUMN idempotent_requests.created_at IS 'When it first came';
