COMMENT ON COLUMN apps.previous_signing_secret_sealed IS 'The one before, while a roll-over lasts';
COMMENT ON COLUMN apps.signing_secret_sealed IS 'Secret that signs return URLs (llv_ss_...)';
ALTER TABLE api_keys
    DROP COLUMN successor_id,
    DROP COLUMN expires_at;
