//! One delivery of a webhook: each attempt with the request as it was sent and what was answered, so that nobody has to
//! guess which side is wrong. The merchant's link is taken out of both before they are kept.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::{Answer, app, find_app, frame_of, shown, words};
use crate::db;
use crate::db::webhook_deliveries::{Attempt, Delivery};
use crate::domain::admin::Role;
use crate::domain::event::EventKind;
use crate::domain::id::WebhookDeliveryId;
use crate::domain::webhook::DeliveryStatus;
use crate::web::extract::{Admin, Viewer, path_id};
use crate::web::parts::{Badge, Crumb, Fact, Tone};
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_delivery.html")]
pub struct AppDelivery {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub kind: &'static str,
    pub badge: Badge,
    pub facts: Vec<Fact>,
    /// Newest first.
    pub attempts: Vec<AttemptPart>,
    /// Empty: the reader may not.
    pub retry_href: String,
}

/// One attempt.
pub struct AttemptPart {
    pub title: String,
    pub badge: Badge,
    pub at: Moment,
    pub took: String,
    /// Why it failed; empty: it was taken.
    pub error: String,
    /// Method, address and headers, a line each; empty: nothing was sent, or it was not kept.
    pub head: String,
    pub body: String,
    /// The beginning of the answer's body.
    pub answer: String,
}

pub async fn show(by: Admin<Viewer>, path: web::Path<(String, String)>) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    let (app_id, id): (_, WebhookDeliveryId) = (app.id, path_id(&path.1)?);
    let (found, attempts) = by
        .read(move |conn| {
            let found = db::webhook_deliveries::find_of(conn, app_id, id)?;
            Ok((found, db::webhook_deliveries::attempts(conn, app_id, &[id])?))
        })
        .await?;
    let found = found.ok_or_else(Error::not_found)?;
    let retry_href = match by.may(Role::Operator) {
        true => urls::admin_app_webhook_retry(app.id, id),
        false => String::new(),
    };
    let crumbs = app::crumbs_to(&by, &app, by.say("admin-delivery"));
    let page = frame_of(&by, app.mode);
    shown(of(page, by.now(), crumbs, found, &attempts, retry_href))
}

pub(super) fn of(
    page: Frame,
    now: DateTime<Utc>,
    crumbs: Vec<Crumb>,
    (delivery, kind): (Delivery, EventKind),
    attempts: &[Attempt],
    retry_href: String,
) -> AppDelivery {
    AppDelivery {
        crumbs,
        kind: kind.as_str(),
        badge: words::delivery_status(&page, delivery.status),
        facts: facts(&page, now, &delivery),
        attempts: attempts.iter().rev().map(|one| attempt(&page, now, one)).collect(),
        retry_href,
        page,
    }
}

fn facts(page: &Frame, now: DateTime<Utc>, delivery: &Delivery) -> Vec<Fact> {
    let mut facts = vec![
        Fact::code(page.say("admin-id"), delivery.id.to_string()),
        Fact::code(page.say("admin-event"), delivery.event_id.to_string()),
        Fact::code(page.say("admin-webhook-endpoint"), delivery.endpoint_id.to_string()),
        Fact::text(page.say("admin-tries"), delivery.attempts.to_string()),
        Fact::text(
            page.say("admin-made"),
            Moment::of(page, now, delivery.created_at).long(),
        ),
    ];
    if delivery.status == DeliveryStatus::Pending {
        let next = Moment::of(page, now, delivery.next_at).long();
        facts.push(Fact::text(page.say("admin-delivery-next"), next));
    }
    facts
}

fn attempt(page: &Frame, now: DateTime<Utc>, attempt: &Attempt) -> AttemptPart {
    let tone = if attempt.error.is_none() { Tone::Good } else { Tone::Bad };
    let said = attempt.http_status.map(|status| status.to_string());
    let request = attempt.request.as_ref();
    AttemptPart {
        title: page.say_with("admin-delivery-attempt", [("number", &*attempt.number.to_string())]),
        badge: Badge::new(tone, said.unwrap_or_else(|| page.say("admin-delivery-unanswered"))),
        at: Moment::of(page, now, attempt.started_at),
        took: format!("{} ms", attempt.duration_ms),
        error: attempt.error.clone().unwrap_or_default(),
        head: request.map(head).unwrap_or_default(),
        body: request.map(body).unwrap_or_default(),
        answer: attempt.answer.clone().unwrap_or_default(),
    }
}

fn head(request: &serde_json::Value) -> String {
    let mut lines = vec![format!("POST {}", request["url"].as_str().unwrap_or_default())];
    let headers = request["headers"].as_object().into_iter().flatten();
    lines.extend(headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())));
    lines.join("\n")
}

/// Its lines as people read them; the bytes that were signed had none.
fn body(request: &serde_json::Value) -> String {
    let text = request["body"].as_str().unwrap_or_default();
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.unwrap_or_else(|| text.to_owned())
}
