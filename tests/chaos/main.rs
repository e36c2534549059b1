//! Everything goes wrong at once, to real processes: four of them on one PostgreSQL and one process of simulated
//! platforms, with callers on the proxy all the while. Processes are killed, the database is stopped, the platforms fail,
//! clocks disagree; then it is calm, and every store must still be there. What happened is judged by those who do not
//! depend on Llavero's word: the platforms' own log, the callers' notes, and what was killed when.
//!
//! | environment | is |
//! | --- | --- |
//! | `CHAOS=full` | 2,000 stores and phases of minutes, no clock is put forward; about half an hour |
//! | `CHAOS_STORES`, `CHAOS_SECONDS` | another number of stores; another length of each phase |
//! | `CHAOS_HOT`, `CHAOS_CALLS` | how many stores are called at a time; how many calls begin in a second |
//! | `CHAOS_SEED` | the seed of an earlier run, printed at its begin: the same order of events, as far as timing allows |
//!
//! Plain `cargo test` runs a size that takes some minutes on two cores. Nothing outlives a run, however it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]

mod callers;
mod calm;
mod database;
mod evidence;
mod installation;
mod judge;
mod platforms;
#[path = "../browser/process.rs"]
#[allow(dead_code, reason = "shared with the browser walks")]
mod process;
#[path = "../browser/programs.rs"]
#[allow(dead_code, reason = "shared with the browser walks")]
mod programs;
mod size;
mod slots;
mod stores;
mod table;
mod trouble;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use llavero::clock::Clock;

use installation::Installation;
use size::Size;
use trouble::Trouble;

fn main() -> ExitCode {
    let trial = Trial::ignorable_test("stores_survive_everything_at_once", || match programs::postgres() {
        Ok(()) => run(),
        Err(missing) => Ok(Completion::ignored_with(missing)),
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// One stretch of time with one kind of trouble.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    pub name: &'static str,
    pub trouble: Trouble,
    pub begun: chrono::DateTime<chrono::Utc>,
    pub ended: chrono::DateTime<chrono::Utc>,
}

fn run() -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let broken = runtime.block_on(async {
        let size = Size::of_environment();
        println!("\n{size}");
        let clock = Clock::system();
        let installation = Arc::new(Installation::start(size, clock).await);
        chaos(&installation).await
    });
    // What callers had begun is nobody's business any more.
    runtime.shutdown_background();
    if broken.is_empty() {
        Ok(Completion::Completed)
    } else {
        Err(broken.join("\n").into())
    }
}

/// The promises that were broken, a line each.
async fn chaos(installation: &Arc<Installation>) -> Vec<String> {
    let log = platforms::Log::follow(installation.clone());
    let callers = callers::Callers::start(installation.clone());
    let mut phases = Vec::new();
    for (name, trouble) in Trouble::PHASES {
        let begun = installation.clock.now();
        trouble::make(installation, *trouble).await;
        phases.push(Phase {
            name,
            trouble: *trouble,
            begun,
            ended: installation.clock.now(),
        });
    }
    let notes = callers.stop().await;
    let begun = installation.clock.now();
    let lost = calm::wait_for_all(installation).await;
    phases.push(Phase {
        name: "calm",
        trouble: Trouble::default(),
        begun,
        ended: installation.clock.now(),
    });
    let token_calls = log.stop().await;
    let judged = judge::judge(installation, &phases, &notes, &token_calls, &lost).await;
    table::print(&phases, &judged);
    judged.broken()
}
