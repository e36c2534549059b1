-- The one clock of every statement: the setting llavero.now if it is set (tests freeze it), else the wall clock.
-- STABLE, so that a statement sees one value wherever the setting is used, and the planner may use it for index scans.
CREATE FUNCTION llavero_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('llavero.now', true), '')::timestamptz, clock_timestamp()) $$;
COMMENT ON FUNCTION llavero_now() IS 'The time every statement uses: the setting llavero.now if set, else clock_timestamp()';
