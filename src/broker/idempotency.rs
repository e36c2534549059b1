//! Requests with an `Idempotency-Key`: of all with the same key only the first does anything, and the others get its answer.
//! Only answers of requests that did something are kept: a refused one may be mended and sent again with the same key. Two
//! API keys of one app do not share idempotency keys, for the answer to one may not be the other's to see.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Error;
use super::api_key::AdmittedKey;
use crate::app::App;
use crate::crypto::Place;
use crate::db::idempotent_requests::{self as rows, Answered, Begun, IdempotentRequest};
use crate::domain::id::{ApiKeyId, Id, IdempotentRequestId};

/// How long an answer is kept, and one that holds a secret.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const SECRET_KEPT: Duration = Duration::from_secs(60 * 60);
/// A request that takes longer counts as given up: longer than any platform's call takes.
const BUSY: Duration = Duration::from_secs(180);
/// How long a twin waits for the answer of the first, and how often it looks.
const WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
/// What secrets in answers begin with.
const SECRETS: [&[u8]; 5] = [b"llv_st_", b"llv_cs_", b"llv_sk_", b"llv_ss_", b"whsec_"];
const PURPOSE: &str = "idempotent request";
const TABLE: &str = "idempotent_requests";

/// What is to be done with a request.
#[derive(Debug)]
pub enum Turn {
    /// It is the first: run it, then say how it ended.
    Run(IdempotentRequestId),
    /// It was answered before.
    Answered(Kept),
    /// It was answered before, and the answer is no longer kept.
    Forgotten,
    /// The first is still under way.
    Busy,
    /// The key came with another request.
    Mismatch,
}

/// An answer as it was given.
#[derive(Debug, Clone)]
pub struct Kept {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

/// Whose turn it is. `request`: all that makes one request differ from another.
pub async fn begin(app: &Arc<App>, by: &AdmittedKey, key: &str, request: &[u8]) -> Result<Turn, Error> {
    let api_key = by.key.id;
    let begun = Begun {
        id: app.id(),
        app: by.app.id,
        api_key,
        key: key.to_owned(),
        request_mac: app.sealer.mac(PURPOSE, request).to_vec(),
        busy: BUSY,
    };
    let started = app.clock.monotonic();
    loop {
        let (again, id) = (begun.clone(), begun.id);
        if app.db.run(move |conn| rows::begin(conn, &again)).await? {
            return Ok(Turn::Run(id));
        }
        // Gone again: the first was refused, and it is our turn.
        let Some(found) = find(app, api_key, key).await? else {
            continue;
        };
        let too_old = app.now() - kept();
        if found.status.is_some() && found.created_at <= too_old {
            let old = found.id;
            app.db.run(move |conn| rows::forget_old(conn, old, too_old)).await?;
            continue;
        }
        if !app.sealer.verify_mac(PURPOSE, request, &found.request_mac) {
            return Ok(Turn::Mismatch);
        }
        if let Some(turn) = answered(app, &found)? {
            return Ok(turn);
        }
        let (old, new) = (found.id, app.id());
        if app.db.run(move |conn| rows::take_over(conn, old, new, BUSY)).await? {
            return Ok(Turn::Run(new));
        }
        if app.clock.monotonic().saturating_duration_since(started) >= WAIT {
            return Ok(Turn::Busy);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn find(app: &App, api_key: ApiKeyId, key: &str) -> Result<Option<IdempotentRequest>, Error> {
    let key = key.to_owned();
    Ok(app.db.run(move |conn| rows::find(conn, api_key, &key)).await?)
}

fn answered(app: &App, found: &IdempotentRequest) -> Result<Option<Turn>, Error> {
    let Some(status) = found.status else { return Ok(None) };
    let kept = found
        .body_sealed
        .as_ref()
        .filter(|_| found.body_until.is_some_and(|until| app.now() < until));
    let Some(sealed) = kept else {
        return Ok(Some(Turn::Forgotten));
    };
    let body = app
        .sealer
        .open(place(found.id.uuid()), sealed)
        .map_err(|error| Error::Internal(format!("a kept answer: {error}")))?;
    Ok(Some(Turn::Answered(Kept {
        status: u16::try_from(status).unwrap_or(200),
        content_type: found.content_type.clone(),
        body: body.expose().to_vec(),
    })))
}

/// Keeps the answer of a request that did something.
pub async fn keep(app: &Arc<App>, id: IdempotentRequestId, answer: &Kept) -> Result<(), Error> {
    let holds_secret = SECRETS
        .iter()
        .any(|start| answer.body.windows(start.len()).any(|part| part == *start));
    let kept = Answered {
        status: i16::try_from(answer.status).unwrap_or(200),
        content_type: answer.content_type.clone(),
        body_sealed: app.sealer.seal(place(id.uuid()), &answer.body),
        keep: if holds_secret { SECRET_KEPT } else { KEPT },
    };
    app.db.run(move |conn| rows::answer(conn, id, &kept)).await?;
    Ok(())
}

/// Lets a request that did nothing be sent again.
pub async fn forget(app: &Arc<App>, id: IdempotentRequestId) -> Result<(), Error> {
    Ok(app.db.run(move |conn| rows::forget(conn, id)).await?)
}

/// Erases answers past their time; those that hold a secret have an hour, so this runs every few minutes.
pub async fn erase_answers(app: &App) -> Result<(), Error> {
    Ok(app.db.run(rows::erase_bodies).await?)
}

/// Erases requests that are known no longer.
pub async fn purge(app: &Arc<App>) -> Result<(), Error> {
    let before = app.now() - kept();
    Ok(app.db.run(move |conn| rows::purge(conn, before)).await?)
}

fn kept() -> TimeDelta {
    TimeDelta::from_std(KEPT).unwrap_or_default()
}

fn place(row: Uuid) -> Place<'static> {
    Place {
        table: TABLE,
        column: "body_sealed",
        row,
    }
}
