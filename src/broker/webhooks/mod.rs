//! A partner's webhook endpoints: made, changed, their secrets rolled over, switched off and on. A secret is returned
//! once, where it is made. What is sent there stands in `deliver`, what people ask to be sent again in `replay`.

mod deliver;
mod message;
mod replay;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use url::Url;

pub use deliver::{Worked, deliver_due};
pub use replay::{replay, retry, test};

use super::asker::Asker;
use super::{Error, FieldError};
use crate::app::App;
use crate::crypto::Place;
use crate::db;
use crate::db::types::Texts;
use crate::db::webhook_endpoints::{Endpoint, NewEndpoint, Patch};
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, Id, WebhookEndpointId};
use crate::domain::job::{Job, NewJob};
use crate::domain::secret::Secret;
use crate::domain::webhook::{self, DisabledReason};

const MOST_ENDPOINTS: usize = 20;
const LONGEST_URL: usize = 2000;
const LONGEST_TEXT: usize = 200;
/// The longest time for which an old secret may sign beside its successor.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// What an endpoint is made from.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub url: String,
    pub description: String,
    /// Empty: all.
    pub event_types: Vec<EventKind>,
}

/// What is changed of one; `None`: left alone.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Vec<EventKind>>,
    pub disabled: Option<bool>,
}

