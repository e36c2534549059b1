DROP TABLE connect_session_stores;
ALTER TABLE stores DROP COLUMN values_sealed;
