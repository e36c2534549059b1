//! Tokens that a partner brings when their access token is over: the refresh token lives, and nothing of it is lost.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{Connected, MERCADO_LIBRE, connect, start, stores};
use crate::support::partners::other_app;
use crate::support::rows::{count, is_refresh, refresh_token};
use crate::support::test_app::TestApp;
use crate::support::visitor::Answer;

const PLATFORM: &str = "mercado-libre";
/// Its access tokens live for six hours.
const PAST: Duration = Duration::from_secs(7 * 3600);

/// The newest token of that kind that the platform has given.
async fn held(app: &TestApp, kind: &str) -> String {
    let url = format!("{}/_control/stores?platform={PLATFORM}", app.sandbox);
    let stores = reqwest::get(url).await.unwrap().json::<Value>().await.unwrap();
    let tokens = stores["data"][0][kind].as_array().unwrap().clone();
    tokens.last().unwrap()["token"].as_str().unwrap().to_owned()
}

/// A store of the app's customer, and the pair behind it that the partner is taken to hold as well.
async fn connected(app: &TestApp) -> (Connected, Value) {
    let store = connect(app, PLATFORM, "authorization", MERCADO_LIBRE).await;
    let pair = json!({
        "access_token": held(app, "access_tokens").await,
        "refresh_token": held(app, "refresh_tokens").await,
    });
    (store, pair)
}

async fn bring(app: &TestApp, tokens: &Value) -> Answer {
    let body = json!({
        "platform": PLATFORM, "customer_id": "customer-1", "fields": { "country": "AR" }, "tokens": tokens,
    });
    app.api("POST", "/v1/stores", Some(body)).await
}

async fn renewals(app: &TestApp) -> Vec<String> {
    let received = app.received(PLATFORM).await;
    received
        .iter()
        .filter(|entry| is_refresh(entry))
        .filter_map(refresh_token)
        .collect()
}

async fn works(app: &TestApp, store: &Connected) {
    let called = app.call(&store.access_token, "GET", "/users/me").await;
    assert_eq!(called.status, 200, "{}", called.body);
}

#[tokio::test]
async fn an_access_token_that_is_over_by_its_own_word_is_renewed_before_it_is_tried() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (store, mut pair) = connected(&app).await;
    app.advance(PAST);
    pair["expires_in"] = json!(0);
    let before = app.received(PLATFORM).await.len();
    let answer = bring(&app, &pair).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let calls = app.received(PLATFORM).await.split_off(before);
    assert!(is_refresh(&calls[0]), "{:?}", calls[0]["url"]);
    assert_eq!(renewals(&app).await, [pair["refresh_token"].as_str().unwrap()]);
    works(&app, &store).await;
    // And the new pair is what was saved: the next renewal shows it.
    app.advance(PAST);
    works(&app, &store).await;
    assert_eq!(renewals(&app).await.len(), 2);
}

#[tokio::test]
async fn one_that_the_platform_calls_unauthorized_is_renewed_once() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (store, pair) = connected(&app).await;
    app.advance(PAST);
    let answer = bring(&app, &pair).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(renewals(&app).await.len(), 1);
    works(&app, &store).await;
}

#[tokio::test]
async fn one_that_works_is_not_renewed() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (_, mut pair) = connected(&app).await;
    pair["expires_in"] = json!(3600);
    let answer = bring(&app, &pair).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(renewals(&app).await.is_empty());
}

#[tokio::test]
async fn a_renewed_pair_that_could_not_be_tried_is_kept_for_the_next_time() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (store, mut pair) = connected(&app).await;
    app.advance(PAST);
    pair["expires_in"] = json!(0);
    let fault = json!({ "platform": PLATFORM, "times": 1, "fault": { "calls": "api", "status": 503 } });
    app.control("faults", fault).await;
    let failed = bring(&app, &pair).await;
    assert_eq!(failed.json()["code"], "platform_unavailable", "{}", failed.body);
    assert_eq!(renewals(&app).await.len(), 1);

    let again = bring(&app, &pair).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(renewals(&app).await.len(), 1, "the refresh token works once");
    works(&app, &store).await;
    let kept = "SELECT count(*) AS n FROM connect_sessions WHERE delivered_sealed IS NOT NULL";
    assert_eq!(count(&app.database, kept), 0, "the store has them now");
}

#[tokio::test]
async fn tokens_that_were_used_up_here_are_not_shown_to_the_platform_again() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (store, mut pair) = connected(&app).await;
    app.advance(PAST);
    pair["expires_in"] = json!(0);
    assert_eq!(bring(&app, &pair).await.status, 200);
    let before = app.received(PLATFORM).await.len();
    let again = bring(&app, &pair).await;
    assert_eq!(
        (again.status, again.json()["code"].as_str()),
        (409, Some("conflict")),
        "{}",
        again.body
    );
    assert_eq!(app.received(PLATFORM).await.len(), before);
    works(&app, &store).await;
}

#[tokio::test]
async fn a_pair_that_the_platform_refuses_is_told_as_refused_every_time() {
    let app = start().await;
    let pair = json!({ "access_token": "APP_USR-0", "refresh_token": "TG-0", "expires_in": 0 });
    for _ in 0..2 {
        let answer = bring(&app, &pair).await;
        assert_eq!(answer.json()["code"], "platform_rejected", "{}", answer.body);
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn what_one_app_brought_is_not_kept_for_another() {
    let mut app = start().await;
    app.jobs_may_wait();
    let (_, mut pair) = connected(&app).await;
    app.advance(PAST);
    pair["expires_in"] = json!(0);
    assert_eq!(bring(&app, &pair).await.status, 200);
    let other = other_app(&app, llavero::domain::store::Mode::Sandbox).await;
    let body = json!({
        "platform": PLATFORM, "customer_id": "customer-1", "fields": { "country": "AR" }, "tokens": pair,
    });
    let answer = app.api_as(&other.key, "POST", "/v1/stores", Some(body)).await;
    assert!(!answer.body.contains("renewed here"), "{}", answer.body);
    assert!(answer.status >= 400, "{}", answer.body);
}
