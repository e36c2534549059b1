DROP TRIGGER audit_events_wait ON audit_events;
DROP FUNCTION audit_event_waits();
DROP TABLE audit_links;
DROP TABLE audit_chains;
DROP TABLE audit_waiting;
