-- Which apps and platforms have jobs is read by leaps through this one, the due ones of each from its start. The
-- statement that claims jobs is written in the same expressions.
CREATE INDEX jobs_lanes ON jobs (coalesce(app_id, '00000000-0000-0000-0000-000000000000'), coalesce(platform, ''), due_at)
    WHERE status IN ('ready', 'running');
-- What is under way, to be counted against its app and platform: a few rows.
CREATE INDEX jobs_running ON jobs (app_id) WHERE status = 'running';
