//! When timers that met a token endpoint's documented limit come back: one after the other, as fast as the limit lets them,
//! instead of all at once in each window to be turned away again. Kept in memory: a turn is a time to ask, not a right to
//! call, and who finds the window full then gets another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A cheap handle.
#[derive(Clone, Default)]
pub struct TokenTurns(Arc<Mutex<HashMap<String, DateTime<Utc>>>>);

impl TokenTurns {
    /// How long to wait for the next turn at `endpoint`: at least `wait`, and `apart` from the turn before.
    pub fn next(&self, endpoint: String, now: DateTime<Utc>, wait: Duration, apart: Duration) -> Duration {
        // A panic elsewhere leaves the map whole.
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = turns.entry(endpoint).or_insert(now);
        let turn = (*free).max(after(now, wait));
        *free = after(turn, apart);
        (turn - now).to_std().unwrap_or(wait)
    }
}

fn after(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| at.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn turns_follow_one_another_as_fast_as_the_limit_allows() {
        let turns = TokenTurns::default();
        let next = |now: i64| {
            turns
                .next("acme:live".to_owned(), at(now), MINUTE, Duration::from_secs(3))
                .as_secs()
        };
        assert_eq!([next(0), next(0), next(10)], [60, 63, 60]);
        assert_eq!(next(300), 60, "the queue is over");
        let other = turns.next("other:live".to_owned(), at(0), MINUTE, Duration::from_secs(3));
        assert_eq!(other, MINUTE, "another endpoint has its own");
    }
}
