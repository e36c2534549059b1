//! Connect sessions: one attempt to connect or re-authorize each. Every change is guarded by the state it starts from, so
//! that a session is used once however often a callback or a form arrives; a guarded write returns what it found.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{connect_session_stores, connect_sessions};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::id::{AccessTokenId, ApiKeyId, AppId, ConnectSessionId, StoreId};

pub use super::connect_session_ends::{By, end, end_of_customer, expire, forget_secrets, reopen};

pub(super) const GOING_ON: [SessionStatus; 2] = [SessionStatus::Open, SessionStatus::AtPlatform];

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = connect_sessions)]
pub struct ConnectSession {
    pub id: ConnectSessionId,
    pub app_id: AppId,
    pub store_id: Option<StoreId>,
    pub status: SessionStatus,
    pub failure: Option<ConnectFailure>,
    pub failure_detail: Option<String>,
    pub options: serde_json::Value,
    pub return_url: String,
    pub partner_state: Option<String>,
    pub customer_id: Option<String>,
    pub platform: Option<String>,
    pub method: Option<String>,
    pub state_hash: Option<TokenHash>,
    pub browser_hash: Option<TokenHash>,
    pub attempt_sealed: Option<Vec<u8>>,
    pub delivered_sealed: Option<Vec<u8>>,
    pub held_sealed: Option<Vec<u8>>,
    pub code_expires_at: Option<DateTime<Utc>>,
    pub result_store_id: Option<StoreId>,
    pub reauthorized: bool,
    pub exchanged_token_id: Option<AccessTokenId>,
    pub exchanged_by: Option<ApiKeyId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub left_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl ConnectSession {
    /// The state at `now`: a session whose time is over has expired, whether or not anybody has written that down.
    pub fn status_at(&self, now: DateTime<Utc>) -> SessionStatus {
        if !self.status.has_ended() && now >= self.expires_at {
            SessionStatus::Expired
        } else {
            self.status
        }
    }

    /// The platform's answer has come and is being worked on: taken, and not yet settled.
    pub fn is_under_way(&self) -> bool {
        self.status == SessionStatus::Open && self.state_hash.is_some()
    }
}

#[derive(Insertable)]
#[diesel(table_name = connect_sessions)]
pub struct NewConnectSession<'a> {
    pub id: ConnectSessionId,
    pub app_id: AppId,
    pub store_id: Option<StoreId>,
    pub link_hash: TokenHash,
    pub options: serde_json::Value,
    pub return_url: &'a str,
    pub partner_state: Option<&'a str>,
    pub customer_id: Option<&'a str>,
    pub expires_at: DateTime<Utc>,
}

pub fn insert(conn: &mut Conn, new: &NewConnectSession<'_>) -> Result<()> {
    diesel::insert_into(connect_sessions::table).values(new).execute(conn)?;
    Ok(())
}

/// Any session, for the broker itself.
pub fn find(conn: &mut Conn, id: ConnectSessionId) -> Result<Option<ConnectSession>> {
    Ok(connect_sessions::table
        .find(id)
        .select(ConnectSession::as_select())
        .first(conn)
        .optional()?)
}

