//! Days without the platform, for every store of an app at once: none dies, and afterwards all are refreshed within the
//! limits that the platform documents, whatever waits in front of it.
//!
//! `OUTAGE_STORES=10000 cargo test --test it long_outage -- --nocapture` takes the full size; in the debug build a store
//! costs some 25 ms, two and a half runs of its timer and its refresh, so that the everyday run has fewer.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{self, Array, Binary, Nullable, Timestamptz};
use llavero::broker::refresh;
use llavero::crypto::Random;
use llavero::db;
use llavero::db::credentials::{Granted, NewCredential};
use llavero::db::stores::NewStore;
use llavero::domain::id::{AppId, CredentialId, Id as _, StoreId};
use llavero::domain::store::StoreStatus;
use llavero::jobs::Runner;
use llavero::platform::Values;
use llavero::platform::obtain::Grant;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::bazaar::Bazaar;
use crate::support::rows::{count, row};
use crate::support::test_app::TestApp;

/// Stores of the everyday run.
const STORES: usize = 1_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAYS_AWAY: i64 = 3;

/// What the platform lets through in a minute: a tenth of them; refreshes leave a fifth of that free.
fn limit(size: usize) -> u32 {
    u32::try_from(size / 10).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "how many is said from outside")]
fn size() -> usize {
    std::env::var("OUTAGE_STORES").map_or(STORES, |wished| wished.parse().unwrap())
}

/// An app's stores, as connecting them one after the other would have made them, whose timers go off within three days. The
/// first is made as a connected one is, the others are copies of its rows.
pub fn seed(app: &TestApp, owner: AppId, stores: Range<usize>) {
    let tools = app.app.clone();
    let size = stores.len();
    let random = Random::seeded(3);
    let method = tools
        .catalogue
        .platform("bazaar")
        .unwrap()
        .method("authorization")
        .unwrap();
    // Timers go off 12 to 15 days after it: refresh tokens live 30.
    let connected_at = app.clock.now() - TimeDelta::days(12);
    let ids: Vec<CredentialId> = (0..size).map(|_| tools.id()).collect();
    let granted: Vec<Granted> = stores
        .clone()
        .zip(&ids)
        .map(|(number, id)| {
            let values = Values::new()
                .with("refresh_token", format!("seeded-{number}"))
                .with("access_token", format!("access-of-{number}"));
            Granted {
                values_sealed: Some(refresh::seal_values(&tools.sealer, *id, &values)),
                ..refresh::granted(&grant(values), method, connected_at, connected_at, &random)
            }
        })
        .collect();
    tools
        .db
        .run_blocking(|conn| {
            let client = db::platform_apps::list(conn, Some(owner))?.remove(0);
            let new = NewCredential {
                id: ids[0],
                app_id: owner,
                platform: "bazaar".to_owned(),
                method: method.id.clone(),
                platform_app_id: Some(client.id),
                granted: granted[0].clone(),
            };
            db::credentials::insert(conn, &new)?;
            let store = NewStore {
                id: tools.id::<StoreId>(),
                app_id: owner,
                credential_id: ids[0],
                platform_app_id: Some(client.id),
                platform: "bazaar".to_owned(),
                method: method.id.clone(),
                platform_store_id: stores.start.to_string(),
                url: None,
                name: "Store".to_owned(),
                customer_id: Some("customer-1".to_owned()),
                merchant_email: None,
                merchant_name: None,
                merchant_locale: None,
                status: StoreStatus::Connected,
                values_sealed: None,
            };
            db::stores::insert(conn, &store)?;
            refresh::first_jobs(conn, &tools, ids[0], owner, "bazaar", method, &granted[0])
        })
        .unwrap();
    let of_ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let sealed: Vec<_> = granted.iter().map(|granted| granted.values_sealed.as_deref()).collect();
    let due: Vec<_> = granted.iter().map(|granted| granted.refresh_at).collect();
    let mut conn = app.database.connect();
    for copies in COPIES {
        let copied = diesel::sql_query(format!("{NUMBERED} {copies}"))
            .bind::<Array<sql_types::Uuid>, _>(&of_ids)
            .bind::<Array<Nullable<Binary>>, _>(&sealed)
            .bind::<Array<Nullable<Timestamptz>>, _>(&due)
            .bind::<sql_types::BigInt, _>(i64::try_from(stores.start).unwrap())
            .execute(&mut conn)
            .unwrap();
        assert_eq!(copied, size - 1, "{copies}");
    }
    conn.batch_execute("ANALYZE").unwrap();
}

/// The ids, values and timers of all stores; the first has its rows.
const NUMBERED: &str = "WITH numbered AS ( \
     SELECT id, sealed, due_at, n - 1 + $4 AS number \
     FROM unnest($1, $2, $3) WITH ORDINALITY AS given (id, sealed, due_at, n)), \
     first AS (SELECT id FROM numbered WHERE number = $4), others AS (SELECT * FROM numbered WHERE number > $4)";
const COPIES: [&str; 3] = [
    "INSERT INTO credentials SELECT copy.* FROM others, first JOIN credentials USING (id), LATERAL \
     jsonb_populate_record(credentials, \
     jsonb_build_object('id', others.id, 'values_sealed', others.sealed, 'refresh_at', others.due_at)) copy",
    "INSERT INTO stores SELECT copy.* FROM others, first JOIN stores ON credential_id = first.id, LATERAL \
     jsonb_populate_record(stores, jsonb_build_object('id', others.id, 'credential_id', others.id, \
     'platform_store_id', others.number::text)) copy",
    "INSERT INTO jobs SELECT copy.* FROM others, first JOIN jobs ON kind = 'refresh_credential' \
     AND position(replace(first.id::text, '-', '') IN jobs.payload::text) > 0, LATERAL \
     replace(replace(to_jsonb(jobs)::text, first.id::text, others.id::text), \
     replace(first.id::text, '-', ''), replace(others.id::text, '-', '')) AS renamed, LATERAL \
     jsonb_populate_record(NULL::jobs, \
     renamed::jsonb || jsonb_build_object('id', others.id, 'due_at', others.due_at)) copy",
];

