//! The worker: one match from a job to what does it. Each job loads fresh state, is safe to run twice, and ends as Done,
//! Again, Retry or Fail by choice; the work itself stands in the broker.

mod announce_deadline;
mod background;
mod chain_audit;
mod deliver_webhook;
mod purge;
mod refresh_credential;
mod reseal;
mod runner;
mod send_notice;
mod sweep;
mod verify_credential;

use std::sync::Arc;
use std::time::Duration;

pub use background::Background;
pub use runner::{Runner, run_due};

use crate::app::App;
use crate::broker::Error;
use crate::db::jobs::End;
use crate::domain::job::Job;
use crate::domain::problem::Problem;

/// Does one job to its end.
pub async fn run(app: &Arc<App>, job: Job, attempts: i32) -> End {
    let ended = match job {
        Job::RefreshCredential { credential } => refresh_credential::run(app, credential, attempts).await,
        Job::SendNotice { notice } => send_notice::run(app, notice, attempts).await,
        Job::VerifyCredential { credential } => verify_credential::run(app, credential).await,
        Job::AnnounceDeadline { credential } => announce_deadline::run(app, credential).await,
        Job::DeliverWebhook { endpoint, .. } => deliver_webhook::run(app, endpoint).await,
        Job::Reseal {} => reseal::run(app).await,
        Job::Purge {} => purge::run(app).await,
        Job::ChainAudit {} => chain_audit::run(app).await,
    };
    ended.unwrap_or_else(|error| End::Retry {
        after: wait_for(&error, attempts, app.random.fraction()),
        error: error.to_string(),
    })
}

/// How long a failed job waits: what the platform asked for, else longer each time.
fn wait_for(error: &Error, attempts: i32, jitter: f64) -> Duration {
    let asked = match error {
        Error::Platform {
            retry_after, problem, ..
        } if *problem != Problem::PlatformRejected => *retry_after,
        _ => None,
    };
    asked.unwrap_or_default().max(back_off(attempts, jitter))
}

/// 5 s, doubling up to an hour, less up to a quarter.
fn back_off(attempts: i32, jitter: f64) -> Duration {
    let seconds = 5_u64 << (attempts - 1).clamp(0, 10);
    Duration::from_secs(seconds.min(3600)).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_tried_from_friday_evening_until_monday() {
        let notice = crate::domain::id::Id::make(1, [1; 10]);
        let most = Job::SendNotice { notice }.max_attempts();
        let tried_for: Duration = (1..most).map(|attempts| send_notice::back_off(attempts, 1.0)).sum();
        assert!(tried_for > Duration::from_secs(64 * 3600), "{tried_for:?}");
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        for (attempts, seconds) in [(1, 5), (2, 10), (5, 80), (11, 3600), (i32::MAX, 3600)] {
            assert_eq!(back_off(attempts, 0.0), Duration::from_secs(seconds));
        }
        assert!(back_off(1, 1.0) < back_off(1, 0.0));
    }
}
