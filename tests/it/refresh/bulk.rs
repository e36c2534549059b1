//! Stores that come in bulk do not have their refreshes in bulk: what schedules an imported store spreads them over a tenth
//! of the refresh token's life, and what cannot be refreshed is verified over days. The histograms are printed
//! (`--nocapture`): as they are reckoned, and as they stand in the job table.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::RunQueryDsl as _;
use diesel::sql_types::{self, Array, Nullable, Timestamptz};
use llavero::broker::refresh;
use llavero::crypto::Random;
use llavero::db;
use llavero::db::credentials::Granted;
use llavero::domain::id::{CredentialId, Id as _};
use llavero::platform::obtain::Grant;
use llavero::platform::{Catalogue, Method, Values};
use serde_json::json;
use uuid::Uuid;

use crate::support::connecting::{WOOCOMMERCE, start};
use crate::support::rows::{count, rows, work};
use crate::support::test_app::{TestApp, beginning};

const STORES: usize = 100_000;
const PARTS: usize = 50;
/// Of them, whose jobs are written one by one.
const WRITTEN: usize = 200;

/// How many times fall into each of equal parts of the time between the first and the last.
fn histogram(times: &[DateTime<Utc>]) -> Vec<usize> {
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    let whole = (last - first).num_milliseconds().max(1);
    let mut parts = vec![0; PARTS];
    for time in times {
        let at = (*time - first).num_milliseconds() * PARTS as i64 / (whole + 1);
        parts[usize::try_from(at).unwrap()] += 1;
    }
    parts
}

fn with_refresh_token(token: String) -> Grant {
    Grant {
        values: Values::new().with("refresh_token", token),
        access_expires_in: None,
        refresh_expires_in: None,
        scopes: None,
        platform_store_id: None,
        authorization_expires_in: None,
    }
}

/// The timers of stores that were all connected at one moment.
fn timers(method: &Method, stores: usize) -> Vec<DateTime<Utc>> {
    let random = Random::seeded(11);
    let now = beginning();
    let timer = |number: usize| {
        let grant = with_refresh_token(format!("refresh-{number}"));
        refresh::granted(&grant, method, now, now, &random).refresh_at.unwrap()
    };
    (0..stores).map(timer).collect()
}

#[test]
fn a_bulk_import_of_a_hundred_thousand_stores_does_not_bunch_its_refreshes() {
    let catalogue = Catalogue::embedded().unwrap();
    let method = catalogue.platform("shopify").unwrap().method("expiring").unwrap();
    let times = timers(method, STORES);
    let parts = histogram(&times);
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    let _ = writeln!(
        std::io::stderr(),
        "{STORES} stores, timers over {} hours from day {} on, in {PARTS} parts: {parts:?}",
        (*last - *first).num_hours(),
        (*first - beginning()).num_days()
    );
    let even = STORES / PARTS;
    let odd: Vec<_> = parts
        .iter()
        .filter(|part| **part < even * 8 / 10 || **part > even * 12 / 10)
        .collect();
    assert!(odd.is_empty(), "around {even} each: {odd:?}");
    assert!((*last - *first).num_hours() > 200, "over a tenth of 90 days");
}

#[test]
fn imported_tokens_of_an_unknown_age_are_refreshed_within_hours_and_not_together() {
    let catalogue = Catalogue::embedded().unwrap();
    let random = Random::seeded(12);
    let now = beginning();
    let timers = |platform: &str, method: &str| -> Vec<DateTime<Utc>> {
        let method = catalogue.platform(platform).unwrap().method(method).unwrap();
        let timer = |number: usize| {
            let granted = refresh::granted(
                &with_refresh_token(format!("refresh-{number}")),
                method,
                now,
                now,
                &random,
            );
            refresh::of_unknown_age(granted, method, now, &random)
                .refresh_at
                .unwrap()
        };
        (0..STORES).map(timer).collect()
    };
    // One of ninety days, and one of a single day.
    for (platform, method, minutes) in [("shopify", "expiring", 360), ("tiny", "authorization", 144)] {
        let times = timers(platform, method);
        let parts = histogram(&times);
        let last = *times.iter().max().unwrap();
        let _ = writeln!(
            std::io::stderr(),
            "{STORES} imported {platform} stores, first refreshes over {} minutes, in {PARTS} parts: {parts:?}",
            (last - now).num_minutes(),
        );
        assert!((last - now).num_minutes() <= minutes, "{platform}: {last}");
        let even = STORES / PARTS;
        assert!(
            parts.iter().all(|part| (even * 8 / 10..=even * 12 / 10).contains(part)),
            "around {even} each: {parts:?}"
        );
    }
}

