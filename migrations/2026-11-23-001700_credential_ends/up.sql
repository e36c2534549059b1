-- When what ends: counted every minute over all living credentials, so without a look at the table's other columns. It
-- serves the question how many refresh tokens end within hours as well.
CREATE INDEX credentials_ends ON credentials (refresh_expires_at, access_expires_at, reauthorize_by)
    WHERE dead_at IS NULL AND values_sealed IS NOT NULL;
DROP INDEX credentials_refresh_expires_at;
