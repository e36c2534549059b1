//! LISTEN and NOTIFY: what changed, told to every process. One connection of its own and one thread; a round trip every
//! half second shows whether the database is reached, which caches and the wait for a silent lease owner rest on. Nothing
//! is lost that matters: after a gap every cache is emptied, and whoever waits looks at the row again anyway.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz};
use tokio::sync::broadcast;

use super::{Conn, Result};
use crate::domain::id::{AccessTokenId, CredentialId, StoreId};
use crate::domain::secret::Secret;

const CHANNEL: &str = "llavero";
const LOOK: Duration = Duration::from_millis(20);
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Longer without a completed round trip means that this process was paused or cut off.
const GAP: Duration = Duration::from_secs(10);

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum News {
    Credential(CredentialId),
    Store(StoreId),
    AccessToken(AccessTokenId),
    /// A job is due.
    Jobs,
    /// A platform's definition was made, changed or removed.
    Platforms,
    /// The connection was made (again): anything may have changed.
    Anything,
}

fn notify(conn: &mut Conn, payload: &str) -> Result<()> {
    diesel::sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(payload)
        .execute(conn)?;
    Ok(())
}

/// Tells every process, at commit, that a credential changed.
pub fn notify_credential(conn: &mut Conn, id: CredentialId) -> Result<()> {
    notify(conn, &id.to_string())
}

/// Tells every process, at commit, that a store changed.
pub fn notify_store(conn: &mut Conn, id: StoreId) -> Result<()> {
    notify(conn, &id.to_string())
}

/// Tells every process, at commit, that an access token was revoked or got an end.
pub fn notify_access_token(conn: &mut Conn, id: AccessTokenId) -> Result<()> {
    notify(conn, &id.to_string())
}

/// Wakes the job runners at commit; several in one transaction are one.
pub fn notify_jobs(conn: &mut Conn) -> Result<()> {
    notify(conn, "jobs")
}

/// Tells every process, at commit, that the platforms defined here are others now.
pub fn notify_platforms(conn: &mut Conn) -> Result<()> {
    notify(conn, "platforms")
}

fn read(payload: &str) -> Option<News> {
    match payload {
        "jobs" => return Some(News::Jobs),
        "platforms" => return Some(News::Platforms),
        _ => {}
    }
    None.or_else(|| payload.parse().ok().map(News::Credential))
        .or_else(|| payload.parse().ok().map(News::Store))
        .or_else(|| payload.parse().ok().map(News::AccessToken))
}

/// The time, as the listening thread needs and improves it.
pub trait Timepiece: Send + 'static {
    fn monotonic(&self) -> Instant;
    fn now(&self) -> DateTime<Utc>;
    /// What the database said its time was, between two moments.
    fn observe_database(&self, asked_at: Instant, answered_at: Instant, database_now: DateTime<Utc>);
}

/// The listening end. Cloning is cheap; the thread ends when `stop` is called or the last clone is dropped.
#[derive(Clone)]
pub struct Listener(Arc<Shared>);

