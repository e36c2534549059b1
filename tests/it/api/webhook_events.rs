//! What partners are told: each event once an incident, with a number that grows by one per store, in the transaction of
//! its cause.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{self, Connected, MERCADO_LIBRE, Way, begin_again, start, walk};
use crate::support::receiver::Receiver;
use crate::support::rows::{count, execute, rows, work};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::webhooks::{Listening, events, kinds};

const HOUR: Duration = Duration::from_secs(3600);
const PATH: &str = "/anything";

async fn mercado_libre(app: &TestApp) -> Connected {
    connecting::connect(app, "mercado-libre", "authorization", MERCADO_LIBRE).await
}

async fn shop(app: &TestApp, number: usize) -> Connected {
    let shop = format!("shop-{number}.myshopify.com");
    let way = Way::with("shopify", "expiring", &[("shop", &shop)]);
    connecting::connect_for(app, "customer-1", &way).await
}

async fn token_fault(app: &TestApp, platform: &str, times: u64, mut fault: Value) {
    fault["calls"] = json!("token");
    app.control(
        "faults",
        json!({ "platform": platform, "times": times, "fault": fault }),
    )
    .await;
}

async fn kill(app: &TestApp, store: &Connected) {
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    app.advance(7 * HOUR);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
}

async fn reauthorize(app: &TestApp, store: &Connected) {
    let session = begin_again(app, &store.store_id, json!({})).await;
    let way = Way::good("mercado-libre", "authorization");
    walk(app, &Visitor::new(), &session.url, &way).await;
}

fn sequences(events: &[Value]) -> Vec<i64> {
    let of_stores = events.iter().filter_map(|event| event["store_sequence"].as_i64());
    of_stores.collect()
}

#[tokio::test]
async fn a_stores_life_is_told_with_numbers_without_gaps() {
    let app = start().await;
    let store = mercado_libre(&app).await;
    let path = format!("/v1/stores/{}/access-tokens", store.store_id);
    let rotated = app.api("POST", &path, Some(json!({ "overlap_seconds": 86_400 }))).await;
    assert!(rotated.status < 300, "{}", rotated.body);
    kill(&app, &store).await;
    // Told once, however often it is met.
    for _ in 0..3 {
        app.call(&store.access_token, "GET", PATH).await;
    }
    reauthorize(&app, &store).await;
    kill(&app, &store).await;
    app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;

    let told = events(&app, "").await;
    assert_eq!(
        kinds(&told),
        [
            "store.connected",
            "store.access_token_rotated",
            "store.needs_reauthorization",
            "store.reauthorized",
            "store.needs_reauthorization",
            "store.revoked",
        ]
    );
    assert_eq!(sequences(&told), [1, 2, 3, 4, 5, 6]);
    for event in &told {
        assert_eq!(event["store_id"], json!(store.store_id), "{event}");
        let shown = &event["data"]["store"];
        assert_eq!(
            (&shown["id"], &shown["platform"], &shown["customer_id"]),
            (&json!(store.store_id), &json!("mercado-libre"), &json!("customer-1"))
        );
    }
    assert_eq!(told[0]["data"]["session_id"], json!(store.session_id));
    let plea = &told[2]["data"];
    assert_eq!(
        (&plea["reason"], &plea["evidence"]["class"], &plea["evidence"]["code"]),
        (&json!("grant_refused"), &json!("dead"), &json!("invalid_grant"))
    );
    assert_eq!(told[5]["data"]["reason"], "revoked_by_partner");

    // Neither a token nor a link is kept.
    let kept = rows(&app.database, "SELECT * FROM events")
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    assert!(!kept.contains("llv_") && !kept.contains("/reconnect/"), "{kept}");
}

