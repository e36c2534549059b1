-- Calls to token endpoints that a platform limits, of all processes together. Rows live as long as the limit's window.
CREATE TABLE token_calls (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    endpoint text NOT NULL,
    called_at timestamptz NOT NULL DEFAULT llavero_now()
);
CREATE INDEX token_calls_endpoint ON token_calls (endpoint, called_at);

COMMENT ON TABLE token_calls IS 'Recent calls to token endpoints whose platform limits them';
COMMENT ON COLUMN token_calls.id IS 'Random; nothing refers to it';
COMMENT ON COLUMN token_calls.endpoint IS 'What is counted together: platform and mode, such as acme:live, and whose calls, where they are counted apart';
COMMENT ON COLUMN token_calls.called_at IS 'When the call was let through';
