//! Sessions of the admin pages, and failed sign-ins. The cookie's key is stored as a hash, the values sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::schema::{sessions, sign_in_attempts};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::access_token::TokenHash;
use crate::domain::id::AdminId;

/// A session as the store of cookies needs it.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub id: Uuid,
    pub admin_id: Option<AdminId>,
    pub state_sealed: Vec<u8>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    pub key_hash: TokenHash,
    pub id: Uuid,
    pub admin_id: Option<AdminId>,
    pub state_sealed: Vec<u8>,
    pub expires_at: DateTime<Utc>,
}

pub fn insert(conn: &mut Conn, session: &NewSession) -> Result<()> {
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    Ok(())
}

/// A session that has not ended.
pub fn find(conn: &mut Conn, key_hash: TokenHash) -> Result<Option<Session>> {
    let found = sessions::table
        .find(key_hash)
        .filter(sessions::expires_at.gt(llavero_now()))
        .select(Session::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Replaces the values of a session; false: it has ended.
pub fn update(conn: &mut Conn, key_hash: TokenHash, admin: Option<AdminId>, state_sealed: &[u8]) -> Result<bool> {
    let changed = diesel::update(sessions::table.find(key_hash))
        .filter(sessions::expires_at.gt(llavero_now()))
        .set((
            sessions::admin_id.eq(admin),
            sessions::state_sealed.eq(state_sealed),
            sessions::seen_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Notes that a session is used. Its end, a fixed time after it began, does not move.
pub fn touch(conn: &mut Conn, key_hash: TokenHash) -> Result<()> {
    diesel::update(sessions::table.find(key_hash))
        .set(sessions::seen_at.eq(llavero_now()))
        .execute(conn)?;
    Ok(())
}

/// Notes from where a session is used.
pub fn set_seen_from(conn: &mut Conn, id: Uuid, address: &str, user_agent: &str) -> Result<()> {
    diesel::update(sessions::table.filter(sessions::id.eq(id)))
        .set((sessions::address.eq(address), sessions::user_agent.eq(user_agent)))
        .execute(conn)?;
    Ok(())
}

pub fn delete_by_key(conn: &mut Conn, key_hash: TokenHash) -> Result<()> {
    diesel::delete(sessions::table.find(key_hash)).execute(conn)?;
    Ok(())
}

/// Ends a session, of that admin only if one is given; false: no such session.
pub fn delete(conn: &mut Conn, id: Uuid, of: Option<AdminId>) -> Result<bool> {
    let mut query = diesel::delete(sessions::table.filter(sessions::id.eq(id))).into_boxed();
    if let Some(of) = of {
        query = query.filter(sessions::admin_id.eq(of));
    }
    Ok(query.execute(conn)? == 1)
}

/// The living sessions of an admin, newest first.
pub fn list(conn: &mut Conn, admin: AdminId) -> Result<Vec<Session>> {
    let rows = sessions::table
        .filter(sessions::admin_id.eq(admin))
        .filter(sessions::expires_at.gt(llavero_now()))
        .order(sessions::seen_at.desc())
        .select(Session::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Failed sign-ins since a time: of the account, and from the address.
pub fn count_failures(conn: &mut Conn, account: &str, address: &str, since: DateTime<Utc>) -> Result<(i64, i64)> {
    let recent = sign_in_attempts::table.filter(sign_in_attempts::at.gt(since));
    let by_account = recent
        .filter(sign_in_attempts::account.eq(account))
        .count()
        .get_result(conn)?;
    let by_address = recent
        .filter(sign_in_attempts::address.eq(address))
        .count()
        .get_result(conn)?;
    Ok((by_account, by_address))
}

pub fn insert_failure(conn: &mut Conn, id: Uuid, account: &str, address: &str) -> Result<()> {
    diesel::insert_into(sign_in_attempts::table)
        .values((
            sign_in_attempts::id.eq(id),
            sign_in_attempts::account.eq(account),
            sign_in_attempts::address.eq(address),
        ))
        .execute(conn)?;
    Ok(())
}