/// A session of this app; another app's is not found.
pub fn find_of(conn: &mut Conn, app: AppId, id: ConnectSessionId) -> Result<Option<ConnectSession>> {
    let found = connect_sessions::table
        .find(id)
        .filter(connect_sessions::app_id.eq(app))
        .select(ConnectSession::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The session of a link, in whatever state.
pub fn find_by_link(conn: &mut Conn, hash: TokenHash) -> Result<Option<ConnectSession>> {
    let found = connect_sessions::table
        .filter(connect_sessions::link_hash.eq(hash))
        .select(ConnectSession::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The session that sent a browser away with this state, until its end has been shown.
pub fn find_by_state(conn: &mut Conn, hash: TokenHash) -> Result<Option<ConnectSession>> {
    let found = connect_sessions::table
        .filter(connect_sessions::state_hash.eq(hash))
        .select(ConnectSession::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Those of these sessions whose browser is at this platform, the one that left last first.
pub fn list_at_platform(conn: &mut Conn, ids: &[ConnectSessionId], platform: &str) -> Result<Vec<ConnectSession>> {
    let found = connect_sessions::table
        .filter(connect_sessions::id.eq_any(ids.iter().copied()))
        .filter(connect_sessions::platform.eq(platform.to_owned()))
        .filter(connect_sessions::status.eq(SessionStatus::AtPlatform))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .order(connect_sessions::left_at.desc())
        .select(ConnectSession::as_select())
        .load(conn)?;
    Ok(found)
}

/// The session of a one-time code of this app, locked until the transaction ends: exchanges of one code take turns.
pub fn lock_by_code(conn: &mut Conn, app: AppId, hash: TokenHash) -> Result<Option<ConnectSession>> {
    let found = connect_sessions::table
        .filter(connect_sessions::code_hash.eq(hash))
        .filter(connect_sessions::app_id.eq(app))
        .select(ConnectSession::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The newest session of a store whose verified grant waits for a decision.
pub fn find_held_of_store(conn: &mut Conn, store: StoreId) -> Result<Option<ConnectSession>> {
    let found = connect_sessions::table
        .filter(connect_sessions::store_id.eq(store))
        .filter(connect_sessions::held_sealed.is_not_null())
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .order(connect_sessions::id.desc())
        .select(ConnectSession::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Whether a session was completed for this store after `at`.
pub fn is_completed_since(conn: &mut Conn, store: StoreId, at: DateTime<Utc>) -> Result<bool> {
    let of_several = connect_session_stores::table
        .filter(connect_session_stores::store_id.eq(store))
        .select(connect_session_stores::session_id);
    let later = connect_sessions::table
        .filter(
            connect_sessions::result_store_id
                .eq(store)
                .or(connect_sessions::id.eq_any(of_several).nullable()),
        )
        .filter(connect_sessions::status.eq(SessionStatus::Completed))
        .filter(connect_sessions::ended_at.gt(at));
    Ok(diesel::select(diesel::dsl::exists(later)).get_result(conn)?)
}

/// What is noted when a browser begins: at the platform (`state_hash`), or here with a form of keys.
#[derive(Clone, AsChangeset)]
#[diesel(table_name = connect_sessions, treat_none_as_null = true)]
pub struct Begun {
    pub status: SessionStatus,
    pub platform: Option<String>,
    pub method: Option<String>,
    pub state_hash: Option<TokenHash>,
    pub browser_hash: Option<TokenHash>,
    pub attempt_sealed: Option<Vec<u8>>,
}

/// Begins, or begins anew: an earlier state is forgotten. `None`: the session has ended or expired.
pub fn begin(conn: &mut Conn, id: ConnectSessionId, begun: &Begun) -> Result<Option<ConnectSession>> {
    let begun = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .set((
            begun,
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
            connect_sessions::failure.eq(None::<ConnectFailure>),
            connect_sessions::failure_detail.eq(None::<String>),
            connect_sessions::left_at.eq(llavero_now().nullable()),
        ))
        .returning(ConnectSession::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(begun)
}

/// Takes the session of a state, once: it waits for no callback any more. The state stays, so that a browser that broke
/// off finds its session again.
pub fn take(conn: &mut Conn, state: TokenHash) -> Result<Option<ConnectSession>> {
    let taken = diesel::update(connect_sessions::table)
        .filter(connect_sessions::state_hash.eq(state))
        .filter(connect_sessions::status.eq(SessionStatus::AtPlatform))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .set(connect_sessions::status.eq(SessionStatus::Open))
        .returning(ConnectSession::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(taken)
}

/// The end was shown: a callback that comes again finds nothing.
pub fn forget_state(conn: &mut Conn, id: ConnectSessionId) -> Result<()> {
    diesel::update(connect_sessions::table.find(id))
        .set(connect_sessions::state_hash.eq(None::<TokenHash>))
        .execute(conn)?;
    Ok(())
}

/// Keeps what a platform delivered for a browser that is still there. False: the session does not wait for it.
pub fn deliver(conn: &mut Conn, id: ConnectSessionId, state: TokenHash, sealed: &[u8]) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(id))
        .filter(connect_sessions::state_hash.eq(state))
        .filter(connect_sessions::status.eq(SessionStatus::AtPlatform))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .set(connect_sessions::delivered_sealed.eq(sealed))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Keeps a verified grant until somebody decides, at least until `expires_at`.
/// False: it has ended, or another attempt has begun meanwhile, maybe in another browser.
pub fn hold(conn: &mut Conn, session: &ConnectSession, sealed: &[u8], expires_at: DateTime<Utc>) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(session.id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::browser_hash.is_not_distinct_from(session.browser_hash))
        .filter(connect_sessions::left_at.is_not_distinct_from(session.left_at))
        .set((
            connect_sessions::held_sealed.eq(sealed),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::state_hash.eq(None::<TokenHash>),
            connect_sessions::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// How a session ended well.
pub struct Completed {
    pub store: StoreId,
    pub reauthorized: bool,
    pub code_hash: TokenHash,
    pub code_expires_at: DateTime<Utc>,
    /// The code for the page that sends the browser back.
    pub attempt_sealed: Vec<u8>,
}

/// False: the session has ended or expired, or another attempt has begun meanwhile, maybe in another browser, which must
/// not get this one's code; the caller rolls back.
pub fn complete(conn: &mut Conn, session: &ConnectSession, completed: &Completed) -> Result<bool> {
    let changed = diesel::update(connect_sessions::table.find(session.id))
        .filter(connect_sessions::status.eq_any(GOING_ON))
        .filter(connect_sessions::browser_hash.is_not_distinct_from(session.browser_hash))
        .filter(connect_sessions::left_at.is_not_distinct_from(session.left_at))
        .filter(connect_sessions::expires_at.gt(llavero_now()))
        .set((
            connect_sessions::status.eq(SessionStatus::Completed),
            connect_sessions::failure.eq(None::<ConnectFailure>),
            connect_sessions::failure_detail.eq(None::<String>),
            connect_sessions::delivered_sealed.eq(None::<Vec<u8>>),
            connect_sessions::held_sealed.eq(None::<Vec<u8>>),
            connect_sessions::attempt_sealed.eq(&completed.attempt_sealed),
            connect_sessions::result_store_id.eq(completed.store),
            connect_sessions::reauthorized.eq(completed.reauthorized),
            connect_sessions::code_hash.eq(completed.code_hash),
            connect_sessions::code_expires_at.eq(completed.code_expires_at),
            connect_sessions::ended_at.eq(llavero_now().nullable()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Notes which token the code was last exchanged for.
pub fn set_exchanged(conn: &mut Conn, id: ConnectSessionId, token: AccessTokenId, by: Option<ApiKeyId>) -> Result<()> {
    diesel::update(connect_sessions::table.find(id))
        .set((
            connect_sessions::exchanged_token_id.eq(token),
            connect_sessions::exchanged_by.eq(by),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps something more with the attempt of a session that has ended.
pub fn set_attempt(conn: &mut Conn, id: ConnectSessionId, sealed: &[u8]) -> Result<()> {
    diesel::update(connect_sessions::table.find(id))
        .set(connect_sessions::attempt_sealed.eq(sealed))
        .execute(conn)?;
    Ok(())
}

/// Notes whose the code is from now on.
pub fn set_exchanged_by(conn: &mut Conn, id: ConnectSessionId, by: Option<ApiKeyId>) -> Result<()> {
    diesel::update(connect_sessions::table.find(id))
        .set(connect_sessions::exchanged_by.eq(by))
        .execute(conn)?;
    Ok(())
}
