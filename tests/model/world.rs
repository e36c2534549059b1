//! Everything that the protocol touches, as one small state: the row, the platform, two processes or three with their
//! journals, and the requests on the wire. The merchant, the network and time move it as much as the processes do.

use super::decisions::{Decisions, FRESH, Kind, Times};
use super::row::{Answer, Row, TOKENS};

/// Most processes, and most attempts, of any run.
pub const PROCESSES: usize = 3;
pub const ATTEMPTS: usize = 5;

/// How far a run looks.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub processes: usize,
    pub attempts: u8,
    /// All faults together.
    pub faults: u8,
    pub reauthorizations: u8,
    pub revocations: u8,
}

/// A clause of the protocol that can be taken away, to see what it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// A lease is cleared only by its own attempt.
    OwnLease,
    /// Who surely sent nothing clears the lease.
    UnsentClears,
    /// A doubt is written down, and a failure does not end it.
    DoubtStays,
    /// Nothing is sent once the lease no longer covers the whole call.
    SendWindow,
    /// Nobody takes over within 60 s of a lease's end.
    TakeoverWait,
    /// At once only the pair that may still travel is sent again, and no other.
    Repeats,
    /// Without a grace, the owner of a lost attempt must have said that it holds nothing.
    Settlement,
    /// Without a grace, the access token is used up first.
    AccessFirst,
    /// A doubtful token is sent only while a whole call is left of the grace.
    GraceMargin,
    /// Where the second pair replaces the first, the owner does not ask again at once.
    ReplacingWaits,
    /// An answer older than the saved one is not saved over it.
    NewestWins,
    /// A new grant clears the lease.
    GrantClearsLease,
    /// A pair that is replaced in doubt, or comes too late, is kept as a spare.
    Spares,
    /// An answer is written to the journal before it is saved.
    JournalFirst,
}

/// What one run explores.
pub struct Setup {
    pub kind: Kind,
    pub bounds: Bounds,
    pub without: Option<Clause>,
    pub decisions: Decisions,
}

impl Setup {
    pub fn new(kind: Kind, bounds: Bounds) -> Self {
        Self {
            kind,
            bounds,
            without: None,
            decisions: Decisions::of(kind),
        }
    }

    pub fn without(mut self, clause: Clause) -> Self {
        if clause == Clause::ReplacingWaits {
            self.decisions.ask_again_as(Kind::SamePair);
        }
        self.without = Some(clause);
        self
    }

    pub fn holds(&self, clause: Clause) -> bool {
        self.without != Some(clause)
    }

