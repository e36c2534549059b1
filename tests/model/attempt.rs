//! An attempt once it is claimed: send or not, read the answer, ask again, save, clear, judge a refusal.

use llavero::domain::lease::Refusal;

use super::decisions::{EXPIRED, FRESH};
use super::losses::{self, Losses, bit};
use super::row::{Answer, Refused, Row, Saved};
use super::search::{NOBODY, Steps};
use super::world::{Clause, Entry, Process, Reply, Request, Setup, Stage, Wire, World};

impl World {
    pub(super) fn send_or_not(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let own = self.process[process];
        let grace_is_over = own.in_grace && self.times.grace_over && setup.holds(Clause::GraceMargin);
        if (own.in_time || !setup.holds(Clause::SendWindow)) && !grace_is_over {
            let mut next = *self;
            let losses = next.send(process);
            steps.add("sends R", process, own.token, next, losses);
            let mut next = *self;
            next.process[process].stage = Stage::Unsent;
            steps.fault("cannot connect", process, NOBODY, next, 0);
        } else {
            let mut next = *self;
            next.process[process].stage = Stage::Unsent;
            steps.add("is too late to send", process, NOBODY, next, 0);
        }
    }

    pub(super) fn send(&mut self, process: usize) -> Losses {
        let own = self.process[process];
        let mut losses = self.overlaps(own.token);
        if self.platform.retired(own.token) && self.platform.grant_of[own.token as usize] == self.row.grant_no {
            if !own.doubt {
                losses |= bit(losses::SENT_WITHOUT_DOUBT);
            } else if self.times.access != EXPIRED {
                losses |= bit(losses::SENT_WHILE_VALID);
            }
        }
        if let Some(free) = self.request.iter_mut().find(|request| request.from == 0) {
            *free = Request {
                wire: Wire::Travelling,
                token: own.token,
                from: process as u8 + 1,
                open: true,
                orphan: false,
            };
        }
        self.process[process].stage = Stage::Sent;
        self.process[process].in_time = false;
        losses
    }

    pub(super) fn read_answer(&self, process: usize, steps: &mut Steps) {
        let Some(place) = self.open_request(process) else {
            return;
        };
        let mut next = *self;
        match self.request[place].wire {
            Wire::Answered(reply) => {
                next.request[place] = Request::default();
                let own = &mut next.process[process];
                let (text, number) = match reply {
                    Reply::Pair(token) => {
                        (own.stage, own.brought) = (Stage::Answered, token);
                        ("reads the answer R", token)
                    }
                    Reply::Refused => {
                        own.stage = Stage::Refused;
                        ("reads a refusal", NOBODY)
                    }
                    Reply::TryLater => {
                        own.stage = Stage::Failed;
                        ("reads: try later", NOBODY)
                    }
                };
                steps.add(text, process, number, next, 0);
            }
            Wire::Gone => {
                next.request[place] = Request::default();
                next.process[process].stage = Stage::Lost;
                steps.add("times out", process, NOBODY, next, 0);
            }
            Wire::Travelling => {
                next.request[place].open = false;
                next.process[process].stage = Stage::Lost;
                let text = "times out; its request still travels";
                if self.call_is_over(process) {
                    steps.add(text, process, NOBODY, next, 0);
                } else {
                    steps.fault(text, process, NOBODY, next, 0);
                }
            }
            Wire::Nothing => {}
        }
    }

    pub(super) fn after_loss(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let own = self.process[process];
        let unchanged = self.row.grant_no == own.grant_no && self.row.saved_attempt == own.seen;
        if !own.cut && unchanged && self.attempts < setup.bounds.attempts {
            // Whether its own claim was for the saved pair or for a spare.
            let sent_saved = own.token == self.row.saved;
            let again = setup
                .decisions
                .claim_again(&self.row, self.times, own.attempt, sent_saved);
            if let Some((next, losses)) = again.and_then(|grounds| self.claimed(setup, process, grounds)) {
                steps.add("claims again at once, attempt", process, next.row.lease, next, losses);
            }
        }
        let mut next = *self;
        if !own.cut {
            next.row.leave(own.grant_no, own.attempt);
        }
        next.rest(process);
        steps.add("leaves in doubt, attempt", process, own.attempt, next, 0);
    }

