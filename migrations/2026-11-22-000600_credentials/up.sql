CREATE TABLE credentials (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    platform text NOT NULL,
    method text NOT NULL,
    platform_app_id uuid REFERENCES platform_apps,
    values_sealed bytea,
    spares_sealed bytea,
    asks_spare boolean NOT NULL DEFAULT false,
    grant_no bigint NOT NULL DEFAULT 1,
    saved_attempt bigint NOT NULL DEFAULT 0,
    next_attempt bigint NOT NULL DEFAULT 1,
    lease_attempt bigint,
    lease_owner uuid,
    lease_since timestamptz,
    lease_until timestamptz,
    in_doubt_since timestamptz,
    doubt_sent_at timestamptz,
    unsettled_at timestamptz,
    access_issued_at timestamptz,
    access_expires_at timestamptz,
    refresh_expires_at timestamptz,
    reauthorize_by timestamptz,
    refresh_at timestamptz,
    scopes text[],
    failing_since timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_failure text,
    retry_at timestamptz,
    dead_at timestamptz,
    held_verdict_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE credentials IS 'What a platform gave in one grant. Several stores may share one.';
COMMENT ON COLUMN credentials.id IS 'UUIDv7, cred_ in text';
COMMENT ON COLUMN credentials.app_id IS 'App it was granted to';
COMMENT ON COLUMN credentials.platform IS 'Slug of the platform';
COMMENT ON COLUMN credentials.method IS 'Connect method it was obtained by';
COMMENT ON COLUMN credentials.platform_app_id IS 'OAuth client it was granted to; null: the store''s own keys or client';
COMMENT ON COLUMN credentials.values_sealed IS 'Tokens, keys and connect fields (JSON); null once erased';
COMMENT ON COLUMN credentials.spares_sealed IS 'Pairs replaced while in doubt, kept until a refresh with the saved pair has succeeded, and which pairs were refused (JSON)';
COMMENT ON COLUMN credentials.asks_spare IS 'The saved pair was refused and a spare was not yet: the next attempt sends that one';
COMMENT ON COLUMN credentials.grant_no IS 'Raised by connect, re-authorization, import and revocation';
COMMENT ON COLUMN credentials.saved_attempt IS 'Attempt whose answer is saved';
COMMENT ON COLUMN credentials.next_attempt IS 'Number the next claim takes; never restarts';
COMMENT ON COLUMN credentials.lease_attempt IS 'Attempt that holds the lease; null: free';
COMMENT ON COLUMN credentials.lease_owner IS 'Journal of the process that may still hold an answer of it; null: settled, nothing is held any more';
COMMENT ON COLUMN credentials.lease_since IS 'When it was claimed: its request was sent no earlier';
COMMENT ON COLUMN credentials.lease_until IS 'End of the lease';
COMMENT ON COLUMN credentials.in_doubt_since IS 'Since when the saved refresh token may have been used by an attempt whose answer was lost';
COMMENT ON COLUMN credentials.doubt_sent_at IS 'When the first attempt of the doubt was claimed; a grace that ends by time counts from here';
COMMENT ON COLUMN credentials.unsettled_at IS 'When an attempt was last taken over before it was settled';
COMMENT ON COLUMN credentials.access_issued_at IS 'When the request that brought the access token was sent';
COMMENT ON COLUMN credentials.access_expires_at IS 'End of the access token; null: none';
COMMENT ON COLUMN credentials.refresh_expires_at IS 'End of the refresh token; null: none known';
COMMENT ON COLUMN credentials.reauthorize_by IS 'Deadline that refreshing does not move; null: none';
COMMENT ON COLUMN credentials.refresh_at IS 'When the timer refreshes it; null: only on use';
COMMENT ON COLUMN credentials.scopes IS 'What the platform granted, as far as it says';
COMMENT ON COLUMN credentials.failing_since IS 'First failure since the last success';
COMMENT ON COLUMN credentials.failures IS 'Failures since the last success';
COMMENT ON COLUMN credentials.last_failure IS 'Class of the last failure';
COMMENT ON COLUMN credentials.retry_at IS 'Before this no further refresh is tried';
COMMENT ON COLUMN credentials.dead_at IS 'Since when the grant counts as refused for good';
COMMENT ON COLUMN credentials.held_verdict_at IS 'A dead verdict held back by the brake; asked once more after it lifts';
COMMENT ON COLUMN credentials.created_at IS 'When it was made';
COMMENT ON COLUMN credentials.updated_at IS 'When it was last changed';

CREATE INDEX credentials_app_id ON credentials (app_id);
CREATE INDEX credentials_platform_app_id ON credentials (platform_app_id);
CREATE INDEX credentials_refresh_at ON credentials (refresh_at) WHERE refresh_at IS NOT NULL AND dead_at IS NULL;
-- What a silent owner left behind: looked for every few seconds.
CREATE INDEX credentials_lease_until ON credentials (lease_until) WHERE lease_attempt IS NOT NULL;
-- Asked once more when a platform app's held verdicts are lifted.
CREATE INDEX credentials_held_verdicts ON credentials (platform_app_id) WHERE held_verdict_at IS NOT NULL;
