//! How big a run is: what fits into a few minutes beside other tests, or what was promised to be tried.

use std::fmt;
use std::time::Duration;

use llavero::crypto::Random;

#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub stores: usize,
    /// The length of each phase.
    pub phase: Duration,
    /// Calls that begin in a second, whatever became of those before.
    pub calls_a_second: u32,
    /// Stores that are called at a time; which ones, changes.
    pub hot: usize,
    /// Waits are waited for, instead of putting the clocks forward.
    pub real_time: bool,
    pub seed: u64,
}

/// Seconds that a platform's access token lives.
pub const ACCESS_SECONDS: u64 = 5;

impl Size {
    pub fn of_environment() -> Self {
        let full = text("CHAOS").is_some_and(|text| text == "full");
        let number =
            |name: &str| text(name).map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}: {text}")));
        let stores = number("CHAOS_STORES").unwrap_or(if full { 2_000 } else { 120 });
        let seconds = number("CHAOS_SECONDS").unwrap_or(if full { 120 } else { 9 });
        Self {
            stores: usize::try_from(stores).unwrap(),
            phase: Duration::from_secs(seconds),
            calls_a_second: u32::try_from(number("CHAOS_CALLS").unwrap_or(if full { 120 } else { 50 })).unwrap(),
            hot: usize::try_from(number("CHAOS_HOT").unwrap_or(if full { 240 } else { 60 })).unwrap(),
            real_time: full,
            seed: number("CHAOS_SEED").unwrap_or_else(|| u64::from_le_bytes(Random::system().bytes())),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "CHAOS_SEED={}: {} stores with tokens of {ACCESS_SECONDS} s, {} of them called at a time, {} calls a second, \
             phases of {} s",
            self.seed,
            self.stores,
            self.hot,
            self.calls_a_second,
            self.phase.as_secs()
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test may take is asked of its environment"
)]
fn text(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
