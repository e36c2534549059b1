//! When a credential is dead, and when it only looks so.

use std::time::Duration;

use serde_json::json;

use super::with_store;
use crate::support::connecting::{Way, begin_again, connect_for, start, store, walk};
use crate::support::visitor::Visitor;

/// Platform, method, and a call.
const KINDS: &[(&str, &str, &str)] = &[
    ("mercado-libre", "authorization", "/users/me"),
    ("shopify", "expiring", "/admin/api/2026-10/shop.json"),
    ("shopify", "fixed", "/admin/api/2026-10/shop.json"),
    ("woocommerce", "keys", "/wp-json/wc/v3/products"),
    ("falabella", "keys", "/?Action=GetProducts&Format=JSON"),
];

#[tokio::test]
async fn a_dead_store_asks_for_reauthorization_and_is_left_alone() {
    for (platform, method, path) in KINDS {
        let (app, connected) = with_store(platform, method).await;
        app.control("revoke", json!({ "platform": platform })).await;
        let answer = app.call(&connected.access_token, "GET", path).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"]),
            (401, &json!("store_needs_reauthorization")),
            "{platform} {method}: {}",
            answer.body
        );
        assert_eq!(problem["store_id"], connected.store_id);
        assert!(
            problem["since"].is_string() && problem["reason"].is_string(),
            "{problem}"
        );
        assert_eq!(answer.header("llavero-source"), "llavero");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(
            store(&app, &connected.store_id).await["status"],
            "needs_reauthorization",
            "{platform}"
        );

        let sent = app.received(platform).await.len();
        for _ in 0..3 {
            assert_eq!(app.call(&connected.access_token, "GET", path).await.status, 401);
        }
        assert_eq!(
            app.received(platform).await.len(),
            sent,
            "{platform}: a dead store is not hammered"
        );
    }
}

#[tokio::test]
async fn the_same_token_works_again_after_reauthorization() {
    for (platform, method, path) in KINDS {
        if *platform == "woocommerce" || *platform == "falabella" || *method == "fixed" {
            continue; // The same keys are dead at the platform; the merchant has new ones.
        }
        let (app, connected) = with_store(platform, method).await;
        app.control("revoke", json!({ "platform": platform })).await;
        assert_eq!(app.call(&connected.access_token, "GET", path).await.status, 401);
        let session = begin_again(&app, &connected.store_id, json!({})).await;
        walk(&app, &Visitor::new(), &session.url, &Way::good(platform, method)).await;
        let answer = app.call(&connected.access_token, "GET", path).await;
        assert_eq!(answer.status, 200, "{platform}: {}", answer.body);
    }
}

#[tokio::test]
async fn new_keys_bring_the_same_token_back() {
    let (app, connected) = with_store("woocommerce", "keys").await;
    app.control("revoke", json!({ "platform": "woocommerce" })).await;
    assert_eq!(
        app.call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        401
    );
    let session = begin_again(&app, &connected.store_id, json!({})).await;
    let way = Way::good("woocommerce", "keys")
        .but("consumer_key", "ck_5a00000000000000000000000000000000000002")
        .but("consumer_secret", "cs_5a00000000000000000000000000000000000002");
    walk(&app, &Visitor::new(), &session.url, &way).await;
    assert_eq!(
        app.call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_key_that_lacks_a_right_is_not_dead() {
    let app = start().await;
    let way = Way::good("woocommerce", "keys")
        .but("consumer_key", "ck_00000000000000000000000000000000000000aa")
        .but("consumer_secret", "cs_00000000000000000000000000000000000000aa");
    let connected = connect_for(&app, "customer-1", &way).await;
    let answer = app.request(&connected.access_token, "POST", "/v1/proxy/wp-json/wc/v3/products");
    let answer = crate::support::test_app::read(answer.json(&json!({ "name": "x" })).send().await.unwrap()).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "platform"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("woocommerce_rest"), "{}", answer.body);
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
    assert_eq!(
        app.call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_second_401_with_a_living_credential_is_passed_on() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    let fault = json!({
        "platform": "mercado-libre", "times": 2,
        "fault": { "calls": "api", "status": 401, "body": { "message": "not yours", "error": "unauthorized" } },
    });
    app.control("faults", fault).await;
    let answer = app.call(&connected.access_token, "GET", "/orders/1").await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "platform"),
        "{}",
        answer.body
    );
    assert_eq!(answer.json()["message"], "not yours");
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
}

#[tokio::test]
async fn an_expired_refresh_token_is_the_end() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    app.control("expire-refresh-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    assert_eq!(
        app.call(&connected.access_token, "GET", "/users/me").await.status,
        200,
        "the access token still lives"
    );
    app.advance(Duration::from_secs(21_601));
    let answer = app.call(&connected.access_token, "GET", "/users/me").await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (401, &json!("store_needs_reauthorization")),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_shops_changed_client_secret_is_the_end_of_its_own_client() {
    let (app, connected) = with_store("walmart", "keys").await;
    let rotate = json!({ "platform": "walmart", "id": "sandbox-seller", "secret": "changed", "end_grants": true });
    app.control("clients/rotate", rotate).await;
    app.advance(Duration::from_secs(901));
    let answer = app.call(&connected.access_token, "GET", "/v3/items").await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (401, &json!("store_needs_reauthorization")),
        "{}",
        answer.body
    );
}
