CREATE TABLE frozen_credentials (
    id uuid PRIMARY KEY REFERENCES credentials,
    app_id uuid NOT NULL REFERENCES apps,
    values_sealed bytea NOT NULL,
    spares_sealed bytea,
    frozen_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE frozen_credentials IS 'Credentials that were exported to another installation: their secrets wait here, where nothing can call or refresh with them.';
COMMENT ON COLUMN frozen_credentials.id IS 'The credential, whose own sealed columns are empty meanwhile';
COMMENT ON COLUMN frozen_credentials.app_id IS 'App it was granted to';
COMMENT ON COLUMN frozen_credentials.values_sealed IS 'Its tokens, keys and connect fields (JSON)';
COMMENT ON COLUMN frozen_credentials.spares_sealed IS 'Its spare pairs (JSON)';
COMMENT ON COLUMN frozen_credentials.frozen_at IS 'When it was exported';

CREATE INDEX frozen_credentials_app_id ON frozen_credentials (app_id);
