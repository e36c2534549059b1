ALTER TABLE platform_apps
    DROP COLUMN secrets_used_since,
    DROP COLUMN secrets_used;
