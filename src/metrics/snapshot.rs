//! What only the database knows, as of the last look at it. Looking costs a count over indexes, so it is done once a while
//! however often is scraped; when the database cannot be asked, these figures are left out rather than shown stale.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::labels::{Ending, InState, OfKind, OfPlatform};
use super::time_to_expiry::{Histograms, TimeToExpiry};
use crate::domain::store::{StoreHealth, StoreStatus};

/// One look.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub stores: Vec<(StoreStatus, StoreHealth, i64)>,
    /// What ends, within which time, and how many; each time includes the shorter ones.
    pub ending: Vec<(&'static str, &'static str, i64)>,
    /// Of every living credential; empty: they could not be counted.
    pub time_to_expiry: Vec<TimeToExpiry>,
    /// Due jobs by kind, and the age in seconds of the oldest.
    pub due: Vec<(&'static str, i64, f64)>,
    /// Dead letters by kind.
    pub failed: Vec<(&'static str, i64)>,
    /// By platform: clients that the platform refuses, and clients whose verdicts are held.
    pub held_back: Vec<(String, i64, i64)>,
}

/// When the database was asked, and what came of it.
#[derive(Debug)]
pub struct Look {
    pub at: Instant,
    pub database_up: bool,
    pub snapshot: Option<Snapshot>,
    pub time_to_expiry: Counted,
}

/// The one figure that grows with the stores, for longer the longer it takes to count them.
#[derive(Debug, Clone)]
pub struct Counted {
    pub good_until: Instant,
    pub histograms: Vec<TimeToExpiry>,
}

/// The last look.
#[derive(Default)]
pub struct SnapshotCache(pub tokio::sync::Mutex<Option<Look>>);

impl SnapshotCache {
    /// Time between two looks.
    pub const GOOD_FOR: Duration = Duration::from_secs(60);
    /// The same after one that failed: whoever waits for the database is told soon, and it is not asked at each scrape.
    pub const FAILED_FOR: Duration = Duration::from_secs(10);
    /// So many times as long as it took is what is counted at length good for: a hundredth of a connection at most.
    pub const COUNTED_FOR: u32 = 100;
}

/// The gauges of it.
pub(super) struct Stored {
    stores: Family<InState, Gauge>,
    ending: Family<Ending, Gauge>,
    time_to_expiry: Histograms,
    due: Family<OfKind, Gauge>,
    oldest: Family<OfKind, Gauge<f64, AtomicU64>>,
    failed: Family<OfKind, Gauge>,
    paused: Family<OfPlatform, Gauge>,
    verdicts_held: Family<OfPlatform, Gauge>,
}

impl Stored {
    pub fn registered(registry: &mut Registry) -> Self {
        let made = Self {
            stores: Family::default(),
            ending: Family::default(),
            time_to_expiry: Histograms::registered(registry),
            due: Family::default(),
            oldest: Family::default(),
            failed: Family::default(),
            paused: Family::default(),
            verdicts_held: Family::default(),
        };
        registry.register("stores", "Stores by state", made.stores.clone());
        registry.register(
            "credentials_ending",
            "Credentials whose refresh token, or whose authorization, ends within a time",
            made.ending.clone(),
        );
        registry.register("jobs_due", "Jobs that are due and wait", made.due.clone());
        registry.register_with_unit(
            "jobs_oldest_due",
            "How long the oldest of them has been due",
            Unit::Seconds,
            made.oldest.clone(),
        );
        registry.register("jobs_failed", "Dead letters", made.failed.clone());
        registry.register(
            "platform_apps_paused",
            "OAuth clients that their platform refuses; refreshing through them pauses",
            made.paused.clone(),
        );
        registry.register(
            "platform_apps_verdicts_held",
            "OAuth clients with too many refused stores at once; verdicts are held",
            made.verdicts_held.clone(),
        );
        made
    }

    pub fn set(&self, snapshot: Option<&Snapshot>) {
        self.stores.clear();
        self.ending.clear();
        self.due.clear();
        self.oldest.clear();
        self.failed.clear();
        self.paused.clear();
        self.verdicts_held.clear();
        self.time_to_expiry
            .set(snapshot.map_or(&[], |snapshot| &snapshot.time_to_expiry));
        let Some(snapshot) = snapshot else { return };
        for (status, health, count) in &snapshot.stores {
            let labels = InState {
                status: status.as_str(),
                health: health.as_str(),
            };
            self.stores.get_or_create(&labels).set(*count);
        }
        for (what, within, count) in &snapshot.ending {
            self.ending.get_or_create(&Ending { what, within }).set(*count);
        }
        for (kind, count, age) in &snapshot.due {
            self.due.get_or_create(&OfKind { kind }).set(*count);
            self.oldest.get_or_create(&OfKind { kind }).set(*age);
        }
        for (kind, count) in &snapshot.failed {
            self.failed.get_or_create(&OfKind { kind }).set(*count);
        }
        for (platform, paused, held) in &snapshot.held_back {
            let labels = OfPlatform::of(platform);
            self.paused.get_or_create(&labels).set(*paused);
            self.verdicts_held.get_or_create(&labels).set(*held);
        }
    }
}
