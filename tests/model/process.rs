//! What a process does of its own accord: claim, send, read, journal, save, clear, settle; and the journals of those that
//! are gone.

use llavero::domain::lease::Refusal;

use super::decisions::{DUE, EXPIRED, FRESH, PAST, RUNNING, WAITED};
use super::losses::{self, Losses, bit};
use super::row::{Grounds, Refused, Row, Saved};
use super::search::{NOBODY, Steps};
use super::world::{Clause, Entry, Life, Process, Reply, Request, Setup, Stage, Wire, World};

impl World {
    pub(super) fn process_steps(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let own = &self.process[process];
        match own.life {
            Life::Down => self.while_down(process, steps),
            Life::Paused => {
                let mut next = *self;
                next.process[process].life = Life::Running;
                steps.add("resumes", process, NOBODY, next, 0);
                let (next, losses) = self.killed(setup, process);
                steps.fault("is killed while paused", process, NOBODY, next, losses);
            }
            Life::Running => {
                self.faults_of(setup, process, steps);
                if !own.cut {
                    self.read_journals(setup, process, steps);
                    self.settle(process, steps);
                }
                self.go_on(setup, process, steps);
            }
        }
    }

    fn while_down(&self, process: usize, steps: &mut Steps) {
        let mut next = *self;
        next.process[process].life = Life::Running;
        steps.add("restarts", process, NOBODY, next, 0);
        if self.entries(process).next().is_none() {
            return;
        }
        let mut next = *self;
        let mut losses = 0;
        for place in self.entries(process) {
            let token = self.journal[place].answer.token;
            if self.platform.live(token) && token != self.row.saved {
                losses |= bit(losses::NOTE_DISK_LOST);
            }
            next.journal[place] = Entry::default();
        }
        steps.fault("loses its disk, journal and all", process, NOBODY, next, losses);
    }

    fn faults_of(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let own = &self.process[process];
        let busy = own.stage != Stage::Idle;
        if own.cut {
            let mut next = *self;
            next.process[process].cut = false;
            steps.add("reaches the database again", process, NOBODY, next, 0);
        } else {
            let mut next = *self;
            next.process[process].cut = true;
            steps.fault("is cut off from the database", process, NOBODY, next, 0);
        }
        if busy || self.row.lease != 0 {
            let (next, losses) = self.killed(setup, process);
            steps.fault("is killed", process, NOBODY, next, losses);
        }
        if busy {
            let mut next = *self;
            next.process[process].life = Life::Paused;
            steps.fault("is paused", process, NOBODY, next, 0);
        }
    }

    fn killed(&self, setup: &Setup, process: usize) -> (Self, Losses) {
        let own = self.process[process];
        let mut next = *self;
        let mut losses = 0;
        if own.stage == Stage::Answered && self.platform.live(own.brought) && own.brought != self.row.saved {
            let avoidable = own.cut && !setup.holds(Clause::JournalFirst);
            losses = bit(if avoidable {
                losses::LOST_WITH_ITS_PROCESS
            } else {
                losses::NOTE_KILLED_BEFORE_FSYNC
            });
        }
        if let Some(place) = self.open_request(process) {
            let request = &mut next.request[place];
            if request.wire == Wire::Travelling {
                request.open = false;
                request.orphan = true;
            } else {
                *request = Request::default();
            }
        }
        next.process[process] = Process {
            life: Life::Down,
            ..Process::default()
        };
        (next, losses)
    }

    fn read_journals(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        for file in setup.processes().filter(|file| self.may_read(process, *file)) {
            let own_entry = self.own_entry(process);
            for place in self.entries(file).filter(|place| Some(*place) != own_entry) {
                let mut next = *self;
                let answer = self.journal[place].answer;
                let losses = next.save(setup, &self.journal[place]);
                next.journal[place] = Entry::default();
                steps.add("saves from a journal, attempt", process, answer.attempt, next, losses);
            }
        }
    }

    /// Says of attempts that are over, its own or those of a process whose journal it has emptied, that nothing is held.
    fn settle(&self, process: usize, steps: &mut Steps) {
        let Some(owner) = (self.row.owner as usize).checked_sub(1) else {
            return;
        };
        let over = self.process[owner].stage == Stage::Idle && self.entries(owner).next().is_none();
        if self.row.lease != 0 && over && self.may_read(process, owner) {
            let mut next = *self;
            next.row.settle(self.row.owner);
            steps.add("says that nothing is held of attempt", process, self.row.lease, next, 0);
        }
    }

