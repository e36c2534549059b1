//! Claims due jobs a few at a time and runs them side by side. Woken by NOTIFY or by a tick that is spread, so that many
//! workers do not ask at once; a stop claims no more and waits for what runs. A job that runs long keeps its claim alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::sweep::{EVERY, Sweep};
use crate::app::App;
use crate::broker::{idempotency, key_use};
use crate::db;
use crate::db::jobs::{Claimed, End};
use crate::db::listen::News;
use crate::domain::job::{Job, NewJob};

/// Jobs at once in one process.
const AT_ONCE: usize = 16;
/// Claimed in one statement.
const BATCH: usize = 8;
/// How long a claim lasts unless it is kept alive.
const CLAIM: Duration = Duration::from_secs(120);
const KEEP_ALIVE: Duration = Duration::from_secs(40);
const TICK: Duration = Duration::from_secs(2);
/// Until a job that this version does not know is looked at again.
const UNKNOWN: Duration = Duration::from_secs(5 * 60);
/// Between two erasures of kept answers: a secret outlives its hour by no more.
const ERASE_EVERY: Duration = Duration::from_secs(5 * 60);
/// Until then every process should have been started with the new ring, and can open what is sealed with its key.
const RESEAL_AFTER: TimeDelta = TimeDelta::hours(1);

/// The running worker of this process.
pub struct Runner {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Runner {
    /// Starts on the detached runtime, so that a web worker's load does not slow it.
    pub fn start(app: Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = app.detached.clone().spawn(work(app, stopped));
        Self { stop, task }
    }

    /// Claims nothing more and waits for the jobs that run.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the worker ended badly");
        }
    }
}

/// Runs what is due now, one after the other, until nothing is; returns how many ran. For tests and commands.
pub async fn run_due(app: &Arc<App>) -> usize {
    let mut done = 0;
    loop {
        let claimed = claim(app, 1).await;
        if claimed.is_empty() {
            return done;
        }
        for job in claimed {
            run(app.clone(), job).await;
            done += 1;
        }
    }
}

async fn work(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut news = app.listener.subscribe();
    let mut running = JoinSet::new();
    first_jobs(&app).await;
    let sweeping = app.detached.spawn(sweep(app.clone(), stop.clone()));
    let mut erased: Option<Instant> = None;
    while !*stop.borrow() {
        let now = app.clock.monotonic();
        if erased.is_none_or(|erased| now.saturating_duration_since(erased) >= ERASE_EVERY) {
            erased = Some(now);
            if let Err(error) = idempotency::erase_answers(&app).await {
                tracing::warn!(%error, "answers past their time could not be erased");
            }
            if let Err(error) = app.db.run(db::connect_sessions::expire).await {
                tracing::warn!(%error, "connect sessions past their time could not be closed");
            }
        }
        let room = AT_ONCE - running.len();
        let claimed = if room == 0 {
            Vec::new()
        } else {
            claim(&app, room.min(BATCH)).await
        };
        let full = claimed.len() == room.min(BATCH) && !claimed.is_empty();
        for job in claimed {
            running.spawn(run(app.clone(), job));
        }
        if full && running.len() < AT_ONCE {
            continue;
        }
        let tick = TICK.mul_f64(0.75 + 0.5 * app.random.fraction());
        tokio::select! {
            _ = tokio::time::sleep(tick) => {}
            _ = due(&mut news) => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    while running.join_next().await.is_some() {}
    if let Err(error) = sweeping.await {
        tracing::error!(%error, "the sweep ended badly");
    }
}

/// Looks for lost jobs at the start and then every few minutes.
async fn sweep(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut sweep = Sweep::default();
    loop {
        sweep.run(&app).await;
        enqueue(&app, regular_jobs(&app)).await;
        let pause = EVERY.mul_f64(0.9 + 0.2 * app.random.fraction());
        tokio::select! {
            _ = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Returns when a job was enqueued, or may have been.
async fn due(news: &mut broadcast::Receiver<News>) {
    loop {
        match news.recv().await {
            Ok(News::Jobs | News::Anything) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn claim(app: &App, limit: usize) -> Vec<Claimed> {
    let claim = uuid::Builder::from_random_bytes(app.random.bytes()).into_uuid();
    let limit = i64::try_from(limit).unwrap_or(1);
    match app.db.run(move |conn| db::jobs::claim(conn, claim, limit, CLAIM)).await {
        Ok(claimed) => claimed,
        Err(error) => {
            let error: db::Error = error;
            tracing::warn!(%error, "no jobs could be claimed");
            Vec::new()
        }
    }
}

/// Jobs that keep themselves going: for the first time, and for when one was lost.
fn regular_jobs(app: &App) -> Vec<(Job, DateTime<Utc>)> {
    vec![(Job::Purge {}, app.now()), (Job::ChainAudit {}, app.now())]
}

/// The regular ones and, after a rotation of keys, what follows from it.
async fn first_jobs(app: &App) {
    let mut jobs = regular_jobs(app);
    match key_use::is_behind(app).await {
        Ok(true) => jobs.push((Job::Reseal {}, app.now() + RESEAL_AFTER)),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "whether older keys are in use is not known"),
    }
    enqueue(app, jobs).await;
}

/// Those of them that neither wait nor run.
async fn enqueue(app: &App, jobs: Vec<(Job, DateTime<Utc>)>) {
    for (job, due_at) in jobs {
        let id = app.id();
        let kind = job.kind();
        let new = NewJob {
            job,
            app: None,
            platform: None,
            due_at,
        };
        if let Err(error) = app
            .db
            .run::<_, db::Error, _>(move |conn| db::jobs::insert_if_absent(conn, id, &new))
            .await
        {
            tracing::warn!(job.kind = kind, %error, "a regular job could not be scheduled");
        }
    }
}

async fn run(app: Arc<App>, claimed: Claimed) {
    let (id, claim) = (claimed.id, claimed.claim);
    let end = match claimed.job {
        // During an update a newer version may have enqueued it, and takes it when it waits again.
        None => End::Retry {
            after: UNKNOWN,
            error: format!("this version does not know the job `{}` or its payload", claimed.kind),
        },
        Some(job) => {
            let work = super::run(&app, job, claimed.attempts);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    end = &mut work => break end,
                    _ = tokio::time::sleep(KEEP_ALIVE) => {
                        let kept = app.db.run::<_, db::Error, _>(move |conn| db::jobs::prolong(conn, id, claim, CLAIM));
                        if let Err(error) = kept.await {
                            tracing::warn!(job.id = %id, %error, "a claim could not be kept alive");
                        }
                    }
                }
            }
        }
    };
    if let End::Fail { error } = &end {
        tracing::error!(job.id = %id, job.kind = %claimed.kind, %error, "a job is a dead letter");
    }
    let (attempts, most) = (claimed.attempts, claimed.max_attempts);
    let finished = app
        .db
        .run(move |conn| db::jobs::finish(conn, id, claim, attempts, most, &end))
        .await;
    match finished {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job.id = %id, "a job ran past its claim; somebody else has it now"),
        Err(error) => {
            let error: db::Error = error;
            // The claim ends by itself, and the job, safe to run twice, runs again.
            tracing::warn!(job.id = %id, %error, "the end of a job could not be written");
        }
    }
}
