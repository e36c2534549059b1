CREATE TABLE audit_waiting (
    event_id uuid PRIMARY KEY,
    chain_id uuid NOT NULL
);
COMMENT ON TABLE audit_waiting IS 'Audit events that are not chained yet. A row of its own for each, so that whoever writes an event waits for nobody, and one that is committed late is not passed over.';
COMMENT ON COLUMN audit_waiting.event_id IS 'The event; no reference, so that one that was taken out is noticed';
COMMENT ON COLUMN audit_waiting.chain_id IS 'App concerned; the nil UUID: the installation';
CREATE INDEX audit_waiting_chain_id ON audit_waiting (chain_id, event_id);

CREATE TABLE audit_chains (
    id uuid PRIMARY KEY,
    length bigint NOT NULL,
    hash bytea NOT NULL,
    mac_key text NOT NULL,
    mac bytea NOT NULL
);
COMMENT ON TABLE audit_chains IS 'The newest end of each chain of audit events; its row is locked while events are chained.';
COMMENT ON COLUMN audit_chains.id IS 'App concerned; the nil UUID: the installation';
COMMENT ON COLUMN audit_chains.length IS 'Events in the chain';
COMMENT ON COLUMN audit_chains.hash IS 'Hash of the last link';
COMMENT ON COLUMN audit_chains.mac_key IS 'Id of the key in the ring that made the MAC';
COMMENT ON COLUMN audit_chains.mac IS 'MAC over chain, length and hash';

CREATE TABLE audit_links (
    chain_id uuid NOT NULL REFERENCES audit_chains,
    position bigint NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    digest bytea NOT NULL,
    hash bytea NOT NULL,
    mac_key text NOT NULL,
    mac bytea NOT NULL,
    PRIMARY KEY (chain_id, position)
);
COMMENT ON TABLE audit_links IS 'The chain over the audit events of an app: one link each, in the order of chaining.';
COMMENT ON COLUMN audit_links.chain_id IS 'Chain it belongs to';
COMMENT ON COLUMN audit_links.position IS 'Place in the chain, from 1';
COMMENT ON COLUMN audit_links.event_id IS 'The event; no reference, so that one that was taken out is noticed';
COMMENT ON COLUMN audit_links.digest IS 'SHA-256 over everything in the event';
COMMENT ON COLUMN audit_links.hash IS 'SHA-256 over the hash of the link before and the digest';
COMMENT ON COLUMN audit_links.mac_key IS 'Id of the key in the ring that made the MAC';
COMMENT ON COLUMN audit_links.mac IS 'MAC over chain, position, digest and hash';
-- A rotation of keys makes the MACs anew; nothing else changes.
CREATE TRIGGER audit_links_append_only BEFORE DELETE OR UPDATE OF chain_id, position, event_id, digest, hash
    ON audit_links FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();

CREATE FUNCTION audit_event_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_waiting (event_id, chain_id)
    VALUES (NEW.id, coalesce(NEW.app_id, '00000000-0000-0000-0000-000000000000'));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION audit_event_waits() IS 'Notes that an audit event waits for its link';
CREATE TRIGGER audit_events_wait AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_event_waits();
-- Making the trigger has waited for whoever was writing, so none is missed between the two.
INSERT INTO audit_waiting (event_id, chain_id)
SELECT id, coalesce(app_id, '00000000-0000-0000-0000-000000000000') FROM audit_events;
