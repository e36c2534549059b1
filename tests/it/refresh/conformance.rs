//! The model of `tests/model` is about our code: every short sequence of steps that two processes, the merchant and time
//! can take is driven through the real decisions and the real guarded statements on a real row, and after each step the
//! row must be what the model's row is, dates included. Sequences share their beginnings: each step is tried inside a
//! savepoint and taken back, so that all of them run in one transaction.
//!
//! `CONFORMANCE_DEPTH=3 cargo test --test it conformance` tries longer sequences; each step more takes about fifteen times
//! as long.

#[path = "../../model/decisions.rs"]
#[allow(dead_code, reason = "the model uses all of it")]
mod decisions;
mod keys;
mod real;
#[path = "../../model/row.rs"]
#[allow(dead_code, reason = "the model uses all of it")]
mod row;
mod side;

use std::io::Write as _;

use decisions::{Decisions, EXPIRED, Kind};
use llavero::broker::refresh::Saved as Written;
use llavero::domain::lease::{Grounds as RealGrounds, Refusal};
use real::Real;
use row::{Answer, Grounds, Refused, Row, Saved};
use side::{Attempt, Side, Step};

/// Where sequences begin: a free lease, one held, one left behind by a lost answer, a take-over by the other process, a
/// spare beside the saved pair, a saved pair that was refused, and a lost answer beside which another was saved.
const BEGINNINGS: &[&[Step]] = &[
    &[],
    &[Step::Look(0), Step::Claim(0)],
    &[Step::Look(0), Step::Claim(0), Step::Leave(0), Step::Pass(1000)],
    &[
        Step::Look(0),
        Step::Claim(0),
        Step::Pass(1000),
        Step::Look(1),
        Step::Claim(1),
    ],
    &[
        Step::Look(0),
        Step::Claim(0),
        Step::Pass(1000),
        Step::Look(1),
        Step::Claim(1),
        Step::Save(1),
        Step::Save(0),
    ],
    &[
        Step::Look(0),
        Step::Claim(0),
        Step::Pass(1000),
        Step::Look(1),
        Step::Claim(1),
        Step::Save(0),
        Step::Refused(1),
    ],
    &[
        Step::Look(0),
        Step::Claim(0),
        Step::Pass(1000),
        Step::Look(1),
        Step::Claim(1),
        Step::Save(0),
        Step::Leave(1),
    ],
];

struct Search {
    real: Real,
    kind: Kind,
    decisions: Decisions,
    /// Steps taken so far, for the message.
    path: Vec<Step>,
    compared: usize,
}

impl Search {
    /// Tries every sequence of up to `depth` more steps.
    fn explore(&mut self, side: &Side, depth: usize) {
        if depth == 0 {
            return;
        }
        for step in side.possible(self.path.last().copied()) {
            self.real.begin();
            let mut next = side.clone();
            self.take(&mut next, step);
            self.explore(&next, depth - 1);
            self.path.pop();
            self.real.take_back();
        }
    }

    /// One step on both sides, which must agree afterwards.
    fn take(&mut self, side: &mut Side, step: Step) {
        self.path.push(step);
        let agreed = self.step(side, step);
        self.compared += 1;
        assert!(agreed, "{:?}: the outcomes differ after {:?}", self.kind, self.path);
        let (row, dates) = self.real.read();
        assert_eq!(
            (row, dates),
            (shown(&side.row), side.dates),
            "{:?}: the row differs from the model's after {:?}",
            self.kind,
            self.path
        );
    }

    /// Whether both sides say the same of what happened.
    fn step(&mut self, side: &mut Side, step: Step) -> bool {
        let before = side.row;
        match step {
            Step::Look(actor) => {
                let (row, decided) = self.real.look(&self.kind.terms());
                let modelled = self.decisions.claim(&side.row, side.times());
                side.actors[actor].seen = decided
                    .zip(modelled)
                    .map(|(real, modelled)| (row, real, side.row, modelled));
                decided.map(abstracted) == modelled
            }
            Step::Claim(actor) => {
                let Some((seen, real, seen_row, modelled)) = side.actors[actor].seen.take() else {
                    return false;
                };
                let claimed = self.real.claim(&seen, actor, &real);
                let number = side.row.claim(&seen_row, actor as u8 + 1, modelled);
                self.claimed(side, actor, &before, number, modelled.unsettled);
                number.map(i64::from) == claimed
            }
            Step::ClaimAgain(actor) => {
                let Some(own) = side.actors[actor].attempt.clone() else {
                    return false;
                };
                // The program looks at the generation first.
                let same = (side.row.grant_no, side.row.saved_attempt) == (own.grant_no, own.seen);
                let may = same && !side.row.dead && !side.row.erased;
                let modelled = self
                    .decisions
                    .claim_again(&side.row, side.times(), own.number, !own.asks_spare)
                    .filter(|_| may);
                let terms = self.kind.terms();
                let claimed =
                    self.real
                        .claim_again(actor, &terms, (own.grant_no, own.seen), own.number, !own.asks_spare);
                let seen = side.row;
                let number = modelled.and_then(|grounds| side.row.claim(&seen, actor as u8 + 1, grounds));
                self.claimed(side, actor, &before, number, false);
                number.map(i64::from) == claimed
            }
            Step::Save(actor) => self.save(side, actor, false),
            Step::SaveSame(actor) => self.save(side, actor, true),
            Step::Clear(actor) => self.own(side, actor, &before, Real::clear, Row::clear),
            Step::Leave(actor) => self.own(side, actor, &before, Real::leave, Row::leave),
            Step::Settle(actor) => {
                let real = self.real.settle(actor);
                let modelled = side.row.settle(actor as u8 + 1);
                side.date(&before, false, false, false);
                real == modelled
            }
            Step::Refused(actor) => {
                let Some(own) = &side.actors[actor].attempt else {
                    return false;
                };
                let refused = Refused {
                    grant_no: own.grant_no,
                    seen: own.seen,
                    attempt: own.number,
                    token: own.token,
                    alive: side.times().access != EXPIRED,
                };
                let dead = self.real.refused(&refused);
                let decided = side.row.refuse(refused);
                side.date(&before, false, false, false);
                dead == (decided == Refusal::Dead && side.row.dead && !before.dead)
            }
            Step::Pass(seconds) => {
                side.dates.now += seconds;
                self.real.set_now(side.dates.now);
                true
            }
            Step::GrantAgain => {
                let token = side.tokens;
                side.tokens += 1;
                self.real.grant_again(token, side.dates.now);
                side.row.grant_again(token);
                side.date(&before, false, false, true);
                true
            }
            Step::Erase => {
                self.real.erase();
                side.row.erase();
                side.date(&before, false, false, false);
                true
            }
        }
    }

