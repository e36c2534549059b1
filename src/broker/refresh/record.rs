//! What an attempt leaves behind when it saved nothing: its own lease cleared, the failure noted and shown, a row in the
//! refresh log, and the word to whoever asked.

use std::time::Duration;

use super::attempt::Try;
use crate::broker::Error;
use crate::db;
use crate::db::leases::{self, Failed};
use crate::db::refresh_logs::RefreshLog;
use crate::domain::refresh::{Attempt, RefreshOutcome, back_off, health};
use crate::domain::store::StoreHealth;
use crate::platform::Failure;

impl Try<'_> {
    /// Ends the attempt: clears its own lease, notes the failure, shows it on the stores.
    pub async fn clear(&self, failure: Option<&Failure>) -> Result<(), Error> {
        let (id, grant_no, attempt) = (self.row.id, self.row.grant_no, self.attempt);
        let failed = failure.map(|failure| self.failed(failure));
        let doubtful = self.row.in_doubt_since.is_some();
        self.app
            .db
            .transaction(move |conn| {
                if leases::clear(conn, id, grant_no, attempt, failed)?
                    && let Some(failed) = failed
                {
                    let shown = if doubtful {
                        StoreHealth::RefreshInDoubt
                    } else {
                        health(failed.kind)
                    };
                    db::stores::set_health(conn, id, shown)?;
                }
                Ok(db::listen::notify_credential(conn, id)?)
            })
            .await
    }

    pub fn failed(&self, failure: &Failure) -> Failed {
        let wait = self.wait(failure);
        let retry_at = self.app.now() + chrono::TimeDelta::from_std(wait).unwrap_or_default();
        Failed {
            kind: failure.kind,
            retry_at,
        }
    }

    fn wait(&self, failure: &Failure) -> Duration {
        back_off(
            failure.kind,
            self.row.failures,
            failure.retry_after,
            self.app.random.fraction(),
        )
    }

    pub fn ended(&self, outcome: RefreshOutcome, failure: Option<&Failure>, detail: String) -> Attempt {
        Attempt {
            outcome,
            code: failure.and_then(|failure| failure.code.clone()),
            status: failure.and_then(|failure| failure.status),
            detail: Some(detail),
            retry_after: failure.map(|failure| self.wait(failure)),
            generation: self.seen(),
        }
    }

    /// The row of the refresh log; its loss is only logged.
    pub async fn log(&self, outcome: RefreshOutcome, failure: Option<&Failure>, detail: &str, saved_after: i64) {
        let app = self.app;
        let took = app.clock.monotonic().saturating_duration_since(self.begun);
        let row = &self.row;
        let log = RefreshLog {
            id: app.id(),
            app_id: row.app_id,
            credential_id: row.id,
            platform: row.platform.clone(),
            platform_app_id: row.platform_app_id,
            trigger: self.trigger,
            outcome,
            platform_code: failure.and_then(|failure| failure.code.clone()),
            http_status: failure.and_then(|failure| failure.status).map(i32::from),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            duration_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
            grant_no: row.grant_no,
            attempt: self.attempt,
            saved_before: row.saved_attempt,
            saved_after,
            started_at: self.started_at,
        };
        tracing::info!(
            credential.id = %row.id, refresh.outcome = %outcome, refresh.attempt = self.attempt, platform = %row.platform,
            "a refresh ended"
        );
        if let Err(error) = app.db.run(move |conn| db::refresh_logs::insert(conn, &log)).await {
            tracing::warn!(credential.id = %row.id, %error, "a row of the refresh log is lost");
        }
    }
}
