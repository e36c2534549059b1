-- While a platform app's secrets roll over, nobody can tell from outside which of the two the platform takes by now.
-- Written when it changes, never by each refresh.
ALTER TABLE platform_apps
    ADD COLUMN secrets_used text CHECK (secrets_used IN ('current', 'standby')),
    ADD COLUMN secrets_used_since timestamptz;

COMMENT ON COLUMN platform_apps.secrets_used IS 'Which set of secrets the platform took last, while a second one stands by; null: not seen yet';
COMMENT ON COLUMN platform_apps.secrets_used_since IS 'Since when it has taken that set';
