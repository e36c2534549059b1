//! What an attempt leaves behind when it saved nothing: its own lease cleared, the failure noted and shown, a row in the
//! refresh log, and the word to whoever asked.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Try;
use super::grant;
use crate::app::App;
use crate::broker::Error;
use crate::broker::events::{self, Trouble};
use crate::db::leases::{self, Failed};
use crate::db::refresh_logs::RefreshLog;
use crate::db::{self, Conn};
use crate::domain::id::CredentialId;
use crate::domain::lease;
use crate::domain::refresh::{Attempt, RefreshOutcome, back_off, back_off_within, health};
use crate::domain::store::StoreHealth;
use crate::platform::Failure;

/// Between two tries to write an end down.
const AGAIN: Duration = Duration::from_secs(1);

/// Writes down how an attempt ended. What the platform said must not become a doubt because the database is away just
/// then: callers are told at once, and a task of its own, which holds nothing but the words, goes on trying for as long
/// as others wait for a silent owner. `write` is guarded by the attempt's number, so it is safe to run late and twice.
pub(super) async fn write_end<T, F>(app: &Arc<App>, id: CredentialId, write: F) -> Result<T, Error>
where
    F: Fn(&mut Conn) -> Result<T, Error> + Clone + Send + 'static,
    T: Send + 'static,
{
    let written = app.db.repeatable(write.clone()).await;
    if let Err(Error::Db(db::Error::Unavailable(why))) = &written {
        tracing::warn!(credential.id = %id, error = %why, "the end of an attempt waits to be written down");
        let (app, begun) = (app.clone(), app.clock.monotonic());
        app.detached.clone().spawn(async move {
            while app.clock.monotonic().saturating_duration_since(begun) < app.config.journal_wait {
                tokio::time::sleep(AGAIN.mul_f64(0.75 + 0.5 * app.random.fraction())).await;
                match app.db.repeatable(write.clone()).await {
                    Err(Error::Db(db::Error::Unavailable(_))) => {}
                    Err(error) => {
                        tracing::error!(credential.id = %id, %error, "the end of an attempt cannot be written down");
                        return;
                    }
                    Ok(_) => return,
                }
            }
        });
    }
    written
}

impl Try<'_> {
    /// Ends the attempt: clears its own lease, notes the failure, shows it on the stores.
    pub async fn clear(&self, failure: Option<&Failure>) -> Result<(), Error> {
        let (id, grant_no, attempt) = (self.row.id, self.row.grant_no, self.attempt);
        let failed = failure.map(|failure| self.failed(failure));
        let trouble = failure.map(Trouble::from);
        let app = self.app.clone();
        let doubtful = self.row.in_doubt_since.is_some();
        write_end(self.app, id, move |conn| {
            if leases::clear(conn, id, grant_no, attempt, failed)?
                && let Some(failed) = failed
            {
                let shown = if doubtful {
                    StoreHealth::RefreshInDoubt
                } else {
                    health(failed.kind)
                };
                events::health(conn, &app, id, shown, trouble.as_ref())?;
            }
            Ok(db::listen::notify_credential(conn, id)?)
        })
        .await
    }

    pub fn failed(&self, failure: &Failure) -> Failed {
        self.failed_after(failure, self.wait(failure))
    }

    /// The same for a call whose answer was lost.
    pub fn failed_in_doubt(&self, failure: &Failure) -> Failed {
        self.failed_after(failure, self.within_grace(self.back_off(failure)))
    }

    fn failed_after(&self, failure: &Failure, wait: Duration) -> Failed {
        let retry_at = self.app.now() + chrono::TimeDelta::from_std(wait).unwrap_or_default();
        Failed {
            kind: failure.kind,
            retry_at,
        }
    }

    fn wait(&self, failure: &Failure) -> Duration {
        let wait = self.back_off(failure);
        if self.row.in_doubt_since.is_some() {
            self.within_grace(wait)
        } else {
            wait
        }
    }

    fn back_off(&self, failure: &Failure) -> Duration {
        back_off(
            failure.kind,
            self.row.failures,
            failure.retry_after,
            self.app.random.fraction(),
        )
    }

    fn within_grace(&self, wait: Duration) -> Duration {
        let terms = grant::terms(self.method, self.app.config.journal_wait);
        match lease::grace_left(&self.row.lease(), &terms, self.app.now()) {
            Some(left) => back_off_within(wait, left),
            None => wait,
        }
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

    /// The row of the refresh log; its loss is only logged. `status`: of an answer that is no failure.
    pub async fn log(&self, outcome: RefreshOutcome, failure: Option<&Failure>, status: Option<u16>, saved_after: i64) {
        let app = self.app;
        let took = app.clock.monotonic().saturating_duration_since(self.begun);
        let row = &self.row;
        app.metrics.refreshed(&row.platform, self.trigger, outcome, took);
        let log = RefreshLog {
            id: app.id(),
            app_id: row.app_id,
            credential_id: row.id,
            platform: row.platform.clone(),
            platform_app_id: row.platform_app_id,
            trigger: self.trigger,
            outcome,
            platform_code: failure.and_then(|failure| failure.code.clone()),
            http_status: failure.and_then(|failure| failure.status).or(status).map(i32::from),
            detail: failure.map(|failure| failure.detail.clone()),
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
