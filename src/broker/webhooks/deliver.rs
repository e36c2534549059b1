//! Delivering what is due at one endpoint: claim a few, send them side by side with nothing held in the database, note
//! each answer. An endpoint that fails again and again is left alone for growing times and then tried with one delivery;
//! after days of nothing but failures it is disabled. A crash between an answer and its note sends the same event again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::message::{self, Message};
use super::wake;
use crate::app::App;
use crate::broker::{Error, notify};
use crate::db;
use crate::db::events::Event;
use crate::db::webhook_deliveries::{Attempt, Delivery, Outcome};
use crate::db::webhook_endpoints::{Endpoint, Failures};
use crate::domain::id::WebhookEndpointId;
use crate::domain::webhook::{self, AT_ONCE, DisabledReason, OPENS_AFTER};
use crate::platform::Transport;
use crate::platform::transport::{PlatformAnswer, Route, SendError, SendOptions};

/// From the first byte sent to the last byte read.
const LIMIT: Duration = Duration::from_secs(15);
/// An attempt that has not been noted by then was cut off.
const CLAIM: Duration = Duration::from_secs(60);
/// Longer than that one endpoint must not keep a worker.
const TURN: Duration = Duration::from_secs(30);
/// Characters of an answer that are kept.
const SHOWN: usize = 500;

/// What is left to do at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// Nothing, or others are at it.
    Nothing,
    /// Something, not before then.
    NotBefore(DateTime<Utc>),
}

/// Sends what is due at an endpoint until nothing is, or its turn is over.
pub async fn deliver_due(app: &Arc<App>, endpoint: WebhookEndpointId) -> Result<Worked, Error> {
    let begun = app.clock.monotonic();
    loop {
        let claimed = claim(app, endpoint).await?;
        let (owner, due) = match claimed {
            Claimed::Busy => return Ok(Worked::Nothing),
            Claimed::Off => return clear(app, endpoint, begun).await,
            Claimed::Rest(next) => return Ok(next.map_or(Worked::Nothing, Worked::NotBefore)),
            Claimed::Due(owner, due) => (owner, due),
        };
        let attempts = due
            .iter()
            .map(|(delivery, event)| attempt(app, &owner, delivery, event));
        for noted in join_all(attempts).await {
            noted?;
        }
        if app.clock.monotonic().saturating_duration_since(begun) >= TURN {
            return Ok(Worked::NotBefore(app.now()));
        }
    }
}

enum Claimed {
    Due(Box<Endpoint>, Vec<(Delivery, Event)>),
    /// As many attempts as may be are under way; who makes them goes on with the rest.
    Busy,
    /// It is disabled or removed: nothing is sent.
    Off,
    /// Nothing is due, or the endpoint is left alone.
    Rest(Option<DateTime<Utc>>),
}

async fn claim(app: &App, id: WebhookEndpointId) -> Result<Claimed, Error> {
    app.db
        .transaction(move |conn| {
            let endpoint = db::webhook_endpoints::lock(conn, id)?;
            let Some(endpoint) = endpoint.filter(|endpoint| endpoint.disabled_at.is_none()) else {
                return Ok(Claimed::Off);
            };
            let now = db::now(conn)?;
            let next = db::webhook_deliveries::next_due(conn, id)?;
            if let Some(until) = endpoint.paused_until.filter(|until| now < *until) {
                return Ok(Claimed::Rest(next.map(|next| next.max(until))));
            }
            let at_most = if endpoint.failures >= OPENS_AFTER { 1 } else { AT_ONCE };
            let due = db::webhook_deliveries::claim(conn, id, at_most, CLAIM)?;
            if !due.is_empty() {
                return Ok(Claimed::Due(Box::new(endpoint), due));
            }
            Ok(match next {
                Some(next) if next <= now => Claimed::Busy,
                next => Claimed::Rest(next),
            })
        })
        .await
}

/// Gives up what waits for a disabled endpoint, or clears a removed one away, step by step.
async fn clear(app: &App, id: WebhookEndpointId, begun: Instant) -> Result<Worked, Error> {
    loop {
        let done = app
            .db
            .transaction::<_, Error, _>(move |conn| {
                let endpoint = db::webhook_endpoints::lock(conn, id)?;
                if endpoint.is_none_or(|endpoint| endpoint.disabled_at.is_none()) {
                    return Ok(true);
                }
                if !db::webhook_endpoints::is_removed(conn, id)? {
                    return Ok(db::webhook_deliveries::dead_letter_some(conn, id)?);
                }
                let last = db::webhook_deliveries::delete_some(conn, id)?;
                if last {
                    db::webhook_endpoints::clear(conn, id)?;
                }
                Ok(last)
            })
            .await?;
        if done {
            return Ok(Worked::Nothing);
        }
        if app.clock.monotonic().saturating_duration_since(begun) >= TURN {
            return Ok(Worked::NotBefore(app.now()));
        }
    }
}

/// What the endpoint said.
struct Said {
    status: Option<u16>,
    error: Option<String>,
    answer: Option<String>,
    retry_after: Option<Duration>,
}

impl Said {
    fn is_good(&self) -> bool {
        self.error.is_none()
    }

