//! Which news came when, for a whole memory at once: a piece of news leaves its number in one of many slots, and what was
//! read is good as long as the slots of all that it hangs on hold nothing newer than was known when reading began. No index
//! from ids to entries is kept, nothing has to be searched, and news of one store cost the others nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::db::listen::News;
use crate::domain::id::Id;

/// A power of two. Two ids that share one are read again more often than needed, that is all.
const SLOTS: usize = 1 << 16;
const PLATFORM_APPS: usize = 0;
const STORES: usize = 1;

pub(super) struct Stamps {
    last: AtomicU64,
    /// The number of the last news that anything may have changed.
    anything: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            last: AtomicU64::new(0),
            anything: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Stamps {
    /// The number of the last news: to be noted before a row is read.
    pub(super) fn now(&self) -> u64 {
        self.last.load(Ordering::SeqCst)
    }

    pub(super) fn stamp(&self, news: News) {
        if matches!(news, News::Jobs | News::Platforms) {
            return;
        }
        // Whoever notes this number from here on reads what the news are about.
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        if let News::Store(_) = news {
            self.put(STORES, number);
        }
        match slot(news) {
            Some(slot) => self.put(slot, number),
            None => {
                self.anything.fetch_max(number, Ordering::SeqCst);
            }
        }
    }

    /// Whether what was read after `noted` still holds, if it hangs on `news`.
    pub(super) fn is_unchanged(&self, noted: u64, news: &[News]) -> bool {
        let stamped = |news: &News| slot(*news).map_or(u64::MAX, |slot| self.at(slot));
        self.nothing_lost(noted) && news.iter().all(|news| stamped(news) <= noted)
    }

    /// Whether no store was made or changed since `noted`.
    pub(super) fn is_no_store_new(&self, noted: u64) -> bool {
        self.nothing_lost(noted) && self.at(STORES) <= noted
    }

    fn nothing_lost(&self, noted: u64) -> bool {
        self.anything.load(Ordering::SeqCst) <= noted
    }

    fn put(&self, slot: usize, number: u64) {
        if let Some(slot) = self.slots.get(slot) {
            slot.fetch_max(number, Ordering::SeqCst);
        }
    }

    fn at(&self, slot: usize) -> u64 {
        self.slots
            .get(slot)
            .map_or(u64::MAX, |slot| slot.load(Ordering::SeqCst))
    }
}

/// `None`: it is about everything.
fn slot(news: News) -> Option<usize> {
    // The last bits of our ids are random.
    let of = |uuid: uuid::Uuid| Some((uuid.as_u128() as usize & (SLOTS - 1)).max(STORES + 1));
    match news {
        News::Credential(id) => of(id.uuid()),
        News::Store(id) => of(id.uuid()),
        News::AccessToken(id) => of(id.uuid()),
        News::App(id) => of(id.uuid()),
        News::PlatformApps => Some(PLATFORM_APPS),
        News::Jobs | News::Platforms | News::Anything => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::StoreId;

    fn store(number: u8) -> News {
        News::Store(StoreId::make(1, [number; 10]))
    }

    #[test]
    fn only_what_news_are_about_has_to_be_read_again() {
        let stamps = Stamps::default();
        let noted = stamps.now();
        stamps.stamp(store(1));
        assert!(!stamps.is_unchanged(noted, &[store(2), store(1)]));
        assert!(stamps.is_unchanged(noted, &[store(2)]));
        assert!(!stamps.is_no_store_new(noted));
        assert!(stamps.is_unchanged(stamps.now(), &[store(1)]));
    }

    #[test]
    fn a_new_connection_ends_everything_and_jobs_end_nothing() {
        let stamps = Stamps::default();
        let noted = stamps.now();
        stamps.stamp(News::Jobs);
        assert!(stamps.is_unchanged(noted, &[store(1), News::PlatformApps]));
        stamps.stamp(News::Anything);
        assert!(!stamps.is_unchanged(noted, &[]));
        assert!(!stamps.is_no_store_new(noted));
    }

    #[test]
    fn what_is_noted_after_news_was_read_after_them() {
        let stamps = Stamps::default();
        for news in [store(1), News::PlatformApps, News::Anything] {
            let before = stamps.now();
            stamps.stamp(news);
            assert!(stamps.now() > before);
        }
        assert!(stamps.is_unchanged(stamps.now(), &[store(1), News::PlatformApps]));
    }
}
