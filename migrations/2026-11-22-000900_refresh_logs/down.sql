DROP TABLE refresh_logs;
