//! An outage kills nobody, and its end drowns nobody: token calls of many stores pause together, one at a time looks
//! whether the platform is back, and then all come back, a few at once. Seen elsewhere: a thundering herd after an outage.

use llavero::app::token_gates::AT_ONCE;
use llavero::domain::store::Mode;
use serde_json::json;

use super::*;
use crate::support::depot::{self, Depot};
use crate::support::partners::other_app;
use crate::support::rows::{count, execute, rows, until, work};
use crate::support::visitor::Visitor;

const SECOND: Duration = Duration::from_secs(1);
const DOWN: u16 = 503;

/// A store that a partner connects by itself, with the key `key`.
async fn given(app: &TestApp, key: &str, body: Value) -> Connected {
    let answer = app.api_as(key, "POST", "/v1/stores", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made = answer.json();
    Connected {
        access_token: made["access_token"].as_str().unwrap().to_owned(),
        store_id: made["store"]["id"].as_str().unwrap().to_owned(),
        store: made["store"].clone(),
        session_id: String::new(),
        returned: connecting::Returned {
            url: "http://127.0.0.1".parse().unwrap(),
            values: std::collections::BTreeMap::new(),
        },
    }
}

async fn seller(app: &TestApp, number: usize) -> Connected {
    let fields =
        json!({ "client_id": format!("sandbox-seller-{number}"), "client_secret": "sandbox-secret", "market": "us" });
    let body = json!({ "platform": "walmart", "method": "keys", "customer_id": "customer-1", "fields": fields });
    given(app, app.demo.api_key.expose(), body).await
}

/// A site of a shop that hosts itself.
async fn site(app: &TestApp, key: &str, shop: &str, site: &str) -> Connected {
    let fields = json!({
        "base_url": format!("https://api.{shop}.model-t.cc.commerce.ondemand.com"),
        "base_site": site, "client_id": "sandbox-client", "client_secret": "sandbox-secret",
    });
    let body = json!({ "platform": "hybris", "method": "client", "customer_id": "customer-1", "fields": fields });
    given(app, key, body).await
}

/// Status, code and seconds to wait of a call.
async fn called(app: &TestApp, store: &Connected) -> (u16, String, u64) {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    app.app.in_flight.idle().await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code, answer.header("retry-after").parse().unwrap_or(0))
}

async fn assert_down(app: &TestApp, store: &Connected) {
    let (status, code, wait) = called(app, store).await;
    assert_eq!((status, code.as_str()), (DOWN, "platform_unavailable"));
    assert!((1..=300).contains(&wait), "{wait}");
}

async fn health(app: &TestApp, store: &Connected) -> Value {
    connecting::store(app, &store.store_id).await["health"].clone()
}

