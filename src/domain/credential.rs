//! A credential's generation and life times. What is saved of a credential is named by (`grant_no`, `attempt`): the grant
//! grows with each connect, re-authorization, import and revocation, the attempt with each claim to refresh.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Which state of a credential something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation {
    pub grant_no: i64,
    pub attempt: i64,
}

/// Where an access token stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLife {
    /// Works, no hurry.
    Fresh,
    /// In its last min(10 min, 20 %): works, and a refresh should start.
    Due,
    /// Over, or never obtained.
    Expired,
}

/// The part of its life in which an access token of `life` is renewed ahead: min(10 min, 20 %).
pub fn due_window(life: Duration) -> Duration {
    (life / 5).min(Duration::from_secs(600))
}

/// Where an access token stands at `now`. Without an end it is always fresh.
pub fn access_life(
    issued_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> AccessLife {
    let Some(expires_at) = expires_at else {
        return AccessLife::Fresh;
    };
    if now >= expires_at {
        return AccessLife::Expired;
    }
    let life = issued_at
        .and_then(|issued_at| (expires_at - issued_at).to_std().ok())
        .unwrap_or_default();
    match (expires_at - now).to_std() {
        Ok(left) if left > due_window(life) => AccessLife::Fresh,
        _ => AccessLife::Due,
    }
}

/// When a timer refreshes a credential so that its refresh token does not die idle: at half of the refresh token's life,
/// moved earlier by up to a tenth of it by `jitter` (0..1). `None`: no deadline that refreshing would move.
pub fn timer_at(
    issued_at: DateTime<Utc>,
    refresh_expires_at: Option<DateTime<Utc>>,
    refreshing_moves_it: bool,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    if !refreshing_moves_it {
        return None;
    }
    let life = (refresh_expires_at? - issued_at).to_std().ok()?;
    let ahead = life.mul_f64(0.5 - 0.1 * jitter.clamp(0.0, 1.0));
    Some(issued_at + chrono::Duration::from_std(ahead).ok()?)
}

/// How many days ahead a deadline that refreshing does not move is announced.
const ANNOUNCED: [i64; 3] = [1, 7, 30];

/// Which announcement of a deadline is due: that of so many days ahead. `None`: none yet, or the deadline is over.
pub fn announcement(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Option<i64> {
    ANNOUNCED
        .into_iter()
        .find(|days| now < deadline && deadline - TimeDelta::days(*days) <= now)
}

/// When a deadline is announced next. What is nearer than its last announcement from the start is never announced: the
/// merchant has just been there.
pub fn next_announcement(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let moments = ANNOUNCED.map(|days| deadline - TimeDelta::days(days));
    moments.into_iter().filter(|at| *at > now).min()
}

/// How far apart two statements of one deadline may lie: each counts from the moment of its own request.
const RESTATED: TimeDelta = TimeDelta::hours(1);

/// Whether two deadlines are the same one, told twice.
pub fn same_deadline(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= RESTATED,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_due_in_the_last_fifth_but_at_most_ten_minutes() {
        for (life, now, wanted) in [
            (900, 0, AccessLife::Fresh),
            (900, 719, AccessLife::Fresh),
            (900, 720, AccessLife::Due),
            (900, 899, AccessLife::Due),
            (900, 900, AccessLife::Expired),
            (21_600, 20_999, AccessLife::Fresh),
            (21_600, 21_000, AccessLife::Due),
            (21_600, 21_600, AccessLife::Expired),
        ] {
            assert_eq!(
                access_life(Some(at(0)), Some(at(life)), at(now)),
                wanted,
                "{life} {now}"
            );
        }
    }

    #[test]
    fn a_token_without_an_end_is_always_fresh() {
        assert_eq!(access_life(None, None, at(9_999_999)), AccessLife::Fresh);
    }

    #[test]
    fn the_timer_goes_off_before_half_of_the_refresh_tokens_life() {
        let ends = Some(at(1000));
        assert_eq!(timer_at(at(0), ends, true, 0.0), Some(at(500)));
        assert_eq!(timer_at(at(0), ends, true, 1.0), Some(at(400)));
        assert_eq!(timer_at(at(0), ends, false, 0.0), None);
        assert_eq!(timer_at(at(0), None, true, 0.0), None);
    }

    #[test]
    fn a_deadline_is_announced_thirty_seven_and_one_days_ahead() {
        let day = 86_400;
        let deadline = at(100 * day);
        for (now, due, next) in [
            (0, None, Some(70)),
            (70, Some(30), Some(93)),
            (92, Some(30), Some(93)),
            (93, Some(7), Some(99)),
            (99, Some(1), None),
            (100, None, None),
        ] {
            let now = at(now * day);
            assert_eq!(announcement(deadline, now), due);
            assert_eq!(next_announcement(deadline, now), next.map(|next| at(next * day)));
        }
        assert_eq!(next_announcement(at(day / 4), at(0)), None);
    }

    #[test]
    fn a_deadline_told_again_up_to_an_hour_away_is_the_same() {
        for (one, other, same) in [
            (Some(at(0)), Some(at(3600)), true),
            (Some(at(3600)), Some(at(0)), true),
            (Some(at(0)), Some(at(3601)), false),
            (Some(at(0)), None, false),
            (None, Some(at(0)), false),
            (None, None, true),
        ] {
            assert_eq!(same_deadline(one, other), same, "{one:?} {other:?}");
        }
    }
}
