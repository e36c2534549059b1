CREATE TABLE key_checks (
    key_id text PRIMARY KEY,
    check_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE key_checks IS 'One sealed value per key id in use: a process whose key ring cannot open all of them refuses to start.';
COMMENT ON COLUMN key_checks.key_id IS 'Id of a key of the key ring';
COMMENT ON COLUMN key_checks.check_sealed IS 'A known text sealed with that key';
COMMENT ON COLUMN key_checks.created_at IS 'When the key was first used here';
