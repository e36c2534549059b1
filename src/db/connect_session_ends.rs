//! How connect sessions end, or are opened again, without a store. An attempt that fails late says which one it was: it
//! neither ends nor reopens a session that a newer attempt, maybe in another browser, has taken over.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::connect_sessions::{ConnectSession, GOING_ON};
use super::schema::{connect_session_stores, connect_sessions, stores};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::id::{AppId, ConnectSessionId, StoreId};

/// Who ends a session or opens it again.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// Whoever may do so at any time: the partner, or the merchant on the page.
    Anybody,
    /// One attempt; a newer one, maybe in another browser, takes the right away.
    Attempt {
        browser: Option<TokenHash>,
        left_at: Option<DateTime<Utc>>,
    },
}

impl By {
    /// The attempt that `session` was read or taken in.
    pub fn attempt(session: &ConnectSession) -> Self {
        Self::Attempt {
            browser: session.browser_hash,
            left_at: session.left_at,
        }
    }
}

/// Whether a session is `by`'s to end.
fn belongs_to(by: By) -> Box<dyn BoxableExpression<connect_sessions::table, Pg, SqlType = Bool>> {
    match by {
        By::Anybody => Box::new(true.into_sql::<Bool>()),
        By::Attempt { browser, left_at } => Box::new(
            connect_sessions::browser_hash
                .is_not_distinct_from(browser)
                .and(connect_sessions::left_at.is_not_distinct_from(left_at)),
        ),
    }
}

/// Ends a session without a store and forgets its secrets. False: it has ended before, or is another attempt's by now.
pub fn end(
    conn: &mut Conn,
    id: ConnectSessionId,
    by: By,
    status: SessionStatus,
    failure: Option<ConnectFailure>,
    detail: Option<&str>,
) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(belongs_to(by))
        .set((
            connect_sessions::status.eq(status),
            connect_sessions::failure.eq(failure),
            connect_sessions::failure_detail.eq(detail),
            connect_sessions::state_hash.eq(None::<TokenHash>),
            connect_sessions::attempt_sealed.eq(None::<Vec<u8>>),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
            connect_sessions::ended_at.eq(llavero_now().nullable()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Opens a session again: after a failure that trying again may cure, or because the merchant begins anew. False: as
/// for `end`.
pub fn reopen(
    conn: &mut Conn,
    id: ConnectSessionId,
    by: By,
    failure: Option<ConnectFailure>,
    detail: Option<&str>,
) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(belongs_to(by))
        .set((
            connect_sessions::status.eq(SessionStatus::Open),
            connect_sessions::failure.eq(failure),
            connect_sessions::failure_detail.eq(detail),
            connect_sessions::state_hash.eq(None::<TokenHash>),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Forgets what ended sessions of a store still hold; one that connected other stores as well goes on for those.
pub fn forget_secrets(conn: &mut Conn, store: StoreId) -> Result<()> {
    let alone = diesel::dsl::not(diesel::dsl::exists(
        connect_session_stores::table.filter(connect_session_stores::session_id.eq(connect_sessions::id)),
    ));
    diesel::update(connect_sessions::table)
        .filter(
            connect_sessions::result_store_id
                .eq(store)
                .or(connect_sessions::store_id.eq(store)),
        )
        .filter(alone)
        .filter(connect_sessions::status.ne_all(GOING_ON))
        .set((
            connect_sessions::attempt_sealed.eq(None::<Vec<u8>>),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Cancels the sessions of a customer that go on, those bound to one of its stores included, and forgets whom all of them
/// were for; returns how many were cancelled.
pub fn end_of_customer(conn: &mut Conn, app: AppId, customer_id: &str) -> Result<usize> {
    let of_stores = stores::table
        .filter(stores::app_id.eq(app))
        .filter(stores::customer_id.eq(customer_id))
        .select(stores::id.nullable());
    let sessions = connect_sessions::table.filter(connect_sessions::app_id.eq(app)).filter(
        connect_sessions::customer_id
            .eq(customer_id)
            .or(connect_sessions::store_id.eq_any(of_stores)),
    );
    let ids: Vec<ConnectSessionId> = sessions.select(connect_sessions::id).load(conn)?;
    let mut ended = 0;
    for id in &ids {
        let (status, detail) = (SessionStatus::Cancelled, Some("The customer was deleted."));
        ended += usize::from(end(conn, *id, By::Anybody, status, None, detail)?);
    }
    diesel::update(connect_sessions::table.filter(connect_sessions::id.eq_any(ids)))
        .set((
            connect_sessions::options.eq(serde_json::json!({})),
            connect_sessions::partner_state.eq(None::<String>),
            connect_sessions::customer_id.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(ended)
}

/// Writes down which sessions' time is over, and forgets the secrets of those and of codes past their time; returns how
/// many expired.
pub fn expire(conn: &mut Conn) -> Result<usize> {
    let expired = diesel::update(connect_sessions::table)
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::expires_at.le(llavero_now()))
        .set((
            connect_sessions::status.eq(SessionStatus::Expired),
            connect_sessions::state_hash.eq(None::<TokenHash>),
            connect_sessions::attempt_sealed.eq(None::<Vec<u8>>),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
            connect_sessions::ended_at.eq(connect_sessions::expires_at.nullable()),
        ))
        .execute(conn)?;
    diesel::update(connect_sessions::table)
        .filter(connect_sessions::status.eq(SessionStatus::Completed))
        .filter(connect_sessions::attempt_sealed.is_not_null())
        .filter(connect_sessions::code_expires_at.le(llavero_now().nullable()))
        .set(connect_sessions::attempt_sealed.eq(None::<Vec<u8>>))
        .execute(conn)?;
    Ok(expired)
}