fn place(endpoint: WebhookEndpointId, column: &'static str) -> Place<'static> {
    Place {
        table: "webhook_endpoints",
        column,
        row: endpoint.uuid(),
    }
}

/// Adds an endpoint; its secret is shown this once. `Conflict`: the app has as many as it may.
pub async fn add(app: &App, asker: &Asker, owner: AppId, wanted: Wanted) -> Result<(Endpoint, Secret), Error> {
    check(
        app,
        Some(&wanted.url),
        Some(&wanted.description),
        Some(&wanted.event_types),
    )?;
    let id: WebhookEndpointId = app.id();
    let secret = webhook::mint_secret(app.random.bytes());
    let sealed = app.sealer.seal(place(id, "secret_sealed"), secret.expose().as_bytes());
    let event = asker.did(app.id(), owner, "webhook_endpoint.made", id, json!({}));
    let made = app
        .db
        .transaction::<_, Error, _>(move |conn| {
            // Two at once would both find room for the last one.
            db::apps::lock(conn, owner)?;
            if db::webhook_endpoints::list(conn, owner)?.len() >= MOST_ENDPOINTS {
                let told = format!("An app has up to {MOST_ENDPOINTS} webhook endpoints");
                return Err(Error::Conflict(told));
            }
            let new = NewEndpoint {
                id,
                app_id: owner,
                url: &wanted.url,
                description: wanted.description.trim(),
                event_types: texts(&wanted.event_types),
                secret_sealed: &sealed,
            };
            db::webhook_endpoints::insert(conn, &new)?;
            db::audit::insert(conn, &event)?;
            found(conn, owner, id)
        })
        .await?;
    Ok((made, secret))
}

/// Changes an endpoint. Switching it off gives up what waits for it, a great backlog by and by; switching it on forgets
/// its failures. `Conflict`: a backlog is still being given up.
pub async fn change(
    app: &Arc<App>,
    asker: &Asker,
    owner: AppId,
    id: WebhookEndpointId,
    change: Change,
) -> Result<Endpoint, Error> {
    check(
        app,
        change.url.as_deref(),
        change.description.as_deref(),
        change.event_types.as_deref(),
    )?;
    let event = asker.did(
        app.id(),
        owner,
        "webhook_endpoint.changed",
        id,
        json!({ "disabled": change.disabled }),
    );
    let tools = app.clone();
    app.db
        .transaction::<_, Error, _>(move |conn| {
            db::webhook_endpoints::lock(conn, id)?;
            let before = found(conn, owner, id)?;
            let patch = Patch {
                url: change.url,
                description: change.description.map(|text| text.trim().to_owned()),
                event_types: change.event_types.as_deref().map(texts),
            };
            db::webhook_endpoints::patch(conn, owner, id, &patch)?;
            match change.disabled {
                Some(true) if before.disabled_at.is_none() => {
                    db::webhook_endpoints::disable(conn, id, DisabledReason::Partner)?;
                    if !db::webhook_deliveries::dead_letter_some(conn, id)? {
                        wake(conn, &tools, owner, id)?;
                    }
                }
                Some(false) if before.disabled_at.is_some() => {
                    if !db::webhook_deliveries::dead_letter_some(conn, id)? {
                        return Err(Error::Conflict(
                            "What waited for the endpoint is still being given up; try again in a minute".to_owned(),
                        ));
                    }
                    db::webhook_endpoints::enable(conn, id)?;
                }
                _ => {}
            }
            db::audit::insert(conn, &event)?;
            found(conn, owner, id)
        })
        .await
}

/// Makes a new secret, shown now. The one before signs beside it for `overlap` more. Where one before is still signing, it
/// goes on, for what it was promised or longer, and the one made in between is dropped: whoever asks again because an
/// answer was lost never knew that one. Without an overlap, as after a leak, the new one alone signs from now on.
pub async fn roll_secret(
    app: &App,
    asker: &Asker,
    owner: AppId,
    id: WebhookEndpointId,
    overlap: Duration,
) -> Result<(Endpoint, Secret), Error> {
    if overlap > LONGEST_OVERLAP {
        let most = LONGEST_OVERLAP.as_secs();
        let told = format!("0 to {most} (7 days)");
        return Err(Error::Invalid(vec![FieldError::new("overlap_seconds", told)]));
    }
    let now = app.now();
    let ends_at = now + TimeDelta::from_std(overlap).unwrap_or_default();
    let secret = webhook::mint_secret(app.random.bytes());
    let sealer = app.sealer.clone();
    let sealed = sealer.seal(place(id, "secret_sealed"), secret.expose().as_bytes());
    let details = json!({ "overlap_seconds": overlap.as_secs() });
    let event = asker.did(app.id(), owner, "webhook_endpoint.secret_rolled", id, details);
    let changed = app
        .db
        .transaction::<_, Error, _>(move |conn| {
            db::webhook_endpoints::lock(conn, id)?;
            let before = found(conn, owner, id)?;
            let standing = previous_secret_ends_at(&before, now).zip(before.previous_secret_sealed.clone());
            let (previous, ends_at) = match standing {
                Some((promised, previous)) => (previous, ends_at.max(promised)),
                None => {
                    let opened = message::open(&sealer, id, "secret_sealed", &before.secret_sealed)?;
                    let place = place(id, "previous_secret_sealed");
                    (sealer.seal(place, opened.expose().as_bytes()), ends_at)
                }
            };
            let kept = (!overlap.is_zero()).then_some((previous.as_slice(), ends_at));
            db::webhook_endpoints::set_secret(conn, id, &sealed, kept)?;
            db::audit::insert(conn, &event)?;
            found(conn, owner, id)
        })
        .await?;
    Ok((changed, secret))
}

/// Removes an endpoint with what was and would have been delivered there: out of sight at once, cleared away by a job.
pub async fn remove(app: &Arc<App>, asker: &Asker, owner: AppId, id: WebhookEndpointId) -> Result<(), Error> {
    let event = asker.did(app.id(), owner, "webhook_endpoint.deleted", id, json!({}));
    let tools = app.clone();
    app.db
        .transaction::<_, Error, _>(move |conn| {
            if !db::webhook_endpoints::remove(conn, owner, id)? {
                return Err(Error::NotFound);
            }
            wake(conn, &tools, owner, id)?;
            Ok(db::audit::insert(conn, &event)?)
        })
        .await
}

/// The secret before is no use once the roll-over has ended.
pub fn previous_secret_ends_at(endpoint: &Endpoint, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    endpoint.previous_secret_ends_at.filter(|ends_at| now < *ends_at)
}

/// Lets the endpoint's job run: there is something to send, to give up, or to clear away.
fn wake(conn: &mut db::Conn, app: &App, owner: AppId, endpoint: WebhookEndpointId) -> db::Result<()> {
    let job = NewJob {
        job: Job::DeliverWebhook {
            endpoint,
            delivery: None,
        },
        app: Some(owner),
        platform: None,
        due_at: app.now(),
    };
    db::jobs::insert_sooner(conn, app.id(), &job)
}

fn found(conn: &mut db::Conn, owner: AppId, id: WebhookEndpointId) -> Result<Endpoint, Error> {
    db::webhook_endpoints::find_of(conn, owner, id)?.ok_or(Error::NotFound)
}

fn texts(kinds: &[EventKind]) -> Texts {
    Texts(kinds.iter().map(ToString::to_string).collect())
}

fn check(
    app: &App,
    url: Option<&str>,
    description: Option<&str>,
    event_types: Option<&[EventKind]>,
) -> Result<(), Error> {
    let mut wrong = Vec::new();
    if let Some(message) = url.and_then(|url| refused_url(app, url)) {
        wrong.push(FieldError::new("url", message));
    }
    if description.is_some_and(|text| text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control)) {
        let message = format!("at most {LONGEST_TEXT} printable characters");
        wrong.push(FieldError::new("description", message));
    }
    if event_types.is_some_and(|kinds| kinds.contains(&EventKind::WebhookTest)) {
        wrong.push(FieldError::new("event_types", "`webhook.test` is sent on request only"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// Why nothing can be sent to `url`, as far as it can be told without resolving its name; that is judged at each call.
fn refused_url(app: &App, url: &str) -> Option<String> {
    let Ok(parsed) = Url::parse(url) else {
        return Some("an absolute https address".to_owned());
    };
    if url.len() > LONGEST_URL {
        return Some(format!("at most {LONGEST_URL} characters"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.fragment().is_some() {
        return Some("without user name, password and fragment".to_owned());
    }
    app.outbound.refusal(&parsed)
}
