CREATE TABLE platform_apps (
    id uuid PRIMARY KEY,
    app_id uuid REFERENCES apps,
    platform text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('live', 'sandbox')),
    shared boolean NOT NULL DEFAULT true,
    values_sealed bytea NOT NULL,
    standby_sealed bytea,
    public_values jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    pause_code text,
    probe_at timestamptz,
    verdicts_held_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE platform_apps IS 'OAuth clients registered at platforms: an app''s own, or one of the installation that apps inherit.';
COMMENT ON COLUMN platform_apps.id IS 'UUIDv7, papp_ in text';
COMMENT ON COLUMN platform_apps.app_id IS 'The app that owns it; null: the installation''s';
COMMENT ON COLUMN platform_apps.platform IS 'Slug of the platform';
COMMENT ON COLUMN platform_apps.mode IS 'Which apps may inherit it';
COMMENT ON COLUMN platform_apps.shared IS 'Whether apps inherit it (installation''s only)';
COMMENT ON COLUMN platform_apps.values_sealed IS 'Values of the platform''s app fields, secrets included (JSON)';
COMMENT ON COLUMN platform_apps.standby_sealed IS 'A second set, tried when the first is refused, while secrets roll over';
COMMENT ON COLUMN platform_apps.public_values IS 'The fields that are no secret, for showing';
COMMENT ON COLUMN platform_apps.paused_at IS 'Since when refreshing through it pauses (the platform refuses the client itself)';
COMMENT ON COLUMN platform_apps.pause_code IS 'The platform''s error code behind the pause';
COMMENT ON COLUMN platform_apps.probe_at IS 'When one refresh may try again while paused';
COMMENT ON COLUMN platform_apps.verdicts_held_at IS 'Since when verdicts are held because too many stores came out dead at once';
COMMENT ON COLUMN platform_apps.created_at IS 'When it was made';
COMMENT ON COLUMN platform_apps.updated_at IS 'When it was last changed';

CREATE UNIQUE INDEX platform_apps_own ON platform_apps (app_id, platform) WHERE app_id IS NOT NULL;
CREATE UNIQUE INDEX platform_apps_installation ON platform_apps (platform, mode) WHERE app_id IS NULL;