    pub(super) fn entry_of(&self, process: usize) -> Entry {
        let own = &self.process[process];
        Entry {
            file: process as u8 + 1,
            answer: Answer {
                grant_no: own.grant_no,
                attempt: own.attempt,
                token: own.brought,
                sent: own.token,
            },
        }
    }

    pub(super) fn save_own(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let entry = self.entry_of(process);
        let mut next = *self;
        let losses = next.save(setup, &entry);
        let mut done = next;
        if let Some(place) = self.own_entry(process) {
            done.journal[place] = Entry::default();
        }
        done.rest(process);
        steps.add("saves attempt", process, entry.answer.attempt, done, losses);
        let news = self.row.grant_no == entry.answer.grant_no && self.row.saved_attempt < entry.answer.attempt;
        if news {
            let text = "saves without hearing of it, attempt";
            steps.fault(text, process, entry.answer.attempt, next, losses);
        }
    }

    pub(super) fn save(&mut self, setup: &Setup, entry: &Entry) -> Losses {
        let answer = entry.answer;
        let before = *self;
        if !setup.holds(Clause::NewestWins) && answer.grant_no == self.row.grant_no {
            self.row.saved_attempt = self.row.saved_attempt.min(answer.attempt - 1);
        }
        let mut losses = 0;
        match self.row.save(answer) {
            Saved::Written => {
                if self.platform.grant_of[answer.token as usize] != self.row.grant_no {
                    losses |= bit(losses::OLD_GRANT_SAVED);
                }
                let replaced = before.row.saved;
                if answer.token != replaced && self.platform.live(replaced) && !self.platform.usable(answer.token) {
                    losses |= bit(losses::OVERWRITTEN);
                }
                self.times.access = FRESH;
                self.had |= 1 << answer.token;
            }
            Saved::Kept => self.had |= 1 << answer.token,
            Saved::Nothing => {}
        }
        if !setup.holds(Clause::Spares) {
            self.row.forget_spares();
        }
        losses
    }

    pub(super) fn clear(&mut self, setup: &Setup, process: usize) -> Losses {
        let own = self.process[process];
        if setup.holds(Clause::OwnLease) {
            if self.row.clear(own.grant_no, own.attempt) && !setup.holds(Clause::DoubtStays) {
                self.row.in_doubt = false;
            }
            return 0;
        }
        let foreign = self.row.lease != 0 && (self.row.lease, self.row.grant_no) != (own.attempt, own.grant_no);
        self.row.free_lease();
        if foreign { bit(losses::FOREIGN_LEASE_CLEARED) } else { 0 }
    }

    pub(super) fn judge(&mut self, setup: &Setup, process: usize) -> (bool, Losses) {
        let own = self.process[process];
        let before: Row = self.row;
        let refused = Refused {
            grant_no: own.grant_no,
            seen: own.seen,
            attempt: own.attempt,
            token: own.token,
            alive: self.times.access != EXPIRED,
        };
        let decided = self.row.refuse(refused);
        let dead = decided == Refusal::Dead && self.row.dead && !before.dead;
        let mut losses = 0;
        if dead {
            losses |= self.lost_by_verdict(setup.bounds.processes);
            if self.platform.grant_of[own.token as usize] != self.row.grant_no {
                losses |= bit(losses::OLD_GRANT_DEAD);
            }
        }
        if !setup.holds(Clause::OwnLease) && !dead {
            losses |= self.clear(setup, process);
        }
        if !setup.holds(Clause::DoubtStays) && self.row.lease == 0 {
            self.row.in_doubt = false;
        }
        self.rest(process);
        (dead, losses)
    }

    pub(super) fn rest(&mut self, process: usize) {
        let Process { life, cut, .. } = self.process[process];
        self.process[process] = Process {
            life,
            cut,
            ..Process::default()
        };
    }
}
