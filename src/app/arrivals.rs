//! How often strangers may begin at an app's permanent connect page: each arrival makes a session, and nobody is signed in.
//! Counted in memory, by network address and by app, so that a flood costs no database; each process counts its own, which
//! is near enough. The app's limit is wide: it bounds the rows of a flood from many addresses. Tries of an app's clients at
//! platforms are counted here too: each is a call to a platform's token endpoint.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::id::{AppId, PlatformAppId};

/// A burst, then one each `every`.
struct Limit {
    burst: i32,
    every: TimeDelta,
}

/// Many people may share an address.
const BY_ADDRESS: Limit = Limit {
    burst: 60,
    every: TimeDelta::seconds(5),
};
const BY_APP: Limit = Limit {
    burst: 600,
    every: TimeDelta::milliseconds(100),
};
const BY_TESTS: Limit = Limit {
    burst: 10,
    every: TimeDelta::seconds(6),
};
/// Each is two calls to a platform, and messages by the thousand name one key.
const BY_KEYS: Limit = Limit {
    burst: 6,
    every: TimeDelta::seconds(10),
};
/// Entries that are kept before those that matter no more are thrown out.
const ENTRIES: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(String),
    App(AppId),
    /// Tries of an app's clients; `None`: of the installation's.
    Tests(Option<AppId>),
    /// Keys of webhooks that a client asked its platform for.
    Keys(PlatformAppId),
}

/// A cheap handle. Kept is when each key will have made up for its arrivals.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Mutex<HashMap<Key, DateTime<Utc>>>>);

impl Arrivals {
    /// Counts an arrival; `Err` says how long to wait, and nothing was counted.
    pub fn admit(&self, app: AppId, address: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        self.count(
            [(Key::Address(network(address)), BY_ADDRESS), (Key::App(app), BY_APP)],
            now,
        )
    }

    /// Counts a try of a client at a platform: an app's own, or the installation's.
    pub fn admit_test(&self, app: Option<AppId>, now: DateTime<Utc>) -> Result<(), Duration> {
        self.count([(Key::Tests(app), BY_TESTS)], now)
    }

    /// Counts a question for a platform's key, which strangers can provoke.
    pub fn admit_key(&self, client: PlatformAppId, now: DateTime<Utc>) -> Result<(), Duration> {
        self.count([(Key::Keys(client), BY_KEYS)], now)
    }

    fn count<const N: usize>(&self, keys: [(Key, Limit); N], now: DateTime<Utc>) -> Result<(), Duration> {
        // A panic elsewhere leaves the map whole.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ENTRIES {
            known.retain(|_, even_at| *even_at > now);
        }
        let mut counted = Vec::new();
        for (key, limit) in keys {
            let even_at = known.get(&key).copied().unwrap_or(now).max(now) + limit.every;
            let ahead = even_at - now - limit.every * limit.burst;
            if ahead > TimeDelta::zero() {
                return Err(ahead.to_std().unwrap_or_default());
            }
            counted.push((key, even_at));
        }
        known.extend(counted);
        Ok(())
    }
}

/// Whoever has one IPv6 address has its whole /64.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn app(number: u64) -> AppId {
        AppId::make(number, [1; 10])
    }

    #[test]
    fn one_address_must_wait_after_a_burst_and_others_need_not() {
        let arrivals = Arrivals::default();
        for _ in 0..BY_ADDRESS.burst {
            arrivals.admit(app(1), "203.0.113.9", at(0)).unwrap();
        }
        let wait = arrivals.admit(app(1), "203.0.113.9", at(0)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(5));
        arrivals.admit(app(1), "203.0.113.10", at(0)).unwrap();
        arrivals.admit(app(1), "203.0.113.9", at(5)).unwrap();
        arrivals.admit(app(1), "203.0.113.9", at(5)).unwrap_err();
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let arrivals = Arrivals::default();
        for last in 0..BY_ADDRESS.burst {
            arrivals
                .admit(app(1), &format!("2001:db8:1:2::{last:x}"), at(0))
                .unwrap();
        }
        arrivals.admit(app(1), "2001:db8:1:2:ffff::1", at(0)).unwrap_err();
        arrivals.admit(app(1), "2001:db8:1:3::1", at(0)).unwrap();
    }

    #[test]
    fn many_addresses_together_are_held_to_the_apps_limit() {
        let arrivals = Arrivals::default();
        for number in 0..BY_APP.burst {
            arrivals.admit(app(1), &format!("address {number}"), at(0)).unwrap();
        }
        arrivals.admit(app(1), "one more", at(0)).unwrap_err();
        arrivals.admit(app(2), "one more", at(0)).unwrap();
        arrivals.admit(app(1), "one more", at(1)).unwrap();
    }
}
