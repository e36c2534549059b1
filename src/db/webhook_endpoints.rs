//! Webhook endpoints of apps. Finders for partners carry the app; the job that delivers finds by id alone. A removed one
//! is found by nobody but that job, which clears it away: whatever tells of an event at the same time must not wait for
//! its deliveries to go, or fail because they went.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::webhook_endpoints;
use super::types::{Texts, llavero_now};
use super::{Conn, Result};
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, WebhookEndpointId};
use crate::domain::webhook::DisabledReason;

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints)]
pub struct Endpoint {
    pub id: WebhookEndpointId,
    pub app_id: AppId,
    pub url: String,
    pub description: String,
    /// Empty: all.
    pub event_types: Texts,
    pub secret_sealed: Vec<u8>,
    pub previous_secret_sealed: Option<Vec<u8>>,
    pub previous_secret_ends_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_reason: Option<DisabledReason>,
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    pub last_failed_at: Option<DateTime<Utc>>,
    pub paused_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Endpoint {
    /// Whether it gets events of this type.
    pub fn wants(&self, kind: EventKind) -> bool {
        let types = &self.event_types.0;
        types.is_empty() || types.iter().any(|wanted| wanted == kind.as_str())
    }
}

#[derive(Insertable)]
#[diesel(table_name = webhook_endpoints)]
pub struct NewEndpoint<'a> {
    pub id: WebhookEndpointId,
    pub app_id: AppId,
    pub url: &'a str,
    pub description: &'a str,
    pub event_types: Texts,
    pub secret_sealed: &'a [u8],
}

pub fn insert(conn: &mut Conn, new: &NewEndpoint<'_>) -> Result<()> {
    diesel::insert_into(webhook_endpoints::table)
        .values(new)
        .execute(conn)?;
    Ok(())
}

/// An endpoint of this app; another app's is not found.
pub fn find_of(conn: &mut Conn, app: AppId, id: WebhookEndpointId) -> Result<Option<Endpoint>> {
    Ok(webhook_endpoints::table
        .find(id)
        .filter(webhook_endpoints::app_id.eq(app))
        .filter(webhook_endpoints::removed_at.is_null())
        .select(Endpoint::as_select())
        .first(conn)
        .optional()?)
}

/// Any endpoint, locked until the transaction ends; events can be queued for it meanwhile.
pub fn lock(conn: &mut Conn, id: WebhookEndpointId) -> Result<Option<Endpoint>> {
    Ok(webhook_endpoints::table
        .find(id)
        .for_no_key_update()
        .select(Endpoint::as_select())
        .first(conn)
        .optional()?)
}

/// Endpoints of an app, oldest first; there are few.
pub fn list(conn: &mut Conn, app: AppId) -> Result<Vec<Endpoint>> {
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::app_id.eq(app))
        .filter(webhook_endpoints::removed_at.is_null())
        .order(webhook_endpoints::id)
        .select(Endpoint::as_select())
        .load(conn)?)
}

/// Those that get events of this type; none of them goes before the transaction ends.
pub fn subscribed(conn: &mut Conn, app: AppId, kind: EventKind) -> Result<Vec<WebhookEndpointId>> {
    let all = list(conn, app)?.into_iter();
    let wanting: Vec<WebhookEndpointId> = all
        .filter(|endpoint| endpoint.disabled_at.is_none() && endpoint.wants(kind))
        .map(|endpoint| endpoint.id)
        .collect();
    hold(conn, &wanting)
}

/// Those of these that are enabled, kept from going until the transaction ends: what is queued for them has its endpoint.
pub fn hold(conn: &mut Conn, ids: &[WebhookEndpointId]) -> Result<Vec<WebhookEndpointId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::id.eq_any(ids))
        .filter(webhook_endpoints::removed_at.is_null())
        .filter(webhook_endpoints::disabled_at.is_null())
        .order(webhook_endpoints::id)
        .for_key_share()
        .select(webhook_endpoints::id)
        .load(conn)?)
}

/// What a partner changes.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = webhook_endpoints)]
pub struct Patch {
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Texts>,
}