/// The timers of stores that come at once, as the job table has them then. The first are written as an import writes each;
/// the others' jobs are copies of theirs, each with the time that the same scheduling gives it.
fn scheduled(app: &TestApp, (platform, method): (&str, &str), of_unknown_age: bool) -> Vec<usize> {
    let tools = app.app.clone();
    let method = tools
        .catalogue
        .platform(platform)
        .unwrap()
        .method(method)
        .unwrap()
        .clone();
    let now = app.clock.now();
    let granted: Vec<Granted> = (0..STORES)
        .map(|number| {
            let grant = with_refresh_token(format!("refresh-{number}"));
            let granted = refresh::granted(&grant, &method, now, now, &tools.random);
            if of_unknown_age {
                refresh::of_unknown_age(granted, &method, now, &tools.random)
            } else {
                granted
            }
        })
        .collect();
    let ids: Vec<CredentialId> = (0..STORES).map(|_| tools.id()).collect();
    let write = |conn: &mut db::Conn| {
        for (id, granted) in ids.iter().zip(&granted).take(WRITTEN) {
            refresh::first_jobs(conn, &tools, *id, app.demo.app_id, platform, &method, granted)?;
        }
        Ok::<_, db::Error>(())
    };
    tools
        .db
        .run_blocking(|conn| diesel::Connection::transaction(conn, write))
        .unwrap();
    let due = format!("FROM jobs WHERE kind = 'refresh_credential' AND platform = '{platform}'");
    let mut earliest: Vec<DateTime<Utc>> = granted[..WRITTEN]
        .iter()
        .filter_map(|granted| granted.refresh_at)
        .collect();
    earliest.sort();
    let written = rows(&app.database, &format!("SELECT due_at {due} ORDER BY due_at"));
    let written: Vec<DateTime<Utc>> = written
        .iter()
        .map(|row| row["due_at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(
        earliest
            .iter()
            .zip(&written)
            .all(|(wanted, at)| (*wanted - *at).abs() < TimeDelta::milliseconds(1)),
        "an import writes the time that it was given"
    );
    let others: Vec<Uuid> = ids[WRITTEN..].iter().map(|id| id.uuid()).collect();
    let times: Vec<_> = granted[WRITTEN..].iter().map(|granted| granted.refresh_at).collect();
    let copied = diesel::sql_query(format!(
        "INSERT INTO jobs SELECT copy.* FROM (SELECT jobs {due} LIMIT 1) one (job), \
         unnest($1, $2) AS others (id, due_at), LATERAL jsonb_populate_record(one.job, jsonb_build_object( \
         'id', others.id, 'due_at', others.due_at, 'unique_key', 'refresh_credential:' || others.id)) copy"
    ))
    .bind::<Array<sql_types::Uuid>, _>(&others)
    .bind::<Array<Nullable<Timestamptz>>, _>(&times)
    .execute(&mut app.database.connect())
    .unwrap();
    assert_eq!(copied + WRITTEN, STORES);

    let parts = format!(
        "SELECT part, coalesce(n, 0) AS n FROM generate_series(1, {PARTS}) AS part LEFT JOIN \
         (SELECT least(width_bucket(extract(epoch FROM due_at), first, last, {PARTS}), {PARTS}) AS part, count(*) AS n \
          FROM (SELECT due_at, extract(epoch FROM min(due_at) OVER ()) AS first, \
                       extract(epoch FROM max(due_at) OVER ()) AS last {due}) timers GROUP BY 1) counted \
         USING (part) ORDER BY part"
    );
    let parts = rows(&app.database, &parts);
    let parts: Vec<usize> = parts.iter().map(|row| row["n"].as_u64().unwrap() as usize).collect();
    let span = format!("SELECT round(extract(epoch FROM max(due_at) - min(due_at)) / 60)::int AS n {due}");
    let _ = writeln!(
        std::io::stderr(),
        "{} stores of {platform}, jobs.due_at over {} minutes in {PARTS} parts: {parts:?}",
        parts.iter().sum::<usize>(),
        count(&app.database, &span)
    );
    parts
}

#[tokio::test]
async fn an_import_of_a_hundred_thousand_stores_stands_spread_in_the_job_table() {
    let mut app = start().await;
    // Some of the unknown age may be due at this very moment.
    app.jobs_may_wait();
    for (method, of_unknown_age) in [(("shopify", "expiring"), true), (("tiny", "authorization"), false)] {
        let parts = scheduled(&app, method, of_unknown_age);
        let even = STORES / PARTS;
        assert_eq!(parts.iter().sum::<usize>(), STORES);
        assert!(
            parts.iter().all(|part| (even * 8 / 10..=even * 12 / 10).contains(part)),
            "around {even} each: {parts:?}"
        );
    }
}

#[tokio::test]
async fn a_store_with_imported_tokens_is_refreshed_within_hours() {
    let app = start().await;
    let order = json!({ "platform": "shopify", "client_id": "sandbox-client", "stores": ["acme.myshopify.com"] });
    let grant = app.control("grants", order).await["data"][0].clone();
    let tokens =
        json!({ "access_token": grant["access_token"], "refresh_token": grant["refresh_token"], "expires_in": 3600 });
    let body = json!({
        "platform": "shopify", "method": "expiring", "customer_id": "customer-1",
        "fields": { "shop": "acme.myshopify.com" }, "tokens": tokens,
    });
    let made = app.api("POST", "/v1/stores", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let at: DateTime<Utc> = made.json()["store"]["refresh"]["next_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((at - beginning()).num_hours() < 6, "{at}");
    app.clock.set(at);
    work(&app).await;
    let id = made.json()["store"]["id"].as_str().unwrap().to_owned();
    let store = crate::support::connecting::store(&app, &id).await;
    assert_eq!(store["refresh"]["last_outcome"], "renewed");
    let next: DateTime<Utc> = store["refresh"]["next_at"].as_str().unwrap().parse().unwrap();
    assert!((next - at).num_days() > 30, "of the new one the age is known: {next}");
}

#[test]
fn no_method_with_a_timer_bunches_what_is_connected_at_once() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut judged = 0;
    for platform in catalogue.platforms() {
        for method in &platform.methods {
            let grant = with_refresh_token("one".to_owned());
            let granted = refresh::granted(&grant, method, beginning(), beginning(), &Random::seeded(1));
            let moves = method.lifetimes.refresh_moves && method.lifetimes.refresh.is_some();
            if granted.refresh_at.is_none() || !moves {
                continue;
            }
            judged += 1;
            let parts = histogram(&timers(method, 2000));
            let most = parts.iter().max().unwrap();
            assert!(*most < 2 * 2000 / PARTS, "{} {}: {parts:?}", platform.slug, method.id);
        }
    }
    assert!(judged > 10, "{judged} methods have a timer");
}

#[tokio::test]
async fn keys_that_are_imported_together_are_not_verified_together() {
    let app = start().await;
    for number in 0..40 {
        let mut fields: serde_json::Map<_, _> = WOOCOMMERCE
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        fields.insert(
            "store_url".to_owned(),
            json!(format!("https://shop-{number}.example.com")),
        );
        let body =
            json!({ "platform": "woocommerce", "method": "keys", "customer_id": "customer-1", "fields": fields });
        let made = app.api("POST", "/v1/stores", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let due = rows(
        &app.database,
        "SELECT due_at FROM jobs WHERE kind = 'verify_credential' ORDER BY due_at",
    );
    let times: Vec<DateTime<Utc>> = due
        .iter()
        .map(|row| row["due_at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(times.len(), 40);
    let days = |number: usize| (times[number] - beginning()).num_hours() as f64 / 24.0;
    assert!(days(0) >= 2.0 && days(39) <= 4.0, "{} to {}", days(0), days(39));
    assert!(
        days(39) - days(0) > 1.0,
        "spread over days: {} to {}",
        days(0),
        days(39)
    );
    let within_an_hour = times
        .iter()
        .filter(|at| (**at - times[20]).num_minutes().abs() < 60)
        .count();
    assert!(within_an_hour < 12, "{within_an_hour} of 40 within two hours");
}
