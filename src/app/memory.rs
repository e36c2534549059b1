//! What calls need to know, held as it was read so that the way of a call does not lead through the database: values stay
//! sealed, tokens are their hashes, and what is held is bounded. It is trusted while a round trip on the listening
//! connection, begun less than a second ago, has completed, for then all news from before it were heard; otherwise the
//! row is read before each call. Only if the database cannot be reached is what was last known served for a while.

mod known;
mod rows;
mod stamps;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use super::App;
use crate::db::listen::{Hear, News};
use crate::db::{self, Conn};

pub use known::{KnownClient, KnownCredential, KnownToken};
use rows::{Held, Rows};
use stamps::Stamps;

/// Nothing is held longer without being read again.
const LIFE: Duration = Duration::from_secs(60);
/// From this age on it is read again while it is served, so that calls never wait for that.
const RENEWED_AT: Duration = Duration::from_secs(45);
/// Begun longer ago, the last round trip says nothing any more.
const HEARD: Duration = Duration::from_secs(1);
/// The longest that a call waits for a row that memory could stand in for.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a read that failed, calls that memory can stand in for don't wait for the next one to fail.
const CUT_OFF: Duration = Duration::from_secs(2);
/// Rows read at once beside the calls.
const REREADS: usize = 4;

/// A kind of row that is held.
pub trait Row: Send + Sync + Sized + 'static {
    type Key: Clone + Eq + std::hash::Hash + Send + Sync + 'static;

    fn read(conn: &mut Conn, key: &Self::Key) -> db::Result<Option<Self>>;
    fn rows(memory: &Memory) -> &Rows<Self>;
    /// News after which it has to be read again.
    fn changes_with(&self) -> Vec<News>;
    /// Whether calls can be made with it, so that it may stand in while the database is away: nothing in memory ever
    /// refuses a call then, for it may be otherwise by now.
    fn works(&self, now: DateTime<Utc>) -> bool;
    /// About how many bytes it holds.
    fn size(&self) -> usize;
}

/// A row with where it comes from.
pub struct Recalled<R> {
    pub row: Arc<R>,
    /// This is what was last known to work: the database cannot be reached.
    pub outage: bool,
}

impl<R> Recalled<R> {
    fn current(row: Arc<R>) -> Self {
        Self { row, outage: false }
    }
}

/// All that is held. Cloning is not needed: it lives in [`App`].
pub struct Memory {
    stamps: Arc<Stamps>,
    grace: Duration,
    tokens: Rows<KnownToken>,
    credentials: Rows<KnownCredential>,
    clients: Rows<KnownClient>,
    failed_at: Mutex<Option<Instant>>,
    rereads: Arc<Semaphore>,
}

impl Memory {
    /// `grace`: how long what was last known is served after the database was last heard; zero: not at all.
    pub fn new(grace: Duration) -> Self {
        const MIB: u64 = 1024 * 1024;
        let longest = LIFE + grace;
        Self {
            stamps: Arc::default(),
            grace,
            // Only tokens are asked for by everybody, so only there it pays to know what is not there.
            tokens: Rows::new(32 * MIB, 4096, longest),
            credentials: Rows::new(32 * MIB, 0, longest),
            clients: Rows::new(MIB, 0, longest),
            failed_at: Mutex::default(),
            rereads: Arc::new(Semaphore::new(REREADS)),
        }
    }

    /// What has to be told each piece of news, those of other processes and this one's own.
    pub fn hear(&self) -> Hear {
        let stamps = Arc::clone(&self.stamps);
        Arc::new(move |news| stamps.stamp(news))
    }

    fn failed_at(&self) -> MutexGuard<'_, Option<Instant>> {
        // A panic elsewhere leaves a date whole.
        self.failed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known<R: Row>(&self, key: &R::Key) -> Option<Arc<Held<R>>> {
        let held = R::rows(self).get(key)?;
        self.stamps.is_unchanged(held.noted, &held.changes_with).then_some(held)
    }
}

