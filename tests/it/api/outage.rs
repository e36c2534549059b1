//! A database that cannot be reached is 503 and Retry-After: never "not found", never "re-authorize".

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{Connected, RETURN_URL, Way, begin, connect_for, reconnect_url, start, start_with};
use crate::support::rows::{execute, until};
use crate::support::test_app::{TestApp, Wishes};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn without_its_database_every_partner_call_is_unavailable() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    app.database.stop();
    let body = json!({ "customer_id": "c", "return_url": RETURN_URL });
    for (method, path, body) in [
        ("GET", "/v1/app".to_owned(), None),
        ("GET", "/v1/stores".to_owned(), None),
        ("GET", format!("/v1/stores/{}", connected.store_id), None),
        ("DELETE", format!("/v1/stores/{}", connected.store_id), None),
        ("POST", "/v1/connect-sessions".to_owned(), Some(body)),
        (
            "POST",
            "/v1/access-tokens/exchange".to_owned(),
            Some(json!({ "code": connected.returned.code() })),
        ),
        (
            "POST",
            "/v1/introspect".to_owned(),
            Some(json!({ "token": connected.access_token })),
        ),
    ] {
        let answer = app.api(method, &path, body).await;
        let told = (answer.status, answer.json()["code"].clone());
        assert_eq!(told, (503, json!("unavailable")), "{method} {path}: {}", answer.body);
        assert!(
            answer.header("retry-after").parse::<u32>().is_ok(),
            "{path}: {:?}",
            answer.headers
        );
        assert!(!answer.body.to_lowercase().contains("postgres"), "{}", answer.body);
    }
    app.database.resume();
    let back = app
        .api("GET", &format!("/v1/stores/{}", connected.store_id), None)
        .await;
    assert_eq!(
        (back.status, &back.json()["status"]),
        (200, &json!("connected")),
        "{}",
        back.body
    );
}

#[tokio::test]
async fn without_its_database_an_unknown_store_token_is_not_called_unknown() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    app.database.stop();
    let answer = app
        .call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
        .await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["code"], "unavailable");
    assert_eq!(answer.header("llavero-source"), "llavero");
    app.database.resume();
    let answer = app
        .call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_store_in_memory_is_served_through_a_short_outage() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let path = "/wp-json/wc/v3/products";
    remembered(&app, &connected, path).await;
    let before = app.call(&connected.access_token, "GET", path).await;
    assert_eq!(before.status, 200, "{}", before.body);
    let received = app.received("woocommerce").await.len();
    app.database.stop();
    let during = app.call(&connected.access_token, "GET", path).await;
    assert_eq!(during.status, 200, "{}", during.body);
    assert_eq!(during.header("llavero-source"), "platform");
    assert_eq!(during.body, before.body);
    assert_eq!(app.received("woocommerce").await.len(), received + 1);
    app.database.resume();
}

/// Calls until one needs no database: what it takes is in memory then. News of the connecting itself may come late, and
/// what was read before them is not kept.
async fn remembered(app: &TestApp, connected: &Connected, path: &str) {
    until("the store is in memory", async || {
        let asked = app.asked();
        let answer = app.call(&connected.access_token, "GET", path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (app.asked() == asked).then_some(())
    })
    .await;
}

/// The database is away, and the listening connection knows it.
async fn cut_off(app: &TestApp) {
    app.database.stop();
    until("the listening connection is lost", async || {
        app.app.listener.heard_until().is_none().then_some(())
    })
    .await;
}

async fn told(app: &TestApp, connected: &Connected, path: &str) -> (u16, Value) {
    let answer = app.call(&connected.access_token, "GET", path).await;
    let code = match answer.header("llavero-source") {
        "llavero" => answer.json()["code"].clone(),
        _ => Value::Null,
    };
    if answer.status == 503 {
        assert!(!answer.header("retry-after").is_empty(), "{:?}", answer.headers);
    }
    (answer.status, code)
}

const PRODUCTS: &str = "/wp-json/wc/v3/products";

#[tokio::test]
async fn the_grace_counts_from_when_the_database_was_last_heard_and_ends() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    remembered(&app, &connected, PRODUCTS).await;
    cut_off(&app).await;
    app.advance(Duration::from_secs(300));
    for _ in 0..3 {
        assert_eq!(told(&app, &connected, PRODUCTS).await, (200, Value::Null));
    }
    let received = app.received("woocommerce").await.len();
    app.advance(Duration::from_secs(1));
    assert_eq!(told(&app, &connected, PRODUCTS).await, (503, json!("unavailable")));
    assert_eq!(app.received("woocommerce").await.len(), received);
    app.database.resume();
    assert_eq!(told(&app, &connected, PRODUCTS).await, (200, Value::Null));
}

