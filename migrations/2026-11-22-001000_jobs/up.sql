CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    app_id uuid REFERENCES apps,
    platform text,
    unique_key text,
    status text NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'running', 'done', 'failed')),
    due_at timestamptz NOT NULL DEFAULT llavero_now(),
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 12,
    lease_id uuid,
    lease_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT llavero_now(),
    finished_at timestamptz
);
COMMENT ON TABLE jobs IS 'Work to do later; payloads hold ids, every job is safe to run twice.';
COMMENT ON COLUMN jobs.id IS 'UUIDv7, job_ in text';
COMMENT ON COLUMN jobs.kind IS 'Which job';
COMMENT ON COLUMN jobs.payload IS 'Ids it works on';
COMMENT ON COLUMN jobs.app_id IS 'App it is done for, for fair shares';
COMMENT ON COLUMN jobs.platform IS 'Platform it talks to';
COMMENT ON COLUMN jobs.unique_key IS 'At most one waiting job has it';
COMMENT ON COLUMN jobs.status IS 'State; failed: dead letter';
COMMENT ON COLUMN jobs.due_at IS 'Not before';
COMMENT ON COLUMN jobs.attempts IS 'Times claimed';
COMMENT ON COLUMN jobs.max_attempts IS 'After these it is a dead letter';
COMMENT ON COLUMN jobs.lease_id IS 'Names the claim that runs it';
COMMENT ON COLUMN jobs.lease_until IS 'End of that claim; past it anybody may claim';
COMMENT ON COLUMN jobs.last_error IS 'Why the last try did not finish, without secrets';
COMMENT ON COLUMN jobs.created_at IS 'When it was made';
COMMENT ON COLUMN jobs.finished_at IS 'When it ended';

CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key) WHERE status = 'ready';
CREATE INDEX jobs_due ON jobs (due_at) WHERE status IN ('ready', 'running');
CREATE INDEX jobs_app_id ON jobs (app_id);
CREATE INDEX jobs_list ON jobs (status, id DESC);
CREATE INDEX jobs_finished_at ON jobs (finished_at) WHERE status = 'done';
