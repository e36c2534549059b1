//! One event as it is sent: the body, and the headers of Standard Webhooks. The id is the event's, the same over all
//! retries; the time is the attempt's, so that a receiver can refuse what is replayed. Links are made now, and only while
//! they would help.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use standardwebhooks::Webhook;
use url::Url;

use super::place;
use crate::app::App;
use crate::broker::{Error, notify};
use crate::crypto::Sealer;
use crate::db;
use crate::db::events::Event;
use crate::db::webhook_endpoints::Endpoint;
use crate::domain::credential::same_deadline;
use crate::domain::event::EventKind;
use crate::domain::id::WebhookEndpointId;
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;
use crate::platform::PlatformRequest;

/// A request with what of it must not be kept.
pub(super) struct Message {
    pub request: PlatformRequest,
    /// The token of the merchant's link.
    pub token: Option<String>,
}

impl Message {
    /// The request as it is kept: what proves it ours to its receiver is no secret, the merchant's link is one.
    pub fn kept(&self) -> Value {
        let headers = self.request.headers.iter();
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), Value::from(value.into_owned()))
        });
        let headers: Map<String, Value> = headers.collect();
        let body = String::from_utf8_lossy(&self.request.body);
        json!({ "url": self.request.url, "headers": headers, "body": without(&body, self.token.as_deref()) })
    }
}

/// A text without the link that it may hold.
pub(super) fn without(text: &str, token: Option<&str>) -> String {
    match token {
        Some(token) => text.replace(token, "[removed]"),
        None => text.to_owned(),
    }
}

/// The event as one request to the endpoint, signed with each of its living secrets.
pub(super) async fn compose(app: &App, endpoint: &Endpoint, event: &Event) -> Result<Message, Error> {
    let token = link_token(app, event).await?;
    let body = body(app, event, token.as_deref()).to_string();
    let url = Url::parse(&endpoint.url)
        .map_err(|_| Error::Internal(format!("the address of {} cannot be read", endpoint.id)))?;
    let mut request = PlatformRequest::new(http::Method::POST, url);
    request.headers = headers(app, endpoint, event, app.now(), body.as_bytes())?;
    request.body = body.into();
    Ok(Message { request, token })
}

fn body(app: &App, event: &Event, token: Option<&str>) -> Value {
    let mut data = event.data.clone();
    if let Some(store) = event.store_id {
        data["store_id"] = json!(store);
        data["store_sequence"] = json!(event.store_sequence);
    }
    if is_plea(event.kind) {
        let public = app.config.public_url.as_ref();
        let public = public.map(|url| url.as_str().trim_end_matches('/'));
        let link = public
            .zip(token)
            .map(|(public, token)| format!("{public}/reconnect/{token}"));
        data["reauthorize_url"] = json!(link);
    }
    json!({ "type": event.kind, "timestamp": event.created_at, "data": data })
}

/// Events that ask for the merchant.
fn is_plea(kind: EventKind) -> bool {
    matches!(kind, EventKind::StoreNeedsReauthorization | EventKind::StoreExpiring)
}

/// A link for the merchant, while the store still is as the event says.
async fn link_token(app: &App, event: &Event) -> Result<Option<String>, Error> {
    let Some(id) = event.store_id.filter(|_| is_plea(event.kind)) else {
        return Ok(None);
    };
    let found = app.db.run(move |conn| {
        let store = db::stores::find(conn, id)?;
        let credential = match &store {
            Some(store) => db::credentials::find(conn, store.credential_id)?,
            None => None,
        };
        Ok::<_, db::Error>(store.map(|store| (store.status, credential.and_then(|row| row.reauthorize_by))))
    });
    let Some((status, deadline)) = found.await? else {
        return Ok(None);
    };
    let told: Option<DateTime<Utc>> = event.data["deadline"].as_str().and_then(|text| text.parse().ok());
    let holds = match event.kind {
        EventKind::StoreExpiring => status == StoreStatus::Connected && same_deadline(deadline, told),
        _ => status == StoreStatus::NeedsReauthorization,
    };
    Ok(holds.then(|| notify::reconnect_token(&app.sealer, id, notify::reconnect_expiry(app.now()))))
}

fn headers(app: &App, endpoint: &Endpoint, event: &Event, now: DateTime<Utc>, body: &[u8]) -> Result<HeaderMap, Error> {
    let id = event.id.to_string();
    let mut secrets = vec![open(
        &app.sealer,
        endpoint.id,
        "secret_sealed",
        &endpoint.secret_sealed,
    )?];
    if let Some(sealed) = &endpoint.previous_secret_sealed
        && super::previous_secret_ends_at(endpoint, now).is_some()
    {
        secrets.push(open(&app.sealer, endpoint.id, "previous_secret_sealed", sealed)?);
    }
    let broken = |error: &dyn std::fmt::Display| Error::Internal(format!("{} cannot be signed: {error}", event.id));
    let mut signatures = Vec::new();
    for secret in &secrets {
        let signer = Webhook::new(secret.expose()).map_err(|error| broken(&error))?;
        let signature = signer.sign(&id, now.timestamp(), body);
        signatures.push(signature.map_err(|error| broken(&error))?);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", now.timestamp().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|error| broken(&error))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// A sealed secret of an endpoint.
pub(super) fn open(
    sealer: &Sealer,
    endpoint: WebhookEndpointId,
    column: &'static str,
    sealed: &[u8],
) -> Result<Secret, Error> {
    let broken = |why: String| Error::Internal(format!("the secret of {endpoint} {why}"));
    let opened = sealer
        .open(place(endpoint, column), sealed)
        .map_err(|error| broken(format!("cannot be opened: {error}")))?;
    let text = std::str::from_utf8(opened.expose()).map_err(|_| broken("is no text".to_owned()))?;
    Ok(Secret::new(text))
}
