//! A token truly ends only when the platform's access and refresh token are both dead. Then the merchant authorizes again,
//! and the same token works.

use serde_json::json;

use super::*;
use crate::support::connecting::{Way, begin_again, exchange, good, walk};
use crate::support::rows::{self, work};
use crate::support::visitor::Visitor;

async fn revoke(app: &TestApp, platform: &str) {
    app.control("revoke", json!({ "platform": platform })).await;
}

#[tokio::test]
async fn a_refused_grant_needs_reauthorization_and_says_since_when_and_why() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    revoke(&app, "mercado-libre").await;
    app.advance(7 * HOUR);
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!((answer.status, answer.header("llavero-source")), (401, "llavero"));
    assert!(
        answer.header("www-authenticate").starts_with("Bearer"),
        "{:?}",
        answer.headers
    );
    let told = answer.json();
    assert_eq!(told["code"], "store_needs_reauthorization");
    assert_eq!(told["store_id"], json!(store.store_id));
    assert_eq!(told["reason"], "grant_refused");
    assert_eq!(told["since"], json!(app.clock.now()));
    let shown = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        (&shown["status"], &shown["status_reason"]),
        (&json!("needs_reauthorization"), &json!("grant_refused"))
    );
    let evidence = rows::row(&app.database, "SELECT evidence FROM stores");
    assert!(evidence["evidence"].to_string().contains("invalid_grant"), "{evidence}");
    let access = app.api_as(&store.access_token, "GET", "/v1/access", None).await;
    assert_eq!(
        (access.status, &access.json()["usable"]),
        (200, &json!(false)),
        "{}",
        access.body
    );
}

#[tokio::test]
async fn a_dead_store_is_not_asked_about_again() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    revoke(&app, "mercado-libre").await;
    app.advance(7 * HOUR);
    app.call(&store.access_token, "GET", PATH).await;
    let received = app.received("mercado-libre").await.len();
    for _ in 0..10 {
        app.advance(10 * DAY);
        assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
        work(&app).await;
    }
    assert_eq!(app.received("mercado-libre").await.len(), received);
}

#[tokio::test]
async fn a_refresh_token_past_its_deadline_is_dead_and_one_before_it_is_not() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    settings(&app, "shopify", json!({ "refresh_seconds": 100_000 })).await;
    let store = shopify(&app).await;
    app.advance(20 * HOUR);
    works(&app, &store).await;
    app.advance(40 * HOUR);
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("store_needs_reauthorization")),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn after_a_reauthorization_the_same_token_works_again() {
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("shopify", "expiring"),
        ("walmart", "keys"),
    ] {
        let mut app = TestApp::start().await;
        app.jobs_may_wait();
        let way = Way::good(platform, method);
        let store = connecting::connect_for(&app, "customer-1", &way).await;
        let client = json!({ "platform": "walmart", "id": "sandbox-seller", "secret": "another", "end_grants": true });
        if platform == "walmart" {
            app.control("clients/rotate", client).await;
        } else {
            revoke(&app, platform).await;
        }
        app.advance(7 * HOUR);
        assert_eq!(
            app.call(&store.access_token, "GET", PATH).await.status,
            401,
            "{platform}"
        );

        let way = if platform == "walmart" {
            way.but("client_secret", "another-secret")
        } else {
            way
        };
        if platform == "walmart" {
            let client = json!({ "platform": "walmart", "id": "sandbox-seller", "secret": "another-secret" });
            app.control("clients/rotate", client).await;
        }
        let session = begin_again(&app, &store.store_id, json!({})).await;
        let returned = walk(&app, &Visitor::new(), &session.url, &way).await;
        let answer = exchange(&app, returned.code()).await.json();
        assert_eq!(
            (&answer["access_token"], &answer["reauthorized"]),
            (&json!(null), &json!(true)),
            "{platform}"
        );
        assert_eq!(answer["store"]["id"], json!(store.store_id));

        works(&app, &store).await;
        let shown = connecting::store(&app, &store.store_id).await;
        assert_eq!(
            (&shown["status"], &shown["health"]),
            (&json!("connected"), &json!("ok")),
            "{platform}"
        );
        app.advance(7 * HOUR);
        works(&app, &store).await;
    }
}

#[tokio::test]
async fn a_success_after_failures_clears_what_was_shown_of_them() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 500 })).await;
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 503);
    app.advance(HOUR);
    works(&app, &store).await;
    let stored = credential(&app, &store);
    assert_eq!(
        (&stored["failures"], &stored["failing_since"], &stored["retry_at"]),
        (&json!(0), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn a_good_refresh_saves_a_living_access_token_whatever_was_said_about_a_living_one_before() {
    let app = TestApp::start().await;
    let way = Way::with("mercado-libre", "authorization", good("mercado-libre", "authorization"));
    let store = connecting::connect_for(&app, "customer-1", &way).await;
    app.control("expire-refresh-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    // The refresh token is gone, the access token lives: calls go on until its end.
    for _ in 0..5 {
        app.advance(HOUR);
        works(&app, &store).await;
    }
    assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
}
