//! Events: written in the transaction of their cause, once an incident, numbered per store without gaps.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::schema::{events, stores};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, EventId, PlatformAppId, StoreId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct Event {
    pub id: EventId,
    pub app_id: AppId,
    pub kind: EventKind,
    pub store_id: Option<StoreId>,
    pub store_sequence: Option<i64>,
    pub data: serde_json::Value,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = events)]
pub struct NewEvent {
    pub id: EventId,
    pub app_id: AppId,
    pub kind: EventKind,
    pub store_id: Option<StoreId>,
    pub platform_app_id: Option<PlatformAppId>,
    pub incident: String,
    pub data: serde_json::Value,
}

/// Writes an event with the next number of its store, which stays locked until the transaction ends; false: this incident
/// was told before.
pub fn append(conn: &mut Conn, new: &NewEvent) -> Result<bool> {
    // The lock comes before the look, so that two of the same incident take turns.
    let last: Option<i64> = match new.store_id {
        Some(store) => Some(
            stores::table
                .find(store)
                .select(stores::sequence)
                .for_update()
                .first(conn)?,
        ),
        None => None,
    };
    let told = events::table
        .filter(events::app_id.eq(new.app_id))
        .filter(events::incident.eq(&new.incident));
    if diesel::select(diesel::dsl::exists(told)).get_result(conn)? {
        return Ok(false);
    }
    let sequence = last.map(|last| last + 1);
    if let (Some(store), Some(sequence)) = (new.store_id, sequence) {
        diesel::update(stores::table.find(store))
            .set(stores::sequence.eq(sequence))
            .execute(conn)?;
    }
    let inserted = diesel::insert_into(events::table)
        .values((new, events::store_sequence.eq(sequence)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

/// An event of this app; another app's is not found.
pub fn find_of(conn: &mut Conn, app: AppId, id: EventId) -> Result<Option<Event>> {
    Ok(events::table
        .find(id)
        .filter(events::app_id.eq(app))
        .select(Event::as_select())
        .first(conn)
        .optional()?)
}

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub kinds: Vec<EventKind>,
    pub store: Option<StoreId>,
    /// Not before.
    pub since: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

type Boxed<'a> = events::BoxedQuery<'a, diesel::pg::Pg>;

impl EventFilter {
    fn of(&self, app: AppId) -> Boxed<'_> {
        let mut query = events::table.filter(events::app_id.eq(app)).into_boxed();
        if !self.kinds.is_empty() {
            query = query.filter(events::kind.eq_any(&self.kinds));
        }
        if let Some(store) = self.store {
            query = query.filter(events::store_id.eq(store));
        }
        if let Some(since) = self.since {
            query = query.filter(events::created_at.ge(since));
        }
        if let Some(until) = self.until {
            query = query.filter(events::created_at.lt(until));
        }
        query
    }
}

/// Events of an app after `after` in the list, newest first.
pub fn list(
    conn: &mut Conn,
    app: AppId,
    filter: &EventFilter,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<Event>> {
    let mut query = filter.of(app).order(events::id.desc()).limit(limit);
    if let Some(after) = after {
        query = query.filter(events::id.lt(after));
    }
    Ok(query.select(Event::as_select()).load(conn)?)
}

/// Ids of up to `limit` events of an app, oldest first. Tests of endpoints are no events to be told again.
pub fn list_ids(conn: &mut Conn, app: AppId, filter: &EventFilter, limit: i64) -> Result<Vec<EventId>> {
    let query = filter.of(app).filter(events::kind.ne(EventKind::WebhookTest));
    Ok(query.order(events::id).limit(limit).select(events::id).load(conn)?)
}

/// Removes up to `limit` events that are older than `days`, with their deliveries; returns how many.
pub fn delete_old(conn: &mut Conn, days: i64, limit: i64) -> Result<usize> {
    let now: DateTime<Utc> = diesel::select(llavero_now()).get_result(conn)?;
    let old: Vec<EventId> = events::table
        .filter(events::created_at.lt(now - TimeDelta::days(days)))
        .order(events::created_at)
        .limit(limit)
        .select(events::id)
        .load(conn)?;
    Ok(diesel::delete(events::table.filter(events::id.eq_any(old))).execute(conn)?)
}
