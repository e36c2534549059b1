//! The lease protocol, explored: every interleaving of two processes with their journals, one row, one platform of each
//! kind of grace, and faults at every step (killed, paused, cut off from the database, request or answer lost, a commit
//! that nobody hears of, a disk gone). What is decided is decided by `domain::lease` itself; what is written, by a row
//! that `it::refresh::conformance` holds against the real statements. A failure prints a shortest way to the loss.
//!
//! Not in it: several stores on one grant, the brake and unknown failures, a 401 of the proxy, clock skew, a failover that
//! forgets a commit, a journal that cannot be written or read. A process that has just come back to the database may take
//! over at once here; the program waits 60 s more.
//!
//! `MODEL_BOUNDS=processes=3,attempts=4,faults=3 cargo test --test model` looks further (hours without `--release`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod attempt;
mod decisions;
mod losses;
mod process;
mod row;
mod search;
mod surroundings;
mod world;

use std::io::Write as _;

use decisions::Kind;
use losses::{Losses, NOTES, bit};
use search::{Report, explore};
use world::{ATTEMPTS, Bounds, Clause, PROCESSES, Setup};

/// Two faults at any two steps, while the merchant authorizes again at any third.
const FAULTS: Bounds = Bounds {
    processes: 2,
    attempts: 3,
    faults: 2,
    reauthorizations: 1,
    revocations: 0,
};

/// One fault, with attempts enough to say that the store comes back from it.
const RECOVERY: Bounds = Bounds {
    processes: 2,
    attempts: 4,
    faults: 1,
    reauthorizations: 0,
    revocations: 1,
};

#[expect(clippy::disallowed_methods, reason = "how far to look is said from outside")]
fn bounds(of: Bounds) -> Bounds {
    let wished = std::env::var("MODEL_BOUNDS").unwrap_or_default();
    let mut bounds = of;
    for wish in wished.split(',').filter(|wish| !wish.is_empty()) {
        let (name, number) = wish.split_once('=').unwrap_or_else(|| panic!("no number in `{wish}`"));
        let number: u8 = number.parse().unwrap();
        match name {
            "processes" => bounds.processes = usize::from(number),
            "attempts" => bounds.attempts = number,
            "faults" => bounds.faults = number,
            "reauthorizations" => bounds.reauthorizations = number,
            "revocations" => bounds.revocations = number,
            _ => panic!("`{name}` is no bound"),
        }
    }
    assert!(bounds.processes <= PROCESSES && usize::from(bounds.attempts) <= ATTEMPTS);
    bounds
}

/// Shown without `--nocapture`, too: how far a run has looked is part of what it says.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What is no loss for a platform: where every pair goes on working, two requests at once harm nobody.
fn harmless(kind: Kind) -> Losses {
    match kind {
        Kind::SamePair | Kind::AnotherPair => bit(losses::OVERLAP_TIMED_OUT) | bit(losses::OVERLAP_KILLED),
        _ => 0,
    }
}

fn holds(kind: Kind, within: Bounds) {
    let name = Kind::ALL.iter().find(|(other, _)| *other == kind).unwrap().1;
    let bounds = bounds(within);
    let report: Report = explore(&Setup::new(kind, bounds), 0);
    let noted = report.found.iter().filter(|found| NOTES & bit(found.loss) != 0);
    let noted: Vec<_> = noted.map(|found| losses::NAMES[found.loss as usize]).collect();
    say(&format!(
        "{name}: {} states, {} steps; {} processes, {} attempts, {} faults, {} re-authorizations; {}",
        report.states,
        report.steps,
        bounds.processes,
        bounds.attempts,
        bounds.faults,
        bounds.reauthorizations,
        noted.join("; ")
    ));
    let told = report.tell(!NOTES & !harmless(kind));
    assert!(told.is_empty(), "{name}: {told}");
}

macro_rules! every_kind {
    ($($name:ident: $kind:expr;)*) => {
        mod nothing_is_lost_with_two_faults {
            use super::*;
            $(#[test] fn $name() { holds($kind, FAULTS); })*
        }

        mod every_store_comes_back_after_one_fault {
            use super::*;
            $(#[test] fn $name() { holds($kind, RECOVERY); })*
        }
    };
}

every_kind! {
    where_reuse_revokes: Kind::Strict;
    where_reuse_is_refused: Kind::Refuses;
    within_a_grace_for_the_same_pair: Kind::SamePair;
    within_a_grace_for_another_pair: Kind::AnotherPair;
    within_a_grace_that_replaces: Kind::Replaces;
    until_first_use: Kind::UntilFirstUse;
    without_rotation: Kind::NotRotating;
}

/// Takes one clause away; the search must find its loss.
fn is_needed(clause: Clause, kind: Kind, loss: u8) {
    let report = explore(&Setup::new(kind, FAULTS).without(clause), bit(loss));
    let told = report.tell(bit(loss));
    say(&format!("without {clause:?}, after {} states: {told}", report.states));
    assert!(
        !told.is_empty(),
        "without {clause:?} the search finds no `{}`",
        losses::NAMES[loss as usize]
    );
}

#[test]
fn each_clause_taken_away_brings_its_loss_back() {
    for (clause, kind, loss) in [
        (Clause::OwnLease, Kind::Strict, losses::REVOKED_IN_MEMORY),
        (Clause::UnsentClears, Kind::Strict, losses::FALSE_DOUBT),
        (Clause::DoubtStays, Kind::Strict, losses::SENT_WITHOUT_DOUBT),
        (Clause::SendWindow, Kind::Strict, losses::OVERLAP_RUNNING),
        (Clause::TakeoverWait, Kind::Replaces, losses::OVERLAP_KILLED),
        (Clause::Repeats, Kind::AnotherPair, losses::REVOKED_SAVED),
        (Clause::Settlement, Kind::Strict, losses::REVOKED_IN_PAUSED),
        (Clause::AccessFirst, Kind::Strict, losses::SENT_WHILE_VALID),
        (Clause::GraceMargin, Kind::SamePair, losses::SENT_WHILE_VALID),
        (Clause::ReplacingWaits, Kind::Replaces, losses::OVERLAP_TIMED_OUT),
        (Clause::NewestWins, Kind::Replaces, losses::OVERWRITTEN),
        (Clause::GrantClearsLease, Kind::Strict, losses::FALSE_DOUBT),
        (Clause::Spares, Kind::Replaces, losses::DEAD_WHILE_ANOTHER_WORKS),
        (Clause::JournalFirst, Kind::Strict, losses::LOST_WITH_ITS_PROCESS),
    ] {
        is_needed(clause, kind, loss);
    }
}
