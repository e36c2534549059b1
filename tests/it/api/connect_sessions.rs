//! Connect sessions as the partner sees them.

use std::time::Duration;

use serde_json::json;

use crate::support::connecting::{RETURN_URL, Way, begin, exchange, fill_in, session_status, start, walk};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_session_has_a_link_and_an_end() {
    let app = start().await;
    let body = json!({ "customer_id": "c", "return_url": RETURN_URL, "expires_in": 600 });
    let answer = app.api("POST", "/v1/connect-sessions", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let session = answer.json();
    assert!(session["id"].as_str().unwrap().starts_with("cs_"));
    assert!(
        session["url"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{}/connect/llv_cs_", app.url))
    );
    assert_eq!(session["expires_at"], "2026-03-02T09:10:00Z");
}

#[tokio::test]
async fn the_status_follows_the_merchant() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    assert_eq!(session_status(&app, &session.id).await, "open");
    let way = Way::good("mercado-libre", "authorization");
    fill_in(&app, &Visitor::new(), &session.url, &way).await;
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
    walk(&app, &Visitor::new(), &session.url, &way).await;
    let told = app
        .api("GET", &format!("/v1/connect-sessions/{}", session.id), None)
        .await
        .json();
    assert_eq!(told["status"], "completed");
    assert!(
        !told.to_string().contains("llv_"),
        "neither link nor code is told again: {told}"
    );
}

#[tokio::test]
async fn a_cancelled_session_stays_cancelled() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let path = format!("/v1/connect-sessions/{}", session.id);
    assert!((200..300).contains(&app.api("DELETE", &path, None).await.status));
    assert_eq!(session_status(&app, &session.id).await, "cancelled");
    app.advance(Duration::from_secs(30 * 24 * 3600));
    let late = app.api("GET", &path, None).await;
    assert!(
        late.status == 404 || late.json()["status"] == "cancelled",
        "{}",
        late.body
    );
}

#[tokio::test]
async fn cancelling_a_completed_session_takes_nothing_back() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    let answer = app
        .api("DELETE", &format!("/v1/connect-sessions/{}", session.id), None)
        .await;
    assert!(answer.status < 500, "{} {}", answer.status, answer.body);
    assert_eq!(session_status(&app, &session.id).await, "completed");
    assert_eq!(exchange(&app, returned.code()).await.status, 200);
}

#[tokio::test]
async fn a_failed_session_says_why() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = Visitor::new();
    let login = fill_in(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    crate::support::connecting::press(&app, &visitor, &login, crate::support::connecting::DENY).await;
    let told = app
        .api("GET", &format!("/v1/connect-sessions/{}", session.id), None)
        .await
        .json();
    assert_eq!(told["status"], "failed");
    assert!(told.to_string().contains("access_denied"), "{told}");
}