async fn metrics(app: &TestApp) -> String {
    app.request("", "GET", "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

#[tokio::test]
async fn in_an_outage_valid_tokens_serve_one_probe_is_sent_at_a_time_and_one_success_ends_it() {
    let app = TestApp::start().await;
    let mut stores = Vec::new();
    for number in 0..7 {
        stores.push(seller(&app, number).await);
    }
    app.advance(HOUR);
    let valid = seller(&app, 7).await;
    let before = app.token_calls("walmart").await;
    token_fault(&app, "walmart", 100_000, json!({ "status": DOWN, "delay_ms": 150 })).await;

    for store in &stores[..5] {
        assert_down(&app, store).await;
    }
    assert_eq!(app.token_calls("walmart").await - before, 5);
    // From here on nobody is asked, and those who only wait have not failed.
    let (status, code, wait) = called(&app, &stores[5]).await;
    assert_eq!((status, code.as_str()), (DOWN, "platform_unavailable"));
    assert!((7..=10).contains(&wait), "{wait}");
    assert_eq!(app.token_calls("walmart").await - before, 5);
    assert_eq!(health(&app, &stores[5]).await, "platform_unavailable");
    assert_eq!(credential(&app, &stores[5])["failures"], 0);
    assert_eq!(refreshes(&app, &stores[5]).await, Vec::<Value>::new());
    works(&app, &valid).await;
    assert_eq!(health(&app, &valid).await, "ok");

    let shown = metrics(&app).await;
    assert!(
        shown.contains("llavero_breakers_open{platform=\"walmart\"} 1"),
        "{shown}"
    );
    let admin = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = admin.get(&link).await;
    admin
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let page = admin.get(&format!("{}/admin/platforms/walmart", app.url)).await;
    let told = page.select(".callout.bad").unwrap_or_default();
    assert!(
        told.contains("Token calls pause") && told.contains("marketplace.walmartapis.com"),
        "{told}"
    );

    // Once the time has come one asks, whoever else comes.
    app.advance(11 * SECOND);
    let together = stores[..3].iter().map(|store| called(&app, store));
    for (status, code, _) in futures_util::future::join_all(together).await {
        assert_eq!((status, code.as_str()), (DOWN, "platform_unavailable"));
    }
    assert_eq!(app.token_calls("walmart").await - before, 6);
    app.advance(11 * SECOND);
    assert_down(&app, &stores[3]).await;
    assert_eq!(app.token_calls("walmart").await - before, 6, "the wait grows");

    nothing_wrong(&app, "walmart").await;
    app.advance(15 * SECOND);
    works(&app, &stores[4]).await;
    assert_eq!(app.token_calls("walmart").await - before, 7);
    until("whoever only waited is well", async || {
        (health(&app, &stores[5]).await == "ok").then_some(())
    })
    .await;
    for store in &stores {
        works(&app, store).await;
        assert_eq!(health(&app, store).await, "ok");
    }
    assert!(app.app.token_gates.list().is_empty());
}

#[tokio::test]
async fn a_dead_shop_stops_neither_another_host_nor_another_app() {
    let app = TestApp::start().await;
    let own = app.demo.api_key.expose().to_owned();
    let other = other_app(&app, Mode::Sandbox).await;
    let mut dead = Vec::new();
    for name in ["electronics", "apparel-uk", "powertools"] {
        dead.push(site(&app, &own, "one-p1", name).await);
    }
    let elsewhere = site(&app, &own, "two-p1", "electronics").await;
    let of_another = site(&app, &other.key, "one-p1", "electronics").await;
    app.advance(13 * HOUR);
    token_fault(&app, "hybris", 100_000, json!({ "status": DOWN })).await;
    for store in [&dead[0], &dead[1], &dead[2]] {
        assert_down(&app, store).await;
    }
    app.advance(5 * SECOND);
    for store in [&dead[0], &dead[1]] {
        assert_down(&app, store).await;
    }
    nothing_wrong(&app, "hybris").await;
    let before = app.token_calls("hybris").await;
    assert_down(&app, &dead[2]).await;
    assert_eq!(app.token_calls("hybris").await, before);

    works(&app, &elsewhere).await;
    assert_eq!(app.call(&of_another.access_token, "GET", PATH).await.status, 200);
    assert_eq!(app.token_calls("hybris").await, before + 2);

    app.advance(11 * SECOND);
    works(&app, &dead[2]).await;
}

#[tokio::test]
async fn a_store_that_fails_alone_stops_nobody() {
    let app = TestApp::start().await;
    let (sick, sound) = (seller(&app, 0).await, seller(&app, 1).await);
    app.advance(HOUR);
    token_fault(&app, "walmart", 20, json!({ "status": DOWN })).await;
    for _ in 0..12 {
        assert_eq!(called(&app, &sick).await.0, DOWN);
        app.advance(10 * MINUTE);
    }
    nothing_wrong(&app, "walmart").await;
    works(&app, &sound).await;
}

/// A due refresh of every credential, and no other job.
fn all_due(app: &TestApp) {
    let now = app.clock.now().to_rfc3339();
    execute(&app.database, "DELETE FROM jobs");
    execute(&app.database, &format!("UPDATE credentials SET refresh_at = '{now}'"));
    execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, app_id, platform, unique_key, max_attempts, due_at)
             SELECT gen_random_uuid(), 'refresh_credential', jsonb_build_object('credential', name), app_id, platform,
                    'refresh_credential:' || name, 2147483647, '{now}'
             FROM (SELECT *, 'cred_' || replace(id::text, '-', '') AS name FROM credentials) named"
        ),
    );
}

