//! Refreshing: what asked for it, how it ended, which class a platform's failure belongs to, and the decisions that need
//! no row and no platform: whether to serve or to refresh, how long to wait, when verdicts are held.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::credential::{AccessLife, Generation};
use super::store::StoreHealth;

words! {
    /// The classes of failure; only `Dead` ever asks a merchant to re-authorize.
    FailureKind {
        /// This grant is refused for good, in words that the platform documents.
        Dead = "dead",
        /// The platform refuses the OAuth client itself; touches no store.
        AppBroken = "app_broken",
        /// Too many calls.
        Throttled = "throttled",
        /// The platform is out of reach or reports a fault of its own.
        Down = "down",
        /// Anything else.
        Unknown = "unknown",
    }
}

words! {
    /// Which of a platform app's two sets of secrets, while they roll over.
    SecretSet {
        Current = "current",
        Standby = "standby",
    }
}

words! {
    /// What asked for a refresh.
    RefreshTrigger {
        /// A call with an expired or nearly expired token.
        Call = "call",
        /// The platform answered a call with unauthorized.
        Unauthorized = "unauthorized",
        /// The timer that keeps refresh tokens alive.
        Timer = "timer",
        /// A partner or an admin.
        Request = "request",
        /// The owner of an attempt whose answer was lost, within the platform's grace.
        Doubt = "doubt",
        /// A platform's webhook says that the app was removed.
        Removal = "removal",
    }
}

words! {
    /// How one try to refresh ended.
    RefreshOutcome {
        /// A new access token is saved.
        Renewed = "renewed",
        /// The platform answered with the access token that we had.
        Unchanged = "unchanged",
        Dead = "dead",
        /// Refused for good, but the verdict is held back or may not be given yet.
        Refused = "refused",
        AppBroken = "app_broken",
        Throttled = "throttled",
        Down = "down",
        Unknown = "unknown",
        /// Surely nothing was sent.
        NotSent = "not_sent",
        /// Sent, and no complete answer came.
        AnswerLost = "answer_lost",
        /// A newer answer or grant was saved meanwhile.
        Superseded = "superseded",
    }
}

impl From<FailureKind> for RefreshOutcome {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Dead => Self::Dead,
            FailureKind::AppBroken => Self::AppBroken,
            FailureKind::Throttled => Self::Throttled,
            FailureKind::Down => Self::Down,
            FailureKind::Unknown => Self::Unknown,
        }
    }
}

/// How one try ended, with what the platform said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: RefreshOutcome,
    /// The platform's own word.
    pub code: Option<String>,
    pub status: Option<u16>,
    /// One sentence, without secrets.
    pub detail: Option<String>,
    /// Not before this a further try makes sense.
    pub retry_after: Option<Duration>,
    /// What is saved afterwards.
    pub generation: Generation,
}

/// What became of the wish to refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Ran(Attempt),
    /// Somebody else saved, granted or erased something meanwhile: look at the row.
    Changed,
    /// Nothing was tried.
    Blocked {
        why: Blocked,
        retry_after: Option<Duration>,
    },
    /// The database is out of reach.
    Unavailable(String),
    /// A defect or a broken installation; for the log.
    Broken(String),
}

/// Why nothing was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// Another process refreshes.
    Busy,
    /// An answer was lost, and asking again now could end the grant.
    InDoubt,
    /// The last try failed like this a moment ago.
    BackOff(Option<FailureKind>),
    /// The platform refuses the OAuth client; refreshing through it pauses.
    Paused,
    /// The journal cannot be written, or holds an answer that is not saved yet.
    Journal,
    /// Calls of this kind fail for all stores there; one probe at a time looks whether that is over.
    Outage,
    /// Too many token calls are under way. `waited`: in the queue, in vain.
    Crowded { waited: bool },
    /// There is nothing to renew it with.
    NotRenewable,
    /// Refused for good already.
    Dead,
}

/// What a caller gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Serve,
    /// Serve what is there, and refresh meanwhile.
    ServeAndRefresh,
    /// Only a refresh helps.
    Refresh,
}

/// Serve or refresh? `left`: until the access token ends, `None`: no end. `refused`: the platform has refused this very
/// token. `unchanged`: the last answer brought the same token, so asking again before its end brings nothing.
pub fn plan(life: AccessLife, left: Option<Duration>, minimum: Duration, refused: bool, unchanged: bool) -> Plan {
    let too_short = left.is_some_and(|left| left < minimum);
    match life {
        AccessLife::Expired => Plan::Refresh,
        _ if refused => Plan::Refresh,
        _ if unchanged => Plan::Serve,
        _ if too_short => Plan::Refresh,
        AccessLife::Due => Plan::ServeAndRefresh,
        AccessLife::Fresh => Plan::Serve,
    }
}

