//! `GET /v1/stores/{id}/refreshes`: every try to renew a store's credential, newest first.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::Ask;
use super::store_json::StoreJson;
use super::stores::find;
use super::{Answer, ok};
use crate::broker::refresh::Verdict;
use crate::db;
use crate::db::refresh_logs::RefreshLog;
use crate::domain::id::RefreshLogId;
use crate::domain::refresh::{Attempt, RefreshOutcome, RefreshTrigger};
use crate::web::extract::{Params, PartnerKey, StoresRead, path_id};

/// One try.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefreshAttempt)]
pub struct AttemptJson {
    id: RefreshLogId,
    /// Grows by one with each try of the credential.
    attempt: i64,
    trigger: RefreshTrigger,
    outcome: RefreshOutcome,
    platform_code: Option<String>,
    http_status: Option<i32>,
    detail: Option<String>,
    duration_ms: i32,
    generation: GenerationsJson,
    started_at: DateTime<Utc>,
}

/// What was saved before and after a try: grant, and the attempt that brought it. The same twice: nothing new was saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Generations)]
pub struct GenerationsJson {
    grant: i64,
    before: i64,
    after: i64,
}

impl AttemptJson {
    pub fn of(log: RefreshLog) -> Self {
        Self {
            id: log.id,
            attempt: log.attempt,
            trigger: log.trigger,
            outcome: log.outcome,
            platform_code: log.platform_code,
            http_status: log.http_status,
            detail: log.detail,
            duration_ms: log.duration_ms,
            generation: GenerationsJson {
                grant: log.grant_no,
                before: log.saved_before,
                after: log.saved_after,
            },
            started_at: log.started_at,
        }
    }
}

/// What a refresh that was asked for came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refreshed)]
pub struct AttemptedJson {
    outcome: RefreshOutcome,
    platform_code: Option<String>,
    http_status: Option<u16>,
    detail: Option<String>,
    retry_after_seconds: Option<u64>,
    /// As it is afterwards.
    store: StoreJson,
}

impl AttemptedJson {
    pub fn of(attempt: Attempt, store: StoreJson) -> Self {
        Self {
            outcome: attempt.outcome,
            platform_code: attempt.code,
            http_status: attempt.status,
            detail: attempt.detail,
            retry_after_seconds: attempt.retry_after.map(|wait| wait.as_secs()),
            store,
        }
    }
}

/// What the platform's verify call said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verified)]
pub struct VerifiedJson {
    /// `alive`, `dead` or `undecided`.
    verdict: &'static str,
    /// As it is afterwards.
    store: StoreJson,
}

impl VerifiedJson {
    pub fn of(verdict: Verdict, store: StoreJson) -> Self {
        let verdict = match verdict {
            Verdict::Alive | Verdict::Renewed => "alive",
            Verdict::Dead => "dead",
            Verdict::Undecided => "undecided",
        };
        Self { verdict, store }
    }
}

pub async fn list(by: PartnerKey<StoresRead>, id: Path<String>, mut params: Params) -> Answer {
    let store = find(&by, path_id(&id)?).await?;
    let ask = Ask::<RefreshLogId>::of(&mut params)?;
    params.finish()?;
    let (credential, after, rows) = (store.store.credential_id, ask.after, ask.rows());
    let found = by
        .tools
        .db
        .run::<_, db::Error, _>(move |conn| db::refresh_logs::list_of_credential(conn, credential, after, rows))
        .await?;
    ok(&ask.page(found, |log| log.id, AttemptJson::of))
}
