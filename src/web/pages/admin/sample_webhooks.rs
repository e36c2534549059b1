//! Samples of webhooks: an app's endpoints and deliveries, and one delivery with its attempts.

use super::pages::{done, sandbox};
use super::*;
use crate::db::webhook_deliveries::{Attempt, Delivery};
use crate::db::webhook_endpoints::Endpoint;
use crate::domain::event::EventKind;
use crate::domain::id::{EventId, WebhookDeliveryId, WebhookEndpointId};
use crate::domain::webhook::{DeliveryStatus, DisabledReason};

/// An endpoint that works and one that was given up, with a delivery each.
pub(super) fn listed(page: &Frame, app: AppId) -> app_webhooks::Webhooks {
    let endpoint = |number, url: &str, disabled| endpoint(number, app, url, disabled);
    let endpoints = vec![
        endpoint(1, "https://erp.northwind.example/hooks/llavero", None),
        endpoint(
            2,
            "https://old.northwind.example/a-rather-long-path/hooks",
            Some(DisabledReason::Failing),
        ),
    ];
    let deliveries = vec![
        (
            delivery(9, app, &endpoints[0], DeliveryStatus::Delivered),
            EventKind::StoreNeedsReauthorization,
        ),
        (
            delivery(8, app, &endpoints[1], DeliveryStatus::DeadLettered),
            EventKind::StoreRecovered,
        ),
    ];
    let attempts = deliveries
        .iter()
        .zip([Some(204), None])
        .map(|((delivery, _), http_status)| attempt(delivery, 3, http_status));
    let attempts = attempts.collect();
    app_webhooks::shown(page, now(), (endpoints, deliveries, attempts), true)
}

fn endpoint(number: u64, app: AppId, url: &str, disabled: Option<DisabledReason>) -> Endpoint {
    Endpoint {
        id: WebhookEndpointId::make(number, [1; 10]),
        app_id: app,
        url: url.to_owned(),
        description: "Order import".to_owned(),
        event_types: Texts(vec![
            "store.needs_reauthorization".to_owned(),
            "store.recovered".to_owned(),
        ]),
        secret_sealed: Vec::new(),
        previous_secret_sealed: None,
        previous_secret_ends_at: None,
        disabled_at: disabled.map(|_| ago(60)),
        disabled_reason: disabled,
        failures: 0,
        failing_since: disabled.map(|_| ago(7200)),
        last_failed_at: None,
        paused_until: None,
        created_at: ago(90_000),
        updated_at: ago(90_000),
    }
}

fn delivery(number: u64, app: AppId, endpoint: &Endpoint, status: DeliveryStatus) -> Delivery {
    Delivery {
        id: WebhookDeliveryId::make(number, [1; 10]),
        app_id: app,
        endpoint_id: endpoint.id,
        event_id: EventId::make(number, [2; 10]),
        status,
        attempts: 3,
        tries: 3,
        queued_at: ago(30),
        next_at: ago(-20),
        delivered_at: None,
        dead_lettered_at: None,
        created_at: ago(30),
    }
}

fn attempt(delivery: &Delivery, number: i32, http_status: Option<i32>) -> Attempt {
    let data = json!({ "store_id": "store_019c", "store_sequence": 4, "reauthorize_url": "https://llavero.example/reconnect/[removed]" });
    let body = json!({ "type": "store.needs_reauthorization", "timestamp": "2026-11-22T10:00:00Z", "data": data });
    Attempt {
        delivery_id: delivery.id,
        number,
        started_at: ago(29),
        duration_ms: 182,
        http_status,
        error: match http_status {
            Some(204) => None,
            Some(_) => Some("the endpoint did not take it".to_owned()),
            None => Some("not sent: no connection".to_owned()),
        },
        answer: http_status
            .filter(|status| *status != 204)
            .map(|_| "<h1>Bad gateway</h1>".to_owned()),
        request: Some(json!({
            "url": "https://erp.northwind.example/hooks/llavero",
            "headers": {
                "content-type": "application/json",
                "webhook-id": delivery.event_id,
                "webhook-timestamp": "1795341600",
                "webhook-signature": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            },
            "body": body.to_string(),
        })),
    }
}

pub(super) fn delivery_page(page: Frame) -> String {
    let (page, app) = (sandbox(page), id());
    let endpoint = endpoint(1, app, "https://erp.northwind.example/hooks/llavero", None);
    let delivery = delivery(9, app, &endpoint, DeliveryStatus::Pending);
    let attempts: Vec<Attempt> = [(1, None), (2, Some(502)), (3, Some(204))]
        .map(|(number, status)| attempt(&delivery, number, status))
        .into();
    let crumbs = crumbs(&[&page.say("admin-apps"), "Northwind ERP", &page.say("admin-delivery")]);
    let told = (delivery, EventKind::StoreNeedsReauthorization);
    done(app_delivery::of(
        page,
        now(),
        crumbs,
        told,
        &attempts,
        "/admin".to_owned(),
    ))
}
