-- Platforms that owners define without code, in the catalogue's own words. A slug is unique over the whole installation,
-- since stores, clients and callback addresses name a platform by its slug alone.
CREATE TABLE custom_platforms (
    slug text PRIMARY KEY CHECK (slug LIKE 'x-%'),
    app_id uuid REFERENCES apps,
    definition text NOT NULL,
    methods text[] NOT NULL,
    answers jsonb,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now()
);
CREATE INDEX custom_platforms_app ON custom_platforms (app_id);
COMMENT ON TABLE custom_platforms IS 'Platforms that owners define without code, for one app or for all';
COMMENT ON COLUMN custom_platforms.slug IS 'Begins with x-, so that it is never one of the catalogue''s own';
COMMENT ON COLUMN custom_platforms.app_id IS 'The app whose own it is; null: every app of the installation may use it';
COMMENT ON COLUMN custom_platforms.definition IS 'TOML in the words of the catalogue''s files; never a secret';
COMMENT ON COLUMN custom_platforms.methods IS 'Ids of its connect methods, as the definition has them';
COMMENT ON COLUMN custom_platforms.answers IS 'What was answered in the form that made the definition; null: it was written by hand';
COMMENT ON COLUMN custom_platforms.created_at IS 'When it was made';
COMMENT ON COLUMN custom_platforms.updated_at IS 'When it was last changed';
