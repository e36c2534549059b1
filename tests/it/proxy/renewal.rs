//! Tokens are renewed unseen: at expiry, ahead of it, and when the platform says no early.

use std::time::Duration;

use serde_json::json;

use super::{received_since, with_store};
use crate::support::connecting::store;

const LIFE: u64 = 21_600;

#[tokio::test]
async fn an_expired_token_is_renewed_unseen() {
    for (platform, method, path, life) in [
        ("mercado-libre", "authorization", "/users/me", LIFE),
        ("shopify", "expiring", "/admin/api/2026-10/shop.json", 3600),
        ("walmart", "keys", "/v3/items", 900),
        ("hybris", "client", "/occ/v2/electronics/products", 43_200),
    ] {
        let (app, connected) = with_store(platform, method).await;
        let before = app.token_calls(platform).await;
        for round in 1..=3 {
            app.advance(Duration::from_secs(life + 1));
            for _ in 0..2 {
                let answer = app.call(&connected.access_token, "GET", path).await;
                assert_eq!(
                    (answer.status, answer.header("llavero-source")),
                    (200, "platform"),
                    "{}",
                    answer.body
                );
            }
            assert_eq!(app.token_calls(platform).await, before + round, "{platform}");
        }
        assert_eq!(store(&app, &connected.store_id).await["health"], "ok");
    }
}

#[tokio::test]
async fn a_living_token_is_not_renewed() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    for _ in 0..3 {
        app.advance(Duration::from_secs(3600));
        assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
    }
    app.app.in_flight.idle().await;
    assert_eq!(app.token_calls("mercado-libre").await, before);
}

#[tokio::test]
async fn a_call_shortly_before_the_end_is_served_and_renews_beside_it() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    app.advance(Duration::from_secs(LIFE - 300));
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
    app.app.in_flight.idle().await;
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
}

#[tokio::test]
async fn a_renewal_that_fails_early_costs_no_call() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let fault = json!({ "platform": "mercado-libre", "times": 50, "fault": { "calls": "token", "status": 503 } });
    app.control("faults", fault).await;
    app.advance(Duration::from_secs(LIFE - 300));
    for _ in 0..3 {
        assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
        app.app.in_flight.idle().await;
        app.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_token_refused_early_is_renewed_once_and_the_call_sent_again() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    app.control("expire-access-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    let before = app.received("mercado-libre").await.len();
    let body = "{\"title\":\"again\"}";
    let request = app
        .request(&connected.access_token, "POST", "/v1/proxy/items")
        .body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let got = received_since(&app, "mercado-libre", before).await;
    let kinds: Vec<bool> = got.iter().map(|entry| entry["token_call"] == true).collect();
    assert_eq!(kinds, [false, true, false], "{got:?}");
    assert_eq!((&got[0]["body"], &got[2]["body"]), (&json!(body), &json!(body)));
}

#[tokio::test]
async fn a_large_body_is_not_sent_again_but_the_token_is_renewed() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    app.control("expire-access-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    let body = vec![b'x'; (1 << 20) + 1];
    let send = || {
        app.request(&connected.access_token, "POST", "/v1/proxy/items")
            .body(body.clone())
            .send()
    };
    let answer = crate::support::test_app::read(send().await.unwrap()).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("credential_renewed")),
        "{}",
        answer.body
    );
    assert_eq!(answer.header("retry-after"), "0");
    assert_eq!(answer.header("llavero-source"), "llavero");
    assert_eq!(answer.json()["delivered"], "no");
    assert_eq!(send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_sent_again() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    app.control("expire-access-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    let body = vec![b'x'; 1 << 20];
    let answer = app
        .request(&connected.access_token, "POST", "/v1/proxy/items")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let got = app.received("mercado-libre").await.pop().unwrap();
    assert_eq!(got["body_bytes"], 1 << 20);
}

#[tokio::test]
async fn many_callers_of_an_expired_token_cost_one_token_call() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    app.advance(Duration::from_secs(LIFE + 1));
    let calls = (0..40).map(|_| app.call(&connected.access_token, "GET", "/users/me"));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
}

#[tokio::test]
async fn many_callers_refused_at_once_cost_one_token_call() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    app.control("expire-access-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    let calls = (0..20).map(|_| app.call(&connected.access_token, "GET", "/users/me"));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let (app, connected) = with_store("shopify", "expiring").await;
    app.control(
        "settings",
        json!({ "platform": "shopify", "settings": { "omit_refresh_token": true } }),
    )
    .await;
    for _ in 0..3 {
        app.advance(Duration::from_secs(3601));
        let answer = app
            .call(&connected.access_token, "GET", "/admin/api/2026-10/shop.json")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_life_shorter_than_any_margin_is_not_renewed_at_each_call() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    app.control(
        "settings",
        json!({ "platform": "mercado-libre", "settings": { "access_seconds": 60 } }),
    )
    .await;
    app.advance(Duration::from_secs(LIFE + 1));
    let before = app.token_calls("mercado-libre").await;
    for _ in 0..4 {
        assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
        app.app.in_flight.idle().await;
        app.advance(Duration::from_secs(10));
    }
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
}
