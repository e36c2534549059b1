//! Rows of one kind, by what they are asked for with. Bounded by bytes; which ones stay is decided by how often they are
//! asked for, so a flood of others does not drive them out. What is not there is remembered apart, few of it: whoever
//! makes tokens up pushes out only what others made up.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::sync::Cache;

use super::stamps::Stamps;
use super::{LIFE, Row};
use crate::db::listen::News;

/// About what an entry weighs beside its row.
const OVERHEAD: usize = 512;

pub struct Rows<R: Row> {
    known: Cache<R::Key, Arc<Held<R>>>,
    missing: Cache<R::Key, Missing>,
}

/// A row as it was read.
pub(super) struct Held<R> {
    pub row: Arc<R>,
    /// The last news before it was read.
    pub noted: u64,
    pub changes_with: Vec<News>,
    pub read_at: DateTime<Utc>,
}

#[derive(Clone, Copy)]
struct Missing {
    noted: u64,
    read_at: DateTime<Utc>,
}

impl<R: Row> Held<R> {
    pub(super) fn new(row: R, noted: u64, read_at: DateTime<Utc>) -> Self {
        Self {
            changes_with: row.changes_with(),
            row: Arc::new(row),
            noted,
            read_at,
        }
    }
}

impl<R> Held<R> {
    pub(super) fn age(&self, now: DateTime<Utc>) -> Duration {
        age(self.read_at, now)
    }
}

/// Our clock can step back; then nobody knows, and it is old.
fn age(read_at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - read_at).to_std().unwrap_or(Duration::MAX)
}

impl<R: Row> Rows<R> {
    /// At most about `bytes` of rows, and `missing` keys that have none; nothing stays beyond `longest`.
    pub(super) fn new(bytes: u64, missing: u64, longest: Duration) -> Self {
        let weight = |_: &R::Key, held: &Arc<Held<R>>| u32::try_from(held.row.size() + OVERHEAD).unwrap_or(u32::MAX);
        Self {
            known: Cache::builder()
                .max_capacity(bytes)
                .weigher(weight)
                .time_to_live(longest)
                .build(),
            missing: Cache::builder().max_capacity(missing).time_to_live(longest).build(),
        }
    }

    pub(super) fn get(&self, key: &R::Key) -> Option<Arc<Held<R>>> {
        self.known.get(key)
    }

    pub(super) fn keep(&self, key: R::Key, held: Held<R>) {
        self.known.insert(key, Arc::new(held));
    }

    pub(super) fn keep_missing(&self, key: R::Key, noted: u64, read_at: DateTime<Utc>) {
        self.known.invalidate(&key);
        self.missing.insert(key, Missing { noted, read_at });
    }

    /// Looked for in vain less than a lifetime ago, and no store was made or changed since.
    pub(super) fn is_missing(&self, key: &R::Key, stamps: &Stamps, now: DateTime<Utc>) -> bool {
        let missing = self.missing.get(key);
        missing.is_some_and(|missing| age(missing.read_at, now) < LIFE && stamps.is_no_store_new(missing.noted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::memory::Memory;
    use crate::db::{self, Conn};

    struct Plain(usize);

    impl Row for Plain {
        type Key = u32;

        fn read(_: &mut Conn, _: &u32) -> db::Result<Option<Self>> {
            Ok(None)
        }

        fn rows(_: &Memory) -> &Rows<Self> {
            unreachable!("these tests hold their own")
        }

        fn changes_with(&self) -> Vec<News> {
            Vec::new()
        }

        fn works(&self, _: DateTime<Utc>) -> bool {
            true
        }

        fn size(&self) -> usize {
            self.0
        }
    }

    fn rows() -> Rows<Plain> {
        Rows::new(1024 * 1024, 64, LIFE)
    }

    #[test]
    fn what_is_held_is_bounded_by_bytes() {
        let rows = rows();
        for key in 0..10_000 {
            rows.keep(key, Held::new(Plain(1024 - OVERHEAD), 0, DateTime::UNIX_EPOCH));
        }
        rows.known.run_pending_tasks();
        assert!(rows.known.weighted_size() <= 1024 * 1024);
        assert!(rows.known.entry_count() <= 1024);
    }

    #[test]
    fn keys_without_a_row_are_few_and_drive_no_row_out() {
        let (rows, stamps) = (rows(), Stamps::default());
        rows.keep(1, Held::new(Plain(100), 0, DateTime::UNIX_EPOCH));
        for key in 2..10_000 {
            rows.keep_missing(key, 0, DateTime::UNIX_EPOCH);
        }
        rows.missing.run_pending_tasks();
        assert!(rows.missing.entry_count() <= 64);
        assert!(rows.get(&1).is_some());
        rows.keep_missing(1, 0, DateTime::UNIX_EPOCH);
        assert!(rows.get(&1).is_none(), "a row that is gone is not held");
        assert!(!rows.is_missing(&10_000, &stamps, DateTime::UNIX_EPOCH));
    }

    #[test]
    fn nothing_is_young_when_the_clock_went_back() {
        let read_at = DateTime::UNIX_EPOCH + LIFE;
        let held = Held::new(Plain(1), 0, read_at);
        assert_eq!(held.age(read_at), Duration::ZERO);
        assert!(held.age(DateTime::UNIX_EPOCH) > LIFE);
    }
}
