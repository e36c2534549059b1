//! Who may refresh a credential, what an answer changes, and when a refusal is believed: the decisions of the lease
//! protocol, pure. The row they look at is read first; the statement that acts on them names everything they rest on in
//! its `WHERE`, so a row that moved meanwhile is not touched and is looked at again. Time comes from the database.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::credential::Generation;

/// Nobody takes over a lease earlier than this after its end: the time a request may still travel.
pub const TAKEOVER_WAIT: Duration = Duration::from_secs(60);

/// What a lease is longer than the limit of the call it covers: time to connect, and to save.
pub const LEASE_MARGIN: Duration = Duration::from_secs(15);

/// A lease that somebody holds, or left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub attempt: i64,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// `saved_attempt` of the pair that it sends; `None`: it sends a spare.
    pub saved_attempt: Option<i64>,
    /// The owner, or whoever adopted its journal, says nothing of the attempt is held any more.
    pub settled: bool,
}

/// What the protocol knows of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub grant_no: i64,
    pub saved_attempt: i64,
    pub next_attempt: i64,
    pub held: Option<Held>,
    pub in_doubt: bool,
    /// Claim of the first attempt of the doubt.
    pub doubt_sent_at: Option<DateTime<Utc>>,
    /// When an attempt was last taken over before it was settled.
    pub unsettled_at: Option<DateTime<Utc>>,
    /// The saved pair was refused and a spare was not yet: the next attempt sends the spare.
    pub asks_spare: bool,
    pub access_expires_at: Option<DateTime<Utc>>,
}

impl Lease {
    pub fn generation(&self) -> Generation {
        Generation {
            grant_no: self.grant_no,
            attempt: self.saved_attempt,
        }
    }
}

/// What a used refresh token is still good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Nothing; using it again may revoke the whole grant.
    Never,
    /// For a time it brings a pair again.
    Within(Duration),
    /// As `Within`, and the pair brought first is dropped: never ask while an earlier request may still travel.
    Replacing(Duration),
    /// Until the pair it brought is used, at most for a time.
    UntilFirstUse(Duration),
    /// It is not used up.
    Always,
}

/// The settings that decisions rest on.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub reuse: Reuse,
    pub call_limit: Duration,
    /// How long an unsettled attempt may still come back with an answer.
    pub journal_wait: Duration,
}

/// Whether a claim may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Now(Grounds),
    /// `None`: no time will do; something else has to happen.
    NotBefore {
        at: Option<DateTime<Utc>>,
        /// An attempt is under way, or was until a moment ago.
        busy: bool,
    },
}

/// What a claim writes beside its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    pub doubt: bool,
    pub unsettled: bool,
    /// The request must be sent before this moment; `None`: the lease alone decides.
    pub send_before: Option<DateTime<Utc>>,
}

