//! Randomness, handed in like the clock. One generator behind a lock: a cryptographic one, seeded by the operating
//! system, or by a number so that a test sees the same values twice.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::domain::id::Id;

/// A cheap handle; clones draw from the same generator.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded by the operating system.
    ///
    /// Panics if the operating system has no randomness to give: no key or token may be made then.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// For tests: the same seed gives the same values.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        // A generator left by a panicking thread is still a generator.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }

    /// A new id that sorts by `now` in milliseconds.
    pub fn id<I: Id>(&self, now: DateTime<Utc>) -> I {
        I::make(u64::try_from(now.timestamp_millis()).unwrap_or(0), self.bytes())
    }

    /// Evenly spread in `0.0..1.0`: for jitter and sampling.
    pub fn fraction(&self) -> f64 {
        // 53 bits: what an f64 holds exactly.
        let bits = u64::from_le_bytes(self.bytes()) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::StoreId;

    #[test]
    fn the_same_seed_gives_the_same_values_and_clones_share_one_sequence() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(one.bytes::<32>(), two.bytes::<32>());
        assert_ne!(one.bytes::<32>(), one.clone().bytes::<32>());
        assert_ne!(Random::system().bytes::<32>(), Random::system().bytes::<32>());
    }

    #[test]
    fn ids_sort_by_their_time() {
        let random = Random::seeded(1);
        let early: StoreId = random.id(DateTime::from_timestamp(1_000, 0).unwrap_or_default());
        let late: StoreId = random.id(DateTime::from_timestamp(2_000, 0).unwrap_or_default());
        assert!(early < late);
    }

    #[test]
    fn a_fraction_is_below_one() {
        let random = Random::seeded(3);
        assert!(
            (0..1_000)
                .map(|_| random.fraction())
                .all(|fraction| (0.0..1.0).contains(&fraction))
        );
    }
}
