//! Deliveries: one event for one endpoint, with the attempts made. A claim is made under the endpoint's lock, so that the
//! number of attempts at once holds over all processes; it ends by itself, and then the same event is sent again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::events::Event;
use super::schema::{events, webhook_attempts, webhook_deliveries, webhook_endpoints};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, EventId, WebhookDeliveryId, WebhookEndpointId};
use crate::domain::webhook::DeliveryStatus;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries)]
pub struct Delivery {
    pub id: WebhookDeliveryId,
    pub app_id: AppId,
    pub endpoint_id: WebhookEndpointId,
    pub event_id: EventId,
    pub status: DeliveryStatus,
    /// Attempts begun, all in all.
    pub attempts: i32,
    /// Attempts begun since `queued_at`.
    pub tries: i32,
    pub queued_at: DateTime<Utc>,
    pub next_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub dead_lettered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What one statement touches of a backlog: far from the time limit of a statement, however large the backlog is.
const STEP: i64 = 1000;
const STEP_LEN: usize = 1000;

/// One attempt with what was answered.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_attempts)]
pub struct Attempt {
    pub delivery_id: WebhookDeliveryId,
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub duration_ms: i32,
    pub http_status: Option<i32>,
    pub error: Option<String>,
    pub answer: Option<String>,
    /// `url`, `headers` and `body` as they were sent, without the merchant's link; `None`: nothing was.
    pub request: Option<serde_json::Value>,
}

/// Queues an event for an endpoint of the same app; one that was sent or given up before is sent again.
pub fn queue(
    conn: &mut Conn,
    id: WebhookDeliveryId,
    app: AppId,
    endpoint: WebhookEndpointId,
    event: EventId,
) -> Result<WebhookDeliveryId> {
    let queued = diesel::insert_into(webhook_deliveries::table)
        .values((
            webhook_deliveries::id.eq(id),
            webhook_deliveries::app_id.eq(app),
            webhook_deliveries::endpoint_id.eq(endpoint),
            webhook_deliveries::event_id.eq(event),
        ))
        .on_conflict((webhook_deliveries::endpoint_id, webhook_deliveries::event_id))
        .do_update()
        .set((
            webhook_deliveries::status.eq(DeliveryStatus::Pending),
            webhook_deliveries::tries.eq(0),
            webhook_deliveries::queued_at.eq(llavero_now()),
            webhook_deliveries::next_at.eq(llavero_now()),
            webhook_deliveries::delivered_at.eq(None::<DateTime<Utc>>),
            webhook_deliveries::dead_lettered_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(webhook_deliveries::id)
        .get_result(conn)?;
    Ok(queued)
}

/// Claims up to `at_most` due deliveries, less those under way, until `length` from now. The endpoint must be locked.
pub fn claim(
    conn: &mut Conn,
    endpoint: WebhookEndpointId,
    at_most: i64,
    length: Duration,
) -> Result<Vec<(Delivery, Event)>> {
    let now: DateTime<Utc> = diesel::select(llavero_now()).get_result(conn)?;
    let pending = || {
        webhook_deliveries::table
            .filter(webhook_deliveries::endpoint_id.eq(endpoint))
            .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending))
    };
    let under_way: i64 = pending()
        .filter(webhook_deliveries::claimed_until.gt(now))
        .select(count_star())
        .get_result(conn)?;
    let due: Vec<WebhookDeliveryId> = pending()
        .filter(webhook_deliveries::next_at.le(now))
        .filter(
            webhook_deliveries::claimed_until
                .is_null()
                .or(webhook_deliveries::claimed_until.le(now)),
        )
        .order((webhook_deliveries::next_at, webhook_deliveries::id))
        .limit((at_most - under_way).max(0))
        .select(webhook_deliveries::id)
        .for_update()
        .load(conn)?;
    diesel::update(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(&due)))
        .set((
            webhook_deliveries::attempts.eq(webhook_deliveries::attempts + 1),
            webhook_deliveries::tries.eq(webhook_deliveries::tries + 1),
            webhook_deliveries::claimed_until.eq(now + TimeDelta::from_std(length).unwrap_or_default()),
        ))
        .execute(conn)?;
    Ok(webhook_deliveries::table
        .inner_join(events::table)
        .filter(webhook_deliveries::id.eq_any(&due))
        .order(webhook_deliveries::id)
        .select((Delivery::as_select(), Event::as_select()))
        .load(conn)?)
}

/// When an endpoint has something to do next: a delivery due, or a claim that ends.
pub fn next_due(conn: &mut Conn, endpoint: WebhookEndpointId) -> Result<Option<DateTime<Utc>>> {
    let waiting: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(endpoint))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending))
        .order(webhook_deliveries::next_at)
        .limit(50)
        .select((webhook_deliveries::next_at, webhook_deliveries::claimed_until))
        .load(conn)?;
    Ok(waiting
        .into_iter()
        .map(|(next, claimed)| claimed.map_or(next, |claimed| claimed.max(next)))
        .min())
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// Again not before then.
    Again(DateTime<Utc>),
    DeadLettered,
}

