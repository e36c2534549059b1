-- One authorization may cover several shops: each is a store, all share the credential, and what only one of them needs
-- is its own.
ALTER TABLE stores ADD COLUMN values_sealed bytea;
COMMENT ON COLUMN stores.values_sealed IS 'What calls of this shop need beside the credential that it may share (JSON)';

CREATE TABLE connect_session_stores (
    session_id uuid NOT NULL REFERENCES connect_sessions,
    store_id uuid NOT NULL REFERENCES stores,
    position integer NOT NULL CHECK (position > 0),
    reauthorized boolean NOT NULL,
    exchanged_token_id uuid REFERENCES access_tokens,
    PRIMARY KEY (session_id, store_id)
);
COMMENT ON TABLE connect_session_stores IS 'Stores that a session ended in beside its first';
COMMENT ON COLUMN connect_session_stores.session_id IS 'Session that covered several shops';
COMMENT ON COLUMN connect_session_stores.store_id IS 'One of its stores';
COMMENT ON COLUMN connect_session_stores.position IS 'Order; the first store, which the session names itself, is 0';
COMMENT ON COLUMN connect_session_stores.reauthorized IS 'The session renewed it';
COMMENT ON COLUMN connect_session_stores.exchanged_token_id IS 'Token made at the last exchange of the code';
CREATE INDEX connect_session_stores_store_id ON connect_session_stores (store_id);
CREATE INDEX connect_session_stores_exchanged_token_id ON connect_session_stores (exchanged_token_id);
