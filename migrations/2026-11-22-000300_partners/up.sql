CREATE TABLE partners (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE partners IS 'Companies that integrate.';
COMMENT ON COLUMN partners.id IS 'UUIDv7, partner_ in text';
COMMENT ON COLUMN partners.name IS 'Name shown to admins';
COMMENT ON COLUMN partners.created_at IS 'When the row was made';

CREATE TABLE apps (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    name text NOT NULL,
    logo_url text,
    mode text NOT NULL CHECK (mode IN ('live', 'sandbox')),
    return_urls text[] NOT NULL DEFAULT '{}',
    merchant_mail text NOT NULL DEFAULT 'llavero' CHECK (merchant_mail IN ('llavero', 'partner')),
    expose_credentials boolean NOT NULL DEFAULT false,
    signing_secret_sealed bytea NOT NULL,
    previous_signing_secret_sealed bytea,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE apps IS 'One integration of a partner.';
COMMENT ON COLUMN apps.id IS 'UUIDv7, app_ in text';
COMMENT ON COLUMN apps.partner_id IS 'Owner';
COMMENT ON COLUMN apps.name IS 'Name shown to merchants';
COMMENT ON COLUMN apps.logo_url IS 'Address of a logo shown to merchants';
COMMENT ON COLUMN apps.mode IS 'live or sandbox, fixed when the app is made';
COMMENT ON COLUMN apps.return_urls IS 'Addresses the browser may be sent back to, compared exactly';
COMMENT ON COLUMN apps.merchant_mail IS 'Who writes to merchants';
COMMENT ON COLUMN apps.expose_credentials IS 'Whether GET /v1/access/credentials is allowed';
COMMENT ON COLUMN apps.signing_secret_sealed IS 'Secret that signs return URLs (llv_ss_...)';
COMMENT ON COLUMN apps.previous_signing_secret_sealed IS 'The one before, while a roll-over lasts';
COMMENT ON COLUMN apps.created_at IS 'When the row was made';
COMMENT ON COLUMN apps.updated_at IS 'When the row was last changed';

CREATE INDEX apps_partner_id ON apps (partner_id);
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    name text NOT NULL,
    scopes text[] NOT NULL,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    hint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE api_keys IS 'API keys of an app; only hashes are kept.';
COMMENT ON COLUMN api_keys.id IS 'UUIDv7, key_ in text';
COMMENT ON COLUMN api_keys.app_id IS 'App the key belongs to';
COMMENT ON COLUMN api_keys.name IS 'What it is used for, in the partner''s words';
COMMENT ON COLUMN api_keys.scopes IS 'What the key may do';
COMMENT ON COLUMN api_keys.hash IS 'SHA-256 of the whole key';
COMMENT ON COLUMN api_keys.hint IS 'The last characters, to tell keys apart';
COMMENT ON COLUMN api_keys.created_at IS 'When it was made';
COMMENT ON COLUMN api_keys.last_used_at IS 'Last use, written in batches';
COMMENT ON COLUMN api_keys.revoked_at IS 'When it was revoked; it is refused from then on';

CREATE INDEX api_keys_app_id ON api_keys (app_id);
