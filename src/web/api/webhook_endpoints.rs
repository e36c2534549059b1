//! `/v1/webhook-endpoints`: where a partner is told of events. Secrets are shown once: when an endpoint is made, and when
//! its secret is rolled over.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::page::Page;
use super::stores::Moment;
use super::webhook_deliveries::shown_by_id;
use super::{Answer, created, done, ok};
use crate::broker::webhooks::{self, Change, Wanted};
use crate::db;
use crate::db::webhook_endpoints::Endpoint;
use crate::domain::event::EventKind;
use crate::domain::id::WebhookEndpointId;
use crate::domain::secret::Secret;
use crate::domain::webhook::DisabledReason;
use crate::web::Error;
use crate::web::extract::{Body, PartnerKey, WebhooksWrite, path_id};

/// How long the old secret signs beside a new one, unless asked otherwise.
const OVERLAP_SECONDS: u64 = 24 * 3600;

/// Where a partner is told of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(super) struct EndpointJson {
    id: WebhookEndpointId,
    url: String,
    description: String,
    /// Empty: all.
    event_types: Vec<String>,
    disabled: bool,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<DisabledReason>,
    /// Since when every attempt has failed.
    failing_since: Option<DateTime<Utc>>,
    /// Until then the secret before signs as well.
    previous_secret_ends_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

fn shown(by: &PartnerKey<WebhooksWrite>, endpoint: Endpoint, secret: Option<&Secret>) -> EndpointJson {
    EndpointJson {
        previous_secret_ends_at: webhooks::previous_secret_ends_at(&endpoint, by.tools.now()),
        id: endpoint.id,
        url: endpoint.url,
        description: endpoint.description,
        event_types: endpoint.event_types.0,
        disabled: endpoint.disabled_at.is_some(),
        disabled_at: endpoint.disabled_at,
        disabled_reason: endpoint.disabled_reason,
        failing_since: endpoint.failing_since,
        created_at: endpoint.created_at,
        updated_at: endpoint.updated_at,
        secret: secret.map(|secret| secret.expose().to_owned()),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhookEndpoint)]
pub(super) struct NewJson {
    /// https, at a public address.
    url: String,
    #[serde(default)]
    description: String,
    /// Empty: all.
    #[serde(default)]
    event_types: Vec<EventKind>,
}

/// `POST /v1/webhook-endpoints`, `{url, description?, event_types?}` -> 201 with `secret`.
pub async fn create(by: PartnerKey<WebhooksWrite>, body: Body) -> Answer {
    let given: NewJson = body.read()?;
    let wanted = Wanted {
        url: given.url,
        description: given.description,
        event_types: given.event_types,
    };
    let (made, secret) = webhooks::add(&by.tools, &by.asker(), by.app.id, wanted).await?;
    created(&shown(&by, made, Some(&secret)))
}

/// `GET /v1/webhook-endpoints`: all of them, for there are few.
pub async fn list(by: PartnerKey<WebhooksWrite>) -> Answer {
    let app = by.app.id;
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::webhook_endpoints::list(conn, app))
        .await?;
    let data: Vec<_> = found.into_iter().map(|one| shown(&by, one, None)).collect();
    ok(&Page {
        data,
        next_cursor: None,
    })
}

pub async fn show(by: PartnerKey<WebhooksWrite>, id: Path<String>) -> Answer {
    let (app, id): (_, WebhookEndpointId) = (by.app.id, path_id(&id)?);
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::webhook_endpoints::find_of(conn, app, id))
        .await?;
    ok(&shown(&by, found.ok_or_else(Error::not_found)?, None))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointChange)]
pub(super) struct PatchJson {
    url: Option<String>,
    description: Option<String>,
    event_types: Option<Vec<EventKind>>,
    disabled: Option<bool>,
}

pub async fn patch(by: PartnerKey<WebhooksWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (WebhookEndpointId, PatchJson) = (path_id(&id)?, body.read()?);
    let change = Change {
        url: given.url,
        description: given.description,
        event_types: given.event_types,
        disabled: given.disabled,
    };
    let changed = webhooks::change(&by.tools, &by.asker(), by.app.id, id, change).await?;
    ok(&shown(&by, changed, None))
}

pub async fn delete(by: PartnerKey<WebhooksWrite>, id: Path<String>) -> Answer {
    webhooks::remove(&by.tools, &by.asker(), by.app.id, path_id(&id)?).await?;
    done()
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhookSecret)]
pub(super) struct RollJson {
    /// For how long the secret before signs as well; a day unless told, 7 days at most.
    #[schema(maximum = 604_800)]
    overlap_seconds: Option<u64>,
}

/// `POST .../secret`, `{overlap_seconds?}` (0 to 7 days, a day unless told) -> the endpoint with its new `secret`. Until
/// the overlap ends both sign; rolled over again before that, the one that was there first goes on signing for the longer of
/// both times, and the one made in between signs nothing.
pub async fn roll_secret(by: PartnerKey<WebhooksWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (WebhookEndpointId, RollJson) = (path_id(&id)?, body.read()?);
    let overlap = Duration::from_secs(given.overlap_seconds.unwrap_or(OVERLAP_SECONDS));
    let (changed, secret) = webhooks::roll_secret(&by.tools, &by.asker(), by.app.id, id, overlap).await?;
    ok(&shown(&by, changed, Some(&secret)))
}

/// `POST .../test` -> 202 with the delivery of a `webhook.test` event; `GET /v1/webhook-deliveries/{id}` tells how it went.
pub async fn test(by: PartnerKey<WebhooksWrite>, id: Path<String>) -> Answer {
    let delivery = webhooks::test(&by.tools, &by.asker(), by.app.id, path_id(&id)?).await?;
    accepted(&shown_by_id(&by, delivery).await?)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub(super) struct ReplayJson {
    #[schema(value_type = DateTime<Utc>)]
    since: Moment,
    /// Now unless told.
    #[schema(value_type = Option<DateTime<Utc>>)]
    until: Option<Moment>,
}

/// What is sent again.
#[derive(Serialize, ToSchema)]
#[schema(as = Replayed)]
pub(super) struct ReplayedJson {
    /// How many events.
    events: usize,
}

/// `POST .../replay`, `{since, until?}` -> 202 `{events}`: everything that it wants from that time on is sent again.
pub async fn replay(by: PartnerKey<WebhooksWrite>, id: Path<String>, body: Body) -> Answer {
    let (id, given): (WebhookEndpointId, ReplayJson) = (path_id(&id)?, body.read()?);
    // What happens right now counts.
    let until = given.until.map(|until| until.0);
    let until = until.unwrap_or_else(|| by.tools.now() + chrono::TimeDelta::seconds(1));
    let events = webhooks::replay(&by.tools, &by.asker(), by.app.id, id, given.since.0, until).await?;
    accepted(&ReplayedJson { events })
}

pub(super) fn accepted(body: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(StatusCode::ACCEPTED).json(body))
}