#[tokio::test]
async fn after_an_outage_all_stores_come_back_a_few_at_once() {
    const STORES: i64 = 50;
    let (app, platform) = Depot::start().await;
    for number in 0..usize::try_from(STORES).unwrap() {
        given(&app, app.demo.api_key.expose(), depot::store(number)).await;
    }
    let renewed = || {
        let now = app.clock.now().to_rfc3339();
        count(
            &app.database,
            &format!("SELECT count(*) AS n FROM credentials WHERE access_expires_at > '{now}'"),
        )
    };
    app.advance(2 * HOUR);
    assert_eq!(renewed(), 0);
    platform.set_down(true);
    all_due(&app);
    platform.most_at_once();
    let before = platform.received();
    for _ in 0..30 {
        work(&app).await;
        app.advance(MINUTE);
    }
    let asked = platform.received() - before;
    assert!(
        (5..=60).contains(&asked),
        "{asked} calls of {STORES} stores in half an hour"
    );
    assert!(platform.most_at_once() <= AT_ONCE);
    let failed = count(
        &app.database,
        "SELECT count(*) AS n FROM credentials WHERE failures > 0",
    );
    assert!(failed < STORES, "those who only waited have not failed: {failed}");
    let states = rows(&app.database, "SELECT DISTINCT status, health FROM stores");
    assert_eq!(
        states,
        [json!({ "status": "connected", "health": "platform_unavailable" })]
    );

    platform.set_down(false);
    let mut rounds = Vec::new();
    while renewed() < STORES && rounds.len() < 60 {
        app.advance(20 * SECOND);
        let before = platform.received();
        work(&app).await;
        rounds.push(platform.received() - before);
    }
    assert_eq!(renewed(), STORES, "{rounds:?}");
    assert!(platform.most_at_once() <= AT_ONCE);
    assert!(
        rounds.iter().filter(|calls| **calls > 0).count() > 2,
        "spread: {rounds:?}"
    );
    let states = rows(&app.database, "SELECT DISTINCT status, health FROM stores");
    assert_eq!(states, [json!({ "status": "connected", "health": "ok" })]);
}

#[tokio::test]
async fn a_crowd_of_callers_is_served_in_turn() {
    let (app, platform) = Depot::start().await;
    let mut stores = Vec::new();
    for number in 0..3 * AT_ONCE {
        stores.push(given(&app, app.demo.api_key.expose(), depot::store(number)).await);
    }
    app.advance(2 * HOUR);
    platform.most_at_once();
    let calls = stores.iter().map(|store| app.call(&store.access_token, "GET", PATH));
    let answers = futures_util::future::join_all(calls).await;
    let statuses: std::collections::BTreeSet<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(Vec::from_iter(statuses), [200]);
    assert!(platform.most_at_once() <= AT_ONCE);
}

#[tokio::test]
async fn verify_calls_by_timer_pause_in_an_outage_too() {
    const STORES: usize = 14;
    let app = TestApp::start().await;
    for number in 0..STORES {
        let fields = json!({
            "user_id": format!("sandbox-{number}@example.com"), "api_key": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
            "seller_id": format!("SC{number:05}"), "country": "CL",
        });
        let body = json!({ "platform": "falabella", "method": "keys", "customer_id": "customer-1", "fields": fields });
        given(&app, app.demo.api_key.expose(), body).await;
    }
    app.advance(5 * DAY);
    let before = app.received("falabella").await.len();
    let order = json!({ "platform": "falabella", "times": 1000, "fault": { "calls": "all", "status": DOWN } });
    app.control("faults", order).await;
    work(&app).await;
    let asked = app.received("falabella").await.len() - before;
    assert!((5..STORES).contains(&asked), "{asked}");
    let waiting = "SELECT count(*) AS n FROM jobs WHERE kind = 'verify_credential' AND status = 'ready'";
    assert_eq!(count(&app.database, waiting), i64::try_from(STORES).unwrap());

    nothing_wrong(&app, "falabella").await;
    let soon = || {
        let tomorrow = (app.clock.now() + chrono::Duration::days(1)).to_rfc3339();
        count(&app.database, &format!("{waiting} AND due_at < '{tomorrow}'"))
    };
    let mut rounds = 0;
    while soon() > 0 && rounds < 60 {
        app.advance(5 * MINUTE);
        work(&app).await;
        rounds += 1;
    }
    assert_eq!(soon(), 0);
    let states = rows(&app.database, "SELECT DISTINCT status, health FROM stores");
    assert_eq!(states, [json!({ "status": "connected", "health": "ok" })]);
}
