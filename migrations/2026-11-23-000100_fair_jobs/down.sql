DROP INDEX jobs_running, jobs_lanes;