#[tokio::test]
async fn without_grace_nothing_is_served_without_the_database() {
    let app = start_with(Wishes {
        outage_grace: Some(0),
        ..Wishes::default()
    })
    .await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    assert_eq!(told(&app, &connected, PRODUCTS).await, (200, Value::Null));
    cut_off(&app).await;
    assert_eq!(told(&app, &connected, PRODUCTS).await, (503, json!("unavailable")));
    app.database.resume();
    assert_eq!(told(&app, &connected, PRODUCTS).await, (200, Value::Null));
}

#[tokio::test]
async fn a_platform_token_that_expires_during_an_outage_ends_the_service_and_not_the_store() {
    let app = start().await;
    let short = json!({ "platform": "mercado-libre", "settings": { "access_seconds": 100 } });
    app.control("settings", short).await;
    let connected = connect_for(&app, "customer-1", &Way::good("mercado-libre", "authorization")).await;
    let path = "/users/me";
    remembered(&app, &connected, path).await;
    cut_off(&app).await;
    let tokens = app.token_calls("mercado-libre").await;
    app.advance(Duration::from_secs(99));
    assert_eq!(told(&app, &connected, path).await, (200, Value::Null));
    app.advance(Duration::from_secs(1));
    assert_eq!(told(&app, &connected, path).await, (503, json!("unavailable")));
    assert_eq!(app.token_calls("mercado-libre").await, tokens, "nothing can be renewed");
    app.database.resume();
    assert_eq!(told(&app, &connected, path).await, (200, Value::Null));
    assert_eq!(app.token_calls("mercado-libre").await, tokens + 1);
}

#[tokio::test]
async fn nothing_in_memory_refuses_a_token_during_an_outage() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let lost = "UPDATE stores SET status = 'needs_reauthorization', status_reason = 'grant_refused'";
    assert_eq!(execute(&app.database, lost), 1);
    let known = told(&app, &connected, PRODUCTS).await;
    assert_eq!(known, (401, json!("store_needs_reauthorization")));
    cut_off(&app).await;
    assert_eq!(told(&app, &connected, PRODUCTS).await, (503, json!("unavailable")));
    app.database.resume();
    assert_eq!(told(&app, &connected, PRODUCTS).await, known);
}

#[tokio::test]
async fn what_this_process_revoked_itself_is_not_served_from_memory_in_an_outage() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    assert_eq!(told(&app, &connected, PRODUCTS).await, (200, Value::Null));
    let path = format!("/v1/stores/{}", connected.store_id);
    assert!(app.api("DELETE", &path, None).await.status < 300);
    cut_off(&app).await;
    assert_eq!(told(&app, &connected, PRODUCTS).await, (503, json!("unavailable")));
    app.database.resume();
    assert_eq!(told(&app, &connected, PRODUCTS).await, (401, json!("token_revoked")));
}

#[tokio::test]
async fn a_call_during_an_outage_is_refused_unsent_and_works_afterwards() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let path = "/wp-json/wc/v3/products";
    assert_eq!(app.call(&connected.access_token, "GET", path).await.status, 200);
    let received = app.received("woocommerce").await.len();
    app.database.stop();
    // Longer than any time for which a store could be remembered.
    app.advance(Duration::from_secs(3600));
    let during = app.call(&connected.access_token, "GET", path).await;
    let told = (
        during.status,
        during.json()["code"].clone(),
        during.json()["delivered"].clone(),
    );
    assert_eq!(told, (503, json!("unavailable"), json!("no")), "{}", during.body);
    assert_eq!(during.header("llavero-source"), "llavero");
    assert_eq!(app.received("woocommerce").await.len(), received);
    app.database.resume();
    let after = app.call(&connected.access_token, "GET", path).await;
    assert_eq!(after.status, 200, "{}", after.body);
    assert_eq!(app.received("woocommerce").await.len(), received + 1);
}

#[tokio::test]
async fn without_its_database_a_page_says_so_and_keeps_the_link() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let session = begin(&app, json!({ "platform": "walmart" })).await;
    let reconnect = reconnect_url(&app, &connected.store_id);
    app.database.stop();
    for url in [&session.url, &reconnect] {
        let page = Visitor::new().get(url).await;
        assert_eq!(page.status, 503, "{}", page.text());
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(!page.header("retry-after").is_empty());
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
    app.database.resume();
    assert_eq!(Visitor::new().open(&session.url, &[&app.url]).await.status, 200);
}

#[tokio::test]
async fn readiness_tells_of_the_outage_and_liveness_does_not() {
    let app = start().await;
    assert_eq!(Visitor::new().get(&format!("{}/readyz", app.url)).await.status, 200);
    app.database.stop();
    assert_eq!(Visitor::new().get(&format!("{}/healthz", app.url)).await.status, 200);
    assert_eq!(Visitor::new().get(&format!("{}/readyz", app.url)).await.status, 503);
    app.database.resume();
    assert_eq!(Visitor::new().get(&format!("{}/readyz", app.url)).await.status, 200);
}
