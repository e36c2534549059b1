//! The model's side: its row, the dates that go with it, what each process knows, and which steps are possible then.

use llavero::db::credentials::Credential;
use llavero::domain::lease::Grounds as RealGrounds;

use super::decisions::{EXPIRED, FRESH, LONG_PAST, PAST, RUNNING, Times, WAITED};
use super::real::{ACCESS_SECONDS, Dates, LEASE_SECONDS};
use super::row::{Grounds, Row, TOKENS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reads the row and decides whether it may be claimed.
    Look(usize),
    /// Claims on what was seen then.
    Claim(usize),
    /// The owner of a lost answer asks again at once.
    ClaimAgain(usize),
    /// Saves the answer of its attempt, a second time if it has done so before.
    Save(usize),
    /// The same, of an answer with the refresh token that was sent.
    SaveSame(usize),
    Clear(usize),
    Leave(usize),
    Settle(usize),
    Refused(usize),
    Pass(i64),
    GrantAgain,
    Erase,
}

/// Past a lease and 60 s; past the access token and the long wait; past a grace.
pub const WAITS: [i64; 3] = [106, 1000, 86_400];

/// What one process knows.
#[derive(Clone, Default)]
pub struct Actor {
    /// What it has read, with what that allows.
    pub seen: Option<(Credential, RealGrounds, Row, Grounds)>,
    pub attempt: Option<Attempt>,
}

#[derive(Clone)]
pub struct Attempt {
    pub grant_no: u8,
    pub number: u8,
    pub seen: u8,
    pub token: u8,
    pub asks_spare: bool,
    pub brought: Option<u8>,
}

/// The model's side: the row, its dates in seconds, and what the processes know.
#[derive(Clone)]
pub struct Side {
    pub row: Row,
    pub dates: Dates,
    pub actors: [Actor; 2],
    pub tokens: u8,
}

impl Side {
    pub fn times(&self) -> Times {
        let (now, until) = (self.dates.now, self.dates.lease_until);
        let call_and_grace = 86_400 - 30;
        let first_sent = self.dates.doubt_sent_at.or(self.dates.lease_since);
        Times {
            lease: match until.map(|until| now - until) {
                None | Some(..0) => RUNNING,
                Some(0..60) => PAST,
                Some(60..900) => WAITED,
                Some(_) => LONG_PAST,
            },
            access: if now < self.dates.access_until { FRESH } else { EXPIRED },
            grace_over: first_sent.is_some_and(|sent| now >= sent + call_and_grace),
            waited_long: self.dates.unsettled_at.is_some_and(|at| now >= at + 900),
        }
    }

    /// The dates that go with a change of the row. `takes_over`: the claim found its predecessor unsettled.
    pub fn date(&mut self, before: &Row, claimed: bool, takes_over: bool, saved: bool) {
        let (row, now) = (self.row, self.dates.now);
        let sent_before = self.dates.lease_since;
        if claimed {
            self.dates.lease_since = Some(now);
            self.dates.lease_until = Some(now + LEASE_SECONDS);
        }
        if row.in_doubt && !before.in_doubt {
            self.dates.in_doubt_since = Some(now);
            self.dates.doubt_sent_at = Some(sent_before.unwrap_or(now));
        }
        if takes_over {
            self.dates.unsettled_at = Some(now);
        }
        if saved {
            self.dates.access_until = now + ACCESS_SECONDS;
        }
        if row.lease == 0 {
            (self.dates.lease_since, self.dates.lease_until) = (None, None);
        }
        if !row.in_doubt {
            (self.dates.in_doubt_since, self.dates.doubt_sent_at) = (None, None);
        }
        if !row.unsettled {
            self.dates.unsettled_at = None;
        }
    }

    pub fn possible(&self, last: Option<Step>) -> Vec<Step> {
        let mut steps = Vec::new();
        for (actor, knows) in self.actors.iter().enumerate() {
            if !self.row.dead && !self.row.erased {
                steps.push(Step::Look(actor));
            }
            if knows.seen.is_some() {
                steps.push(Step::Claim(actor));
            }
            if let Some(attempt) = &knows.attempt {
                steps.extend([Step::Save(actor), Step::Clear(actor), Step::Leave(actor)]);
                steps.push(Step::Refused(actor));
                if attempt.brought.is_none() {
                    steps.extend([Step::SaveSame(actor), Step::ClaimAgain(actor)]);
                }
            }
            if self.row.lease != 0 && self.row.owner as usize == actor + 1 {
                steps.push(Step::Settle(actor));
            }
        }
        if !matches!(last, Some(Step::Pass(_))) {
            steps.extend(WAITS.map(Step::Pass));
        }
        if !self.row.erased {
            steps.push(Step::Erase);
            if (self.tokens as usize) < TOKENS - 2 {
                steps.push(Step::GrantAgain);
            }
        }
        // To look twice in a row tells nothing.
        steps.retain(|step| !matches!(step, Step::Look(_)) || Some(*step) != last);
        steps
    }
}
