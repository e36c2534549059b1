ALTER TABLE apps DROP COLUMN signing_secret_changes_at;
