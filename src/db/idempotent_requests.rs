//! Requests with an `Idempotency-Key`. Who inserts the row runs the request; the unique key decides between twins, and a
//! row whose runner was silent for too long is taken over by one UPDATE.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};

use super::schema::idempotent_requests as table;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::id::{ApiKeyId, AppId, IdempotentRequestId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct IdempotentRequest {
    pub id: IdempotentRequestId,
    pub request_mac: Vec<u8>,
    pub status: Option<i16>,
    pub content_type: Option<String>,
    pub body_sealed: Option<Vec<u8>>,
    pub body_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A request that begins.
#[derive(Debug, Clone)]
pub struct Begun {
    pub id: IdempotentRequestId,
    pub app: AppId,
    pub api_key: ApiKeyId,
    pub key: String,
    pub request_mac: Vec<u8>,
    /// For how long it counts as under way.
    pub busy: Duration,
}

macro_rules! from_now {
    ($wait:expr) => {
        sql::<Nullable<Timestamptz>>("llavero_now() + make_interval(secs => ")
            .bind::<Double, _>($wait.as_secs_f64())
            .sql(")")
    };
}

/// True: the request is the caller's to run.
pub fn begin(conn: &mut Conn, begun: &Begun) -> Result<bool> {
    let inserted = diesel::insert_into(table::table)
        .values((
            table::id.eq(begun.id),
            table::app_id.eq(begun.app),
            table::api_key_id.eq(begun.api_key),
            table::key.eq(&begun.key),
            table::request_mac.eq(&begun.request_mac),
            table::busy_until.eq(from_now!(begun.busy)),
        ))
        .on_conflict((table::api_key_id, table::key))
        .do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

pub fn find(conn: &mut Conn, api_key: ApiKeyId, key: &str) -> Result<Option<IdempotentRequest>> {
    Ok(table::table
        .filter(table::api_key_id.eq(api_key))
        .filter(table::key.eq(key))
        .select(IdempotentRequest::as_select())
        .first(conn)
        .optional()?)
}

/// Takes over a request without an answer whose runner counts as gone. The new id makes the old runner's word void.
pub fn take_over(conn: &mut Conn, id: IdempotentRequestId, new: IdempotentRequestId, busy: Duration) -> Result<bool> {
    let changed = diesel::update(table::table.find(id))
        .filter(table::status.is_null())
        .filter(table::busy_until.lt(llavero_now().nullable()))
        .set((table::id.eq(new), table::busy_until.eq(from_now!(busy))))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The answer of a request.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: i16,
    pub content_type: Option<String>,
    pub body_sealed: Vec<u8>,
    /// For how long the body is kept.
    pub keep: Duration,
}

/// Keeps the answer; false: the request is somebody else's by now.
pub fn answer(conn: &mut Conn, id: IdempotentRequestId, answered: &Answered) -> Result<bool> {
    let changed = diesel::update(table::table.find(id))
        .filter(table::status.is_null())
        .set((
            table::status.eq(answered.status),
            table::content_type.eq(answered.content_type.as_deref()),
            table::body_sealed.eq(&answered.body_sealed),
            table::body_until.eq(from_now!(answered.keep)),
            table::busy_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Forgets a request that did nothing, so that it can be sent again.
pub fn forget(conn: &mut Conn, id: IdempotentRequestId) -> Result<()> {
    diesel::delete(table::table.find(id))
        .filter(table::status.is_null())
        .execute(conn)?;
    Ok(())
}

/// Forgets an answered request that is from before `before`: its key is free again.
pub fn forget_old(conn: &mut Conn, id: IdempotentRequestId, before: DateTime<Utc>) -> Result<()> {
    diesel::delete(table::table.find(id))
        .filter(table::created_at.le(before))
        .filter(table::status.is_not_null())
        .execute(conn)?;
    Ok(())
}

/// Erases bodies past their time.
pub fn erase_bodies(conn: &mut Conn) -> Result<()> {
    diesel::update(table::table)
        .filter(table::body_sealed.is_not_null())
        .filter(table::body_until.lt(llavero_now().nullable()))
        .set(table::body_sealed.eq(None::<Vec<u8>>))
        .execute(conn)?;
    Ok(())
}

/// Erases rows from before `before`.
pub fn purge(conn: &mut Conn, before: DateTime<Utc>) -> Result<()> {
    diesel::delete(table::table)
        .filter(table::created_at.lt(before))
        .execute(conn)?;
    Ok(())
}
