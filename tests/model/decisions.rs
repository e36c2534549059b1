//! The program's own decisions, asked once for each situation that the model tells apart. Moments become distances from
//! one fixed now, so that the search need not reckon with times.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use llavero::domain::lease::{self, Claim, Held, Lease, Reuse, Terms};

use super::row::{Grounds, Row};

/// What a platform does with a refresh token that was used already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Takes it for theft: the whole grant is revoked.
    Strict,
    /// Refuses it, and nothing else.
    Refuses,
    /// For a time answers with the pair it brought first.
    SamePair,
    /// For a time brings a further pair; all of them work.
    AnotherPair,
    /// For a time brings a further pair; the one before is dropped.
    Replaces,
    /// Takes it until its successor is first used.
    UntilFirstUse,
    /// It is not used up.
    NotRotating,
}

impl Kind {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Strict, "no grace, reuse revokes"),
        (Self::Refuses, "no grace, reuse is refused"),
        (Self::SamePair, "grace: same pair"),
        (Self::AnotherPair, "grace: another pair"),
        (Self::Replaces, "grace: replaces"),
        (Self::UntilFirstUse, "until first use"),
        (Self::NotRotating, "not rotating"),
    ];

    pub fn forgives(self) -> bool {
        !matches!(self, Self::Strict | Self::Refuses)
    }

    /// Whether its grace ends by time.
    pub fn ends_by_time(self) -> bool {
        matches!(self, Self::SamePair | Self::AnotherPair | Self::Replaces)
    }

    pub fn terms(self) -> Terms {
        let reuse = match self {
            Self::Strict | Self::Refuses => Reuse::Never,
            Self::SamePair | Self::AnotherPair => Reuse::Within(GRACE),
            Self::Replaces => Reuse::Replacing(GRACE),
            Self::UntilFirstUse => Reuse::UntilFirstUse(GRACE),
            Self::NotRotating => Reuse::Always,
        };
        Terms {
            reuse,
            call_limit: Duration::from_secs(30),
            journal_wait: Duration::from_secs(900),
        }
    }
}

const GRACE: Duration = Duration::from_secs(86_400);

/// How far a lease, or what is left of it, has come.
pub const RUNNING: u8 = 0;
/// Past its end.
pub const PAST: u8 = 1;
/// Past it by the time that a request may still travel.
pub const WAITED: u8 = 2;
/// Past it by the time after which nobody waits for a journal any more.
pub const LONG_PAST: u8 = 3;

/// How far the access token has come.
pub const FRESH: u8 = 0;
pub const DUE: u8 = 1;
pub const EXPIRED: u8 = 2;

/// What time has done to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Times {
    pub lease: u8,
    pub access: u8,
    pub grace_over: bool,
    /// The long wait since an unsettled take-over is over.
    pub waited_long: bool,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn ahead(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

/// The row as the program would read it.
fn concrete(row: &Row, times: Times) -> Lease {
    let until = [20, -30, -61, -1000][times.lease as usize];
    let first_sent = if times.grace_over { -200_000 } else { until - 45 };
    let held = Held {
        attempt: i64::from(row.lease),
        since: ahead(first_sent),
        until: ahead(until),
        saved_attempt: row.sends_saved().then_some(i64::from(row.saved_attempt)),
        settled: row.owner == 0,
    };
    Lease {
        grant_no: i64::from(row.grant_no),
        saved_attempt: i64::from(row.saved_attempt),
        next_attempt: i64::from(row.next_attempt),
        held: (row.lease != 0).then_some(held),
        in_doubt: row.in_doubt,
        doubt_sent_at: row.in_doubt.then_some(ahead(first_sent)),
        unsettled_at: row
            .unsettled
            .then(|| ahead(if times.waited_long { -1000 } else { -10 })),
        asks_spare: row.asks_spare,
        access_expires_at: Some(ahead(if times.access == EXPIRED { -1 } else { 1000 })),
    }
}

fn grounds(decided: lease::Grounds) -> Grounds {
    Grounds {
        doubt: decided.doubt,
        unsettled: decided.unsettled,
        in_grace: decided.send_before.is_some(),
    }
}

/// The answers to "may a claim be made?", by situation.
pub struct Decisions {
    again: Terms,
    claims: Vec<Option<Grounds>>,
}

impl Decisions {
    pub fn of(kind: Kind) -> Self {
        let terms = kind.terms();
        let mut claims = Vec::new();
        for index in 0..SITUATIONS {
            let (row, times) = situation(index);
            let decided = lease::claim(&concrete(&row, times), &terms, now(), Some(ahead(-100_000)), false);
            claims.push(match decided {
                Claim::Now(decided) => Some(grounds(decided)),
                Claim::NotBefore { .. } => None,
            });
        }
        Self { again: terms, claims }
    }

    /// The owner asks again as if the platform were of this kind.
    pub fn ask_again_as(&mut self, kind: Kind) {
        self.again = kind.terms();
    }

    pub fn claim(&self, row: &Row, times: Times) -> Option<Grounds> {
        self.claims[index(row, times)]
    }

    /// May the owner of `attempt`, whose answer got lost, ask again at once?
    pub fn claim_again(&self, row: &Row, times: Times, attempt: u8, sent_saved: bool) -> Option<Grounds> {
        let lease = concrete(row, times);
        lease::claim_again(&lease, &self.again, i64::from(attempt), sent_saved, now()).map(grounds)
    }
}

const SITUATIONS: usize = 2 * 4 * 3 * 128;

fn index(row: &Row, times: Times) -> usize {
    let flags = [
        row.owner == 0,
        row.in_doubt,
        row.unsettled,
        row.asks_spare,
        row.sends_saved(),
        times.grace_over,
        times.waited_long,
    ];
    let flags = flags.iter().fold(0, |index, flag| index * 2 + usize::from(*flag));
    let leased = usize::from(row.lease != 0);
    ((leased * 4 + times.lease as usize) * 3 + times.access as usize) * 128 + flags
}

/// What `index` stands for.
fn situation(index: usize) -> (Row, Times) {
    let flag = |place: usize| (index >> (6 - place)) & 1 == 1;
    let (access, rest) = (index / 128 % 3, index / 128 / 3);
    let row = Row {
        lease: (rest / 4) as u8,
        owner: u8::from(!flag(0)),
        in_doubt: flag(1),
        unsettled: flag(2),
        asks_spare: flag(3),
        sends: u8::from(flag(4)),
        ..Row::new(0)
    };
    let times = Times {
        lease: (rest % 4) as u8,
        access: access as u8,
        grace_over: flag(5),
        waited_long: flag(6),
    };
    (row, times)
}