#[tokio::test]
async fn a_plea_carries_a_link_made_when_it_is_sent_that_works_and_stands_nowhere() {
    let app = start().await;
    let receiver = Receiver::start().await;
    receiver.echo();
    Listening::to(&app, &receiver).await;
    let store = mercado_libre(&app).await;
    kill(&app, &store).await;
    work(&app).await;
    let requests = receiver.requests();
    let plea = requests
        .iter()
        .find(|request| request.kind() == "store.needs_reauthorization");
    let data = plea.unwrap().json()["data"].clone();
    assert_eq!(
        (&data["store_id"], &data["store_sequence"]),
        (&json!(store.store_id), &json!(2))
    );
    let link = data["reauthorize_url"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/reconnect/", app.url)), "{link}");
    assert_eq!(Visitor::new().get(link).await.status, 200);
    let token = link.rsplit('/').next().unwrap();
    for table in ["events", "webhook_deliveries", "webhook_attempts", "jobs"] {
        let kept = rows(&app.database, &format!("SELECT * FROM {table}"));
        assert!(!serde_json::to_string(&kept).unwrap().contains(token), "{table}");
    }
    let kept = rows(
        &app.database,
        "SELECT answer FROM webhook_attempts WHERE answer LIKE '%[removed]%'",
    );
    assert_eq!(kept.len(), 1, "the answer that repeated it is kept without it");
}

#[tokio::test]
async fn a_plea_that_comes_late_has_no_link_to_a_store_that_works() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let store = mercado_libre(&app).await;
    Listening::to(&app, &receiver).await;
    kill(&app, &store).await;
    reauthorize(&app, &store).await;
    work(&app).await;
    let requests = receiver.requests();
    let plea = requests
        .iter()
        .find(|request| request.kind() == "store.needs_reauthorization");
    assert_eq!(plea.unwrap().json()["data"]["reauthorize_url"], Value::Null);
}

#[tokio::test]
async fn failing_refreshes_are_told_once_and_then_that_they_are_over() {
    let app = start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    for _ in 0..3 {
        token_fault(&app, "mercado-libre", 1, json!({ "status": 418, "body": {} })).await;
        assert!(app.call(&store.access_token, "GET", PATH).await.status >= 500);
        app.advance(2 * HOUR);
    }
    // An outage in between is no news.
    token_fault(&app, "mercado-libre", 1, json!({ "status": 503 })).await;
    app.call(&store.access_token, "GET", PATH).await;
    app.advance(2 * HOUR);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200);
    let told = events(&app, "").await;
    assert_eq!(
        kinds(&told),
        ["store.connected", "store.refresh_failing", "store.recovered"]
    );
    assert_eq!(sequences(&told), [1, 2, 3]);
    assert_eq!(told[1]["data"]["failure"]["status"], 418);
    assert_eq!(told[2]["data"]["from"], "store.refresh_failing");

    // The next time is another incident.
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 418, "body": {} })).await;
    app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(kinds(&events(&app, "?type=store.refresh_failing").await).len(), 2);
}

#[tokio::test]
async fn an_outage_and_a_throttle_are_not_told_of_stores() {
    let app = start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    for fault in [json!({ "status": 503 }), json!({ "status": 429, "retry_after": 5 })] {
        token_fault(&app, "mercado-libre", 1, fault).await;
        app.call(&store.access_token, "GET", PATH).await;
        app.advance(HOUR);
    }
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200);
    assert_eq!(kinds(&events(&app, "").await), ["store.connected"]);
}

#[tokio::test]
async fn many_stores_that_fail_at_once_are_no_storm() {
    let app = start().await;
    let first = mercado_libre(&app).await;
    let id = first.store_id.strip_prefix("store_").unwrap();
    // Twenty others of the platform were told of just now.
    execute(
        &app.database,
        &format!(
            "INSERT INTO stores (id, app_id, credential_id, platform_app_id, platform, method, platform_store_id, name, \
             status, refresh_failing_since) SELECT gen_random_uuid(), app_id, credential_id, platform_app_id, platform, \
             method, 'other-' || n, name, 'revoked', '{}' FROM stores, generate_series(1, 20) n WHERE id = '{id}'",
            (app.clock.now() + chrono::TimeDelta::hours(7)).to_rfc3339()
        ),
    );
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 418, "body": {} })).await;
    app.call(&first.access_token, "GET", PATH).await;
    let shown = connecting::store(&app, &first.store_id).await;
    assert_eq!(shown["health"], "refresh_failing");
    assert_eq!(events(&app, "?type=store.refresh_failing").await.len(), 0);
    execute(&app.database, "DELETE FROM stores WHERE status = 'revoked'");
    // What was not told as trouble is not told as over.
    app.advance(HOUR);
    assert_eq!(app.call(&first.access_token, "GET", PATH).await.status, 200);
    assert_eq!(kinds(&events(&app, "").await), ["store.connected"]);
}

