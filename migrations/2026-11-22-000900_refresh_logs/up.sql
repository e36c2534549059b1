CREATE TABLE refresh_logs (
    id uuid NOT NULL,
    app_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    platform text NOT NULL,
    platform_app_id uuid,
    trigger text NOT NULL,
    outcome text NOT NULL,
    platform_code text,
    http_status integer,
    detail text,
    duration_ms integer NOT NULL,
    grant_no bigint NOT NULL,
    attempt bigint NOT NULL,
    saved_before bigint NOT NULL,
    saved_after bigint NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (id, started_at)
) PARTITION BY RANGE (started_at);
COMMENT ON TABLE refresh_logs IS 'Every try to refresh a credential; append-only, written after the save, allowed to fail alone.';
COMMENT ON COLUMN refresh_logs.id IS 'UUIDv7, refresh_ in text';
COMMENT ON COLUMN refresh_logs.app_id IS 'App of the credential';
COMMENT ON COLUMN refresh_logs.credential_id IS 'Credential';
COMMENT ON COLUMN refresh_logs.platform IS 'Slug of the platform';
COMMENT ON COLUMN refresh_logs.platform_app_id IS 'OAuth client asked through';
COMMENT ON COLUMN refresh_logs.trigger IS 'What asked for it: call, timer, unauthorized, request, doubt or removal';
COMMENT ON COLUMN refresh_logs.outcome IS 'renewed, unchanged, dead, refused, app_broken, throttled, down, unknown, not_sent, answer_lost, superseded';
COMMENT ON COLUMN refresh_logs.platform_code IS 'The platform''s error code';
COMMENT ON COLUMN refresh_logs.http_status IS 'The platform''s HTTP status';
COMMENT ON COLUMN refresh_logs.detail IS 'One sentence, without secrets';
COMMENT ON COLUMN refresh_logs.duration_ms IS 'From claim to result';
COMMENT ON COLUMN refresh_logs.grant_no IS 'Grant before';
COMMENT ON COLUMN refresh_logs.attempt IS 'This attempt';
COMMENT ON COLUMN refresh_logs.saved_before IS 'Attempt saved before';
COMMENT ON COLUMN refresh_logs.saved_after IS 'Attempt saved after';
COMMENT ON COLUMN refresh_logs.started_at IS 'When it began';

CREATE INDEX refresh_logs_credential ON refresh_logs (credential_id, started_at DESC);
CREATE INDEX refresh_logs_platform_app ON refresh_logs (platform_app_id, started_at DESC);
-- Always there, so that a missing month never loses a row.
CREATE TABLE refresh_logs_default PARTITION OF refresh_logs DEFAULT;
COMMENT ON TABLE refresh_logs_default IS 'Rows of months that have no partition of their own';
