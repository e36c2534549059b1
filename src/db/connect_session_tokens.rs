//! Sessions that keep what came of tokens that a partner brought: found by the hash of the refresh token (as others are by
//! that of their link), claimed by whoever asks the platform with it, and holding the new pair until a store has it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connect_sessions::{ConnectSession, GOING_ON, NewConnectSession};
use super::schema::connect_sessions;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::connect::SessionStatus;
use crate::domain::id::ConnectSessionId;

/// The right to ask the platform; `None`: somebody has been asking since `given_up`, or the session has ended. `new` is made
/// unless one with its hash is there.
pub fn claim(conn: &mut Conn, new: &NewConnectSession<'_>, given_up: DateTime<Utc>) -> Result<Option<ConnectSession>> {
    diesel::insert_into(connect_sessions::table)
        .values(new)
        .on_conflict(connect_sessions::link_hash)
        .do_nothing()
        .execute(conn)?;
    let claimed = diesel::update(connect_sessions::table)
        .filter(connect_sessions::link_hash.eq(new.link_hash))
        .filter(connect_sessions::app_id.eq(new.app_id))
        .filter(connect_sessions::status.eq_any([SessionStatus::Open, SessionStatus::Expired]))
        .filter(connect_sessions::held_sealed.is_null())
        .filter(
            connect_sessions::left_at
                .is_null()
                .or(connect_sessions::left_at.le(given_up)),
        )
        .set((
            connect_sessions::status.eq(SessionStatus::Open),
            connect_sessions::left_at.eq(llavero_now().nullable()),
            connect_sessions::expires_at.eq(new.expires_at),
            connect_sessions::ended_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(ConnectSession::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(claimed)
}

/// Keeps what the platform answered, and lets others ask again. False: the session was ended meanwhile.
pub fn keep(conn: &mut Conn, id: ConnectSessionId, sealed: &[u8], until: DateTime<Utc>) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::status.eq_any([SessionStatus::Open, SessionStatus::Expired]))
        .set((
            connect_sessions::status.eq(SessionStatus::Open),
            connect_sessions::delivered_sealed.eq(sealed),
            connect_sessions::left_at.eq(None::<DateTime<Utc>>),
            connect_sessions::expires_at.eq(until),
            connect_sessions::ended_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Lets others ask: the platform gave nothing.
pub fn release(conn: &mut Conn, id: ConnectSessionId) -> Result<()> {
    diesel::update(connect_sessions::table.find(id))
        .set(connect_sessions::left_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(())
}

/// Says for whom the store is to be made now. `None`: the session has ended.
pub fn retake(
    conn: &mut Conn,
    id: ConnectSessionId,
    customer: &str,
    options: &serde_json::Value,
) -> Result<Option<ConnectSession>> {
    let taken = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .set((
            connect_sessions::customer_id.eq(customer),
            connect_sessions::options.eq(options),
        ))
        .returning(ConnectSession::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(taken)
}
