CREATE TABLE admins (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'owner')),
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    disabled_at timestamptz
);
COMMENT ON TABLE admins IS 'People who sign in to the admin pages.';
COMMENT ON COLUMN admins.id IS 'UUIDv7, admin_ in text';
COMMENT ON COLUMN admins.email IS 'Address, lower case';
COMMENT ON COLUMN admins.role IS 'What the admin may do';
COMMENT ON COLUMN admins.password_hash IS 'Argon2id in PHC form; null until the first link is used';
COMMENT ON COLUMN admins.created_at IS 'When the admin was added';
COMMENT ON COLUMN admins.disabled_at IS 'Since when sign-in is refused';

CREATE TABLE admin_links (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    admin_id uuid NOT NULL REFERENCES admins,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
COMMENT ON TABLE admin_links IS 'One-time sign-in links; spent by the POST of a button.';
COMMENT ON COLUMN admin_links.hash IS 'SHA-256 of the link''s token';
COMMENT ON COLUMN admin_links.admin_id IS 'Who may sign in with it';
COMMENT ON COLUMN admin_links.created_at IS 'When it was made';
COMMENT ON COLUMN admin_links.expires_at IS 'Until when it works';
COMMENT ON COLUMN admin_links.used_at IS 'When it was spent';

CREATE INDEX admin_links_admin_id ON admin_links (admin_id);
CREATE TABLE sessions (
    key_hash bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    id uuid NOT NULL UNIQUE,
    admin_id uuid REFERENCES admins,
    state_sealed bytea NOT NULL,
    address text,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    seen_at timestamptz NOT NULL DEFAULT llavero_now(),
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE sessions IS 'Signed-in browsers of the admin pages.';
COMMENT ON COLUMN sessions.key_hash IS 'SHA-256 of the session key in the cookie';
COMMENT ON COLUMN sessions.id IS 'Names the session on pages without telling the key';
COMMENT ON COLUMN sessions.admin_id IS 'Whose session it is; null before sign-in';
COMMENT ON COLUMN sessions.state_sealed IS 'The session''s values (JSON)';
COMMENT ON COLUMN sessions.address IS 'Address it was last seen from';
COMMENT ON COLUMN sessions.user_agent IS 'Browser it was last seen with';
COMMENT ON COLUMN sessions.created_at IS 'When it began';
COMMENT ON COLUMN sessions.seen_at IS 'Last use, to the minute';
COMMENT ON COLUMN sessions.expires_at IS 'When it ends by itself';

CREATE INDEX sessions_admin_id ON sessions (admin_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE TABLE sign_in_attempts (
    id uuid PRIMARY KEY,
    account text NOT NULL,
    address text NOT NULL,
    at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE sign_in_attempts IS 'Failed sign-ins of the last hours, for the rate limits by account and by address.';
COMMENT ON COLUMN sign_in_attempts.id IS 'UUIDv7';
COMMENT ON COLUMN sign_in_attempts.account IS 'The address typed, lower case';
COMMENT ON COLUMN sign_in_attempts.address IS 'Network address of the browser';
COMMENT ON COLUMN sign_in_attempts.at IS 'When';

CREATE INDEX sign_in_attempts_account ON sign_in_attempts (account, at);
CREATE INDEX sign_in_attempts_address ON sign_in_attempts (address, at);