fn after(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| at.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// May a new attempt be made? `reaching_since`: since when the asker has reached the database without a gap; the wait for
/// a silent owner counts from there, because the owner may have been cut off by the same outage. `access_over`: the
/// platform has refused the access token before its time.
pub fn claim(
    lease: &Lease,
    terms: &Terms,
    now: DateTime<Utc>,
    reaching_since: Option<DateTime<Utc>>,
    access_over: bool,
) -> Claim {
    let doubt = lease.held.is_some() || lease.in_doubt || lease.asks_spare;
    let last_send = last_send(lease, terms, now);
    let grace_open = match terms.reuse {
        Reuse::Never => false,
        Reuse::Always => true,
        _ => last_send.is_some_and(|end| now < end),
    };
    // A grace that time ends cannot wait for the owner to speak.
    let exempt = match terms.reuse {
        Reuse::Always => true,
        Reuse::Within(_) | Reuse::Replacing(_) => grace_open,
        Reuse::Never | Reuse::UntilFirstUse(_) => false,
    };
    if let Some(unsettled_at) = lease.unsettled_at.filter(|_| !exempt) {
        let long_wait = after(unsettled_at, terms.journal_wait);
        if now < long_wait {
            return Claim::NotBefore {
                at: Some(long_wait),
                busy: false,
            };
        }
    }
    // A settled attempt may still travel, but where every pair that comes of it works, sending the same once more costs
    // nothing, and a short grace would be over before the wait is. A pair saved meanwhile must not overtake the one on its
    // way: using the newer retires the older.
    let repeats = |held: &Held| {
        let same = held.saved_attempt == Some(lease.saved_attempt) && !lease.asks_spare;
        held.settled && same && grace_open && matches!(terms.reuse, Reuse::Within(_))
    };
    let mut unsettled = false;
    if let Some(held) = lease.held.filter(|held| !repeats(held)) {
        let Some(reaching_since) = reaching_since else {
            return Claim::NotBefore {
                at: Some(after(held.until, TAKEOVER_WAIT)),
                busy: now < held.until,
            };
        };
        let waited = after(held.until.max(reaching_since), TAKEOVER_WAIT);
        if now < waited {
            return Claim::NotBefore {
                at: Some(waited),
                busy: now < held.until,
            };
        }
        let long_wait = after(held.until, terms.journal_wait);
        unsettled = !held.settled && now < long_wait;
        if unsettled && !exempt {
            return Claim::NotBefore {
                at: Some(long_wait),
                busy: false,
            };
        }
    }
    if doubt && !grace_open && !access_over && lease.access_expires_at.is_none_or(|expires_at| now < expires_at) {
        return Claim::NotBefore {
            at: lease.access_expires_at,
            busy: false,
        };
    }
    Claim::Now(Grounds {
        doubt,
        unsettled,
        send_before: last_send.filter(|_| doubt && grace_open),
    })
}

/// The last moment at which a doubtful request may start: a whole call limit before the grace ends.
fn last_send(lease: &Lease, terms: &Terms, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (Reuse::Within(grace) | Reuse::Replacing(grace) | Reuse::UntilFirstUse(grace)) = terms.reuse else {
        return None;
    };
    let first_sent = lease.doubt_sent_at.or(lease.held.map(|held| held.since)).unwrap_or(now);
    Some(after(first_sent, grace.saturating_sub(terms.call_limit)))
}

/// How long a doubtful request may still start, where the grace ends by time and has not ended.
pub fn grace_left(lease: &Lease, terms: &Terms, now: DateTime<Utc>) -> Option<Duration> {
    let left = (last_send(lease, terms, now)? - now).to_std().ok()?;
    (!left.is_zero()).then_some(left)
}

/// May the owner whose answer got lost, and who has closed its call, ask again at once?
pub fn claim_again(
    lease: &Lease,
    terms: &Terms,
    attempt: i64,
    sent_saved: bool,
    now: DateTime<Utc>,
) -> Option<Grounds> {
    let mine = lease.held.is_some_and(|held| held.attempt == attempt);
    let send_before = last_send(lease, terms, now).filter(|end| now < *end);
    let allowed =
        mine && matches!(terms.reuse, Reuse::Within(_)) && send_before.is_some() && sent_saved != lease.asks_spare;
    allowed.then_some(Grounds {
        doubt: true,
        unsettled: false,
        send_before,
    })
}

/// What a complete answer of `attempt` in `grant_no` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Save {
    /// It becomes the saved pair.
    Write {
        /// The pair saved so far is kept as a spare; else all spares go.
        spare_saved: bool,
        ends_doubt: bool,
        clears_lease: bool,
    },
    /// A newer answer is saved already: it is kept as a spare.
    Spare { clears_lease: bool },
    /// The grant is over, or the very pair is saved already.
    Nothing,
}

/// `same`: the answer holds the refresh token that is saved. `sent_saved`: that one was sent to get it.
pub fn save(lease: &Lease, grant_no: i64, attempt: i64, same: bool, sent_saved: bool) -> Save {
    if lease.grant_no != grant_no {
        return Save::Nothing;
    }
    let clears_lease = lease.held.is_some_and(|held| held.attempt == attempt);
    if lease.saved_attempt < attempt {
        let clean = clears_lease && !lease.in_doubt && sent_saved;
        Save::Write {
            spare_saved: !clean && !same,
            // The doubt is about the saved refresh token: the same one saved again for an earlier attempt leaves it.
            ends_doubt: !same || attempt + 1 == lease.next_attempt,
            clears_lease,
        }
    } else if same || lease.saved_attempt == attempt {
        Save::Nothing
    } else {
        Save::Spare { clears_lease }
    }
}

/// What a refusal for good means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The grant is dead.
    Dead,
    /// Another pair is left to try.
    TryNext {
        /// From now on the saved refresh token is in doubt.
        doubt: bool,
    },
    /// Somebody claimed or saved after this attempt: not its place to judge.
    Void,
}

/// `seen`: what the refused attempt's claim returned. `untried`: a pair that was not refused is left, this refusal counted.
pub fn refusal(lease: &Lease, seen: Generation, attempt: i64, untried: bool) -> Refusal {
    let last = lease.generation() == seen && lease.next_attempt == attempt + 1;
    match (untried, last) {
        (true, _) if lease.grant_no != seen.grant_no => Refusal::Void,
        (true, last) => Refusal::TryNext { doubt: last },
        (false, true) => Refusal::Dead,
        (false, false) => Refusal::Void,
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
