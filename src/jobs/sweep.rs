//! Gives credentials whose next job was lost another one, every few minutes: a refresh token may live no longer than a
//! day. Each worker does it for itself, and what two of them find is enqueued once. Not a job, or it could be lost as well.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::broker::{Error, refresh};
use crate::db;
use crate::db::lost_jobs::{self, Seen};
use crate::domain::job::{Job, NewJob};
use crate::platform::descriptor::Renewal;

/// Between two sweeps.
pub(super) const EVERY: Duration = Duration::from_secs(5 * 60);
/// What waits for days need not be looked for more often than this.
const SLOWLY: Duration = Duration::from_secs(60 * 60);
/// A timer this late has lost its job, if none waits or runs.
const LATE: Duration = Duration::from_secs(10 * 60);
/// Jobs that are found lost together come back over this time.
const SPREAD: Duration = Duration::from_secs(5 * 60);
/// Whose refresh token ends within this comes back at once.
const NEAR: TimeDelta = TimeDelta::hours(2);
/// The first announcement, and a day.
const ANNOUNCED: TimeDelta = TimeDelta::days(31);
/// Looked at in one statement.
const PAGE: i64 = 500;

/// When what was looked for last.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    slow_at: Option<DateTime<Utc>>,
}

impl Sweep {
    /// Sweeps once; what cannot be done now is done next time.
    pub(super) async fn run(&mut self, app: &Arc<App>) {
        let swept = self.all(app).await;
        match swept {
            Ok(0) => {}
            Ok(found) => tracing::warn!(found, "credentials had lost their next job"),
            Err(error) => tracing::warn!(%error, "lost jobs could not be looked for"),
        }
    }

    async fn all(&mut self, app: &Arc<App>) -> Result<usize, Error> {
        let mut found = timers(app).await?;
        let now = app.now();
        let slowly = TimeDelta::from_std(SLOWLY).unwrap_or_default();
        if self.slow_at.is_none_or(|at| now - at >= slowly) {
            self.slow_at = Some(now);
            // Either is looked for though the other cannot be.
            let (verifications, announcements) = (verifications(app).await, announcements(app).await);
            found += verifications? + announcements?;
        }
        Ok(found)
    }
}

async fn timers(app: &Arc<App>) -> Result<usize, Error> {
    let (mut found, mut last) = (0, None);
    loop {
        let after: Option<Seen> = last.take();
        let page = app
            .db
            .run::<_, db::Error, _>(move |conn| lost_jobs::late_timers(conn, LATE, after.as_ref(), PAGE))
            .await?;
        let (whole, lost) = split(page, &mut last);
        found += lost.len();
        let now = app.now();
        enqueue(app, lost, |app, seen| {
            let near = seen.refresh_expires_at.is_some_and(|ends| ends - NEAR <= now);
            let spread = if near { Duration::ZERO } else { SPREAD };
            let job = Job::RefreshCredential { credential: seen.id };
            (job, now + spread_over(app, spread))
        })
        .await?;
        if !whole {
            return Ok(found);
        }
    }
}

async fn verifications(app: &Arc<App>) -> Result<usize, Error> {
    let is_verified = |seen: &Seen| {
        let platform = app.catalogue.platform(&seen.platform);
        let method = platform.and_then(|platform| platform.method(&seen.method));
        method.is_some_and(|method| method.renewal == Renewal::Never)
    };
    let (mut found, mut last) = (0, None);
    loop {
        let after = last.take().map(|seen: Seen| seen.id);
        let page = app
            .db
            .run::<_, db::Error, _>(move |conn| lost_jobs::verified(conn, after, PAGE))
            .await?;
        let (whole, mut lost) = split(page, &mut last);
        lost.retain(is_verified);
        found += lost.len();
        enqueue(app, lost, |app, seen| {
            let job = Job::VerifyCredential { credential: seen.id };
            (job, refresh::next_verification(app))
        })
        .await?;
        if !whole {
            return Ok(found);
        }
    }
}

async fn announcements(app: &Arc<App>) -> Result<usize, Error> {
    let until = app.now() + ANNOUNCED;
    let (mut found, mut last) = (0, None);
    loop {
        let after = last.take().map(|seen: Seen| seen.id);
        let page = app
            .db
            .run::<_, db::Error, _>(move |conn| lost_jobs::announced(conn, until, after, PAGE))
            .await?;
        let (whole, mut lost) = split(page, &mut last);
        let now = app.now();
        // One whose last announcement is over has none to lose.
        lost.retain(|seen| next(seen, now).is_some());
        found += lost.len();
        enqueue(app, lost, |_, seen| {
            let job = Job::AnnounceDeadline { credential: seen.id };
            (job, next(seen, now).unwrap_or(now))
        })
        .await?;
        if !whole {
            return Ok(found);
        }
    }
}

fn next(seen: &Seen, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    crate::domain::credential::next_announcement(seen.reauthorize_by?, now)
}

/// Whether there may be more, and those of a page that have lost their job; `last` is where the next page begins.
fn split(page: Vec<Seen>, last: &mut Option<Seen>) -> (bool, Vec<Seen>) {
    let whole = page.len() == usize::try_from(PAGE).unwrap_or_default();
    *last = page.last().cloned();
    (whole, page.into_iter().filter(|seen| seen.lost).collect())
}

fn spread_over(app: &App, time: Duration) -> TimeDelta {
    TimeDelta::from_std(time.mul_f64(app.random.fraction())).unwrap_or_default()
}

async fn enqueue(
    app: &Arc<App>,
    lost: Vec<Seen>,
    job: impl Fn(&App, &Seen) -> (Job, DateTime<Utc>),
) -> Result<(), Error> {
    if lost.is_empty() {
        return Ok(());
    }
    let new: Vec<_> = lost
        .into_iter()
        .map(|seen| {
            let (job, due_at) = job(app, &seen);
            let new = NewJob {
                job,
                app: Some(seen.app_id),
                platform: Some(seen.platform),
                due_at,
            };
            (app.id(), new)
        })
        .collect();
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            for (id, new) in &new {
                db::jobs::insert_if_absent(conn, *id, new)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
