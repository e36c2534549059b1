CREATE INDEX credentials_refresh_expires_at ON credentials (refresh_expires_at)
    WHERE refresh_expires_at IS NOT NULL AND dead_at IS NULL;
DROP INDEX credentials_ends;
