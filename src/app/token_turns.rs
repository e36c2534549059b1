//! When timers that met a token endpoint's documented limit come back: one after the other, as fast as the limit lets them,
//! instead of all at once in each window to be turned away again. Every app has turns of its own, so that ten stores of one
//! do not come after a hundred thousand of another; where that makes two come at one time, the one that is turned away does
//! not go to the end again. Kept in memory: a turn is a time to ask, not a right to call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::id::{AppId, CredentialId};

/// How long a turn that has come is remembered.
const REMEMBERED: TimeDelta = TimeDelta::minutes(15);
/// Turns that are kept before those that matter no more are thrown out.
const TURNS: usize = 4096;

/// Who comes back.
#[derive(Debug, Clone, Copy)]
pub struct Timer {
    pub app: AppId,
    pub credential: CredentialId,
}

/// What is known of one endpoint.
#[derive(Default)]
struct Endpoint {
    /// When the next turn of an app is free; those that wait for none are not here.
    free: HashMap<AppId, DateTime<Utc>>,
    given: HashMap<CredentialId, DateTime<Utc>>,
    /// How many turns are kept before the next look at them.
    look_at: usize,
}

/// A cheap handle.
#[derive(Clone, Default)]
pub struct TokenTurns(Arc<Mutex<HashMap<String, Endpoint>>>);

impl TokenTurns {
    /// How long `timer` waits for its next turn at `endpoint`: at least `wait`, which is until a call is free. The limit
    /// has room for a call every `apart`. `chance` is 0..1.
    pub fn next(
        &self,
        endpoint: String,
        timer: Timer,
        now: DateTime<Utc>,
        wait: Duration,
        (apart, chance): (Duration, f64),
    ) -> Duration {
        // A panic elsewhere leaves the map whole.
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = endpoints.entry(endpoint).or_default();
        endpoint.forget(now);
        let given = endpoint.given.get(&timer.credential);
        let had_its_turn = given.is_some_and(|turn| *turn <= now && *turn + REMEMBERED > now);
        let turn = if had_its_turn {
            // Before long, and not with all others that were turned away.
            after(now, wait + (apart * 4).mul_f64(chance))
        } else {
            endpoint.free.retain(|_, free| *free > now);
            let apps = endpoint.free.len() + usize::from(!endpoint.free.contains_key(&timer.app));
            let free = endpoint.free.entry(timer.app).or_insert(now);
            let turn = (*free).max(after(now, wait));
            *free = after(turn, apart * u32::try_from(apps).unwrap_or(u32::MAX));
            turn
        };
        endpoint.given.insert(timer.credential, turn);
        (turn - now).to_std().unwrap_or(wait)
    }
}

impl Endpoint {
    /// Throws out turns that came long ago, now and then.
    fn forget(&mut self, now: DateTime<Utc>) {
        if self.given.len() < self.look_at.max(TURNS) {
            return;
        }
        self.given.retain(|_, turn| *turn + REMEMBERED > now);
        self.look_at = self.given.len() * 2;
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
    use crate::domain::id::Id;

    const MINUTE: Duration = Duration::from_secs(60);
    const APART: Duration = Duration::from_secs(3);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn timer(app: u64, credential: u64) -> Timer {
        Timer {
            app: AppId::make(app, [1; 10]),
            credential: CredentialId::make(credential, [1; 10]),
        }
    }

    fn next(turns: &TokenTurns, endpoint: &str, timer: Timer, now: i64) -> u64 {
        turns
            .next(endpoint.to_owned(), timer, at(now), MINUTE, (APART, 1.0))
            .as_secs()
    }

    #[test]
    fn turns_follow_one_another_as_fast_as_the_limit_allows() {
        let turns = TokenTurns::default();
        let asked = [(1, 0), (2, 0), (3, 10)].map(|(credential, now)| next(&turns, "acme", timer(1, credential), now));
        assert_eq!(asked, [60, 63, 60]);
        assert_eq!(next(&turns, "acme", timer(1, 4), 300), 60, "the queue is over");
        assert_eq!(
            next(&turns, "other", timer(1, 5), 0),
            60,
            "another endpoint has its own"
        );
    }

    #[test]
    fn ten_of_one_app_do_not_come_after_all_of_another() {
        let turns = TokenTurns::default();
        let many: Vec<u64> = (0..100_000)
            .map(|number| next(&turns, "acme", timer(1, number), 0))
            .collect();
        assert_eq!(many.last(), Some(&(60 + 3 * 99_999)));
        let ten: Vec<u64> = (0..10)
            .map(|number| next(&turns, "acme", timer(2, 200_000 + number), 0))
            .collect();
        // In turn with the others, each other call is theirs.
        assert_eq!(ten, (0..10).map(|number| 60 + 6 * number).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_is_turned_away_in_its_turn_does_not_go_to_the_end_again() {
        let turns = TokenTurns::default();
        for number in 0..1000 {
            next(&turns, "acme", timer(1, number), 0);
        }
        assert_eq!(next(&turns, "acme", timer(1, 0), 60), 60 + 12);
        assert_eq!(next(&turns, "acme", timer(1, 0), 132), 60 + 12, "however often");
        assert!(next(&turns, "acme", timer(1, 1000), 60) > 2900, "others do");
    }

    #[test]
    fn turns_that_came_long_ago_are_forgotten() {
        let turns = TokenTurns::default();
        for number in 0..TURNS as u64 {
            next(&turns, "acme", timer(1, number), 0);
        }
        next(&turns, "acme", timer(1, 0), 100_000);
        assert_eq!(turns.0.lock().unwrap()["acme"].given.len(), 1);
    }
}
