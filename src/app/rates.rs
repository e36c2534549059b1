//! How often an app may call the partner API, and how often calls may be made for one store: counted in memory, so that
//! counting costs no database, by each process for itself. Every app and every store has its own budget, so nobody's haste
//! takes from another's.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::domain::id::{AppId, StoreId};

/// The time that budgets grow in: the program's own clock, which tests can hold.
#[derive(Clone)]
struct Monotonic(Clock);

impl GovernorClock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.monotonic()
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Monotonic, StateInformationMiddleware>;

/// Between two clean-ups of keys that have their whole budget again.
const CLEAN_EVERY: u32 = 4096;

/// The window of every budget.
pub const WINDOW: Duration = Duration::from_secs(60);

/// What a caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Which one: `app` or `store`.
    pub name: &'static str,
    /// Requests a window.
    pub most: u32,
    pub left: u32,
    /// Until the whole budget is there again.
    pub whole_in: Duration,
    /// Set when the request was over the budget: until the next one passes.
    pub refused_for: Option<Duration>,
}

struct Kind<K: Hash + Eq + Clone> {
    name: &'static str,
    /// `None`: no limit.
    limiter: Option<(u32, Limiter<K>)>,
    counted: AtomicU32,
}

/// A cheap handle.
#[derive(Clone)]
pub struct Rates(Arc<Inner>);

struct Inner {
    clock: Clock,
    apps: Kind<AppId>,
    stores: Kind<StoreId>,
}

impl Rates {
    /// `apps`, `stores`: requests a minute; 0: no limit.
    pub fn new(clock: Clock, apps: u32, stores: u32) -> Self {
        Self(Arc::new(Inner {
            apps: Kind::new("app", apps, &clock),
            stores: Kind::new("store", stores, &clock),
            clock,
        }))
    }

    /// Counts a call of the partner API. `None`: there is no limit.
    pub fn count_app(&self, app: AppId) -> Option<Budget> {
        self.0.apps.count(&app, &self.0.clock)
    }

    /// Counts a call with a store's token.
    pub fn count_store(&self, store: StoreId) -> Option<Budget> {
        self.0.stores.count(&store, &self.0.clock)
    }
}

impl<K: Hash + Eq + Clone> Kind<K> {
    fn new(name: &'static str, most: u32, clock: &Clock) -> Self {
        let limiter = NonZeroU32::new(most).map(|most| {
            let store = HashMapStateStore::default();
            let quota = Quota::per_minute(most);
            (most.get(), Limiter::new(quota, store, Monotonic(clock.clone())))
        });
        Self {
            name,
            limiter,
            counted: AtomicU32::new(0),
        }
    }

    fn count(&self, key: &K, clock: &Clock) -> Option<Budget> {
        let (most, limiter) = self.limiter.as_ref()?;
        if self.counted.fetch_add(1, Ordering::Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            limiter.retain_recent();
        }
        let (left, refused_for) = match limiter.check_key(key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(refused) => (0, Some(refused.wait_time_from(clock.monotonic()))),
        };
        Some(Budget {
            name: self.name,
            most: *most,
            left,
            whole_in: WINDOW.mul_f64(f64::from(most - left) / f64::from(*most)),
            refused_for,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    fn app(number: u64) -> AppId {
        AppId::make(number, [1; 10])
    }

    #[test]
    fn a_budget_is_spent_and_told_and_is_nobody_elses() {
        let rates = Rates::new(Clock::system(), 60, 0);
        let mut last = 60;
        for _ in 0..59 {
            let budget = rates.count_app(app(1)).unwrap();
            assert!(budget.left <= last && budget.refused_for.is_none());
            last = budget.left;
        }
        let refused = std::iter::repeat_with(|| rates.count_app(app(1)).unwrap()).find(|one| one.refused_for.is_some());
        let refused = refused.unwrap();
        assert_eq!((refused.left, refused.whole_in), (0, WINDOW));
        assert!(refused.refused_for.unwrap() <= Duration::from_secs(1));
        assert_eq!(rates.count_app(app(2)).unwrap().left, 59);
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        assert_eq!(Rates::new(Clock::system(), 0, 0).count_app(app(1)), None);
    }
}
