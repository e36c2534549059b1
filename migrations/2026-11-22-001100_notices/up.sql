CREATE TABLE notices (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    audience text NOT NULL CHECK (audience IN ('merchant', 'partner', 'admins')),
    app_id uuid REFERENCES apps,
    store_id uuid REFERENCES stores,
    platform_app_id uuid REFERENCES platform_apps,
    incident text NOT NULL,
    recipient text,
    language text NOT NULL DEFAULT 'en',
    details jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
    error text,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    sent_at timestamptz
);
COMMENT ON TABLE notices IS 'Messages about stores to merchant, partner and admins: recorded, sent, shown.';
COMMENT ON COLUMN notices.id IS 'UUIDv7, notice_ in text';
COMMENT ON COLUMN notices.kind IS 'Which message';
COMMENT ON COLUMN notices.audience IS 'Whom it is for';
COMMENT ON COLUMN notices.app_id IS 'App of the store; null: about the installation''s platform app';
COMMENT ON COLUMN notices.store_id IS 'Store it is about; null: about a platform app';
COMMENT ON COLUMN notices.platform_app_id IS 'Platform app it is about';
COMMENT ON COLUMN notices.incident IS 'Names the incident, so that each is told once';
COMMENT ON COLUMN notices.recipient IS 'Mail address, where it is a mail';
COMMENT ON COLUMN notices.language IS 'Language of the text';
COMMENT ON COLUMN notices.details IS 'What the text says, without secrets and links';
COMMENT ON COLUMN notices.status IS 'State';
COMMENT ON COLUMN notices.error IS 'Why it was not sent';
COMMENT ON COLUMN notices.created_at IS 'When it was made';
COMMENT ON COLUMN notices.sent_at IS 'When it was sent';

CREATE UNIQUE INDEX notices_once ON notices (incident, audience, coalesce(recipient, ''));
CREATE INDEX notices_store_id ON notices (store_id);
CREATE INDEX notices_app_id ON notices (app_id);
CREATE INDEX notices_platform_app_id ON notices (platform_app_id);
