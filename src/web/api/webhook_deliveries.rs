//! `/v1/webhook-deliveries`: what was sent where, with every attempt, and sending it again.

use std::collections::BTreeMap;

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::page::Ask;
use super::webhook_endpoints::accepted;
use super::{Answer, ok};
use crate::broker::webhooks;
use crate::db;
use crate::db::webhook_deliveries::{Attempt, Delivery, DeliveryFilter};
use crate::domain::event::EventKind;
use crate::domain::id::{EventId, WebhookDeliveryId, WebhookEndpointId};
use crate::domain::webhook::DeliveryStatus;
use crate::web::Error;
use crate::web::extract::{Params, PartnerKey, WebhooksWrite, path_id};

/// One event for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryJson {
    id: WebhookDeliveryId,
    endpoint_id: WebhookEndpointId,
    event_id: EventId,
    event_type: EventKind,
    status: DeliveryStatus,
    /// `null`: there will be none.
    next_attempt_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    dead_lettered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// Oldest first.
    attempts: Vec<AttemptJson>,
}

/// One try to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
struct AttemptJson {
    number: i32,
    started_at: DateTime<Utc>,
    duration_ms: i32,
    http_status: Option<i32>,
    /// `null`: it was taken.
    error: Option<String>,
    /// The beginning of the answer's body.
    answer: Option<String>,
    /// As it was sent; `null`: nothing was, or it was not kept yet.
    request: Option<RequestJson>,
}

/// What was posted, without the merchant's link.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookRequest)]
struct RequestJson {
    url: String,
    /// By name, in small letters.
    headers: BTreeMap<String, String>,
    body: String,
}

impl DeliveryJson {
    fn of((delivery, event_type): (Delivery, EventKind), attempts: &[Attempt]) -> Self {
        let own = attempts.iter().filter(|attempt| attempt.delivery_id == delivery.id);
        let is_pending = delivery.status == DeliveryStatus::Pending;
        Self {
            id: delivery.id,
            endpoint_id: delivery.endpoint_id,
            event_id: delivery.event_id,
            event_type,
            status: delivery.status,
            next_attempt_at: is_pending.then_some(delivery.next_at),
            delivered_at: delivery.delivered_at,
            dead_lettered_at: delivery.dead_lettered_at,
            created_at: delivery.created_at,
            attempts: own
                .map(|attempt| AttemptJson {
                    number: attempt.number,
                    started_at: attempt.started_at,
                    duration_ms: attempt.duration_ms,
                    http_status: attempt.http_status,
                    error: attempt.error.clone(),
                    answer: attempt.answer.clone(),
                    request: attempt
                        .request
                        .clone()
                        .and_then(|kept| serde_json::from_value(kept).ok()),
                })
                .collect(),
        }
    }
}

pub async fn list(by: PartnerKey<WebhooksWrite>, mut params: Params) -> Answer {
    let ask = Ask::<WebhookDeliveryId>::of(&mut params)?;
    let filter = DeliveryFilter {
        endpoint: params.parsed("endpoint_id", "the id of a webhook endpoint"),
        event: params.parsed("event_id", "the id of an event"),
        status: params.parsed("status", "pending, delivered or dead_lettered"),
    };
    params.finish()?;
    let (app, after, rows) = (by.app.id, ask.after, ask.rows());
    let (found, attempts) = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| {
            let found = db::webhook_deliveries::list(conn, app, filter, after, rows)?;
            let ids: Vec<_> = found.iter().map(|row| row.0.id).collect();
            let attempts = db::webhook_deliveries::attempts(conn, app, &ids)?;
            Ok((found, attempts))
        })
        .await?;
    ok(&ask.page(found, |row| row.0.id, |row| DeliveryJson::of(row, &attempts)))
}

pub async fn show(by: PartnerKey<WebhooksWrite>, id: Path<String>) -> Answer {
    ok(&shown_by_id(&by, path_id(&id)?).await?)
}

/// `POST .../retry` -> 202 with the delivery: it is sent again at once, whatever became of it before.
pub async fn retry(by: PartnerKey<WebhooksWrite>, id: Path<String>) -> Answer {
    let id = path_id(&id)?;
    webhooks::retry(&by.tools, &by.asker(), by.app.id, id).await?;
    accepted(&shown_by_id(&by, id).await?)
}

/// A delivery of the key's app.
pub(super) async fn shown_by_id(by: &PartnerKey<WebhooksWrite>, id: WebhookDeliveryId) -> Result<DeliveryJson, Error> {
    let app = by.app.id;
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| {
            let found = db::webhook_deliveries::find_of(conn, app, id)?;
            Ok((found, db::webhook_deliveries::attempts(conn, app, &[id])?))
        })
        .await?;
    let (found, attempts) = found;
    Ok(DeliveryJson::of(found.ok_or_else(Error::not_found)?, &attempts))
}
