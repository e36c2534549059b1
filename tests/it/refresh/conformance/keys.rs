//! What is noted of keys that nothing renews, held against a model in the same way: every short sequence of looks, noted
//! refusals, verdicts, recoveries and new grants that two processes can take. A refusal of what was read before something
//! changed must change nothing.

use llavero::db::credentials::Credential;
use llavero::db::leases::{self, Failed};
use llavero::db::refusals;
use llavero::domain::credential::Generation;
use llavero::domain::id::JournalId;
use llavero::domain::lease::Grounds;
use llavero::domain::refresh::FailureKind;

use super::real::{LEASE_SECONDS, Real, moment, seconds};

/// Refusals closer together than this are one.
const APART: i64 = 3600;
const NO_GROUNDS: Grounds = Grounds {
    doubt: false,
    unsettled: false,
    send_before: None,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reads the row.
    Look(usize),
    /// Notes a refusal of what was read.
    Note(usize),
    /// It ends for what was read.
    End(usize),
    /// It works, of the grant that was read.
    Works(usize),
    /// An attempt takes the lease, and gives it back.
    Claim,
    Clear,
    /// Less than the time between two refusals; more than that.
    Pass(i64),
    GrantAgain,
    Erase,
}

/// The row as far as refusals go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Key {
    grant_no: i64,
    saved_attempt: i64,
    next_attempt: i64,
    lease: Option<i64>,
    dead: bool,
    erased: bool,
    failures: i32,
    failing_since: Option<i64>,
    retry_at: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Side {
    row: Key,
    now: i64,
    seen: [Option<Key>; 2],
}

impl Key {
    fn is(&self, seen: &Self) -> bool {
        (self.grant_no, self.saved_attempt) == (seen.grant_no, seen.saved_attempt)
    }

    fn note(&mut self, seen: &Self, now: i64) -> bool {
        let noted = self.is(seen) && self.lease.is_none() && !self.dead && self.retry_at.is_none_or(|at| at <= now);
        if noted {
            self.failures += 1;
            self.failing_since.get_or_insert(now);
            self.retry_at = Some(now + APART);
        }
        noted
    }

    fn end(&mut self, seen: &Self) -> bool {
        let ends = self.is(seen) && self.next_attempt == seen.next_attempt && !self.dead && !self.erased;
        if ends {
            self.dead = true;
            self.lease = None;
        }
        ends
    }

    fn works(&mut self, seen: &Self) -> bool {
        let forgotten = self.grant_no == seen.grant_no && !self.erased && (self.failures > 0 || self.dead);
        if forgotten {
            (self.dead, self.failures, self.failing_since, self.retry_at) = (false, 0, None, None);
        }
        forgotten
    }

    fn grant_again(&mut self) {
        *self = Self {
            grant_no: self.grant_no + 1,
            saved_attempt: self.next_attempt,
            next_attempt: self.next_attempt + 1,
            ..Self::default()
        };
    }
}

impl Side {
    fn possible(&self) -> Vec<Step> {
        let mut steps = vec![Step::Pass(APART / 2), Step::Pass(APART)];
        for (actor, seen) in self.seen.iter().enumerate() {
            match seen {
                Some(seen) => {
                    steps.extend([Step::Note(actor), Step::End(actor), Step::Works(actor)]);
                    if *seen != self.row {
                        steps.push(Step::Look(actor));
                    }
                }
                None => steps.push(Step::Look(actor)),
            }
        }
        if self.row.lease.is_some() {
            steps.push(Step::Clear);
        } else if !self.row.dead && !self.row.erased {
            steps.push(Step::Claim);
        }
        if !self.row.erased {
            steps.extend([Step::GrantAgain, Step::Erase]);
        }
        steps
    }
}

impl Real {
    fn key(&mut self) -> Key {
        let (row, _) = self.find();
        Key {
            grant_no: row.grant_no,
            saved_attempt: row.saved_attempt,
            next_attempt: row.next_attempt,
            lease: row.lease_attempt,
            dead: row.dead_at.is_some(),
            erased: row.values_sealed.is_none(),
            failures: row.failures,
            failing_since: row.failing_since.map(seconds),
            retry_at: row.retry_at.map(seconds),
        }
    }