fn grant(values: Values) -> Grant {
    Grant {
        values,
        access_expires_in: None,
        refresh_expires_in: None,
        scopes: None,
        platform_store_id: None,
        authorization_expires_in: None,
    }
}

/// A worker takes what is due at this moment. Looks a bounded number of times.
pub async fn work_now(app: &TestApp) {
    let now = app.clock.now().to_rfc3339();
    let open = format!("SELECT FROM jobs WHERE status = 'running' OR (status = 'ready' AND due_at <= '{now}') LIMIT 1");
    let mut conn = app.database.connect();
    let runner = Runner::start(app.app.clone());
    for _ in 0..30_000 {
        if diesel::sql_query(&open).execute(&mut conn).unwrap() == 0 {
            runner.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the worker comes to no end");
}

/// When the next refresh is due.
pub fn next_due(app: &TestApp) -> Option<DateTime<Utc>> {
    let next = row(
        &app.database,
        "SELECT min(due_at) AS at FROM jobs WHERE status = 'ready' AND kind = 'refresh_credential'",
    );
    next["at"].as_str().map(|at| at.parse().unwrap())
}

fn by_status(app: &TestApp) -> Value {
    row(
        &app.database,
        "SELECT count(*) FILTER (WHERE status = 'connected') AS connected, count(*) AS all FROM stores",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_without_the_platform_kill_no_store_and_all_are_refreshed_within_its_limits_afterwards() {
    let size = size();
    let (app, bazaar) = Bazaar::limited(limit(size)).await;
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let registered = app.api("PUT", "/v1/platforms/bazaar/app", Some(client)).await;
    assert!(registered.status < 300, "{}", registered.body);
    bazaar.knows(size);
    seed(&app, app.demo.app_id, 0..size);
    let whole = json!({ "connected": size, "all": size });

    bazaar.is_down(true);
    let began = app.clock.now();
    // Nobody looks on the last day, so that everything is due at the moment when the platform is back.
    for day in 1..=DAYS_AWAY {
        app.advance(24 * HOUR);
        bazaar.is_now(app.clock.now());
        if day < DAYS_AWAY {
            work_now(&app).await;
        }
    }
    let asked_in_vain = bazaar.times().len();
    assert!(asked_in_vain > 0, "somebody looked whether it is back");
    assert_eq!(by_status(&app), whole, "an outage kills nobody");
    let due = format!(
        "SELECT count(*) AS n FROM credentials WHERE refresh_at <= '{}'",
        app.clock.now().to_rfc3339()
    );
    assert_eq!(count(&app.database, &due), size as i64, "all have come due meanwhile");

    bazaar.is_down(false);
    bazaar.forget();
    let back = app.clock.now();
    let runs_before = runs(&app);
    loop {
        work_now(&app).await;
        let after = format!(
            "SELECT count(*) AS n FROM credentials WHERE access_issued_at >= '{}'",
            back.to_rfc3339()
        );
        let refreshed = count(&app.database, &after);
        if refreshed == size as i64 {
            break;
        }
        let next = next_due(&app).unwrap_or_else(|| panic!("{refreshed} of {size} and nothing more is due"));
        assert!(next - back < TimeDelta::hours(6), "{refreshed} of {size} by {next}");
        // Not for every job on its own.
        app.clock.set(next.max(app.clock.now() + TimeDelta::seconds(15)));
        bazaar.is_now(app.clock.now());
    }
    let calls = bazaar.times();
    let runs = runs(&app) - runs_before;
    tell(&calls, back, size, (asked_in_vain, runs), back - began);
    assert_eq!(calls.len(), size, "each is asked for once");
    for (place, first) in calls.iter().enumerate() {
        let within = calls[place..]
            .iter()
            .take_while(|at| **at - *first < TimeDelta::seconds(60));
        assert!(
            within.count() <= limit(size) as usize,
            "more than the platform lets through, from {first}"
        );
    }
    assert_eq!(by_status(&app), whole);
    let unwell = count(&app.database, "SELECT count(*) AS n FROM stores WHERE health <> 'ok'");
    assert_eq!(unwell, 0, "and all are well");
}

/// How often timers ran.
fn runs(app: &TestApp) -> i64 {
    let runs = "SELECT coalesce(sum(attempts), 0)::bigint AS n FROM jobs WHERE kind = 'refresh_credential'";
    count(&app.database, runs)
}

/// The curve: refreshed in each simulated minute since the platform is back.
fn tell(calls: &[DateTime<Utc>], back: DateTime<Utc>, size: usize, (in_vain, runs): (usize, i64), away: TimeDelta) {
    let mut curve: BTreeMap<i64, usize> = BTreeMap::new();
    for at in calls {
        *curve
            .entry((*at - back).num_seconds() / MINUTE.as_secs() as i64)
            .or_default() += 1;
    }
    let mut told = format!(
        "{size} stores, {} days away, {in_vain} calls meanwhile, {runs} runs of timers afterwards; \
         refreshed by minute:",
        away.num_days()
    );
    for (minute, calls) in curve {
        told.push_str(&format!(" {minute}:{calls}"));
    }
    let _ = writeln!(std::io::stderr(), "{told}");
}