#[tokio::test]
async fn a_refused_client_is_told_once_and_of_no_store() {
    let app = start().await;
    let stores = [shop(&app, 1).await, shop(&app, 2).await];
    app.advance(7 * HOUR);
    let order = |disabled: bool| json!({ "platform": "shopify", "id": "sandbox-client", "disabled": disabled });
    app.control("clients/disable", order(true)).await;
    for _ in 0..3 {
        for store in &stores {
            assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 503);
        }
        app.advance(HOUR);
    }
    app.control("clients/disable", order(false)).await;
    for store in &stores {
        assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200);
    }
    let told = events(&app, "").await;
    assert_eq!(
        kinds(&told),
        ["store.connected", "store.connected", "platform_app.misconfigured"]
    );
    let (event, data) = (&told[2], &told[2]["data"]);
    assert_eq!(
        (&event["store_id"], &event["store_sequence"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&data["platform"], &data["code"], &data["own"]),
        (&json!("shopify"), &json!("invalid_client"), &json!(false))
    );
}

#[tokio::test]
async fn a_coming_deadline_is_told_thirty_seven_and_one_days_ahead_with_a_link() {
    let app = start().await;
    let receiver = Receiver::start().await;
    Listening::with(&app, json!({ "url": receiver.url, "event_types": ["store.expiring"] })).await;
    let store = mercado_libre(&app).await;
    let deadline = app.clock.now() + chrono::TimeDelta::days(60);
    let at = deadline.to_rfc3339();
    execute(
        &app.database,
        &format!("UPDATE credentials SET reauthorize_by = '{at}'"),
    );
    execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, app_id, platform, unique_key, due_at) SELECT gen_random_uuid(), \
             'announce_deadline', jsonb_build_object('credential', name), app_id, platform, \
             'announce_deadline:' || name, '{}' FROM (SELECT *, 'cred_' || replace(id::text, '-', '') AS name \
             FROM credentials) named",
            (deadline - chrono::TimeDelta::days(30)).to_rfc3339()
        ),
    );
    for ahead in [30, 7, 1] {
        app.clock.set(deadline - chrono::TimeDelta::days(ahead));
        work(&app).await;
        work(&app).await;
    }
    let told = events(&app, "?type=store.expiring").await;
    let days: Vec<_> = told
        .iter()
        .map(|event| event["data"]["days"].as_i64().unwrap())
        .collect();
    assert_eq!(days, [30, 7, 1]);
    assert_eq!(sequences(&told), [2, 3, 4]);
    assert_eq!(told[0]["store_id"], json!(store.store_id));
    for request in receiver.requests() {
        let link = request.json()["data"]["reauthorize_url"].as_str().unwrap().to_owned();
        assert_eq!(Visitor::new().get(&link).await.status, 200);
    }
    assert_eq!(receiver.requests().len(), 3);
}

#[tokio::test]
async fn events_are_filtered_and_paged_and_kept_for_thirty_days() {
    let app = start().await;
    let stores = [shop(&app, 1).await, shop(&app, 2).await, shop(&app, 3).await];
    app.advance(HOUR);
    let since = app.clock.now().to_rfc3339().replace('+', "%2B");
    app.api("DELETE", &format!("/v1/stores/{}", stores[0].store_id), None)
        .await;

    assert_eq!(kinds(&events(&app, "?type=store.revoked").await), ["store.revoked"]);
    let own = events(&app, &format!("?store_id={}", stores[0].store_id)).await;
    assert_eq!(kinds(&own), ["store.connected", "store.revoked"]);
    assert_eq!(
        kinds(&events(&app, &format!("?since={since}")).await),
        ["store.revoked"]
    );
    assert_eq!(events(&app, &format!("?until={since}")).await.len(), 3);
    let first = app.api("GET", "/v1/events?limit=3", None).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app
        .api("GET", &format!("/v1/events?limit=3&cursor={cursor}"), None)
        .await
        .json();
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
    for query in ["?type=store.exploded", "?store_id=x", "?since=yesterday", "?nonsense=1"] {
        assert_eq!(
            app.api("GET", &format!("/v1/events{query}"), None).await.status,
            400,
            "{query}"
        );
    }

    // Purged daily.
    app.advance(29 * 24 * HOUR);
    llavero::jobs::run(&app.app, llavero::domain::job::Job::Purge {}, 1).await;
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM events"), 4);
    app.advance(24 * HOUR + HOUR);
    llavero::jobs::run(&app.app, llavero::domain::job::Job::Purge {}, 1).await;
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM events"), 0);
}
