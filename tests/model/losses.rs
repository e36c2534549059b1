//! What must never happen, each judged at the step that could bring it about, and three notes: what no protocol can
//! close, counted and named.

use super::world::{Life, Reply, Stage, Wire, World};

/// A set of losses, a bit each.
pub type Losses = u32;

/// The number of a loss in [`NAMES`].
pub const OVERWRITTEN: u8 = 0;
pub const REVOKED_SAVED: u8 = 1;
pub const REVOKED_IN_MEMORY: u8 = 2;
pub const REVOKED_IN_PAUSED: u8 = 3;
pub const REVOKED_IN_JOURNAL: u8 = 4;
pub const REVOKED_OUT_OF_REACH: u8 = 5;
pub const REVOKED_IN_SOCKET: u8 = 6;
pub const SENT_WITHOUT_DOUBT: u8 = 7;
pub const SENT_WHILE_VALID: u8 = 8;
pub const DEAD_WHILE_HELD: u8 = 9;
pub const DEAD_WHILE_SAVED_WORKS: u8 = 10;
pub const DEAD_WHILE_ANOTHER_WORKS: u8 = 11;
pub const OLD_GRANT_SAVED: u8 = 12;
pub const OLD_GRANT_DEAD: u8 = 13;
pub const FOREIGN_LEASE_CLEARED: u8 = 14;
pub const FALSE_DOUBT: u8 = 15;
pub const OVERLAP_RUNNING: u8 = 16;
pub const OVERLAP_PAUSED: u8 = 17;
pub const OVERLAP_TIMED_OUT: u8 = 18;
pub const OVERLAP_KILLED: u8 = 19;
pub const DROPPED_BY_OURSELVES: u8 = 20;
pub const LOST_WITH_ITS_PROCESS: u8 = 21;
pub const STUCK: u8 = 22;
/// Notes.
pub const NOTE_OLD_GRANT: u8 = 23;
pub const NOTE_KILLED_BEFORE_FSYNC: u8 = 24;
pub const NOTE_DISK_LOST: u8 = 25;

pub const NAMES: [&str; 26] = [
    "a live pair is overwritten by one that is not",
    "the grant is revoked by us while the saved pair was live",
    "the grant is revoked by us while a running process held a live pair",
    "the grant is revoked by us while a paused process held a live pair",
    "the grant is revoked by us while a live pair stood in a journal within reach",
    "the grant is revoked by us while a live pair stood in a journal out of reach",
    "the grant is revoked by us while a live answer waited in an open socket",
    "a used token is sent though nothing was in doubt",
    "a used token is sent without a grace while the access token was valid",
    "dead while a live pair is held",
    "dead while the saved pair works",
    "dead while another pair that we had works",
    "an old grant's answer is saved over the new grant",
    "an old grant's refusal ends the new grant",
    "somebody else's lease is cleared",
    "nothing was sent, and yet it counts as in doubt",
    "two requests at once: the other sender runs and waits",
    "two requests at once: the other sender is paused",
    "two requests at once: the other sender timed out, its request still travels",
    "two requests at once: the other sender was killed, its request still travels",
    "our own late request drops the saved pair, and nobody reads its answer",
    "a live pair is lost with the process that should have written it down",
    "no good end can be reached any more",
    "note: a call of an old grant overlaps with one of the new",
    "note: killed between answer and fsync with a live pair",
    "note: a disk lost with a live pair",
];

pub const fn bit(loss: u8) -> Losses {
    1 << loss
}

pub const NOTES: Losses = bit(NOTE_OLD_GRANT) | bit(NOTE_KILLED_BEFORE_FSYNC) | bit(NOTE_DISK_LOST);

impl World {
    /// Where live pairs of a grant are held that are newer than the saved one, as what their revocation would be.
    pub fn held(&self, grant_no: u8, processes: usize) -> Losses {
        let wanted = |token: u8| self.platform.live(token) && self.platform.grant_of[token as usize] == grant_no;
        let newer = |token: u8| wanted(token) && token > self.row.saved;
        let mut held = 0;
        if wanted(self.row.saved) {
            held |= bit(REVOKED_SAVED);
        }
        for (number, process) in self.process.iter().enumerate().take(processes) {
            if process.life == Life::Down {
                continue;
            }
            if process.stage == Stage::Answered && newer(process.brought) {
                held |= bit(if process.life == Life::Running {
                    REVOKED_IN_MEMORY
                } else {
                    REVOKED_IN_PAUSED
                });
            }
            if let Some(place) = self.open_request(number)
                && let Wire::Answered(Reply::Pair(token)) = self.request[place].wire
                && newer(token)
            {
                held |= bit(REVOKED_IN_SOCKET);
            }
        }
        for entry in self
            .journal
            .iter()
            .filter(|entry| entry.file != 0 && newer(entry.answer.token))
        {
            let file = entry.file as usize - 1;
            let within_reach = (0..processes).any(|process| self.may_read(process, file));
            held |= bit(if within_reach {
                REVOKED_IN_JOURNAL
            } else {
                REVOKED_OUT_OF_REACH
            });
        }
        held
    }

    /// Whether anybody holds an answer of the present grant that is not saved, worth something or not.
    pub fn answer_is_held(&self) -> bool {
        let reading = self.process.iter().any(|process| {
            let present = process.grant_no == self.row.grant_no;
            process.life != Life::Down && process.stage == Stage::Answered && present
        });
        let written = self.journal.iter().any(|entry| {
            entry.file != 0 && entry.answer.grant_no == self.row.grant_no && entry.answer.token != self.row.saved
        });
        let waiting = self.request.iter().any(|request| {
            let present = self.platform.grant_of[request.token as usize] == self.row.grant_no;
            request.open && present && matches!(request.wire, Wire::Answered(Reply::Pair(_)))
        });
        reading || written || waiting
    }

    /// What a verdict over the present grant would lose.
    pub fn lost_by_verdict(&self, processes: usize) -> Losses {
        let held = self.held(self.row.grant_no, processes);
        let mut losses = 0;
        if held & bit(REVOKED_SAVED) != 0 {
            losses |= bit(DEAD_WHILE_SAVED_WORKS);
        }
        if held & !bit(REVOKED_SAVED) != 0 {
            losses |= bit(DEAD_WHILE_HELD);
        }
        let spare_works = self.platform.of_grant(self.row.grant_no).any(|token| {
            self.had & (1 << token) != 0 && token as u8 != self.row.saved && self.platform.usable(token as u8)
        });
        if spare_works {
            losses |= bit(DEAD_WHILE_ANOTHER_WORKS);
        }
        losses
    }

    /// What a request that goes out now meets on its way.
    pub fn overlaps(&self, token: u8) -> Losses {
        let mut losses = 0;
        for request in self.request.iter().filter(|request| request.wire == Wire::Travelling) {
            let sender = &self.process[request.from as usize - 1];
            let grant_of = |token: u8| self.platform.grant_of[token as usize];
            losses |= bit(if grant_of(request.token) != grant_of(token) {
                NOTE_OLD_GRANT
            } else if request.open && sender.life == Life::Paused {
                OVERLAP_PAUSED
            } else if request.open {
                OVERLAP_RUNNING
            } else if request.orphan {
                OVERLAP_KILLED
            } else {
                OVERLAP_TIMED_OUT
            });
        }
        losses
    }
}
