//! A platform that is down, slow or set up wrong is nobody's death, and the caller learns whether the call can have arrived.

use std::time::Duration;

use serde_json::{Value, json};

use super::with_store;
use crate::support::connecting::store;
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

async fn order(app: &TestApp, fault: Value) {
    app.control(
        "faults",
        json!({ "platform": "mercado-libre", "times": 100, "fault": fault }),
    )
    .await;
}

async fn call(app: &TestApp, token: &str) -> Answer {
    app.call(token, "GET", "/users/me").await
}

/// Long enough for every back-off to be over.
async fn back_again(app: &TestApp) {
    assert_eq!(
        Visitor::new()
            .delete(&format!("{}/_control/faults", app.sandbox))
            .await
            .status,
        204
    );
    app.advance(Duration::from_secs(24 * 3600));
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_may_have_arrived() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "api", "effect": "lost_answer" })).await;
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("platform_unavailable")),
        "{}",
        answer.body
    );
    assert_eq!(answer.json()["delivered"], "unknown");
    assert_eq!(answer.header("llavero-source"), "llavero");
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_safe_call_whose_answer_is_lost_once_is_sent_again_unseen_by_the_caller() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    for method in ["GET", "HEAD"] {
        let fault = json!({ "calls": "api", "effect": "lost_answer" });
        let once = json!({ "platform": "mercado-libre", "times": 1, "fault": fault });
        app.control("faults", once).await;
        let before = app.received("mercado-libre").await.len();
        let answer = app.call(&connected.access_token, method, "/users/me").await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        assert_eq!(app.received("mercado-libre").await.len(), before + 2);
    }
}

#[tokio::test]
async fn a_408_on_a_connection_that_the_platform_gave_up_is_not_shown_to_a_safe_call() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    for (method, status, calls) in [("GET", 200, 2), ("POST", 408, 1)] {
        let fault = json!({ "calls": "api", "status": 408 });
        let once = json!({ "platform": "mercado-libre", "times": 1, "fault": fault });
        app.control("faults", once).await;
        let before = app.received("mercado-libre").await.len();
        let answer = app.call(&connected.access_token, method, "/users/me").await;
        assert_eq!(answer.status, status, "{method}: {}", answer.body);
        assert_eq!(app.received("mercado-libre").await.len(), before + calls);
    }
}

#[tokio::test]
async fn an_unsafe_call_whose_answer_is_lost_is_not_sent_again() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "api", "effect": "lost_answer" })).await;
    let before = app.received("mercado-libre").await.len();
    app.call(&connected.access_token, "POST", "/items").await;
    assert_eq!(app.received("mercado-libre").await.len(), before + 1);
}

#[tokio::test]
async fn an_expired_token_that_cannot_be_renewed_now_is_503_and_nothing_was_delivered() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "token", "status": 503 })).await;
    app.advance(Duration::from_secs(21_601));
    for _ in 0..3 {
        let answer = call(&app, &connected.access_token).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (503, &json!("platform_unavailable")),
            "{}",
            answer.body
        );
        assert_eq!(answer.json()["delivered"], "no");
        assert!(
            answer.header("retry-after").parse::<u32>().is_ok(),
            "{:?}",
            answer.headers
        );
    }
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
    back_again(&app).await;
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(store(&app, &connected.store_id).await["health"], "ok");
}

#[tokio::test]
async fn a_408_to_a_renewal_is_the_platforms_trouble_and_no_riddle() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "token", "status": 408 })).await;
    app.advance(Duration::from_secs(21_601));
    assert_eq!(call(&app, &connected.access_token).await.status, 503);
    let refreshes = format!("/v1/stores/{}/refreshes", connected.store_id);
    let tried = app.api("GET", &refreshes, None).await.json();
    assert_eq!(tried["data"][0]["outcome"], "down", "{tried}");
    back_again(&app).await;
    assert_eq!(call(&app, &connected.access_token).await.status, 200);
}

