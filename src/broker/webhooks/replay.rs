//! Sending again what was sent before, and trying an endpoint. A repeated event keeps its id, so that a receiver that has
//! it already can tell.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{found, wake};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, FieldError, events};
use crate::db;
use crate::db::events::{EventFilter, NewEvent};
use crate::db::webhook_endpoints::Endpoint;
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, EventId, WebhookDeliveryId, WebhookEndpointId};

/// Events that are replayed at one request.
const MOST: i64 = 10_000;
/// Of these so many in one transaction.
const BATCH: usize = 500;

/// Queues a `webhook.test` event for one endpoint, whatever types it wants.
pub async fn test(
    app: &Arc<App>,
    asker: &Asker,
    owner: AppId,
    id: WebhookEndpointId,
) -> Result<WebhookDeliveryId, Error> {
    let (tools, event): (_, EventId) = (app.clone(), app.id());
    let audit = asker.did(app.id(), owner, "webhook_endpoint.tested", id, json!({}));
    app.db
        .transaction(move |conn| {
            enabled(conn, owner, id)?;
            let new = NewEvent {
                id: event,
                app_id: owner,
                kind: EventKind::WebhookTest,
                store_id: None,
                platform_app_id: None,
                incident: format!("{}:{event}", EventKind::WebhookTest),
                data: json!({ "webhook_endpoint_id": id }),
            };
            db::events::append(conn, &new)?;
            db::audit::insert(conn, &audit)?;
            Ok(events::queue(conn, &tools, owner, id, event)?)
        })
        .await
}

/// Queues one delivery again, whatever became of it. `Conflict`: its endpoint is disabled.
pub async fn retry(app: &Arc<App>, asker: &Asker, owner: AppId, id: WebhookDeliveryId) -> Result<(), Error> {
    let tools = app.clone();
    let audit = asker.did(app.id(), owner, "webhook_delivery.retried", id, json!({}));
    app.db
        .transaction(move |conn| {
            let (delivery, _) = db::webhook_deliveries::find_of(conn, owner, id)?.ok_or(Error::NotFound)?;
            enabled(conn, owner, delivery.endpoint_id)?;
            events::queue(conn, &tools, owner, delivery.endpoint_id, delivery.event_id)?;
            Ok(db::audit::insert(conn, &audit)?)
        })
        .await
}

/// Queues every event from `since` until before `until` that an endpoint wants, those that it has already included;
/// returns how many.
///
/// `Invalid`: the range is empty, or holds more than 10,000 events.
pub async fn replay(
    app: &Arc<App>,
    asker: &Asker,
    owner: AppId,
    id: WebhookEndpointId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<usize, Error> {
    let invalid = |message: String| Error::Invalid(vec![FieldError::new("until", message)]);
    if until <= since {
        return Err(invalid("after `since`".to_owned()));
    }
    let wanted = app
        .db
        .run::<_, Error, _>(move |conn| {
            let endpoint = enabled(conn, owner, id)?;
            let kinds = EventKind::ALL.iter().copied();
            let filter = EventFilter {
                kinds: kinds.filter(|kind| endpoint.wants(*kind)).collect(),
                since: Some(since),
                until: Some(until),
                ..EventFilter::default()
            };
            Ok(db::events::list_ids(conn, owner, &filter, MOST + 1)?)
        })
        .await?;
    if wanted.len() > usize::try_from(MOST).unwrap_or_default() {
        return Err(invalid(format!("more than {MOST} events; ask for a shorter time")));
    }
    for batch in wanted.chunks(BATCH) {
        let (tools, batch) = (app.clone(), batch.to_vec());
        app.db
            .transaction::<_, Error, _>(move |conn| {
                enabled(conn, owner, id)?;
                for event in batch {
                    db::webhook_deliveries::queue(conn, tools.id(), owner, id, event)?;
                }
                Ok(wake(conn, &tools, owner, id)?)
            })
            .await?;
    }
    let details = json!({ "since": since, "until": until, "events": wanted.len() });
    let audit = asker.did(app.id(), owner, "webhook_endpoint.replayed", id, details);
    app.db
        .run::<_, db::Error, _>(move |conn| db::audit::insert(conn, &audit))
        .await?;
    Ok(wanted.len())
}

/// The endpoint, which does not go before the transaction ends.
fn enabled(conn: &mut db::Conn, owner: AppId, id: WebhookEndpointId) -> Result<Endpoint, Error> {
    let endpoint = found(conn, owner, id)?;
    // It may have gone since it was read.
    if endpoint.disabled_at.is_some() || db::webhook_endpoints::hold(conn, &[id])?.is_empty() {
        found(conn, owner, id)?;
        return Err(Error::Conflict(
            "The webhook endpoint is disabled; enable it first".to_owned(),
        ));
    }
    Ok(endpoint)
}
