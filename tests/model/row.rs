//! The row of a credential as the model knows it, and what each guarded statement does to it. The decisions are the
//! program's own (`domain::lease`); what is written down here a second time are the guards and the columns of
//! `db::leases`, `db::credentials` and their callers, and `it::refresh::conformance` holds them against a real database.

use chrono::{DateTime, Utc};
use llavero::domain::credential::Generation;
use llavero::domain::lease::{self, Held, Lease, Refusal, Save};

/// Most refresh tokens that one run can bring about.
pub const TOKENS: usize = 8;

/// Numbers are small, and tokens stand for the pairs they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Row {
    pub grant_no: u8,
    /// The saved refresh token.
    pub saved: u8,
    pub saved_attempt: u8,
    pub next_attempt: u8,
    /// The attempt that holds the lease, or left it uncleared; 0: nobody.
    pub lease: u8,
    /// Whose attempt it is, counted from 1; 0: settled, or no lease.
    pub owner: u8,
    /// One more than the `saved_attempt` of the pair that the lease's attempt sends; 0: a spare, or no lease.
    pub sends: u8,
    pub in_doubt: bool,
    pub unsettled: bool,
    pub asks_spare: bool,
    /// Which of the saved pair and the spares were refused: a bit each.
    pub refused: u8,
    /// Of each token kept as a spare: one more than the attempt that brought it; 0: not kept.
    pub spares: [u8; TOKENS],
    pub dead: bool,
    pub erased: bool,
}

/// What is written beside a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    pub doubt: bool,
    pub unsettled: bool,
    /// The claim rests on a grace that ends by time.
    pub in_grace: bool,
}

/// A complete, good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Answer {
    pub grant_no: u8,
    pub attempt: u8,
    /// The refresh token it brought, and the one that was sent for it.
    pub token: u8,
    pub sent: u8,
}

/// An attempt whose pair was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub grant_no: u8,
    /// `saved_attempt` as its claim returned it.
    pub seen: u8,
    pub attempt: u8,
    pub token: u8,
    /// The access token may still work.
    pub alive: bool,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    Written,
    Kept,
    Nothing,
}

const LONG_AGO: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

impl Row {
    pub fn new(token: u8) -> Self {
        Self {
            grant_no: 1,
            saved: token,
            next_attempt: 1,
            ..Self::default()
        }
    }

    /// As the program's decisions are handed it, where time does not matter.
    fn lease(&self) -> Lease {
        let held = Held {
            attempt: i64::from(self.lease),
            since: LONG_AGO,
            until: LONG_AGO,
            saved_attempt: self.sends.checked_sub(1).map(i64::from),
            settled: self.owner == 0,
        };
        Lease {
            grant_no: i64::from(self.grant_no),
            saved_attempt: i64::from(self.saved_attempt),
            next_attempt: i64::from(self.next_attempt),
            held: (self.lease != 0).then_some(held),
            in_doubt: self.in_doubt,
            doubt_sent_at: None,
            unsettled_at: None,
            asks_spare: self.asks_spare,
            access_expires_at: None,
        }
    }

    fn was_refused(&self, token: u8) -> bool {
        self.refused & (1 << token) != 0
    }

    /// Whether the lease's attempt sends the pair that is saved.
    pub fn sends_saved(&self) -> bool {
        self.sends == self.saved_attempt + 1
    }

    /// The newest spare that was not refused.
    fn untried_spare(&self) -> Option<u8> {
        let kept = (0..TOKENS as u8).filter(|token| self.spares[*token as usize] != 0 && !self.was_refused(*token));
        kept.max_by_key(|token| self.spares[*token as usize])
    }

    /// The pair that the next claim sends.
    pub fn next_pair(&self) -> u8 {
        match self.untried_spare() {
            Some(spare) if self.was_refused(self.saved) => spare,
            _ => self.saved,
        }
    }

    fn would_ask_spare(&self) -> bool {
        self.was_refused(self.saved) && self.untried_spare().is_some()
    }

    fn keep(&mut self, attempt: u8, token: u8) {
        if self.spares[token as usize] == 0 {
            self.spares[token as usize] = attempt + 1;
            self.refused &= !(1 << token);
        }
    }

    pub fn forget_spares(&mut self) {
        self.asks_spare = false;
        self.spares = [0; TOKENS];
        self.refused &= 1 << self.saved;
    }

    /// `leases::claim`: the number of the attempt, if the row is still what was seen.
    pub fn claim(&mut self, seen: &Self, owner: u8, grounds: Grounds) -> Option<u8> {
        let same = self.grant_no == seen.grant_no
            && self.saved_attempt == seen.saved_attempt
            && self.next_attempt == seen.next_attempt
            && self.lease == seen.lease
            && self.owner == seen.owner
            && self.in_doubt == seen.in_doubt
            && self.unsettled == seen.unsettled
            && self.asks_spare == seen.asks_spare;
        if !same || self.dead || self.erased {
            return None;
        }
        self.lease = self.next_attempt;
        self.next_attempt += 1;
        self.owner = owner;
        self.sends = if self.asks_spare { 0 } else { self.saved_attempt + 1 };
        self.in_doubt |= grounds.doubt;
        self.unsettled |= grounds.unsettled;
        Some(self.lease)
    }

