-- The number of a store's last event. Until now it counted changes that nobody was told of.
ALTER TABLE stores ALTER COLUMN sequence SET DEFAULT 0;
UPDATE stores SET sequence = 0;
ALTER TABLE stores ADD COLUMN refresh_failing_since timestamptz;
COMMENT ON COLUMN stores.refresh_failing_since IS 'When the partner was told that refreshing fails; null: not told, or over';
CREATE INDEX stores_refresh_failing ON stores (app_id, platform) WHERE refresh_failing_since IS NOT NULL;

CREATE TABLE events (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    kind text NOT NULL,
    store_id uuid REFERENCES stores,
    store_sequence bigint,
    platform_app_id uuid REFERENCES platform_apps,
    incident text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE events IS 'What happened, as partners are told: written with its cause, kept for 30 days.';
COMMENT ON COLUMN events.id IS 'UUIDv7, evt_ in text; the webhook-id of every delivery';
COMMENT ON COLUMN events.app_id IS 'App that is told';
COMMENT ON COLUMN events.kind IS 'Type, such as store.connected';
COMMENT ON COLUMN events.store_id IS 'Store it is about; null: about none';
COMMENT ON COLUMN events.store_sequence IS 'Its number among the events of that store, without gaps';
COMMENT ON COLUMN events.platform_app_id IS 'Platform app it is about';
COMMENT ON COLUMN events.incident IS 'Names what happened, so that it is told once';
COMMENT ON COLUMN events.data IS 'What is told, without secrets and links';
COMMENT ON COLUMN events.created_at IS 'When it happened';
CREATE UNIQUE INDEX events_once ON events (app_id, incident);
CREATE UNIQUE INDEX events_store_sequence ON events (store_id, store_sequence);
CREATE INDEX events_list ON events (app_id, id DESC);
CREATE INDEX events_platform_app_id ON events (platform_app_id);
CREATE INDEX events_created_at ON events (created_at);

CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    event_types text[] NOT NULL DEFAULT '{}',
    secret_sealed bytea NOT NULL,
    previous_secret_sealed bytea,
    previous_secret_ends_at timestamptz,
    disabled_at timestamptz,
    disabled_reason text CHECK (disabled_reason IN ('gone', 'failing', 'partner')),
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_failed_at timestamptz,
    paused_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    updated_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE webhook_endpoints IS 'Where partners are told of events.';
COMMENT ON COLUMN webhook_endpoints.id IS 'UUIDv7, whe_ in text';
COMMENT ON COLUMN webhook_endpoints.app_id IS 'App whose events it gets';
COMMENT ON COLUMN webhook_endpoints.url IS 'Address that is posted to';
COMMENT ON COLUMN webhook_endpoints.description IS 'The partner''s own words';
COMMENT ON COLUMN webhook_endpoints.event_types IS 'Types it wants; empty: all';
COMMENT ON COLUMN webhook_endpoints.secret_sealed IS 'Secret that signs (whsec_...)';
COMMENT ON COLUMN webhook_endpoints.previous_secret_sealed IS 'The one before, which signs as well while a roll-over lasts';
COMMENT ON COLUMN webhook_endpoints.previous_secret_ends_at IS 'When the roll-over ends';
COMMENT ON COLUMN webhook_endpoints.disabled_at IS 'Since when nothing is sent';
COMMENT ON COLUMN webhook_endpoints.disabled_reason IS 'gone: answered 410; failing: nothing but failures for days; partner: switched off';
COMMENT ON COLUMN webhook_endpoints.failures IS 'Failed attempts since the last good one';
COMMENT ON COLUMN webhook_endpoints.failing_since IS 'Since when all attempts failed';
COMMENT ON COLUMN webhook_endpoints.last_failed_at IS 'The last failed attempt';
COMMENT ON COLUMN webhook_endpoints.paused_until IS 'Not tried before, after several failures in a row';
COMMENT ON COLUMN webhook_endpoints.created_at IS 'When it was made';
COMMENT ON COLUMN webhook_endpoints.updated_at IS 'When the partner last changed it';
CREATE INDEX webhook_endpoints_app_id ON webhook_endpoints (app_id, id);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    app_id uuid NOT NULL REFERENCES apps,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id uuid NOT NULL REFERENCES events ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead_lettered')),
    attempts integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT llavero_now(),
    next_at timestamptz NOT NULL DEFAULT llavero_now(),
    claimed_until timestamptz,
    delivered_at timestamptz,
    dead_lettered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT llavero_now()
);
COMMENT ON TABLE webhook_deliveries IS 'One event for one endpoint.';
COMMENT ON COLUMN webhook_deliveries.id IS 'UUIDv7, whd_ in text';
COMMENT ON COLUMN webhook_deliveries.app_id IS 'Owner';
COMMENT ON COLUMN webhook_deliveries.endpoint_id IS 'Where it goes';
COMMENT ON COLUMN webhook_deliveries.event_id IS 'What is told';
COMMENT ON COLUMN webhook_deliveries.status IS 'State';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'Attempts begun, all in all';
COMMENT ON COLUMN webhook_deliveries.tries IS 'Attempts begun since it was last queued';
COMMENT ON COLUMN webhook_deliveries.queued_at IS 'When it was last queued: at the event, or at a retry that was asked for';
COMMENT ON COLUMN webhook_deliveries.next_at IS 'Not before';
COMMENT ON COLUMN webhook_deliveries.claimed_until IS 'Until when an attempt is under way; past it anybody may begin the next';
COMMENT ON COLUMN webhook_deliveries.delivered_at IS 'When the endpoint said yes';
COMMENT ON COLUMN webhook_deliveries.dead_lettered_at IS 'When it was given up';
COMMENT ON COLUMN webhook_deliveries.created_at IS 'When it was made';
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (endpoint_id, event_id);
CREATE INDEX webhook_deliveries_event_id ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (app_id, id DESC);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE status = 'pending';

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    http_status integer,
    error text,
    answer text,
    PRIMARY KEY (delivery_id, number)
);
COMMENT ON TABLE webhook_attempts IS 'Attempts to deliver an event, with what was answered.';
COMMENT ON COLUMN webhook_attempts.delivery_id IS 'Delivery it belongs to';
COMMENT ON COLUMN webhook_attempts.number IS 'From 1; one that a crash cut off leaves a gap';
COMMENT ON COLUMN webhook_attempts.started_at IS 'When it began';
COMMENT ON COLUMN webhook_attempts.duration_ms IS 'How long it took';
COMMENT ON COLUMN webhook_attempts.http_status IS 'Status of the answer; null: there was none';
COMMENT ON COLUMN webhook_attempts.error IS 'Why it failed';
COMMENT ON COLUMN webhook_attempts.answer IS 'The beginning of the answer''s body, our links taken out';
