//! How far the clocks of platforms' hosts are off, from the `Date` of their answers: a signature with our time is refused
//! where theirs is minutes away. Kept in memory, for the host that said so alone; what is off by seconds is the way that an
//! answer takes, and what is off by more than a day is no clock.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::{AGE, DATE};
use moka::sync::Cache;

use crate::platform::transport::Route;

/// Nobody's window for signatures is as narrow as this.
const SMALL: TimeDelta = TimeDelta::seconds(10);
const MOST: TimeDelta = TimeDelta::hours(24);
const HOSTS: u64 = 10_000;

/// A cheap handle.
#[derive(Clone)]
pub struct HostClocks(Cache<(bool, String), TimeDelta>);

impl Default for HostClocks {
    fn default() -> Self {
        Self(Cache::new(HOSTS))
    }
}

impl HostClocks {
    /// An answer came `now` from `host`, written as `host` or `host:port`.
    pub fn heard(&self, route: Route, host: &str, headers: &HeaderMap, now: DateTime<Utc>) {
        // What a cache kept tells the time at which it was made.
        if headers.contains_key(AGE) {
            return;
        }
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
            return;
        };
        let off = date.to_utc() - now;
        let key = key(route, host);
        if off.abs() < SMALL || off.abs() > MOST {
            self.0.invalidate(&key);
        } else if self.0.get(&key).is_none_or(|known| (known - off).abs() >= SMALL) {
            tracing::info!(host, seconds = off.num_seconds(), "a platform's clock is off");
            self.0.insert(key, off);
        }
    }

    /// The time there, as far as it is known.
    pub fn time_at(&self, route: Route, host: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let off = self.0.get(&key(route, host)).unwrap_or_default();
        now.checked_add_signed(off).unwrap_or(now)
    }
}

fn key(route: Route, host: &str) -> (bool, String) {
    (route == Route::Sandbox, host.to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(date: &str) -> HeaderMap {
        [(DATE, HeaderValue::from_str(date).unwrap())].into_iter().collect()
    }

    #[test]
    fn the_time_of_a_host_is_what_its_answers_say_and_nobody_elses() {
        let clocks = HostClocks::default();
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let time = |route, host: &str| (clocks.time_at(route, host, now) - now).num_seconds();
        for (date, wanted) in [
            ("Mon, 23 Nov 2026 12:30:00 GMT", 1800),
            ("Mon, 23 Nov 2026 11:00:00 GMT", -3600),
            // Mended since.
            ("Mon, 23 Nov 2026 12:00:04 GMT", 0),
            ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
            // No clock.
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("yesterday", 0),
        ] {
            clocks.heard(Route::Live, "a.example", &headers(date), now);
            assert_eq!(time(Route::Live, "a.example"), wanted, "{date}");
        }
        clocks.heard(Route::Live, "a.example", &headers("Mon, 23 Nov 2026 12:30:00 GMT"), now);
        assert_eq!(time(Route::Live, "b.example"), 0);
        assert_eq!(time(Route::Sandbox, "a.example"), 0);
    }

    #[test]
    fn the_date_of_what_a_cache_kept_is_no_clock() {
        let clocks = HostClocks::default();
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let mut headers = headers("Mon, 23 Nov 2026 11:00:00 GMT");
        headers.insert(AGE, HeaderValue::from_static("3600"));
        clocks.heard(Route::Live, "a.example", &headers, now);
        assert_eq!(clocks.time_at(Route::Live, "a.example", now), now);
    }
}
