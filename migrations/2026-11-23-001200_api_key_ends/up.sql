-- API keys may end by themselves, and one may take over from another.
ALTER TABLE api_keys
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN successor_id uuid REFERENCES api_keys;
CREATE INDEX api_keys_successor_id ON api_keys (successor_id) WHERE successor_id IS NOT NULL;
COMMENT ON COLUMN api_keys.expires_at IS 'When it stops working by itself; null: never';
COMMENT ON COLUMN api_keys.successor_id IS 'Key with the same scopes that was made to take over from it';
COMMENT ON COLUMN apps.signing_secret_sealed IS 'Secret that signs return URLs (llv_ss_...); during a roll-over the next one';
COMMENT ON COLUMN apps.previous_signing_secret_sealed IS 'While a roll-over lasts, the one that still signs';
