//! Browsers that hang up while a platform answers slowly, and attempts that end after another has begun: what the platform
//! has granted is not lost, and nobody ends or reopens what is somebody else's by now.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{
    APPROVE, Session, Way, assert_connects_nothing, begin, callback_url, exchange, fill_in, form_page, press,
    session_status, start, store, stores, way_back,
};
use crate::support::rows::until;
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// Long enough for a test to look at what happens meanwhile.
const SLOW_MS: u64 = 9000;

async fn order(app: &TestApp, platform: &str, fault: Value) {
    app.control("faults", json!({ "platform": platform, "times": 1, "fault": fault }))
        .await;
}

async fn asked(app: &TestApp, platform: &str) {
    until("the platform was asked", async || {
        (!app.received(platform).await.is_empty()).then_some(())
    })
    .await;
}

async fn completed(app: &TestApp, session: &Session) {
    until("the session is completed", async || {
        (session_status(app, &session.id).await == "completed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_hangs_up_during_the_exchange_loses_nothing() {
    let app = start().await;
    let visitor = Arc::new(Visitor::new());
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let way = Way::good("mercado-libre", "authorization");
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    order(&app, "mercado-libre", json!({ "calls": "token", "delay_ms": SLOW_MS })).await;
    let (browser, url) = (visitor.clone(), callback.clone());
    let waiting = tokio::spawn(async move { browser.get(url.as_str()).await });
    asked(&app, "mercado-libre").await;
    waiting.abort();
    assert!(waiting.await.is_err());

    let early = visitor.open(callback.as_str(), &[&app.url]).await;
    assert!(early.text().contains("Still connecting"), "{}", early.text());
    assert_connects_nothing(&early);
    completed(&app, &session).await;
    assert_eq!(stores(&app).await.len(), 1);
    assert_eq!(app.token_calls("mercado-libre").await, 1);

    let done = visitor.open(callback.as_str(), &[&app.url]).await;
    let answer = exchange(&app, way_back(&done).code()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["access_token"].is_string(), "{}", answer.body);
    let again = visitor.open(&session.url, &[&app.url]).await;
    assert!(again.text().contains("is connected"), "{}", again.text());
}

#[tokio::test]
async fn a_browser_that_hangs_up_while_keys_are_tried_gets_its_code_from_the_link() {
    let app = start().await;
    let visitor = Arc::new(Visitor::new());
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let way = Way::good("woocommerce", "keys");
    let form = form_page(&app, &visitor, &session.url, &way).await.form_with("method");
    order(&app, "woocommerce", json!({ "calls": "api", "delay_ms": SLOW_MS })).await;
    let browser = visitor.clone();
    let waiting = tokio::spawn(async move {
        let typed: Vec<(&str, &str)> = way.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.submit(&form, &typed).await
    });
    asked(&app, "woocommerce").await;
    waiting.abort();
    assert!(waiting.await.is_err());
    completed(&app, &session).await;

    let done = visitor.open(&session.url, &[&app.url]).await;
    assert_eq!(exchange(&app, way_back(&done).code()).await.status, 200);
}

#[tokio::test]
async fn a_partner_that_hangs_up_finds_its_store_and_gets_a_token_for_it() {
    let app = start().await;
    let fields: serde_json::Map<String, Value> = Way::good("woocommerce", "keys")
        .fields
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let body = json!({ "platform": "woocommerce", "method": "keys", "customer_id": "customer-1", "fields": fields });
    order(&app, "woocommerce", json!({ "calls": "api", "delay_ms": SLOW_MS })).await;
    let request = app.request(app.demo.api_key.expose(), "POST", "/v1/stores").json(&body);
    let waiting = tokio::spawn(request.send());
    asked(&app, "woocommerce").await;
    waiting.abort();
    assert!(waiting.await.is_err());
    until("the store is there", async || {
        (stores(&app).await.len() == 1).then_some(())
    })
    .await;
    let id = stores(&app).await[0]["id"].as_str().unwrap().to_owned();
    let token = app
        .api("POST", &format!("/v1/stores/{id}/access-tokens"), Some(json!({})))
        .await;
    assert!(
        token.json()["access_token"].is_string(),
        "{} {}",
        token.status,
        token.body
    );
}

#[tokio::test]
async fn an_attempt_that_fails_late_leaves_the_newer_one_alone() {
    for fault in [json!({ "status": 503 }), json!({ "effect": "refuse" })] {
        let app = start().await;
        let (first, second) = (Arc::new(Visitor::new()), Visitor::new());
        let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
        let way = Way::good("mercado-libre", "authorization");
        let login = fill_in(&app, &first, &session.url, &way).await;
        let callback = callback_url(&first, &login, APPROVE).await;
        let mut slow = fault.clone();
        slow["calls"] = json!("token");
        slow["delay_ms"] = json!(SLOW_MS);
        order(&app, "mercado-libre", slow).await;
        let browser = first.clone();
        let late = tokio::spawn(async move { browser.get(callback.as_str()).await });
        asked(&app, "mercado-libre").await;
        app.advance(Duration::from_secs(1));
        let form = format!("{}/with/mercado-libre", session.url);
        let newer = fill_in(&app, &second, &form, &way).await;
        late.await.unwrap();

        assert_eq!(session_status(&app, &session.id).await, "at_platform", "{fault}");
        let done = press(&app, &second, &newer, APPROVE).await;
        let returned = way_back(&done);
        assert_eq!(exchange(&app, returned.code()).await.status, 200, "{fault}");
    }
}

#[tokio::test]
async fn a_customer_deleted_while_a_connect_is_under_way_has_no_store_afterwards() {
    let app = start().await;
    let visitor = Arc::new(Visitor::new());
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let way = Way::good("mercado-libre", "authorization");
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    order(&app, "mercado-libre", json!({ "calls": "token", "delay_ms": SLOW_MS })).await;
    let browser = visitor.clone();
    let late = tokio::spawn(async move { browser.get(callback.as_str()).await });
    asked(&app, "mercado-libre").await;
    let deleted = app.api("DELETE", "/v1/customers/customer-1", None).await;
    assert!((200..300).contains(&deleted.status), "{}", deleted.body);
    let answer = visitor.follow(late.await.unwrap(), &[&app.url]).await;
    assert_connects_nothing(&answer);
    assert_eq!(session_status(&app, &session.id).await, "cancelled");
    for found in stores(&app).await {
        let id = found["id"].as_str().unwrap();
        assert_eq!(store(&app, id).await["status"], "revoked");
    }
}