    fn row(&mut self) -> Credential {
        self.find().0
    }
}

struct Search {
    real: Real,
    path: Vec<Step>,
    compared: usize,
}

impl Search {
    fn explore(&mut self, side: &Side, depth: usize) {
        if depth == 0 {
            return;
        }
        for step in side.possible() {
            self.real.begin();
            self.path.push(step);
            let mut next = *side;
            let agreed = self.take(&mut next, step);
            self.compared += 1;
            assert!(agreed, "the outcomes differ after {:?}", self.path);
            assert_eq!(self.real.key(), next.row, "the rows differ after {:?}", self.path);
            self.explore(&next, depth - 1);
            self.path.pop();
            self.real.take_back();
        }
    }

    /// Whether both sides say the same of what happened.
    fn take(&mut self, side: &mut Side, step: Step) -> bool {
        let seen_by = |actor: usize| side.seen[actor].unwrap_or_default();
        let (id, now) = (self.real.id, side.now);
        match step {
            Step::Look(actor) => {
                side.seen[actor] = Some(self.real.key());
                true
            }
            Step::Note(actor) => {
                let seen = seen_by(actor);
                let failed = Failed {
                    kind: FailureKind::Unknown,
                    retry_at: moment(now + APART),
                };
                let noted = refusals::note_refused(&mut self.real.conn, id, generation(&seen), failed).unwrap();
                noted.is_some() == side.row.note(&seen, now)
            }
            Step::End(actor) => {
                let seen = seen_by(actor);
                let ended = leases::set_dead(&mut self.real.conn, id, generation(&seen), seen.next_attempt).unwrap();
                ended == side.row.end(&seen)
            }
            Step::Works(actor) => {
                let seen = seen_by(actor);
                let forgotten = refusals::forget_refusals(&mut self.real.conn, id, seen.grant_no).unwrap();
                forgotten == side.row.works(&seen)
            }
            Step::Claim => {
                let (row, owner) = (self.real.row(), self.real.owners[0]);
                let claimed = claim(&mut self.real, &row, owner);
                side.row.lease = Some(side.row.next_attempt);
                side.row.next_attempt += 1;
                claimed == side.row.lease
            }
            Step::Clear => {
                let attempt = side.row.lease.take().unwrap_or_default();
                leases::clear(&mut self.real.conn, id, side.row.grant_no, attempt, None).unwrap()
            }
            Step::Pass(seconds) => {
                side.now += seconds;
                self.real.set_now(side.now);
                true
            }
            Step::GrantAgain => {
                self.real.grant_again(1, now);
                side.row.grant_again();
                true
            }
            Step::Erase => {
                self.real.erase();
                side.row.grant_no += 1;
                (side.row.erased, side.row.lease) = (true, None);
                true
            }
        }
    }
}

fn claim(real: &mut Real, row: &Credential, owner: JournalId) -> Option<i64> {
    let length = std::time::Duration::from_secs(LEASE_SECONDS.unsigned_abs());
    let claimed = leases::claim(&mut real.conn, row, owner, length, &NO_GROUNDS).unwrap();
    claimed.and_then(|row| row.lease_attempt)
}

fn generation(seen: &Key) -> Generation {
    Generation {
        grant_no: seen.grant_no,
        attempt: seen.saved_attempt,
    }
}

#[test]
fn what_is_noted_of_a_refused_key_is_what_the_model_notes() {
    let mut search = Search {
        real: Real::start(),
        path: Vec::new(),
        compared: 0,
    };
    let row = search.real.key();
    let refused = [Step::Look(0), Step::Note(0), Step::Pass(APART)];
    let ended = [Step::Look(0), Step::Note(0), Step::End(0)];
    for beginning in [&[][..], &refused, &ended] {
        let mut side = Side {
            row,
            now: 0,
            seen: [None; 2],
        };
        search.real.begin();
        search.real.set_now(0);
        search.path.clear();
        for step in beginning {
            assert!(search.take(&mut side, *step));
            search.path.push(*step);
        }
        search.explore(&side, super::depth(3));
        search.real.take_back();
    }
    assert!(search.compared > 500, "{} steps compared", search.compared);
}
