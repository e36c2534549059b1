//! What is counted and measured, in a registry of this program's own: no globals. Labels take words from closed lists and
//! the catalogue's platforms only, never a store, an app, a host or anything that a caller chose: their number is bounded,
//! and a scrape gives nobody's business away. What the database knows comes in as a `Snapshot`, taken now and then.

mod labels;
mod snapshot;
#[cfg(test)]
mod tests;
mod time_to_expiry;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::problem::Problem;
use crate::domain::refresh::{RefreshOutcome, RefreshTrigger};
use labels::{Call, OfPlatform, Refresh, TurnedAway};
use snapshot::Stored;
pub use snapshot::{Counted, Look, Snapshot, SnapshotCache};
pub use time_to_expiry::{TimeToExpiry, UNTIL_EXPIRY};

/// Of token calls: a good one takes tenths of a second, their limit is half a minute.
const CALL_SECONDS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Of waits within this process and between processes.
const WAIT_SECONDS: [f64; 8] = [0.01, 0.05, 0.25, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Of forwarded calls, until the head of the answer.
const FORWARD_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 90.0];

/// Makes histograms with these upper bounds.
#[derive(Clone, Copy)]
struct Bounds(&'static [f64]);

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

type Histograms = Family<OfPlatform, Histogram, Bounds>;
type Seconds = Gauge<f64, AtomicU64>;

/// Where a gate to token endpoints stands, summed over a platform's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GateTotals {
    pub under_way: i64,
    pub open: i64,
    /// Of the breaker that has been open longest.
    pub open_for: Duration,
}

/// What this process knows without asking anybody, at the moment of a scrape.
#[derive(Debug, Clone, Default)]
pub struct Present {
    /// By platform.
    pub gates: Vec<(String, GateTotals)>,
    pub journal_entries: usize,
    pub journal_writable: bool,
    pub journal_damaged: u64,
    /// The database answered when it was last asked.
    pub database_up: bool,
}

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    refreshes: Family<Refresh, Counter>,
    refresh_seconds: Histograms,
    lease_wait_seconds: Histograms,
    queue_seconds: Histograms,
    turned_away: Family<TurnedAway, Counter>,
    calls: Family<Call, Counter>,
    call_seconds: Histograms,
    under_way: Family<OfPlatform, Gauge>,
    breakers_open: Family<OfPlatform, Gauge>,
    breaker_open_seconds: Family<OfPlatform, Seconds>,
    journal_entries: Gauge,
    journal_writable: Gauge,
    journal_damaged: Gauge,
    database_up: Gauge,
    stored: Stored,
    /// What the database said last, and when.
    pub cache: SnapshotCache,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("llavero");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        let refreshes = Family::default();
        registry.register(
            "refreshes",
            "Tries to refresh, by what asked for them and how they ended",
            refreshes.clone(),
        );
        let histogram = |bounds: &'static [f64]| Family::new_with_constructor(Bounds(bounds));
        let refresh_seconds = histogram(&CALL_SECONDS);
        let seconds = |registry: &mut Registry, name: &str, help: &str, family: &Histograms| {
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        };
        seconds(
            &mut registry,
            "refresh_duration",
            "From the claim to the end of a try",
            &refresh_seconds,
        );
        let lease_wait_seconds = histogram(&WAIT_SECONDS);
        seconds(
            &mut registry,
            "lease_wait",
            "Waits for another process that refreshes the same credential",
            &lease_wait_seconds,
        );
        let queue_seconds = histogram(&WAIT_SECONDS);
        seconds(
            &mut registry,
            "token_call_queue",
            "Waits for a place among the token calls of one client at one host",
            &queue_seconds,
        );
        let turned_away = Family::default();
        registry.register(
            "token_calls_turned_away",
            "Token calls that were not made, because of an outage or of the crowd",
            turned_away.clone(),
        );
        let calls = Family::default();
        registry.register(
            "proxied_calls",
            "Calls of partners, by who answered and what",
            calls.clone(),
        );
        let call_seconds = histogram(&FORWARD_SECONDS);
        seconds(
            &mut registry,
            "proxied_call_duration",
            "Until the head of the answer",
            &call_seconds,
        );
        let under_way = Family::default();
        registry.register("token_calls_under_way", "Token calls under way", under_way.clone());
        let breakers_open = Family::default();
        registry.register(
            "breakers_open",
            "Clients at hosts whose token calls pause, as this process sees it",
            breakers_open.clone(),
        );
        let breaker_open_seconds = Family::default();
        registry.register_with_unit(
            "breaker_open",
            "How long the oldest of these pauses has lasted",
            Unit::Seconds,
            breaker_open_seconds.clone(),
        );
        let (journal_entries, journal_writable) = (Gauge::default(), Gauge::default());
        let (journal_damaged, database_up) = (Gauge::default(), Gauge::default());
        registry.register(
            "journal_entries",
            "Answers of platforms that wait to be saved",
            journal_entries.clone(),
        );
        registry.register(
            "journal_writable",
            "1: refreshes may start; 0: the journal cannot be written",
            journal_writable.clone(),
        );
        registry.register(
            "journal_damaged_entries",
            "Entries that could not be read since the start",
            journal_damaged.clone(),
        );
        registry.register(
            "database_up",
            "1: the database answered when it was last asked; 0: it did not, and its figures are left out",
            database_up.clone(),
        );
        let stored = Stored::registered(&mut registry);
        Self {
            registry,
            refreshes,
            refresh_seconds,
            lease_wait_seconds,
            queue_seconds,
            turned_away,
            calls,
            call_seconds,
            under_way,
            breakers_open,
            breaker_open_seconds,
            journal_entries,
            journal_writable,
            journal_damaged,
            database_up,
            stored,
            cache: SnapshotCache::default(),
        }
    }
}

