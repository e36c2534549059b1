//! What a process does of its own accord, from one attempt to the next: claim, go on, settle; and the journals of those
//! that are gone. What can go wrong with it stands here, too.

use super::decisions::{DUE, EXPIRED, PAST, RUNNING, WAITED};
use super::losses::{self, Losses, bit};
use super::row::Grounds;
use super::search::{NOBODY, Steps};
use super::world::{Clause, Entry, Life, Process, Request, Setup, Stage, Wire, World};

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
        if !setup.holds(Clause::Repeats) {
            shown.sends = shown.saved_attempt + 1;
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

    pub(super) fn claimed(&self, setup: &Setup, process: usize, grounds: Grounds) -> Option<(Self, Losses)> {
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
}
