//! A scrape: what this process knows at the moment, and what the database said not long ago. Scraping often, or from many
//! places, asks the database no more; while it is away the rest is answered all the same.

use std::collections::BTreeMap;

use crate::app::App;
use crate::db::{self, Conn, figures, overview};
use crate::domain::job::Job;
use crate::metrics::{Counted, GateTotals, Look, Present, Snapshot, SnapshotCache, TimeToExpiry, UNTIL_EXPIRY};

const HOUR: f64 = 3600.0;
/// Refresh tokens are renewed at half of their life, so those with hours left are the short-lived or the late ones.
const REFRESH_TOKENS: [(&str, f64); 3] = [("1h", HOUR), ("6h", 6.0 * HOUR), ("1d", 24.0 * HOUR)];
/// As merchants are told.
const AUTHORIZATIONS: [(&str, f64); 3] = [("1d", 24.0 * HOUR), ("7d", 168.0 * HOUR), ("30d", 720.0 * HOUR)];

/// Everything that is measured, in the OpenMetrics text format.
pub async fn render(app: &App) -> String {
    let mut cache = app.metrics.cache.0.lock().await;
    let now = app.clock.monotonic();
    let before = cache.take();
    let counted = before.as_ref().map(|look| look.time_to_expiry.clone());
    let last = before.filter(|look| {
        let good_for = if look.snapshot.is_some() {
            SnapshotCache::GOOD_FOR
        } else {
            SnapshotCache::FAILED_FOR
        };
        now.saturating_duration_since(look.at) < good_for
    });
    let look = match last {
        Some(look) => look,
        None => look(app, counted).await,
    };
    let text = app
        .metrics
        .render(&present(app, look.database_up), look.snapshot.as_ref());
    *cache = Some(look);
    text
}

/// Slow counting is no outage: whether the database answers is asked first, and apart.
async fn look(app: &App, counted: Option<Counted>) -> Look {
    let database_up = app.db.run(db::now).await.is_ok();
    let snapshot = match database_up {
        true => app.db.run(snapshot).await.map_err(|error| {
            tracing::warn!(%error, "the figures of the database could not be counted");
        }),
        false => Err(()),
    };
    let mut snapshot = snapshot.ok();
    let time_to_expiry = match counted.filter(|counted| app.clock.monotonic() < counted.good_until) {
        Some(counted) => counted,
        None => count(app, snapshot.is_some()).await,
    };
    if let Some(snapshot) = &mut snapshot {
        snapshot.time_to_expiry.clone_from(&time_to_expiry.histograms);
    }
    Look {
        at: app.clock.monotonic(),
        database_up,
        snapshot,
        time_to_expiry,
    }
}

/// What takes long with many stores is asked apart, and if it takes too long the other figures are told all the same.
async fn count(app: &App, answers: bool) -> Counted {
    let began = app.clock.monotonic();
    let histograms = match answers {
        true => app.db.run(time_to_expiry).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the time that credentials have left could not be counted");
            Vec::new()
        }),
        false => Vec::new(),
    };
    let ended = app.clock.monotonic();
    let took = ended.saturating_duration_since(began);
    Counted {
        good_until: ended + took * SnapshotCache::COUNTED_FOR,
        histograms,
    }
}

fn present(app: &App, database_up: bool) -> Present {
    let mut gates: BTreeMap<String, GateTotals> = BTreeMap::new();
    for gate in app.token_gates.list() {
        let totals = gates.entry(gate.platform).or_default();
        totals.under_way += i64::try_from(gate.under_way).unwrap_or(i64::MAX);
        if let Some(outage) = gate.outage {
            totals.open += 1;
            let open_for = (app.now() - outage.since).to_std().unwrap_or_default();
            totals.open_for = totals.open_for.max(open_for);
        }
    }
    Present {
        gates: gates.into_iter().collect(),
        journal_entries: app.journal.waiting(),
        journal_writable: app.journal.writable(),
        journal_damaged: app.journal.damaged_entries(),
        database_up,
    }
}

/// A kind that another version of the program knows is one of the others.
fn kind(name: &str) -> &'static str {
    Job::KINDS
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or("other")
}

fn snapshot(conn: &mut Conn) -> db::Result<Snapshot> {
    let mut ending = Vec::new();
    for (within, seconds) in REFRESH_TOKENS {
        ending.push(("refresh_token", within, figures::refresh_tokens_ending(conn, seconds)?));
    }
    for (within, seconds) in AUTHORIZATIONS {
        let time = std::time::Duration::from_secs_f64(seconds);
        ending.push(("authorization", within, overview::count_ending(conn, time)?));
    }
    // Kinds with nothing due are nought, not unknown.
    let mut due: BTreeMap<&str, (i64, f64)> = Job::KINDS.iter().map(|kind| (*kind, (0, 0.0))).collect();
    for row in figures::due_jobs(conn)? {
        let entry = due.entry(kind(&row.kind)).or_default();
        *entry = (entry.0 + row.count, entry.1.max(row.age));
    }
    let mut failed: BTreeMap<&str, i64> = Job::KINDS.iter().map(|kind| (*kind, 0)).collect();
    for row in figures::failed_jobs(conn)? {
        *failed.entry(kind(&row.name)).or_default() += row.count;
    }
    let held_back = figures::held_back(conn)?;
    Ok(Snapshot {
        stores: overview::count_states(conn)?,
        ending,
        time_to_expiry: Vec::new(),
        due: due.into_iter().map(|(kind, (count, age))| (kind, count, age)).collect(),
        failed: failed.into_iter().collect(),
        held_back: held_back
            .into_iter()
            .map(|row| (row.platform, row.paused, row.held))
            .collect(),
    })
}

fn time_to_expiry(conn: &mut Conn) -> db::Result<Vec<TimeToExpiry>> {
    let now = db::now(conn)?;
    let mut histograms = ["access_token", "refresh_token", "authorization"].map(TimeToExpiry::none);
    for ends in figures::time_to_expiry(conn, now, &UNTIL_EXPIRY)? {
        let parts = [
            (ends.access, ends.access_seconds),
            (ends.refresh, ends.refresh_seconds),
            (ends.authorization, ends.authorization_seconds),
        ];
        for (histogram, (bucket, seconds)) in histograms.iter_mut().zip(parts) {
            let place = bucket.and_then(|bucket| usize::try_from(bucket).ok());
            if let Some(bucket) = place.and_then(|place| histogram.buckets.get_mut(place)) {
                *bucket += ends.count.unsigned_abs();
                histogram.seconds += seconds;
            }
        }
    }
    Ok(histograms.into())
}
