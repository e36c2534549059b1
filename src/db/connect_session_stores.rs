//! Stores that a connect session ended in beside its first one: an authorization that covers several shops makes a store
//! of each that the merchant chose.

use diesel::prelude::*;

use super::schema::connect_session_stores;
use super::{Conn, Result};
use crate::domain::id::{AccessTokenId, ConnectSessionId, StoreId};

#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = connect_session_stores)]
pub struct SessionStore {
    pub session_id: ConnectSessionId,
    pub store_id: StoreId,
    /// From 1; the first store is the session's own.
    pub position: i32,
    pub reauthorized: bool,
    pub exchanged_token_id: Option<AccessTokenId>,
}

pub fn insert(conn: &mut Conn, new: &[SessionStore]) -> Result<()> {
    diesel::insert_into(connect_session_stores::table)
        .values(new)
        .execute(conn)?;
    Ok(())
}

/// The stores beside a session's first, in order.
pub fn list(conn: &mut Conn, session: ConnectSessionId) -> Result<Vec<SessionStore>> {
    let rows = connect_session_stores::table
        .filter(connect_session_stores::session_id.eq(session))
        .order(connect_session_stores::position)
        .select(SessionStore::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Notes which token a store got when the session's code was last exchanged.
pub fn set_exchanged(conn: &mut Conn, session: ConnectSessionId, store: StoreId, token: AccessTokenId) -> Result<()> {
    diesel::update(connect_session_stores::table.find((session, store)))
        .set(connect_session_stores::exchanged_token_id.eq(token))
        .execute(conn)?;
    Ok(())
}
