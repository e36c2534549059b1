//! Refreshes a credential ahead of its refresh token's death, or once more after held verdicts are lifted. The save of a
//! refresh writes the next job itself.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::broker::{Error, refresh};
use crate::db;
use crate::db::jobs::End;
use crate::domain::id::CredentialId;
use crate::domain::refresh::{Blocked, Ended, RefreshOutcome, RefreshTrigger};

/// Where nothing says how long to wait.
const WAIT: Duration = Duration::from_secs(60);

pub(super) async fn run(app: &Arc<App>, credential: CredentialId, attempts: i32) -> Result<End, Error> {
    let found = app
        .db
        .run::<_, db::Error, _>(move |conn| db::leases::find(conn, credential))
        .await?;
    let Some((row, now)) = found else { return Ok(End::Done) };
    let due = row.refresh_at.is_some_and(|at| at <= now) || row.held_verdict_at.is_some();
    if !due || row.dead_at.is_some() || row.values_sealed.is_none() {
        return Ok(End::Done);
    }
    let again = |after: Option<Duration>, error: String| {
        Ok(End::Retry {
            after: after.unwrap_or(WAIT),
            error,
        })
    };
    match refresh::refresh(app, credential, RefreshTrigger::Timer, row.generation(), false).await {
        Ended::Ran(attempt) => match attempt.outcome {
            RefreshOutcome::Renewed | RefreshOutcome::Unchanged | RefreshOutcome::Dead => Ok(End::Done),
            // `Superseded` too: whoever came after may have saved nothing. A look at the row tells.
            outcome => again(attempt.retry_after, outcome.to_string()),
        },
        Ended::Blocked { why: Blocked::Dead, .. } => Ok(End::Done),
        Ended::Blocked {
            why: Blocked::NotRenewable,
            ..
        } => {
            let over = row.access_expires_at.is_some_and(|at| at <= now);
            if over && !refresh::lose_unrenewable(app, &row).await? {
                return again(None, "the credential changed meanwhile".to_owned());
            }
            Ok(End::Done)
        }
        // Nothing was sent and nothing failed: others come first, or nobody, and then all but not at once.
        Ended::Blocked {
            why: why @ (Blocked::Outage | Blocked::Crowded { .. }),
            retry_after,
        } => {
            let share = if why == Blocked::Outage {
                1
            } else {
                attempts.unsigned_abs()
            };
            let after = refresh::spread(app, retry_after.unwrap_or_default(), share, row.refresh_expires_at);
            again(Some(after), format!("{why:?}"))
        }
        Ended::Blocked { why, retry_after } => again(retry_after, format!("{why:?}")),
        // A newer answer brought a newer job; a look at the row tells.
        Ended::Changed => again(
            Some(Duration::from_secs(1)),
            "the credential changed meanwhile".to_owned(),
        ),
        Ended::Unavailable(why) | Ended::Broken(why) => again(None, why),
    }
}
