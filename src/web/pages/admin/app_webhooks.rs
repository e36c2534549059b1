//! The part of an app's page about its webhooks: where events are sent, and how the last deliveries went.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use url::Url;

use super::moments::Moment;
use super::words;
use crate::db;
use crate::db::webhook_deliveries::{Attempt, Delivery, DeliveryFilter};
use crate::db::webhook_endpoints::Endpoint;
use crate::domain::event::EventKind;
use crate::domain::id::AppId;
use crate::web::parts::{Badge, Tone};
use crate::web::{Frame, urls};

const SHOWN: i64 = 20;

pub struct Webhooks {
    pub endpoints: Vec<EndpointRow>,
    /// Newest first.
    pub deliveries: Vec<DeliveryRow>,
}

pub struct EndpointRow {
    pub id: String,
    pub url: String,
    pub description: String,
    pub types: String,
    pub badge: Badge,
    /// Empty: it is on.
    pub why: String,
    pub failing: Moment,
}

pub struct DeliveryRow {
    pub kind: &'static str,
    pub event: String,
    pub host: String,
    pub badge: Badge,
    pub tries: i32,
    pub answer: String,
    pub made: Moment,
    pub href: String,
    /// Empty: the reader may not.
    pub retry_href: String,
}

/// Endpoints, last deliveries and their attempts.
pub(super) type Read = (Vec<Endpoint>, Vec<(Delivery, EventKind)>, Vec<Attempt>);

pub(super) fn read(conn: &mut db::Conn, app: AppId) -> db::Result<Read> {
    let endpoints = db::webhook_endpoints::list(conn, app)?;
    let deliveries = db::webhook_deliveries::list(conn, app, DeliveryFilter::default(), None, SHOWN)?;
    let ids: Vec<_> = deliveries.iter().map(|row| row.0.id).collect();
    let attempts = db::webhook_deliveries::attempts(conn, app, &ids)?;
    Ok((endpoints, deliveries, attempts))
}

pub(super) fn shown(page: &Frame, now: DateTime<Utc>, read: Read, retries: bool) -> Webhooks {
    let (endpoints, deliveries, attempts) = read;
    let hosts: HashMap<_, _> = endpoints
        .iter()
        .map(|endpoint| (endpoint.id, host(&endpoint.url)))
        .collect();
    // The last one stays.
    let last: HashMap<_, _> = attempts.iter().map(|attempt| (attempt.delivery_id, attempt)).collect();
    let deliveries = deliveries.into_iter().map(|(delivery, kind)| DeliveryRow {
        kind: kind.as_str(),
        event: delivery.event_id.to_string(),
        host: hosts.get(&delivery.endpoint_id).cloned().unwrap_or_default(),
        badge: words::delivery_status(page, delivery.status),
        tries: delivery.attempts,
        answer: last
            .get(&delivery.id)
            .map(|attempt| answer(attempt))
            .unwrap_or_default(),
        made: Moment::of(page, now, delivery.created_at),
        href: urls::admin_app_webhook_delivery(delivery.app_id, delivery.id),
        retry_href: if retries {
            urls::admin_app_webhook_retry(delivery.app_id, delivery.id)
        } else {
            String::new()
        },
    });
    Webhooks {
        deliveries: deliveries.collect(),
        endpoints: endpoints.iter().map(|one| endpoint(page, now, one)).collect(),
    }
}

fn endpoint(page: &Frame, now: DateTime<Utc>, endpoint: &Endpoint) -> EndpointRow {
    let badge = if endpoint.disabled_at.is_some() {
        Badge::new(Tone::Bad, page.say("admin-webhook-off"))
    } else if endpoint.failing_since.is_some() {
        Badge::new(Tone::Warn, page.say("admin-webhook-fails"))
    } else {
        Badge::new(Tone::Good, page.say("admin-webhook-on"))
    };
    let why = endpoint
        .disabled_reason
        .map(|reason| words::disabled_reason(page, reason));
    EndpointRow {
        id: endpoint.id.to_string(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        types: match endpoint.event_types.0.as_slice() {
            [] => page.say("admin-webhook-all"),
            types => types.join(", "),
        },
        badge,
        why: why.unwrap_or_default(),
        failing: Moment::of_some(page, now, endpoint.failing_since),
    }
}

/// Status, or why there was none, and how long it took.
fn answer(attempt: &Attempt) -> String {
    let said = match (attempt.http_status, &attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => String::new(),
    };
    format!("{said}, {} ms", attempt.duration_ms)
}

fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.as_ref()
        .and_then(|url| url.host_str())
        .unwrap_or_default()
        .to_owned()
}
