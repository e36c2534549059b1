ALTER TABLE webhook_attempts ADD COLUMN request jsonb;
COMMENT ON COLUMN webhook_attempts.request IS 'Address, headers and body as they were sent, our links taken out; null: nothing was sent, or it was not kept yet';
