//! LISTEN and NOTIFY: what changed, told to every process. One connection of its own and one thread; a round trip every
//! half second shows whether the database is reached, which what is held in memory and the wait for a silent lease owner
//! rest on. Nothing is lost that matters: whoever hears is told before a round trip counts, a new connection listens first
//! and then lets everything be forgotten, and whoever waits looks at the row again anyway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use tokio::sync::broadcast;

use super::{Conn, Result};
use crate::domain::id::{AccessTokenId, AppId, CredentialId, StoreId};
use crate::domain::secret::Secret;

const CHANNEL: &str = "llavero";
/// How a statement that sends news begins.
pub(super) const NOTIFY: &str = "NOTIFY llavero, '";
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
    App(AppId),
    /// OAuth clients registered at platforms: seldom enough to be told as one.
    PlatformApps,
    /// A job is due.
    Jobs,
    /// A platform's definition was made, changed or removed.
    Platforms,
    /// The connection was made (again): anything may have changed.
    Anything,
}

/// Told each piece of news in the thread that has it, before it counts as heard. Must be quick.
pub type Hear = Arc<dyn Fn(News) + Send + Sync>;

fn notify(conn: &mut Conn, news: News) -> Result<()> {
    // Ids and our own words hold nothing that would need escaping.
    Ok(conn.batch_execute(&format!("{NOTIFY}{}'", written(news)))?)
}

/// The news that a statement sends, if it is one that does.
pub(super) fn sent(statement: &str) -> Option<News> {
    statement.strip_prefix(NOTIFY)?.strip_suffix('\'').and_then(read)
}

/// Tells every process, at commit, that a credential changed.
pub fn notify_credential(conn: &mut Conn, id: CredentialId) -> Result<()> {
    notify(conn, News::Credential(id))
}

/// Tells every process, at commit, that a store changed.
pub fn notify_store(conn: &mut Conn, id: StoreId) -> Result<()> {
    notify(conn, News::Store(id))
}

/// Tells every process, at commit, that an access token was revoked or got an end.
pub fn notify_access_token(conn: &mut Conn, id: AccessTokenId) -> Result<()> {
    notify(conn, News::AccessToken(id))
}

/// Tells every process, at commit, that an app's settings changed.
pub fn notify_app(conn: &mut Conn, id: AppId) -> Result<()> {
    notify(conn, News::App(id))
}

/// Tells every process, at commit, that what is registered at a platform changed.
pub fn notify_platform_apps(conn: &mut Conn) -> Result<()> {
    notify(conn, News::PlatformApps)
}

/// Wakes the job runners at commit; several in one transaction are one.
pub fn notify_jobs(conn: &mut Conn) -> Result<()> {
    notify(conn, News::Jobs)
}

fn written(news: News) -> String {
    match news {
        News::Credential(id) => id.to_string(),
        News::Store(id) => id.to_string(),
        News::AccessToken(id) => id.to_string(),
        News::App(id) => id.to_string(),
        News::PlatformApps => "platform_apps".to_owned(),
        News::Jobs => "jobs".to_owned(),
        News::Platforms => "platforms".to_owned(),
        News::Anything => "anything".to_owned(),
    }
}

/// Tells every process, at commit, that the platforms defined here are others now.
pub fn notify_platforms(conn: &mut Conn) -> Result<()> {
    notify(conn, News::Platforms)
}

fn read(payload: &str) -> Option<News> {
    match payload {
        "jobs" => Some(News::Jobs),
        "platform_apps" => Some(News::PlatformApps),
        "platforms" => Some(News::Platforms),
        "anything" => Some(News::Anything),
        _ => None
            .or_else(|| payload.parse().ok().map(News::Credential))
            .or_else(|| payload.parse().ok().map(News::Store))
            .or_else(|| payload.parse().ok().map(News::AccessToken))
            .or_else(|| payload.parse().ok().map(News::App)),
    }
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
    hear: Hear,
    state: Mutex<State>,
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    reaching_since: Option<DateTime<Utc>>,
    round_trip_begun: Option<Instant>,
    /// Outlives the connection.
    last_heard_at: Option<DateTime<Utc>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Listener {
    /// Listens at `url`, which must lead past any pooler, and tells `hear`. Connects by itself, again and again.
    pub fn start(url: Secret, clock: impl Timepiece, hear: Hear) -> Self {
        let listener = Self::telling(hear);
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
        Self::telling(Arc::new(|_| {}))
    }

    fn telling(hear: Hear) -> Self {
        let (news, _) = broadcast::channel(4096);
        Self(Arc::new(Shared {
            news,
            hear,
            state: Mutex::default(),
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

    /// When the database last answered on the listening connection, also if that is lost by now.
    pub fn last_heard_at(&self) -> Option<DateTime<Utc>> {
        self.0.state().last_heard_at
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
        (self.hear)(news);
        // Nobody listening is no error.
        let _ = self.news.send(news);
    }

    /// Whoever waits looks for itself from now on. What is in memory is not forgotten: an outage is served from it.
    fn lose(&self) {
        {
            let mut state = self.state();
            *state = State {
                last_heard_at: state.last_heard_at,
                ..State::default()
            };
        }
        let _ = self.news.send(News::Anything);
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
        state.last_heard_at = Some(now);
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
    match shared() {
        Some(shared) => shared.tell(News::Anything),
        None => return Ok(()),
    }
    let mut next_beat = None;
    while !stopped.load(Ordering::Relaxed) {
        let moment = clock.monotonic();
        let mut answered = None;
        if next_beat.is_none_or(|at| moment >= at) {
            let database: DateTime<Utc> =
                diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()")).get_result(&mut conn)?;
            answered = Some((clock.monotonic(), database));
            next_beat = Some(moment + HEARTBEAT);
        }
        // What came with the answer is told before the round trip counts: then all news from before it are known.
        let mut heard = Vec::new();
        for notification in conn.notifications_iter() {
            heard.push(notification?.payload);
        }
        if answered.is_some() || !heard.is_empty() {
            let Some(shared) = shared() else { return Ok(()) };
            heard
                .iter()
                .filter_map(|payload| read(payload))
                .for_each(|news| shared.tell(news));
            if let Some((answered, database)) = answered {
                clock.observe_database(moment, answered, database);
                shared.reached(moment, answered, clock.now());
            }
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
        for news in [
            News::Credential(CredentialId::make(1, [1; 10])),
            News::Store(StoreId::make(1, [2; 10])),
            News::AccessToken(AccessTokenId::make(1, [3; 10])),
            News::App(AppId::make(1, [4; 10])),
            News::PlatformApps,
            News::Jobs,
            News::Platforms,
            News::Anything,
        ] {
            assert_eq!(read(&written(news)), Some(news));
            assert_eq!(sent(&format!("{NOTIFY}{}'", written(news))), Some(news));
        }
        assert_eq!(read("something else"), None);
        assert_eq!(sent("SELECT 1"), None);
    }
}
