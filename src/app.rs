//! The one bundle of tools that use cases are handed: no globals. Made once at the start, shared behind an `Arc`.

use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::{Random, Sealer};
use crate::db::Db;
use crate::db::last_used::LastUsed;
use crate::db::listen::{Listener, Timepiece};
use crate::domain::id::Id;
use crate::journal::Journal;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::platform::Catalogue;

pub mod accepted;
pub mod arrivals;
pub mod hook_keys;
pub mod host_clocks;
pub mod in_flight;
pub mod memory;
pub mod rates;
pub mod token_gates;
pub mod token_turns;

pub use accepted::Accepted;
pub use arrivals::{Arrivals, network};
pub use hook_keys::HookKeys;
pub use host_clocks::HostClocks;
pub use in_flight::InFlight;
pub use memory::Memory;
pub use rates::Rates;
pub use token_gates::TokenGates;
pub use token_turns::TokenTurns;

/// Everything a use case may reach for.
pub struct App {
    pub db: Db,
    pub sealer: Sealer,
    pub catalogue: Catalogue,
    pub outbound: Outbound,
    pub mailer: Mailer,
    pub clock: Clock,
    pub random: Random,
    pub config: Config,
    pub journal: Journal,
    /// When stores and API keys were used, until it is written.
    pub last_used: LastUsed,
    /// What changes elsewhere.
    pub listener: Listener,
    /// What calls need to know.
    pub memory: Memory,
    /// Refreshes under way in this process.
    pub in_flight: InFlight,
    /// What bounds the calls to token endpoints.
    pub token_gates: TokenGates,
    /// When timers that met a documented limit come back.
    pub token_turns: TokenTurns,
    /// Credentials that are good, whatever a call lacked.
    pub accepted: Accepted,
    /// How far platforms' clocks are off.
    pub host_clocks: HostClocks,
    /// What is counted and measured.
    pub metrics: Metrics,
    /// Who came to permanent connect pages lately.
    pub arrivals: Arrivals,
    /// What platforms sign their webhooks with.
    pub hook_keys: HookKeys,
    /// What apps and stores may still ask for.
    pub rates: Rates,
    /// Runs refreshes and connects to their end whoever hangs up: never a web worker's runtime.
    pub detached: tokio::runtime::Handle,
}

impl App {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id of any kind.
    pub fn id<I: Id>(&self) -> I {
        self.random.id(self.clock.now())
    }
}

// Tools don't know each other, so the listening thread is handed the clock under its own word for it.
impl Timepiece for Clock {
    fn monotonic(&self) -> Instant {
        Clock::monotonic(self)
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::now(self)
    }

    fn observe_database(&self, asked_at: Instant, answered_at: Instant, database_now: DateTime<Utc>) {
        Clock::observe_database(self, asked_at, answered_at, database_now);
    }
}