    pub fn free_lease(&mut self) {
        self.lease = 0;
        self.owner = 0;
        self.sends = 0;
    }

    /// `leases::clear`: only the own lease.
    pub fn clear(&mut self, grant_no: u8, attempt: u8) -> bool {
        let mine = self.grant_no == grant_no && self.lease == attempt;
        if mine {
            self.free_lease();
        }
        mine
    }

    /// `leases::leave`: the lease stays, and is settled.
    pub fn leave(&mut self, grant_no: u8, attempt: u8) -> bool {
        let mine = self.grant_no == grant_no && self.lease == attempt;
        if mine {
            self.owner = 0;
        }
        mine
    }

    /// `leases::settle_all`: nothing is held of what `owner` tried.
    pub fn settle(&mut self, owner: u8) -> bool {
        let mine = self.lease != 0 && self.owner == owner;
        if mine {
            self.owner = 0;
        }
        mine
    }

    /// The guarded save of an answer.
    pub fn save(&mut self, answer: Answer) -> Saved {
        if self.erased || self.grant_no != answer.grant_no {
            return Saved::Nothing;
        }
        let same = answer.token == self.saved;
        let decided = lease::save(
            &self.lease(),
            i64::from(answer.grant_no),
            i64::from(answer.attempt),
            same,
            answer.sent == self.saved,
        );
        match decided {
            Save::Write {
                spare_saved,
                ends_doubt,
                clears_lease,
            } => {
                if spare_saved {
                    self.keep(self.saved_attempt, self.saved);
                    self.spares[answer.token as usize] = 0;
                } else {
                    self.spares = [0; TOKENS];
                }
                self.refused = 0;
                self.asks_spare = false;
                self.saved = answer.token;
                self.saved_attempt = answer.attempt;
                self.dead = false;
                if clears_lease {
                    self.free_lease();
                }
                if ends_doubt {
                    self.in_doubt = false;
                    self.unsettled = false;
                }
                Saved::Written
            }
            Save::Spare { clears_lease } => {
                self.keep(answer.attempt, answer.token);
                self.asks_spare = self.would_ask_spare();
                if clears_lease {
                    self.clear(answer.grant_no, answer.attempt);
                }
                Saved::Kept
            }
            Save::Nothing => {
                if self.saved_attempt != answer.attempt {
                    self.clear(answer.grant_no, answer.attempt);
                }
                Saved::Nothing
            }
        }
    }

    /// A refusal for good: dead, or another pair to try, or nothing to say. Returns what was decided.
    pub fn refuse(&mut self, refused: Refused) -> Refusal {
        if self.erased || self.grant_no != refused.grant_no {
            return Refusal::Void;
        }
        if refused.token == self.saved || self.spares[refused.token as usize] != 0 {
            self.refused |= 1 << refused.token;
        }
        let untried = !self.was_refused(self.saved) || self.untried_spare().is_some();
        let seen = Generation {
            grant_no: i64::from(refused.grant_no),
            attempt: i64::from(refused.seen),
        };
        let decided = lease::refusal(&self.lease(), seen, i64::from(refused.attempt), untried);
        self.asks_spare = self.would_ask_spare();
        match decided {
            Refusal::TryNext { doubt } => {
                self.in_doubt |= doubt;
                self.clear(refused.grant_no, refused.attempt);
            }
            Refusal::Dead if refused.alive => {
                self.clear(refused.grant_no, refused.attempt);
            }
            Refusal::Dead => self.set_dead(refused.grant_no, refused.seen, refused.attempt + 1),
            Refusal::Void => {
                self.clear(refused.grant_no, refused.attempt);
            }
        }
        decided
    }

    /// `leases::set_dead`.
    fn set_dead(&mut self, grant_no: u8, seen: u8, next_attempt: u8) {
        let holds = self.grant_no == grant_no && self.saved_attempt == seen && self.next_attempt == next_attempt;
        if holds && !self.dead && !self.erased {
            self.dead = true;
            self.free_lease();
        }
    }

    /// `credentials::grant_again`: the merchant has authorized anew.
    pub fn grant_again(&mut self, token: u8) {
        *self = Self {
            grant_no: self.grant_no + 1,
            saved: token,
            saved_attempt: self.next_attempt,
            next_attempt: self.next_attempt + 1,
            ..Self::default()
        };
    }

    /// `credentials::erase`: the last store was revoked.
    pub fn erase(&mut self) {
        self.grant_no += 1;
        self.free_lease();
        self.in_doubt = false;
        self.unsettled = false;
        self.asks_spare = false;
        self.refused = 0;
        self.forget_spares();
        self.erased = true;
    }
}
