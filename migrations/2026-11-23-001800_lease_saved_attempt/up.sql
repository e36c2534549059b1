-- Unknown for leases that are held just now: they wait as if it were another pair.
ALTER TABLE credentials ADD COLUMN lease_saved_attempt bigint;
COMMENT ON COLUMN credentials.lease_saved_attempt IS 'The saved_attempt whose pair its attempt sends; null: a spare';
-- Read by nobody: the id tells when it was made.
ALTER TABLE credentials DROP COLUMN created_at;