    fn go_on(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        let own = self.process[process];
        match own.stage {
            Stage::Idle if !own.cut => self.begin(setup, process, steps),
            Stage::Claimed => self.send_or_not(setup, process, steps),
            Stage::Unsent => {
                let mut next = *self;
                let mut losses = 0;
                if !own.cut && setup.holds(Clause::UnsentClears) {
                    losses = next.clear(setup, process);
                } else if !own.cut && self.row.lease == own.attempt && self.row.grant_no == own.grant_no {
                    losses = bit(losses::FALSE_DOUBT);
                }
                next.rest(process);
                steps.add("ends, nothing sent, attempt", process, own.attempt, next, losses);
            }
            Stage::Sent => self.read_answer(process, steps),
            Stage::Answered if setup.holds(Clause::JournalFirst) => {
                let mut next = *self;
                if let Some(free) = next.journal.iter_mut().find(|entry| entry.file == 0) {
                    *free = self.entry_of(process);
                }
                next.process[process].stage = Stage::Journaled;
                steps.add("journals R", process, own.brought, next, 0);
            }
            Stage::Answered | Stage::Journaled if !own.cut => self.save_own(setup, process, steps),
            Stage::Refused if !own.cut => {
                let mut next = *self;
                let (dead, losses) = next.judge(setup, process);
                let text = if dead {
                    "writes DEAD"
                } else {
                    "takes the refusal, not dead"
                };
                steps.add(text, process, NOBODY, next, losses);
            }
            Stage::Failed if !own.cut => {
                let mut next = *self;
                let losses = next.clear(setup, process);
                next.rest(process);
                steps.add("clears after a failure", process, NOBODY, next, losses);
            }
            Stage::Lost => self.after_loss(setup, process, steps),
            _ => {}
        }
    }

    fn begin(&self, setup: &Setup, process: usize, steps: &mut Steps) {
        // Somebody wants a token, or a lease was left behind.
        let wanted = self.times.access >= DUE || self.row.lease != 0;
        let holds_entries = self.entries(process).next().is_some();
        if !wanted || holds_entries || self.attempts >= setup.bounds.attempts {
            return;
        }
        let (mut shown, mut times) = (self.row, self.times);
        if !setup.holds(Clause::TakeoverWait) && times.lease == PAST {
            times.lease = WAITED;
        }
        if !setup.holds(Clause::Settlement) {
            (shown.owner, shown.unsettled) = (0, false);
        }
        if !setup.holds(Clause::AccessFirst) {
            times.access = EXPIRED;
        }
        let Some(grounds) = setup.decisions.claim(&shown, times) else {
            return;
        };
        let Some((next, losses)) = self.claimed(setup, process, grounds) else {
            return;
        };
        let text = if grounds.doubt {
            "claims in doubt, attempt"
        } else {
            "claims attempt"
        };
        let number = next.row.lease;
        steps.add(text, process, number, next, losses);
        let mut unknown = next;
        unknown.rest(process);
        steps.fault(
            "claims without hearing of it, attempt",
            process,
            number,
            unknown,
            losses,
        );
    }

    fn claimed(&self, setup: &Setup, process: usize, grounds: Grounds) -> Option<(Self, Losses)> {
        let mut next = *self;
        let mut losses = 0;
        if self.row.lease != 0 && self.lease_grant != self.row.grant_no {
            losses |= bit(losses::FALSE_DOUBT);
        }
        let written = Grounds {
            doubt: grounds.doubt && setup.holds(Clause::DoubtStays),
            ..grounds
        };
        let number = next.row.claim(&self.row, process as u8 + 1, written)?;
        next.attempts += 1;
        next.lease_grant = next.row.grant_no;
        next.times.lease = RUNNING;
        next.times.waited_long &= !grounds.unsettled;
        next.process[process] = Process {
            stage: Stage::Claimed,
            grant_no: next.row.grant_no,
            attempt: number,
            seen: next.row.saved_attempt,
            token: next.row.next_pair(),
            in_time: true,
            doubt: grounds.doubt,
            in_grace: grounds.in_grace,
            ..self.process[process]
        };
        Some((next, losses))
    }

    fn send_or_not(&self, setup: &Setup, process: usize, steps: &mut Steps) {
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

    fn send(&mut self, process: usize) -> Losses {
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

    fn read_answer(&self, process: usize, steps: &mut Steps) {
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

    fn after_loss(&self, setup: &Setup, process: usize, steps: &mut Steps) {
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

    fn entry_of(&self, process: usize) -> Entry {
        let own = &self.process[process];
        Entry {
            file: process as u8 + 1,
            answer: super::row::Answer {
                grant_no: own.grant_no,
                attempt: own.attempt,
                token: own.brought,
                sent: own.token,
            },
        }
    }

    fn save_own(&self, setup: &Setup, process: usize, steps: &mut Steps) {
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

    fn save(&mut self, setup: &Setup, entry: &Entry) -> Losses {
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
                if before.row.dead && !setup.holds(Clause::SaveRevives) {
                    self.row.dead = true;
                    if self.platform.live(answer.token) {
                        losses |= bit(losses::STAYS_DEAD);
                    }
                }
                self.times.access = FRESH;
                self.had |= 1 << answer.token;
            }
            Saved::Kept => self.had |= 1 << answer.token,
            Saved::Nothing => {}
        }
        losses
    }

    fn clear(&mut self, setup: &Setup, process: usize) -> Losses {
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

    fn judge(&mut self, setup: &Setup, process: usize) -> (bool, Losses) {
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

    fn rest(&mut self, process: usize) {
        let Process { life, cut, .. } = self.process[process];
        self.process[process] = Process {
            life,
            cut,
            ..Process::default()
        };
    }
}
