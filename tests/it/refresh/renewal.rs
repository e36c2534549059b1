//! When a token is renewed and when it is left alone: on use after its end, ahead of it only for those who call, never
//! twice for nothing. Seen elsewhere: margins longer than a token's life, tokens without a lifetime never renewed, a
//! refresh token dropped because an answer left it out.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::support::connecting::HYBRIS;
use crate::support::rows::{refresh_token, until};
use crate::support::test_app::beginning;

async fn renewed(app: &TestApp, platform: &str, count: usize) {
    until("it is renewed", async || {
        (renewals(app, platform).await.len() == count).then_some(())
    })
    .await;
    // The platform's log comes before our save.
    app.app.in_flight.idle().await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_unseen_by_the_caller() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let first = works(&app, &store).await;
    app.advance(7 * HOUR);
    let second = works(&app, &store).await;
    assert_ne!(first, second);
    assert_eq!(works(&app, &store).await, second);
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}

#[tokio::test]
async fn a_token_without_an_end_is_never_renewed() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connecting::connect(&app, "shopify", "fixed", connecting::SHOPIFY).await;
    let before = app.token_calls("shopify").await;
    let first = works(&app, &store).await;
    app.advance(4000 * DAY);
    assert_eq!(works(&app, &store).await, first);
    assert_eq!(app.token_calls("shopify").await, before);
    let stored = credential(&app, &store);
    assert_eq!(
        (&stored["access_expires_at"], &stored["refresh_at"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn a_fifteen_minute_token_is_not_refreshed_on_every_call() {
    let app = TestApp::start().await;
    let store = walmart(&app).await;
    let before = app.token_calls("walmart").await;
    for _ in 0..11 {
        app.advance(MINUTE);
        works(&app, &store).await;
    }
    assert_eq!(
        app.token_calls("walmart").await,
        before,
        "nothing is due in the first four fifths"
    );
    // In the last fifth one call renews it for all that follow.
    app.advance(2 * MINUTE);
    works(&app, &store).await;
    until("it is renewed", async || {
        (app.token_calls("walmart").await == before + 1).then_some(())
    })
    .await;
    app.app.in_flight.idle().await;
    for _ in 0..11 {
        app.advance(MINUTE);
        works(&app, &store).await;
    }
    assert_eq!(app.token_calls("walmart").await, before + 1);
}

#[tokio::test]
async fn a_call_in_the_last_part_of_a_life_is_served_with_the_valid_token_and_renews_it() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let first = works(&app, &store).await;
    app.advance(5 * HOUR + 49 * MINUTE);
    assert_eq!(works(&app, &store).await, first);
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        0,
        "eleven minutes are left"
    );
    app.advance(2 * MINUTE);
    // The platform takes its time, and the caller does not wait for it.
    token_fault(&app, "mercado-libre", 1, json!({ "delay_before_ms": 400 })).await;
    assert_eq!(works(&app, &store).await, first);
    renewed(&app, "mercado-libre", 1).await;
    assert_ne!(works(&app, &store).await, first);
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}

#[tokio::test]
async fn a_valid_token_is_served_while_refreshing_fails_and_nothing_fails_before_its_end() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let first = works(&app, &store).await;
    token_fault(&app, "mercado-libre", 1000, json!({ "status": 503 })).await;
    app.advance(5 * HOUR + 51 * MINUTE);
    for _ in 0..8 {
        assert_eq!(works(&app, &store).await, first);
        app.app.in_flight.idle().await;
        app.advance(MINUTE);
    }
    assert!(!refreshes(&app, &store).await.is_empty());
    app.advance(2 * MINUTE);
    let over = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (over.status, over.json()["code"].as_str()),
        (503, Some("platform_unavailable")),
        "{}",
        over.body
    );
    assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
    nothing_wrong(&app, "mercado-libre").await;
    app.advance(HOUR);
    works(&app, &store).await;
    assert_eq!(connecting::store(&app, &store.store_id).await["health"], "ok");
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_one_that_is_saved() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    settings(&app, "mercado-libre", json!({ "omit_refresh_token": true })).await;
    for _ in 0..3 {
        app.advance(7 * HOUR);
        works(&app, &store).await;
    }
    let sent: Vec<_> = renewals(&app, "mercado-libre")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|token| *token == sent[0]));
}