/// Notes an attempt and what became of its delivery; an attempt that a later one has overtaken changes only the notes. A
/// delivery that was queued again while the attempt was under way stays due: whoever asked may have seen it arrive.
pub fn record(conn: &mut Conn, attempt: &Attempt, outcome: Outcome) -> Result<()> {
    diesel::insert_into(webhook_attempts::table)
        .values(attempt)
        .on_conflict_do_nothing()
        .execute(conn)?;
    let (status, next_at) = match outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None),
        Outcome::Again(at) => (DeliveryStatus::Pending, Some(at)),
        Outcome::DeadLettered => (DeliveryStatus::DeadLettered, None),
    };
    let now_if = |is: bool| is.then(|| llavero_now().nullable());
    let noted = diesel::update(webhook_deliveries::table.find(attempt.delivery_id))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending))
        .filter(webhook_deliveries::attempts.eq(attempt.number))
        // Queued again, it has had no tries since.
        .filter(webhook_deliveries::tries.gt(0))
        .set((
            webhook_deliveries::status.eq(status),
            webhook_deliveries::claimed_until.eq(None::<DateTime<Utc>>),
            next_at.map(|at| webhook_deliveries::next_at.eq(at)),
            now_if(status == DeliveryStatus::Delivered).map(|now| webhook_deliveries::delivered_at.eq(now)),
            now_if(status == DeliveryStatus::DeadLettered).map(|now| webhook_deliveries::dead_lettered_at.eq(now)),
        ))
        .execute(conn)?;
    if noted == 0 {
        diesel::update(webhook_deliveries::table.find(attempt.delivery_id))
            .filter(webhook_deliveries::attempts.eq(attempt.number))
            .set(webhook_deliveries::claimed_until.eq(None::<DateTime<Utc>>))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives up some of what waits for an endpoint; whether that was all.
pub fn dead_letter_some(conn: &mut Conn, endpoint: WebhookEndpointId) -> Result<bool> {
    let waiting: Vec<WebhookDeliveryId> = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(endpoint))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending))
        .order(webhook_deliveries::next_at)
        .limit(STEP)
        .select(webhook_deliveries::id)
        .load(conn)?;
    diesel::update(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(&waiting)))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending))
        .set((
            webhook_deliveries::status.eq(DeliveryStatus::DeadLettered),
            webhook_deliveries::dead_lettered_at.eq(llavero_now().nullable()),
        ))
        .execute(conn)?;
    Ok(waiting.len() < STEP_LEN)
}

/// Deletes some deliveries of an endpoint with their attempts; whether those were all.
pub fn delete_some(conn: &mut Conn, endpoint: WebhookEndpointId) -> Result<bool> {
    let some: Vec<WebhookDeliveryId> = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(endpoint))
        .limit(STEP)
        .select(webhook_deliveries::id)
        .load(conn)?;
    diesel::delete(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(&some))).execute(conn)?;
    Ok(some.len() < STEP_LEN)
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    pub endpoint: Option<WebhookEndpointId>,
    pub event: Option<EventId>,
    pub status: Option<DeliveryStatus>,
}

/// Deliveries of an app after `after` in the list, newest first, with the type of what is told.
pub fn list(
    conn: &mut Conn,
    app: AppId,
    filter: DeliveryFilter,
    after: Option<WebhookDeliveryId>,
    limit: i64,
) -> Result<Vec<(Delivery, EventKind)>> {
    let mut query = webhook_deliveries::table
        .inner_join(events::table)
        .inner_join(webhook_endpoints::table)
        .filter(webhook_deliveries::app_id.eq(app))
        .filter(webhook_endpoints::removed_at.is_null())
        .order(webhook_deliveries::id.desc())
        .limit(limit)
        .select((Delivery::as_select(), events::kind))
        .into_boxed();
    if let Some(endpoint) = filter.endpoint {
        query = query.filter(webhook_deliveries::endpoint_id.eq(endpoint));
    }
    if let Some(event) = filter.event {
        query = query.filter(webhook_deliveries::event_id.eq(event));
    }
    if let Some(status) = filter.status {
        query = query.filter(webhook_deliveries::status.eq(status));
    }
    if let Some(after) = after {
        query = query.filter(webhook_deliveries::id.lt(after));
    }
    Ok(query.load(conn)?)
}

/// A delivery of this app; another app's is not found.
pub fn find_of(conn: &mut Conn, app: AppId, id: WebhookDeliveryId) -> Result<Option<(Delivery, EventKind)>> {
    Ok(webhook_deliveries::table
        .inner_join(events::table)
        .inner_join(webhook_endpoints::table)
        .filter(webhook_deliveries::id.eq(id))
        .filter(webhook_deliveries::app_id.eq(app))
        .filter(webhook_endpoints::removed_at.is_null())
        .select((Delivery::as_select(), events::kind))
        .first(conn)
        .optional()?)
}

/// The attempts of deliveries of an app, first ones first.
pub fn attempts(conn: &mut Conn, app: AppId, deliveries: &[WebhookDeliveryId]) -> Result<Vec<Attempt>> {
    Ok(webhook_attempts::table
        .inner_join(webhook_deliveries::table)
        .filter(webhook_deliveries::app_id.eq(app))
        .filter(webhook_attempts::delivery_id.eq_any(deliveries))
        .order((webhook_attempts::delivery_id, webhook_attempts::number))
        .select(Attempt::as_select())
        .load(conn)?)
}
