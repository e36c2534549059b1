-- Until now a roll-over lasted until somebody finished it; those under way get as long as any may take.
ALTER TABLE apps ADD COLUMN signing_secret_changes_at timestamptz;
COMMENT ON COLUMN apps.signing_secret_changes_at IS 'From when the next signing secret signs; null: no roll-over is under way';
UPDATE apps SET signing_secret_changes_at = llavero_now() + interval '90 days'
WHERE previous_signing_secret_sealed IS NOT NULL;
