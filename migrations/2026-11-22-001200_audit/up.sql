CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    app_id uuid REFERENCES apps,
    actor_kind text NOT NULL CHECK (actor_kind IN ('admin', 'partner', 'merchant', 'platform', 'system', 'command')),
    actor text,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    request_id text,
    at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE audit_events IS 'Who did what; append-only.';
COMMENT ON COLUMN audit_events.id IS 'UUIDv7, audit_ in text';
COMMENT ON COLUMN audit_events.app_id IS 'App concerned; null: the installation';
COMMENT ON COLUMN audit_events.actor_kind IS 'Who acted';
COMMENT ON COLUMN audit_events.actor IS 'Id of who acted: an admin, an API key; null where the kind says all';
COMMENT ON COLUMN audit_events.action IS 'What was done, such as store.revoked';
COMMENT ON COLUMN audit_events.subject IS 'Id of what it was done to';
COMMENT ON COLUMN audit_events.details IS 'Further facts, without secrets';
COMMENT ON COLUMN audit_events.request_id IS 'Request that did it';
COMMENT ON COLUMN audit_events.at IS 'When';

CREATE INDEX audit_events_app ON audit_events (app_id, id DESC);
CREATE INDEX audit_events_subject ON audit_events (subject, id DESC);
CREATE FUNCTION audit_events_are_kept() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit events are append-only'; END $$;
COMMENT ON FUNCTION audit_events_are_kept() IS 'Refuses changes of the audit trail';
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();