    fn of(answer: Result<PlatformAnswer, SendError>, token: Option<&str>) -> Self {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return Self {
                    status: None,
                    error: Some(error.to_string()),
                    answer: None,
                    retry_after: None,
                };
            }
        };
        let status = answer.status;
        let error = match status.as_u16() {
            200..=299 => None,
            300..=399 => Some("redirects are not followed".to_owned()),
            410 => Some("gone".to_owned()),
            _ => Some("the endpoint did not take it".to_owned()),
        };
        let asked = answer.headers.get(http::header::RETRY_AFTER);
        let retry_after = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self {
            status: Some(status.as_u16()),
            error,
            answer: Some(beginning(&answer.body, token)),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }
}

/// The beginning of an answer, without the link that an endpoint may have repeated.
fn beginning(body: &[u8], token: Option<&str>) -> String {
    message::without(&String::from_utf8_lossy(body), token)
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .take(SHOWN)
        .collect()
}

async fn attempt(app: &Arc<App>, endpoint: &Endpoint, delivery: &Delivery, event: &Event) -> Result<(), Error> {
    let started_at = app.now();
    let begun = app.clock.monotonic();
    let mut kept = None;
    let said = match message::compose(app, endpoint, event).await {
        Ok(message) => {
            kept = Some(message.kept());
            let Message { request, token } = message;
            let options = SendOptions::new(Route::Live, LIMIT);
            Said::of(app.outbound.send(request, &options).await, token.as_deref())
        }
        Err(Error::Internal(why)) => {
            tracing::error!(webhook_endpoint.id = %endpoint.id, event.id = %event.id, %why, "a webhook cannot be made");
            Said {
                status: None,
                error: Some("it could not be made; the log says why".to_owned()),
                answer: None,
                retry_after: None,
            }
        }
        Err(error) => return Err(error),
    };
    let took = app.clock.monotonic().saturating_duration_since(begun);
    tracing::info!(
        webhook_endpoint.id = %endpoint.id, event.id = %event.id, http.status = said.status, good = said.is_good(),
        "a webhook was tried"
    );
    let attempt = Attempt {
        delivery_id: delivery.id,
        number: delivery.attempts,
        started_at,
        duration_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
        http_status: said.status.map(i32::from),
        error: said.error.clone(),
        answer: said.answer.clone(),
        request: kept,
    };
    let (tools, delivery) = (app.clone(), delivery.clone());
    app.db
        .transaction::<_, Error, _>(move |conn| Ok(note(conn, &tools, &delivery, &attempt, &said)?))
        .await
}

/// Notes an attempt on the delivery and on the endpoint.
fn note(conn: &mut db::Conn, app: &App, delivery: &Delivery, attempt: &Attempt, said: &Said) -> db::Result<()> {
    let Some(endpoint) = db::webhook_endpoints::lock(conn, delivery.endpoint_id)? else {
        return Ok(());
    };
    let now = app.now();
    if said.is_good() {
        db::webhook_deliveries::record(conn, attempt, Outcome::Delivered)?;
        return db::webhook_endpoints::set_failures(conn, endpoint.id, &Failures::default());
    }
    let jitter = app.random.fraction();
    let after = |wait: Duration| now + TimeDelta::from_std(wait).unwrap_or_default();
    let wait = webhook::next_wait(delivery.tries, delivery.queued_at, now, said.retry_after, jitter);
    let gone = said.status == Some(410);
    let outcome = wait
        .filter(|_| !gone)
        .map_or(Outcome::DeadLettered, |wait| Outcome::Again(after(wait)));
    db::webhook_deliveries::record(conn, attempt, outcome)?;
    let since = webhook::failing_since(endpoint.failing_since, endpoint.last_failed_at, now);
    let failures = endpoint.failures.saturating_add(1);
    let failed = Failures {
        failures,
        failing_since: Some(since),
        last_failed_at: Some(now),
        paused_until: webhook::pause(failures, jitter).map(after),
    };
    db::webhook_endpoints::set_failures(conn, endpoint.id, &failed)?;
    let reason = match () {
        () if endpoint.disabled_at.is_some() => return Ok(()),
        () if gone => DisabledReason::Gone,
        () if webhook::is_hopeless(since, now) => DisabledReason::Failing,
        () => return Ok(()),
    };
    tracing::warn!(webhook_endpoint.id = %endpoint.id, %reason, "a webhook endpoint is disabled");
    db::webhook_endpoints::disable(conn, endpoint.id, reason)?;
    if !db::webhook_deliveries::dead_letter_some(conn, endpoint.id)? {
        wake(conn, app, endpoint.app_id, endpoint.id)?;
    }
    notify::webhook_endpoint_disabled(conn, app, &endpoint, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_answer_is_short_plain_and_without_our_link() {
        let body = format!("taken /reconnect/abc-DEF_1 \u{0}{}", "x".repeat(9000));
        let kept = beginning(body.as_bytes(), Some("abc-DEF_1"));
        assert!(kept.starts_with("taken /reconnect/[removed] x"), "{kept}");
        assert_eq!(kept.chars().count(), SHOWN);
        assert_eq!(beginning(b"\xff\xfe", None).chars().count(), 2);
    }
}