impl Metrics {
    /// A try to refresh has ended.
    pub fn refreshed(&self, platform: &str, trigger: RefreshTrigger, outcome: RefreshOutcome, took: Duration) {
        let labels = Refresh {
            platform: platform.to_owned(),
            trigger: trigger.as_str(),
            outcome: outcome.as_str(),
        };
        self.refreshes.get_or_create(&labels).inc();
        observe(&self.refresh_seconds, platform, took);
    }

    /// Another process refreshed the same credential.
    pub fn waited_for_lease(&self, platform: &str, took: Duration) {
        observe(&self.lease_wait_seconds, platform, took);
    }

    /// Somebody stood in the queue for a token call, successfully or not.
    pub fn queued(&self, platform: &str, took: Duration) {
        observe(&self.queue_seconds, platform, took);
    }

    /// A token call was not made.
    pub fn turned_away(&self, platform: &str, reason: &'static str) {
        let labels = TurnedAway {
            platform: platform.to_owned(),
            reason,
        };
        self.turned_away.get_or_create(&labels).inc();
    }

    /// A partner's call was answered: by the platform with this status, or by us with this problem.
    pub fn forwarded(&self, platform: &str, answered: Result<u16, Problem>, took: Duration) {
        let (source, outcome) = match answered {
            Ok(status) => ("platform", labels::class(status)),
            Err(problem) => ("llavero", problem.code()),
        };
        let labels = Call {
            platform: platform.to_owned(),
            source,
            outcome,
        };
        self.calls.get_or_create(&labels).inc();
        observe(&self.call_seconds, platform, took);
    }

    /// All of it in the OpenMetrics text format. `snapshot`: `None` while the database cannot tell; then its part is left
    /// out, and the rest stands.
    pub fn render(&self, present: &Present, snapshot: Option<&Snapshot>) -> String {
        self.under_way.clear();
        self.breakers_open.clear();
        self.breaker_open_seconds.clear();
        for (platform, totals) in &present.gates {
            let labels = OfPlatform::of(platform);
            self.under_way.get_or_create(&labels).set(totals.under_way);
            self.breakers_open.get_or_create(&labels).set(totals.open);
            let open_for = totals.open_for.as_secs_f64();
            self.breaker_open_seconds.get_or_create(&labels).set(open_for);
        }
        self.journal_entries
            .set(i64::try_from(present.journal_entries).unwrap_or(i64::MAX));
        self.journal_writable.set(i64::from(present.journal_writable));
        self.journal_damaged
            .set(i64::try_from(present.journal_damaged).unwrap_or(i64::MAX));
        self.database_up.set(i64::from(present.database_up));
        self.stored.set(snapshot);
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing to memory does not fail.
            Err(_) => String::new(),
        }
    }
}

fn observe(family: &Histograms, platform: &str, took: Duration) {
    family
        .get_or_create(&OfPlatform::of(platform))
        .observe(took.as_secs_f64());
}
