DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TABLE events;
DROP INDEX stores_refresh_failing;
ALTER TABLE stores DROP COLUMN refresh_failing_since;
ALTER TABLE stores ALTER COLUMN sequence SET DEFAULT 1;