impl App {
    /// A row from memory while that can be trusted, else as [`App::read_row`]. `None`: there is none.
    pub async fn recall<R: Row>(self: &Arc<Self>, key: R::Key) -> db::Result<Option<Recalled<R>>> {
        if self.hears() {
            if let Some(held) = self.memory.known::<R>(&key) {
                let age = held.age(self.now());
                if age < LIFE {
                    if age >= RENEWED_AT {
                        self.reread::<R>(&key);
                    }
                    return Ok(Some(Recalled::current(Arc::clone(&held.row))));
                }
            } else if R::rows(&self.memory).is_missing(&key, &self.memory.stamps, self.now()) {
                return Ok(None);
            }
        }
        self.read_row(key).await
    }

    /// The row as it is in the database; if that cannot be reached, what was last known to work, for the time of grace.
    pub async fn read_row<R: Row>(self: &Arc<Self>, key: R::Key) -> db::Result<Option<Recalled<R>>> {
        let held = self.memory.known::<R>(&key).filter(|held| self.may_stand_in(held));
        let Some(held) = held else {
            let found = self.read::<R>(key).await?;
            return Ok(found.map(Recalled::current));
        };
        if self.is_cut_off() {
            self.reread::<R>(&key);
        } else {
            match self.read_within::<R>(key).await {
                Ok(found) => return Ok(found.map(Recalled::current)),
                Err(db::Error::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Recalled {
            row: Arc::clone(&held.row),
            outage: true,
        }))
    }

    /// All news from before the last second have arrived.
    fn hears(&self) -> bool {
        let now = self.clock.monotonic();
        let heard = self.listener.heard_until();
        heard.is_some_and(|begun| now.saturating_duration_since(begun) < HEARD)
    }

    fn may_stand_in<R: Row>(&self, held: &Held<R>) -> bool {
        let (now, grace) = (self.now(), self.memory.grace);
        let known_at = self.listener.last_heard_at().unwrap_or(held.read_at).max(held.read_at);
        let since = (now - known_at).to_std().unwrap_or_default();
        let in_grace = !grace.is_zero() && since <= grace && held.age(now) <= LIFE + grace;
        in_grace && held.row.works(now)
    }

    fn is_cut_off(&self) -> bool {
        let now = self.clock.monotonic();
        let failed_at = *self.memory.failed_at();
        failed_at.is_some_and(|at| now.saturating_duration_since(at) < CUT_OFF)
    }

    async fn read<R: Row>(&self, key: R::Key) -> db::Result<Option<Arc<R>>> {
        let memory = &self.memory;
        // Noted before the row is read: news that come in between make what was read worth nothing.
        let (noted, read_at, wanted) = (memory.stamps.now(), self.now(), key.clone());
        let found = self.db.run(move |conn| R::read(conn, &wanted)).await?;
        *memory.failed_at() = None;
        Ok(match found {
            Some(row) => {
                let held = Held::new(row, noted, read_at);
                let row = Arc::clone(&held.row);
                if memory.stamps.is_unchanged(noted, &held.changes_with) {
                    R::rows(memory).keep(key, held);
                }
                Some(row)
            }
            None => {
                R::rows(memory).keep_missing(key, noted, read_at);
                None
            }
        })
    }

    /// The same, no longer than a call may wait; notes a database that is out of reach.
    async fn read_within<R: Row>(&self, key: R::Key) -> db::Result<Option<Arc<R>>> {
        let read = tokio::time::timeout(PATIENCE, self.read::<R>(key)).await;
        let read = read.unwrap_or_else(|_| Err(db::Error::Unavailable("no row within a second".to_owned())));
        if let Err(db::Error::Unavailable(_)) = &read {
            *self.memory.failed_at() = Some(self.clock.monotonic());
        }
        read
    }

    /// Reads a row beside the call that is served without it; not if several are being read already.
    fn reread<R: Row>(self: &Arc<Self>, key: &R::Key) {
        let Ok(turn) = Arc::clone(&self.memory.rereads).try_acquire_owned() else {
            return;
        };
        let (app, key) = (Arc::clone(self), key.clone());
        self.detached.spawn(async move {
            if let Err(error) = app.read_within::<R>(key).await {
                tracing::debug!(%error, "a row in memory could not be read again");
            }
            drop(turn);
        });
    }
}