/// False: no such endpoint of that app.
pub fn patch(conn: &mut Conn, app: AppId, id: WebhookEndpointId, patch: &Patch) -> Result<bool> {
    let changed = diesel::update(webhook_endpoints::table.find(id))
        .filter(webhook_endpoints::app_id.eq(app))
        .set((patch, webhook_endpoints::updated_at.eq(llavero_now())))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Puts a new secret before the one there is, which ends then; `None`: at once.
pub fn set_secret(
    conn: &mut Conn,
    id: WebhookEndpointId,
    secret_sealed: &[u8],
    previous: Option<(&[u8], DateTime<Utc>)>,
) -> Result<()> {
    diesel::update(webhook_endpoints::table.find(id))
        .set((
            webhook_endpoints::secret_sealed.eq(secret_sealed),
            webhook_endpoints::previous_secret_sealed.eq(previous.map(|previous| previous.0)),
            webhook_endpoints::previous_secret_ends_at.eq(previous.map(|previous| previous.1)),
            webhook_endpoints::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Erases the secrets whose roll-over has ended: nothing is signed with them any more.
pub fn erase_ended_secrets(conn: &mut Conn) -> Result<usize> {
    let erased = diesel::update(webhook_endpoints::table)
        .filter(webhook_endpoints::previous_secret_ends_at.le(llavero_now().nullable()))
        .set((
            webhook_endpoints::previous_secret_sealed.eq(None::<Vec<u8>>),
            webhook_endpoints::previous_secret_ends_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(erased)
}

/// Switches an endpoint off.
pub fn disable(conn: &mut Conn, id: WebhookEndpointId, reason: DisabledReason) -> Result<()> {
    diesel::update(webhook_endpoints::table.find(id))
        .set((
            webhook_endpoints::disabled_at.eq(llavero_now().nullable()),
            webhook_endpoints::disabled_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Switches an endpoint on, its failures forgotten.
pub fn enable(conn: &mut Conn, id: WebhookEndpointId) -> Result<()> {
    diesel::update(webhook_endpoints::table.find(id))
        .set((
            webhook_endpoints::disabled_at.eq(None::<DateTime<Utc>>),
            webhook_endpoints::disabled_reason.eq(None::<DisabledReason>),
        ))
        .execute(conn)?;
    set_failures(conn, id, &Failures::default())
}

/// How attempts went lately.
#[derive(Debug, Clone, Copy, Default, AsChangeset)]
#[diesel(table_name = webhook_endpoints, treat_none_as_null = true)]
pub struct Failures {
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    pub last_failed_at: Option<DateTime<Utc>>,
    pub paused_until: Option<DateTime<Utc>>,
}

pub fn set_failures(conn: &mut Conn, id: WebhookEndpointId, failures: &Failures) -> Result<()> {
    diesel::update(webhook_endpoints::table.find(id))
        .set(failures)
        .execute(conn)?;
    Ok(())
}

/// Takes an endpoint out of everybody's sight; false: no such endpoint of that app.
pub fn remove(conn: &mut Conn, app: AppId, id: WebhookEndpointId) -> Result<bool> {
    let removed = diesel::update(webhook_endpoints::table.find(id))
        .filter(webhook_endpoints::app_id.eq(app))
        .filter(webhook_endpoints::removed_at.is_null())
        .set((
            webhook_endpoints::removed_at.eq(llavero_now().nullable()),
            webhook_endpoints::disabled_at.eq(llavero_now().nullable()),
            webhook_endpoints::disabled_reason.eq(DisabledReason::Partner),
        ))
        .execute(conn)?;
    Ok(removed == 1)
}

pub fn is_removed(conn: &mut Conn, id: WebhookEndpointId) -> Result<bool> {
    let removed = webhook_endpoints::table
        .find(id)
        .filter(webhook_endpoints::removed_at.is_not_null());
    Ok(diesel::select(diesel::dsl::exists(removed)).get_result(conn)?)
}

/// Deletes a removed endpoint, once its deliveries have gone.
pub fn clear(conn: &mut Conn, id: WebhookEndpointId) -> Result<()> {
    diesel::delete(webhook_endpoints::table.find(id))
        .filter(webhook_endpoints::removed_at.is_not_null())
        .execute(conn)?;
    Ok(())
}
