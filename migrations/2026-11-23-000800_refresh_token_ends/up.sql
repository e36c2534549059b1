-- How many refresh tokens end within hours: measured every minute, so without a look at the table's other rows.
CREATE INDEX credentials_refresh_expires_at ON credentials (refresh_expires_at)
    WHERE refresh_expires_at IS NOT NULL AND dead_at IS NULL;