/// How long to leave a credential alone after a failure. `failures` counts those before; `jitter` is 0..1. What the
/// platform asked for is the least, up to a day.
pub fn back_off(kind: FailureKind, failures: i32, asked: Option<Duration>, jitter: f64) -> Duration {
    let (first, most) = match kind {
        FailureKind::Throttled => (5, 600),
        FailureKind::Down => (1, 600),
        FailureKind::Unknown => (5, 3600),
        FailureKind::AppBroken => (30, 600),
        FailureKind::Dead => (900, 3600),
    };
    let doubled = first << failures.clamp(0, 12);
    let wait = Duration::from_secs(doubled.min(most)).mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0));
    wait.max(asked.unwrap_or_default().min(Duration::from_secs(86_400)))
}

/// The same for a token that is forgiven for `left` only: a wait, whoever asked for it, that outlasts this loses the store.
/// Half of what is left each time, so that many tries fit into it and none follows the other at once.
pub fn back_off_within(wait: Duration, left: Duration) -> Duration {
    wait.min((left / 2).max(Duration::from_secs(2)))
}

/// What stores show while a failure of this class lasts.
pub fn health(kind: FailureKind) -> StoreHealth {
    match kind {
        FailureKind::Throttled | FailureKind::Down => StoreHealth::PlatformUnavailable,
        FailureKind::AppBroken => StoreHealth::AppMisconfigured,
        FailureKind::Unknown | FailureKind::Dead => StoreHealth::RefreshFailing,
    }
}

/// Time within which refusals of one platform app are counted.
pub const BRAKE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Too many refused at once: more than 5 credentials, and more than a tenth of those tried.
pub fn brake(tried: i64, refused: i64) -> bool {
    refused > 5 && refused * 10 > tried
}

/// How long a credential must have failed before failures of no known class may count as a refusal.
pub const UNKNOWN_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Refusals of no known class that make an end, at least.
pub const UNKNOWN_REFUSALS: i32 = 4;

/// Whether failures of no known class have lasted long enough to ask the verify call about the end of the grant.
pub fn unknown_for_long(failing_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let patience = TimeDelta::from_std(UNKNOWN_PATIENCE).unwrap_or(TimeDelta::MAX);
    failing_since.is_some_and(|since| now - since >= patience)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_secs(60);

    #[test]
    fn a_valid_token_is_served_and_only_an_ended_or_refused_one_waits() {
        use AccessLife::{Due, Expired, Fresh};
        for (life, left, minimum, refused, unchanged, wanted) in [
            (Fresh, Some(10 * MIN), Duration::ZERO, false, false, Plan::Serve),
            (Fresh, None, 10 * MIN, false, false, Plan::Serve),
            (Due, Some(MIN), Duration::ZERO, false, false, Plan::ServeAndRefresh),
            (Due, Some(MIN), 2 * MIN, false, false, Plan::Refresh),
            (Due, Some(MIN), 2 * MIN, false, true, Plan::Serve),
            (Due, Some(MIN), Duration::ZERO, false, true, Plan::Serve),
            (Fresh, Some(10 * MIN), Duration::ZERO, true, true, Plan::Refresh),
            (
                Expired,
                Some(Duration::ZERO),
                Duration::ZERO,
                false,
                true,
                Plan::Refresh,
            ),
        ] {
            assert_eq!(
                plan(life, left, minimum, refused, unchanged),
                wanted,
                "{life:?} {left:?} {refused} {unchanged}"
            );
        }
    }

    #[test]
    fn waits_grow_to_a_limit_and_never_fall_below_what_the_platform_asks() {
        for (kind, failures, asked, wanted) in [
            (FailureKind::Down, 0, None, 1),
            (FailureKind::Down, 3, None, 8),
            (FailureKind::Down, 99, None, 600),
            (FailureKind::Throttled, 0, Some(120), 120),
            (FailureKind::Throttled, 0, Some(9_999_999), 86_400),
        ] {
            let waited = back_off(kind, failures, asked.map(Duration::from_secs), 1.0);
            assert_eq!(waited, Duration::from_secs(wanted), "{kind} {failures}");
        }
        assert_eq!(back_off(FailureKind::Down, 3, None, 0.0), Duration::from_secs(6));
    }

    #[test]
    fn verdicts_are_held_past_five_stores_and_a_tenth() {
        for (tried, refused, wanted) in [
            (5, 5, false),
            (6, 6, true),
            (60, 6, false),
            (59, 6, true),
            (1000, 100, false),
        ] {
            assert_eq!(brake(tried, refused), wanted, "{refused} of {tried}");
        }
    }
}
