ALTER TABLE credentials DROP COLUMN lease_saved_attempt;
-- In their old order.
ALTER TABLE credentials ADD COLUMN created_at timestamptz NOT NULL DEFAULT llavero_now();
COMMENT ON COLUMN credentials.created_at IS 'When it was made';
ALTER TABLE credentials RENAME COLUMN updated_at TO changed_at;
ALTER TABLE credentials ADD COLUMN updated_at timestamptz NOT NULL DEFAULT llavero_now();
COMMENT ON COLUMN credentials.updated_at IS 'When it was last changed';
UPDATE credentials SET created_at = changed_at, updated_at = changed_at;
ALTER TABLE credentials DROP COLUMN changed_at;
