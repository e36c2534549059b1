-- A removed endpoint is out of sight at once; its deliveries go in steps, and the row last.
ALTER TABLE webhook_endpoints ADD COLUMN removed_at timestamptz;
COMMENT ON COLUMN webhook_endpoints.removed_at IS 'When it was removed: nobody sees it any more, and a job clears it away';
