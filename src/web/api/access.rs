//! `GET /v1/access` and `/v1/access/credentials`, with a store's own token: whether a call would work now, and what it
//! would be signed with.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::store_json::StoreJson;
use super::{Answer, ok};
use crate::broker::{self, proxy};
use crate::db;
use crate::domain::problem::Problem;
use crate::web::Error;
use crate::web::extract::{Params, StoreToken};

/// Whether a call would work now.
#[derive(Serialize, ToSchema)]
#[schema(as = Access)]
pub(super) struct AccessJson {
    /// A call would work, and go on working for `minimum_seconds` without a further refresh.
    usable: bool,
    /// When the platform's access token expires. `null`: never, or it is not usable.
    expires_at: Option<DateTime<Utc>>,
    /// Whole seconds until then.
    seconds: Option<i64>,
    /// Why it is not usable.
    problem: Option<BriefJson>,
    store: StoreJson,
}

/// A problem, without its circumstances.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessProblem)]
struct BriefJson {
    code: &'static str,
    title: &'static str,
}

/// What calls to the platform are signed with at this moment.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformCredentials)]
pub(super) struct CredentialsJson<'a> {
    /// `null`: the platform has none; `headers` or `query` hold its keys.
    access_token: Option<&'a str>,
    expires_at: Option<DateTime<Utc>>,
    /// The root of the store's API.
    base_url: &'a str,
    /// Headers that the platform wants with each call.
    headers: BTreeMap<&'a str, &'a str>,
    /// Query parameters that the platform wants with each call.
    query: BTreeMap<String, String>,
}

/// `?minimum_seconds=N`: a call would work, and go on working for so long without a further refresh.
pub async fn show(by: StoreToken, mut params: Params) -> Answer {
    let minimum = params.number("minimum_seconds", 0..=86_400).unwrap_or(0);
    params.finish()?;
    let wanted = Duration::from_secs(minimum.unsigned_abs());
    let usable = match by.admitted.check_connected() {
        Ok(()) => proxy::usable_for(&by.tools, &by.admitted, wanted).await,
        Err(error) => Err(error),
    };
    let (until, problem) = match usable {
        Ok(usable) => (Some(usable.access_expires_at), None),
        // The store's state and the platform's are what was asked for; our own faults are not.
        Err(
            error @ (broker::Error::NeedsReauthorization { .. }
            | broker::Error::StoreFrozen
            | broker::Error::Platform { .. }),
        ) => (None, Some(Error::from(error))),
        Err(error) => return Err(error.into()),
    };
    let lasts = until.map(|until| lasts(until, by.tools.now()));
    let enough = lasts.is_some_and(|lasts| lasts.is_none_or(|seconds| seconds >= minimum));
    ok(&AccessJson {
        usable: enough,
        expires_at: until.flatten(),
        seconds: lasts.flatten(),
        problem: problem.map(|problem| brief(&problem)),
        store: store(&by).await?,
    })
}

pub async fn credentials(by: StoreToken) -> Answer {
    if !by.admitted.app.expose_credentials {
        let told = "This app's option expose_credentials is off";
        return Err(Error::of(Problem::Forbidden).detail(told));
    }
    by.admitted.check_connected()?;
    let shown = proxy::shown_credential(&by.tools, &by.admitted).await?;
    let headers: BTreeMap<&str, &str> = shown
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let query: BTreeMap<String, String> = shown.root.query_pairs().into_owned().collect();
    let mut base_url = shown.root.clone();
    base_url.set_query(None);
    let body = CredentialsJson {
        access_token: shown.access_token.as_ref().map(|token| token.expose()),
        expires_at: shown.expires_at,
        base_url: base_url.as_str(),
        headers,
        query,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(body))
}

/// Whole seconds until then; `None`: no end.
fn lasts(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<i64> {
    until.map(|until| (until - now).max(TimeDelta::zero()).num_seconds())
}

fn brief(problem: &Error) -> BriefJson {
    BriefJson {
        code: problem.problem().code(),
        title: problem.problem().title(),
    }
}

async fn store(by: &StoreToken) -> Result<StoreJson, Error> {
    let (app, id) = (by.admitted.app.id, by.admitted.store.id);
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::store_list::find(conn, app, id))
        .await?;
    let found = found.ok_or_else(Error::not_found)?;
    Ok(StoreJson::of(found, by.admitted.app.mode, &by.tools.catalogue))
}