    pub fn processes(&self) -> std::ops::Range<usize> {
        0..self.bounds.processes
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Life {
    #[default]
    Running,
    Paused,
    Down,
}

/// Where an attempt stands in its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    #[default]
    Idle,
    Claimed,
    Unsent,
    Sent,
    /// A good answer was read.
    Answered,
    Journaled,
    Refused,
    /// Something passing was answered.
    Failed,
    /// No answer came; the socket is closed.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Process {
    pub life: Life,
    /// Out of reach of the database.
    pub cut: bool,
    pub stage: Stage,
    pub grant_no: u8,
    pub attempt: u8,
    /// `saved_attempt` as the claim returned it.
    pub seen: u8,
    /// The refresh token that the claim returned, and the one that was answered.
    pub token: u8,
    pub brought: u8,
    /// The lease still covers a whole call.
    pub in_time: bool,
    pub doubt: bool,
    pub in_grace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wire {
    #[default]
    Nothing,
    Travelling,
    Answered(Reply),
    /// Request or answer is gone, and the sender waits in vain.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    Pair(u8),
    Refused,
    TryLater,
}

/// A request to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Request {
    pub wire: Wire,
    pub token: u8,
    /// The sender, counted from 1; 0: no request.
    pub from: u8,
    /// The sender still waits for the answer.
    pub open: bool,
    /// The sender was killed.
    pub orphan: bool,
}

/// An answer in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Entry {
    /// Whose journal, counted from 1; 0: no entry.
    pub file: u8,
    pub answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Token {
    #[default]
    Unborn,
    Live,
    /// Used, and forgiven for now.
    Forgiven,
    Retired,
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Platform {
    pub state: [Token; TOKENS],
    pub grant_of: [u8; TOKENS],
    pub tokens: u8,
    /// Revoked grants, a bit each.
    pub revoked: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct World {
    pub row: Row,
    pub times: Times,
    pub platform: Platform,
    pub process: [Process; PROCESSES],
    pub request: [Request; ATTEMPTS],
    pub journal: [Entry; ATTEMPTS],
    /// For judging only: the grant whose attempt holds the lease, and every pair that was ever saved or kept, a bit each.
    pub lease_grant: u8,
    pub had: u8,
    pub attempts: u8,
    pub faults: u8,
    pub reauthorizations: u8,
    pub revocations: u8,
}

impl World {
    pub fn new(setup: &Setup) -> Self {
        let mut world = Self {
            faults: setup.bounds.faults,
            reauthorizations: setup.bounds.reauthorizations,
            revocations: setup.bounds.revocations,
            ..Self::default()
        };
        let first = world.platform.grant(1);
        world.row = Row::new(first);
        world.had = 1 << first;
        world.times.access = super::decisions::DUE;
        for process in setup.bounds.processes..PROCESSES {
            world.process[process].life = Life::Down;
        }
        world
    }

    pub fn runs(&self, process: usize) -> bool {
        self.process[process].life == Life::Running
    }

    pub fn reaches(&self, process: usize) -> bool {
        self.runs(process) && !self.process[process].cut
    }

    pub fn entries(&self, file: usize) -> impl Iterator<Item = usize> {
        (0..ATTEMPTS).filter(move |place| self.journal[*place].file as usize == file + 1)
    }

    /// The place of the request that a process waits for.
    pub fn open_request(&self, process: usize) -> Option<usize> {
        (0..ATTEMPTS).find(|place| {
            let request = &self.request[*place];
            request.open && request.from as usize == process + 1
        })
    }

    /// The entry that a process has written and not yet saved itself.
    pub fn own_entry(&self, process: usize) -> Option<usize> {
        let own = &self.process[process];
        let written = own.stage == Stage::Journaled && own.life != Life::Down;
        self.entries(process).find(|place| {
            let answer = &self.journal[*place].answer;
            written && answer.attempt == own.attempt && answer.grant_no == own.grant_no
        })
    }

    /// Who may save what stands in a journal: its owner, or anybody once the owner is down.
    pub fn may_read(&self, process: usize, file: usize) -> bool {
        self.reaches(process) && (process == file || self.process[file].life == Life::Down)
    }

    /// The attempt's call limit is surely over.
    pub fn call_is_over(&self, process: usize) -> bool {
        let own = &self.process[process];
        let under_lease = self.row.lease != 0 && self.lease_grant == own.grant_no;
        under_lease && (own.attempt != self.row.lease || self.times.lease > super::decisions::RUNNING)
    }

    /// A running process takes its next step before time goes on: slowness is a pause.
    pub fn quiet(&self, setup: &Setup) -> bool {
        setup
            .processes()
            .filter(|process| self.runs(*process))
            .all(|process| self.has_nothing_to_do(setup, process))
    }

    fn has_nothing_to_do(&self, setup: &Setup, process: usize) -> bool {
        let own = &self.process[process];
        let resting = match own.stage {
            Stage::Idle => true,
            Stage::Claimed | Stage::Unsent | Stage::Lost => false,
            Stage::Answered => own.cut && !setup.holds(Clause::JournalFirst),
            Stage::Journaled | Stage::Refused | Stage::Failed => own.cut,
            Stage::Sent => {
                let request = self.open_request(process).map(|place| self.request[place].wire);
                !matches!(request, Some(Wire::Answered(_))) && !self.call_is_over(process)
            }
        };
        let own_entry = self.own_entry(process);
        let readable = setup.processes().any(|file| {
            self.may_read(process, file)
                && self
                    .entries(file)
                    .any(|entry| file != process || Some(entry) != own_entry)
        });
        resting && !readable
    }

    /// Everybody is at rest and the store works, or is known not to.
    pub fn ended_well(&self, setup: &Setup) -> bool {
        let at_rest = setup
            .processes()
            .all(|process| self.runs(process) && self.process[process].stage == Stage::Idle);
        let empty = self.journal.iter().all(|entry| entry.file == 0);
        let works = self.times.access == FRESH && self.platform.usable(self.row.saved) && self.row.lease == 0;
        at_rest && empty && (self.row.erased || self.row.dead || works)
    }
}

impl Platform {
    /// A new pair of a grant.
    pub fn grant(&mut self, grant_no: u8) -> u8 {
        let token = self.tokens;
        self.tokens += 1;
        self.state[token as usize] = Token::Live;
        self.grant_of[token as usize] = grant_no;
        token
    }

    fn stands(&self, token: u8) -> bool {
        self.revoked & (1 << self.grant_of[token as usize]) == 0
    }

    /// It works, and nothing newer is owed.
    pub fn live(&self, token: u8) -> bool {
        self.stands(token) && self.state[token as usize] == Token::Live
    }

    /// It would bring a pair now.
    pub fn usable(&self, token: u8) -> bool {
        self.stands(token) && matches!(self.state[token as usize], Token::Live | Token::Forgiven)
    }

    pub fn retired(&self, token: u8) -> bool {
        self.stands(token) && self.state[token as usize] == Token::Retired
    }

    pub fn of_grant(&self, grant_no: u8) -> impl Iterator<Item = usize> + use<> {
        let grants = self.grant_of;
        (0..self.tokens as usize).filter(move |token| grants[*token] == grant_no)
    }
}
