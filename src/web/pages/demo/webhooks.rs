//! The webhooks that the demo partner gets: verified as a partner has to by Standard Webhooks, and the last of them shown. They are kept in memory only: the demo partner has no database.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use subtle::ConstantTimeEq as _;

use super::text;
use crate::app::App;
use crate::domain::secret::Secret;
use crate::web::page::Page;
use crate::web::parts::{Badge, Fact, Tone};
use crate::web::{Demo, Error, Frame, urls};

/// Older ones are forgotten.
const KEPT: usize = 50;
/// What is older has been replayed by somebody.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// The three headers of a signed webhook.
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// What came in, newest first, and the secret that it has to be signed with.
#[derive(Debug)]
pub struct Inbox {
    secret: Secret,
    arrived: Mutex<VecDeque<Arrived>>,
}

#[derive(Debug, Clone)]
struct Arrived {
    at: DateTime<Utc>,
    /// `None`: nobody knows who sent it, so what it says is not looked at.
    message: Option<Message>,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    kind: String,
    store: String,
    body: String,
}

impl Inbox {
    pub fn new(secret: Secret) -> Self {
        Self {
            secret,
            arrived: Mutex::default(),
        }
    }

    fn arrived(&self) -> MutexGuard<'_, VecDeque<Arrived>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a webhook; whether it is genuine.
    fn take(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> bool {
        let message = self.verify(headers, body, now);
        let genuine = message.is_some();
        let mut arrived = self.arrived();
        arrived.push_front(Arrived { at: now, message });
        arrived.truncate(KEPT);
        genuine
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Option<Message> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let (id, sent) = (header("webhook-id")?, header("webhook-timestamp")?.parse().ok()?);
        // The library's own check of the time asks the machine; ours is the clock that tests move.
        if (now - DateTime::from_timestamp(sent, 0)?).abs() > TOLERANCE {
            return None;
        }
        let wanted = Webhook::new(self.secret.expose()).ok()?.sign(id, sent, body).ok()?;
        let mut given = header("webhook-signature")?.split(' ');
        if !given.any(|one| bool::from(one.as_bytes().ct_eq(wanted.as_bytes()))) {
            return None;
        }
        let json: Value = serde_json::from_slice(body).ok()?;
        Some(Message {
            id: id.to_owned(),
            kind: text(&json["type"]),
            store: text(&json["data"]["store_id"]),
            body: serde_json::to_string_pretty(&json).ok()?,
        })
    }
}

#[derive(Template)]
#[template(path = "pages/demo/webhooks.html")]
struct Webhooks {
    page: Frame,
    rows: Vec<Row>,
    again: &'static str,
    home: &'static str,
}

struct Row {
    title: String,
    badge: Badge,
    facts: Vec<Fact>,
    body: String,
}

/// `POST /demo/webhooks`: what a partner's endpoint does. 204: taken; 401: not from here.
pub async fn receive(
    app: web::Data<App>,
    demo: web::Data<Demo>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Error> {
    let inbox = demo.inbox.as_ref().ok_or_else(Error::not_found)?;
    let mut headers = HeaderMap::new();
    for name in HEADERS {
        let value = request.headers().get(name).map(|value| value.as_bytes());
        if let Some(value) = value.and_then(|bytes| HeaderValue::from_bytes(bytes).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(match inbox.take(&headers, &body, app.now()) {
        true => HttpResponse::NoContent().finish(),
        false => HttpResponse::Unauthorized()
            .content_type("text/plain; charset=utf-8")
            .body("the signature does not fit\n"),
    })
}

/// `GET /demo/webhooks`
pub async fn show(demo: web::Data<Demo>, frame: Frame) -> Result<HttpResponse, Error> {
    let inbox = demo.inbox.as_ref().ok_or_else(Error::not_found)?;
    let arrived: Vec<Arrived> = inbox.arrived().iter().cloned().collect();
    Page(Webhooks {
        rows: arrived.into_iter().map(|arrived| row(&frame, arrived)).collect(),
        again: urls::DEMO_WEBHOOKS,
        home: urls::DEMO,
        page: frame,
    })
    .with_status(StatusCode::OK)
}

fn row(page: &Frame, arrived: Arrived) -> Row {
    let at = arrived.at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut facts = vec![Fact::text(page.say("demo-webhook-at"), at)];
    let Some(message) = arrived.message else {
        return Row {
            title: page.say("demo-webhook-unknown"),
            badge: Badge::new(Tone::Bad, page.say("demo-webhook-refused")),
            facts,
            body: String::new(),
        };
    };
    if !message.store.is_empty() {
        facts.push(Fact::code(page.say("demo-webhook-store"), message.store));
    }
    facts.push(Fact::code("webhook-id", message.id));
    Row {
        title: message.kind,
        badge: Badge::new(Tone::Good, page.say("demo-webhook-verified")),
        facts,
        body: message.body,
    }
}