#[tokio::test]
async fn a_rotated_refresh_token_is_the_one_sent_next() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    settings(&app, "mercado-libre", json!({ "reuse_revokes": true })).await;
    for _ in 0..4 {
        app.advance(7 * HOUR);
        works(&app, &store).await;
    }
    let mut sent: Vec<_> = renewals(&app, "mercado-libre")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 4);
}

#[tokio::test]
async fn a_token_without_a_lifetime_lives_as_long_as_the_catalogue_says() {
    let app = TestApp::start().await;
    // A token of the simulation that works, in an answer that does not tell how long.
    let body =
        json!({ "access_token": "shpat_5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "refresh_token": "shprt_0", "scope": "" });
    token_fault(&app, "shopify", 1, json!({ "status": 200, "body": body })).await;
    let store = shopify(&app).await;
    let stored = connecting::store(&app, &store.store_id).await;
    let moment = |at: chrono::DateTime<chrono::Utc>| json!(at);
    assert_eq!(
        stored["access"]["expires_at"],
        moment(beginning() + chrono::Duration::hours(1))
    );
    assert_eq!(
        stored["refresh"]["expires_at"],
        moment(beginning() + chrono::Duration::days(90))
    );
    app.advance(2 * HOUR);
    token_fault(&app, "shopify", 1, json!({ "status": 200, "body": body })).await;
    app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        renewals(&app, "shopify").await.len(),
        1,
        "it is renewed although nobody told when it ends"
    );
}

#[tokio::test]
async fn what_the_platform_says_of_a_lifetime_wins() {
    let app = TestApp::start().await;
    settings(
        &app,
        "mercado-libre",
        json!({ "access_seconds": 300, "refresh_seconds": 864_000 }),
    )
    .await;
    let store = mercado_libre(&app).await;
    let stored = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        stored["access"]["expires_at"],
        json!(beginning() + chrono::Duration::seconds(300))
    );
    app.advance(Duration::from_secs(301));
    works(&app, &store).await;
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}

#[tokio::test]
async fn expiry_counts_from_the_moment_the_request_was_sent() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    let sent_at = app.clock.now();
    token_fault(&app, "mercado-libre", 1, json!({ "delay_ms": 700 })).await;
    let call = app
        .request(&store.access_token, "GET", &format!("/v1/proxy{PATH}"))
        .send();
    let moved = async {
        until("the platform has answered", async || {
            (renewals(&app, "mercado-libre").await.len() == 1).then_some(())
        })
        .await;
        app.advance(20 * Duration::from_secs(1));
    };
    let (answer, ()) = tokio::join!(call, moved);
    assert_eq!(answer.unwrap().status(), 200);
    let stored = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        stored["access"]["expires_at"],
        json!(sent_at + chrono::Duration::hours(6))
    );
}

#[tokio::test]
async fn the_same_access_token_again_is_no_renewal_and_is_not_asked_for_again_before_its_end() {
    let app = TestApp::start().await;
    let store = connecting::connect(&app, "hybris", "client", HYBRIS).await;
    let before = app.token_calls("hybris").await;
    let path = "/v1/proxy/occ/v2/electronics/anything";
    let call = async || {
        let answer = app.request(&store.access_token, "GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        app.app.in_flight.idle().await;
    };
    app.advance(11 * HOUR + 52 * MINUTE);
    call().await;
    until("it asks once", async || {
        (app.token_calls("hybris").await == before + 1).then_some(())
    })
    .await;
    app.app.in_flight.idle().await;
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "unchanged");
    for _ in 0..7 {
        app.advance(MINUTE);
        call().await;
    }
    assert_eq!(app.token_calls("hybris").await, before + 1);
    app.advance(2 * MINUTE);
    call().await;
    assert_eq!(app.token_calls("hybris").await, before + 2);
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "renewed");
}

#[tokio::test]
async fn an_access_question_asks_for_as_long_as_the_caller_wants() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(5 * HOUR);
    let enough = app
        .api_as(&store.access_token, "GET", "/v1/access?minimum_seconds=600", None)
        .await
        .json();
    assert_eq!((&enough["usable"], &enough["seconds"]), (&json!(true), &json!(3600)));
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 0);
    let longer = app
        .api_as(&store.access_token, "GET", "/v1/access?minimum_seconds=7200", None)
        .await
        .json();
    assert_eq!((&longer["usable"], &longer["seconds"]), (&json!(true), &json!(21_600)));
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}
