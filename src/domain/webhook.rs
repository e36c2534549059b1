//! The rules of delivering webhooks: when the next attempt is made, when a delivery is given up, when an endpoint is left
//! alone for a while, and when for good. Secrets are made as the libraries of Standard Webhooks read them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

use super::secret::Secret;

words! {
    /// State of a delivery.
    DeliveryStatus {
        /// To be tried, or tried again.
        Pending = "pending",
        Delivered = "delivered",
        /// Given up; it can be sent again on request.
        DeadLettered = "dead_lettered",
    }
}

words! {
    /// Why an endpoint gets nothing any more.
    DisabledReason {
        /// It answered 410.
        Gone = "gone",
        /// Nothing but failures for days.
        Failing = "failing",
        /// The partner switched it off.
        Partner = "partner",
    }
}

/// Attempts to one endpoint at once, over all processes.
pub const AT_ONCE: i64 = 4;
/// Failures in a row after which an endpoint is left alone for a while, and then tried with one delivery at a time.
pub const OPENS_AFTER: i32 = 5;
/// Seconds after each failed attempt; 72 hours all in all. After the last there is none.
const WAITS: [u64; 10] = [5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 57_600, 86_400];
const LONGEST: TimeDelta = TimeDelta::hours(72);
const FIRST_PAUSE: u64 = 30;
const LONGEST_PAUSE: u64 = 3600;
/// Nothing but failures for so long: the endpoint is disabled.
const PATIENCE: TimeDelta = TimeDelta::days(5);
/// Failures further apart are no series: the longest wait between two attempts of one delivery is a day.
const GAP: TimeDelta = TimeDelta::days(2);

/// How long to wait after the failed attempt number `tries` (from 1) of a delivery that was queued then; `None`: it is
/// given up. `asked`: what the endpoint asked for, up to a day. `jitter` is 0..1 and takes off up to a tenth.
pub fn next_wait(
    tries: i32,
    queued_at: DateTime<Utc>,
    now: DateTime<Utc>,
    asked: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    if now - queued_at >= LONGEST {
        return None;
    }
    let step = usize::try_from(tries.saturating_sub(1)).unwrap_or_default();
    let wait = Duration::from_secs(*WAITS.get(step)?).mul_f64(1.0 - 0.1 * jitter.clamp(0.0, 1.0));
    Some(wait.max(asked.unwrap_or_default().min(Duration::from_secs(86_400))))
}

/// How long an endpoint is left alone after so many failures in a row; `None`: not at all.
pub fn pause(failures: i32, jitter: f64) -> Option<Duration> {
    let beyond = u32::try_from(failures.checked_sub(OPENS_AFTER)?).ok()?;
    let seconds = FIRST_PAUSE.saturating_mul(1 << beyond.min(16)).min(LONGEST_PAUSE);
    Some(Duration::from_secs(seconds).mul_f64(1.0 - 0.1 * jitter.clamp(0.0, 1.0)))
}

/// Since when all attempts have failed, at a failure now. A series ends with a success, or with days without an attempt.
pub fn failing_since(
    before: Option<DateTime<Utc>>,
    last_failed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    before
        .filter(|_| last_failed.is_some_and(|last| now - last <= GAP))
        .unwrap_or(now)
}

/// Whether an endpoint that has failed since then is given up.
pub fn is_hopeless(failing_since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - failing_since >= PATIENCE
}

/// A new secret: `whsec_` and, in base 64, 256 random bits with a checksum that lets scanners tell it from noise.
pub fn mint_secret(random: [u8; 32]) -> Secret {
    let mut bytes = random.to_vec();
    bytes.extend_from_slice(&crc32fast::hash(&random).to_be_bytes());
    Secret::new(format!("whsec_{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hours * 3600, 0).unwrap()
    }

    #[test]
    fn attempts_spread_over_three_days_and_end() {
        let total: u64 = WAITS.iter().sum();
        assert!((70 * 3600..=72 * 3600).contains(&total), "{total}");
        assert_eq!(next_wait(1, at(0), at(0), None, 0.0), Some(Duration::from_secs(5)));
        assert_eq!(
            next_wait(10, at(0), at(47), None, 0.0),
            Some(Duration::from_secs(86_400))
        );
        assert_eq!(next_wait(11, at(0), at(71), None, 0.0), None);
        assert_eq!(next_wait(3, at(0), at(72), None, 0.0), None);
        assert!(next_wait(4, at(0), at(1), None, 1.0) < next_wait(4, at(0), at(1), None, 0.0));
    }

    #[test]
    fn an_endpoint_that_asks_for_time_gets_it_up_to_a_day() {
        let asked = |seconds| next_wait(1, at(0), at(0), Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(120), Some(Duration::from_secs(120)));
        assert_eq!(asked(1), Some(Duration::from_secs(5)));
        assert_eq!(asked(999_999), Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn an_endpoint_is_left_alone_longer_each_time_up_to_an_hour() {
        for (failures, seconds) in [
            (4, None),
            (5, Some(30)),
            (6, Some(60)),
            (12, Some(3600)),
            (9999, Some(3600)),
        ] {
            assert_eq!(pause(failures, 0.0), seconds.map(Duration::from_secs), "{failures}");
        }
    }

    #[test]
    fn only_a_series_of_failures_makes_an_endpoint_hopeless() {
        assert_eq!(failing_since(Some(at(0)), Some(at(24)), at(48)), at(0));
        assert_eq!(failing_since(Some(at(0)), Some(at(24)), at(240)), at(240));
        assert_eq!(failing_since(None, None, at(5)), at(5));
        assert!(is_hopeless(at(0), at(120)) && !is_hopeless(at(0), at(119)));
    }

    #[test]
    fn a_secret_is_read_by_the_library_and_differs_with_its_bits() {
        let (one, other) = (mint_secret([1; 32]), mint_secret([2; 32]));
        assert!(standardwebhooks::Webhook::new(one.expose()).is_ok());
        assert_ne!(one, other);
    }
}