    fn claimed(&self, side: &mut Side, actor: usize, before: &Row, number: Option<u8>, takes_over: bool) {
        let Some(number) = number else { return };
        side.actors[actor].attempt = Some(Attempt {
            grant_no: side.row.grant_no,
            number,
            seen: side.row.saved_attempt,
            token: side.row.next_pair(),
            asks_spare: side.row.asks_spare,
            brought: None,
        });
        side.date(before, true, takes_over, false);
    }

    fn save(&mut self, side: &mut Side, actor: usize, same: bool) -> bool {
        let before = side.row;
        let fresh = side.tokens;
        let Some(own) = &mut side.actors[actor].attempt else {
            return false;
        };
        if own.brought.is_none() && !same {
            side.tokens += 1;
        }
        let token = *own.brought.get_or_insert(if same { own.token } else { fresh });
        let answer = Answer {
            grant_no: own.grant_no,
            attempt: own.number,
            token,
            sent: own.token,
        };
        let real = self.real.save(&answer, side.dates.now);
        let modelled = side.row.save(answer);
        let written = modelled == Saved::Written;
        side.date(&before, false, false, written);
        // What is saved already counts as written.
        let again = (before.grant_no, before.saved_attempt) == (answer.grant_no, answer.attempt);
        (real == Written::Written) == (written || again && modelled == Saved::Nothing)
    }

    fn own(
        &mut self,
        side: &mut Side,
        actor: usize,
        before: &Row,
        real: fn(&mut Real, u8, u8) -> bool,
        modelled: fn(&mut Row, u8, u8) -> bool,
    ) -> bool {
        let Some((grant_no, number)) = side.actors[actor]
            .attempt
            .as_ref()
            .map(|own| (own.grant_no, own.number))
        else {
            return false;
        };
        let changed = real(&mut self.real, grant_no, number);
        let expected = modelled(&mut side.row, grant_no, number);
        side.date(before, false, false, false);
        changed == expected
    }
}

fn abstracted(grounds: RealGrounds) -> Grounds {
    Grounds {
        doubt: grounds.doubt,
        unsettled: grounds.unsettled,
        in_grace: grounds.send_before.is_some(),
    }
}

/// The model's row as far as it stands in the database: what was erased has no pairs.
fn shown(row: &Row) -> Row {
    Row {
        saved: if row.erased { 0 } else { row.saved },
        refused: if row.erased { 0 } else { row.refused },
        ..*row
    }
}

#[expect(clippy::disallowed_methods, reason = "how far to look is said from outside")]
fn depth(usual: usize) -> usize {
    std::env::var("CONFORMANCE_DEPTH").map_or(usual, |wished| wished.parse().unwrap())
}

/// Tries so many steps after each of the beginnings.
fn conforms(kind: Kind, usual: usize) {
    let depth = depth(usual);
    let mut search = Search {
        real: Real::start(),
        kind,
        decisions: Decisions::of(kind),
        path: Vec::new(),
        compared: 0,
    };
    for beginning in BEGINNINGS {
        let mut side = Side {
            row: Row::new(0),
            dates: search.real.dates(),
            actors: Default::default(),
            tokens: 1,
        };
        search.real.begin();
        search.path.clear();
        for step in *beginning {
            search.take(&mut side, *step);
        }
        search.explore(&side, depth);
        search.real.take_back();
    }
    let _ = writeln!(
        std::io::stderr(),
        "{kind:?}: {} steps compared, to a depth of {depth}",
        search.compared
    );
    assert!(search.compared > 500, "{} steps compared", search.compared);
}

#[test]
fn the_statements_do_what_the_model_does_where_reuse_revokes() {
    conforms(Kind::Strict, 2);
}

#[test]
fn the_statements_do_what_the_model_does_within_a_grace() {
    conforms(Kind::AnotherPair, 2);
}

#[test]
fn the_statements_do_what_the_model_does_until_first_use() {
    conforms(Kind::UntilFirstUse, 2);
}