#[tokio::test]
async fn a_throttled_renewal_says_when_to_come_back() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "token", "status": 429, "retry_after": 40 })).await;
    app.advance(Duration::from_secs(21_601));
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("platform_throttled")),
        "{}",
        answer.body
    );
    assert!(
        answer
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds >= 40),
        "{:?}",
        answer.headers
    );
    assert_eq!(answer.json()["delivered"], "no");
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_broken_platform_app_touches_no_store() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let rotate = json!({ "platform": "mercado-libre", "id": "sandbox-client", "secret": "changed" });
    app.control("clients/rotate", rotate).await;
    app.advance(Duration::from_secs(21_601));
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("platform_app_misconfigured")),
        "{}",
        answer.body
    );
    let told = store(&app, &connected.store_id).await;
    assert_eq!(
        (&told["status"], &told["health"]),
        (&json!("connected"), &json!("app_misconfigured"))
    );

    let back = json!({ "platform": "mercado-libre", "id": "sandbox-client", "secret": "sandbox-secret" });
    app.control("clients/rotate", back).await;
    app.advance(Duration::from_secs(24 * 3600));
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_in_doubt_and_asks_nobody_to_reauthorize() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    order(&app, json!({ "calls": "token", "effect": "lost_answer" })).await;
    app.advance(Duration::from_secs(21_601));
    let answer = call(&app, &connected.access_token).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
    let told = store(&app, &connected.store_id).await;
    assert_eq!(
        (&told["status"], &told["health"]),
        (&json!("connected"), &json!("refresh_in_doubt"))
    );
}

#[tokio::test]
async fn a_renewal_lost_within_a_grace_is_tried_again_and_saved() {
    let (app, connected) = with_store("shopify", "expiring").await;
    let fault = json!({ "platform": "shopify", "fault": { "calls": "token", "effect": "lost_answer" } });
    app.control("faults", fault).await;
    app.advance(Duration::from_secs(3601));
    let path = "/admin/api/2026-10/shop.json";
    app.call(&connected.access_token, "GET", path).await;
    app.app.in_flight.idle().await;
    app.advance(Duration::from_secs(1800));
    let answer = app.call(&connected.access_token, "GET", path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(store(&app, &connected.store_id).await["health"], "ok");
}

#[tokio::test]
async fn an_answer_of_maintenance_in_html_is_relayed_and_kills_nobody() {
    let (app, connected) = with_store("woocommerce", "keys").await;
    let fault = json!({ "status": 403, "body": "<html>maintenance</html>" });
    app.control(
        "faults",
        json!({ "platform": "woocommerce", "times": 5, "fault": fault }),
    )
    .await;
    let answer = app
        .call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
        .await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (403, "platform"),
        "{}",
        answer.body
    );
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_platform_error_inside_a_200_is_relayed_and_kills_nobody() {
    let (app, connected) = with_store("falabella", "keys").await;
    let fault = json!({ "platform": "falabella", "times": 3, "fault": { "status": 503 } });
    app.control("faults", fault).await;
    let answer = app
        .call(&connected.access_token, "GET", "/?Action=GetOrders&Format=JSON")
        .await;
    assert_eq!(answer.header("llavero-source"), "platform", "{}", answer.body);
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_lose_the_new_pair() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let before = app.token_calls("mercado-libre").await;
    app.advance(Duration::from_secs(21_601));
    let fault = json!({ "platform": "mercado-libre", "fault": { "calls": "token", "delay_ms": 300 } });
    app.control("faults", fault).await;
    let (token, url) = (connected.access_token.clone(), app.url["http://".len()..].to_owned());
    {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = tokio::net::TcpStream::connect(&url).await.unwrap();
        let head = format!("GET /v1/proxy/users/me HTTP/1.1\r\nHost: {url}\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        while app.token_calls("mercado-libre").await == before {
            tokio::task::yield_now().await;
        }
    }
    app.app.in_flight.idle().await;
    assert_eq!(call(&app, &connected.access_token).await.status, 200);
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
}