struct Shared {
    news: broadcast::Sender<News>,
    state: Mutex<State>,
    counter: AtomicU64,
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    reaching_since: Option<DateTime<Utc>>,
    round_trip_begun: Option<Instant>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Listener {
    /// Listens at `url`, which must lead past any pooler. Connects by itself, again and again.
    pub fn start(url: Secret, clock: impl Timepiece) -> Self {
        let listener = Self::off();
        let weak = Arc::downgrade(&listener.0);
        let stopped = listener.0.stopped.clone();
        let thread = std::thread::Builder::new().name("listen".to_owned());
        let spawned = thread.spawn(move || {
            let mut pause = Duration::from_millis(100);
            while !stopped.load(Ordering::Relaxed) {
                let ended = super::connect(&url).and_then(|conn| {
                    pause = Duration::from_millis(100);
                    listen(conn, &clock, &stopped, &|| weak.upgrade())
                });
                if let Some(shared) = weak.upgrade() {
                    shared.lose();
                }
                if let Err(error) = ended {
                    tracing::warn!(error = %error, "the listening connection to the database is lost");
                    std::thread::park_timeout(pause);
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        });
        if let Err(error) = spawned {
            tracing::error!(error = %error, "the listening thread could not be started");
        }
        listener
    }

    /// A listener that hears nothing: for commands that end soon. Leases of silent owners are then left alone.
    pub fn off() -> Self {
        let (news, _) = broadcast::channel(4096);
        let state = Mutex::new(State::default());
        Self(Arc::new(Shared {
            news,
            state,
            counter: AtomicU64::new(0),
            stopped: Arc::default(),
        }))
    }

    /// All news from now on. A receiver that lags must take it as [`News::Anything`].
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.0.news.subscribe()
    }

    /// Since when the database has been reached without a gap; `None`: it is not.
    pub fn reaching_since(&self) -> Option<DateTime<Utc>> {
        self.0.state().reaching_since
    }

    /// When the last completed round trip on the listening connection was begun: all news before it have arrived.
    pub fn heard_until(&self) -> Option<Instant> {
        self.0.state().round_trip_begun
    }

    /// Grows with each piece of news: note it before reading a row, keep what was read only if it is unchanged.
    pub fn counter(&self) -> u64 {
        self.0.counter.load(Ordering::Acquire)
    }

    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves two dates whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: News) {
        self.counter.fetch_add(1, Ordering::AcqRel);
        // Nobody listening is no error.
        let _ = self.news.send(news);
    }

    fn lose(&self) {
        *self.state() = State::default();
        self.tell(News::Anything);
    }

    fn reached(&self, begun: Instant, answered: Instant, now: DateTime<Utc>) {
        let mut state = self.state();
        let gap = state
            .round_trip_begun
            .is_none_or(|last| answered.saturating_duration_since(last) > GAP);
        if gap || state.reaching_since.is_none() {
            state.reaching_since = Some(now);
        }
        state.round_trip_begun = Some(begun);
    }
}

/// Until the connection breaks (an error) or nobody listens any more.
fn listen(
    mut conn: Conn,
    clock: &impl Timepiece,
    stopped: &AtomicBool,
    shared: &dyn Fn() -> Option<Arc<Shared>>,
) -> Result<()> {
    diesel::sql_query("SET statement_timeout = '5s'").execute(&mut conn)?;
    // First listen, then let everybody forget what they knew.
    diesel::sql_query(format!("LISTEN {CHANNEL}")).execute(&mut conn)?;
    let mut next_beat = None;
    while !stopped.load(Ordering::Relaxed) {
        let moment = clock.monotonic();
        if next_beat.is_none_or(|at| moment >= at) {
            let database: DateTime<Utc> =
                diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()")).get_result(&mut conn)?;
            let answered = clock.monotonic();
            clock.observe_database(moment, answered, database);
            let Some(shared) = shared() else { return Ok(()) };
            shared.reached(moment, answered, clock.now());
            if next_beat.is_none() {
                shared.tell(News::Anything);
            }
            next_beat = Some(moment + HEARTBEAT);
        }
        let mut heard = Vec::new();
        for notification in conn.notifications_iter() {
            heard.push(notification?.payload);
        }
        if !heard.is_empty() {
            let Some(shared) = shared() else { return Ok(()) };
            heard
                .iter()
                .filter_map(|payload| read(payload))
                .for_each(|news| shared.tell(news));
        }
        std::thread::park_timeout(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn a_payload_reads_back_as_what_was_told() {
        let credential = CredentialId::make(1, [1; 10]);
        assert_eq!(read(&credential.to_string()), Some(News::Credential(credential)));
        assert_eq!(read("jobs"), Some(News::Jobs));
        assert_eq!(read("platforms"), Some(News::Platforms));
        assert_eq!(read("something else"), None);
    }
}
