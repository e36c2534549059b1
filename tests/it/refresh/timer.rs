//! No refresh token dies idle, and nothing that could wait costs anything. Every try leaves a row.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::*;
use crate::support::rows::{count, execute, row, rows, until, work};
use crate::support::test_app::beginning;

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

#[tokio::test]
async fn an_idle_store_is_refreshed_at_about_half_of_its_refresh_tokens_life() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    let at = moment(&connecting::store(&app, &store.store_id).await["refresh"]["next_at"]);
    let days = (at - beginning()).num_days();
    assert!((35..=45).contains(&days), "{days} of 90");
    app.clock.set(at - chrono::Duration::seconds(1));
    work(&app).await;
    assert_eq!(renewals(&app, "shopify").await.len(), 0);
    app.clock.set(at);
    work(&app).await;
    assert_eq!(renewals(&app, "shopify").await.len(), 1);
    assert_eq!(refreshes(&app, &store).await[0]["trigger"], "timer");
    let next = moment(&connecting::store(&app, &store.store_id).await["refresh"]["next_at"]);
    assert!((35..=45).contains(&(next - at).num_days()));
}

#[tokio::test]
async fn a_store_that_nobody_calls_for_two_years_still_works() {
    let app = TestApp::start().await;
    let stores = [shopify(&app).await, mercado_libre(&app).await];
    for _ in 0..73 {
        app.advance(10 * DAY);
        work(&app).await;
    }
    for store in &stores {
        works(&app, store).await;
    }
    assert!(renewals(&app, "shopify").await.len() < 30);
    assert!(renewals(&app, "mercado-libre").await.len() < 15);
}

#[tokio::test]
async fn a_refresh_token_that_lives_under_six_hours_is_refreshed_ahead_of_its_death() {
    let app = TestApp::start().await;
    settings(&app, "shopify", json!({ "refresh_seconds": 7200 })).await;
    let store = shopify(&app).await;
    for _ in 0..60 {
        app.advance(10 * MINUTE);
        work(&app).await;
    }
    works(&app, &store).await;
    let count = renewals(&app, "shopify").await.len();
    assert!((10..=14).contains(&count), "{count} in ten hours of two-hour tokens");
}

#[tokio::test]
async fn a_token_of_an_hour_that_nobody_uses_costs_nothing() {
    let app = TestApp::start().await;
    let store = walmart(&app).await;
    let before = app.received("walmart").await.len();
    app.advance(30 * MINUTE);
    assert_eq!(app.due_jobs(), Vec::<String>::new());
    app.advance(DAY);
    work(&app).await;
    assert_eq!(
        app.token_calls("walmart").await,
        before.min(app.token_calls("walmart").await)
    );
    assert_eq!(credential(&app, &store)["refresh_at"], json!(null));
}

#[tokio::test]
async fn stores_connected_together_are_not_refreshed_together() {
    let app = TestApp::start().await;
    shops(&app, (0..6).map(|number| format!("shop-{number}"))).await;
    let times: BTreeSet<String> = rows(&app.database, "SELECT refresh_at FROM credentials")
        .iter()
        .map(|row| row["refresh_at"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.len() >= 5, "{times:?}");
}

#[tokio::test]
async fn a_timer_that_fails_backs_off_and_tries_again_until_it_succeeds() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    app.advance(46 * DAY);
    token_fault(&app, "shopify", 1000, json!({ "status": 503 })).await;
    work(&app).await;
    for _ in 0..10 {
        app.advance(HOUR);
        work(&app).await;
    }
    let tried = renewals(&app, "shopify").await.len();
    assert!((2..=40).contains(&tried), "{tried}");
    assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
    nothing_wrong(&app, "shopify").await;
    app.advance(HOUR);
    work(&app).await;
    assert_eq!(
        connecting::store(&app, &store.store_id).await["refresh"]["last_outcome"],
        "renewed"
    );
}

#[tokio::test]
async fn failing_stores_do_not_starve_the_healthy_ones() {
    let app = TestApp::start().await;
    shops(&app, (0..12).map(|number| format!("shop-{number}"))).await;
    let healthy = mercado_libre(&app).await;
    app.advance(46 * DAY);
    work(&app).await;
    // All of them are due once more, and those of one platform fail, each as slowly as it can.
    let order = json!({ "calls": "token", "status": 503, "delay_ms": 300 });
    app.control(
        "faults",
        json!({ "platform": "shopify", "times": 1000, "fault": order }),
    )
    .await;
    app.advance(60 * DAY);
    work(&app).await;
    assert_eq!(refreshes(&app, &healthy).await[0]["outcome"], "renewed");
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM stores WHERE status = 'connected'"
        ),
        13
    );
    for _ in 0..3 {
        app.advance(30 * MINUTE);
        work(&app).await;
    }
    let tries = renewals(&app, "shopify").await.len();
    assert!(tries < 12 * 8, "failures back off: {tries}");
}

#[tokio::test]
async fn every_try_leaves_a_row_that_tells_what_happened() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 503 })).await;
    app.call(&store.access_token, "GET", PATH).await;
    app.advance(HOUR);
    works(&app, &store).await;
    app.advance(MINUTE);
    let asked = app
        .api(
            "POST",
            &format!("/v1/stores/{}/refresh", store.store_id),
            Some(json!({})),
        )
        .await;
    assert_eq!(
        (asked.status, &asked.json()["outcome"]),
        (200, &json!("renewed")),
        "{}",
        asked.body
    );

    let tries = refreshes(&app, &store).await;
    let told: Vec<_> = tries
        .iter()
        .map(|row| json!([row["trigger"], row["outcome"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["request", "renewed"]),
            json!(["call", "renewed"]),
            json!(["call", "down"])
        ]
    );
    let told: Vec<_> = tries
        .iter()
        .map(|row| json!([row["http_status"], row["generation"]]))
        .collect();
    let generation = |before: i64, after: i64| json!({ "grant": 1, "before": before, "after": after });
    assert_eq!(
        told,
        [
            json!([200, generation(2, 3)]),
            json!([200, generation(0, 2)]),
            json!([503, generation(0, 0)])
        ]
    );
    assert!(
        tries
            .iter()
            .all(|row| row["id"].as_str().unwrap().starts_with("refresh_") && row["duration_ms"].is_i64())
    );
    assert_eq!(moment(&tries[0]["started_at"]), app.clock.now());
    let stored = rows(
        &app.database,
        "SELECT grant_no, attempt, saved_before, saved_after, platform, platform_app_id IS NOT NULL AS own FROM refresh_logs ORDER BY attempt",
    );
    let row = |attempt: i64, before: i64, after: i64| json!({ "grant_no": 1, "attempt": attempt, "saved_before": before, "saved_after": after, "platform": "mercado-libre", "own": true });
    assert_eq!(stored, [row(1, 0, 0), row(2, 0, 2), row(3, 2, 3)]);
    let shown = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        (&shown["refresh"]["last_outcome"], moment(&shown["refresh"]["last_at"])),
        (&json!("renewed"), app.clock.now())
    );
}

#[tokio::test]
async fn a_store_that_is_revoked_is_not_refreshed_any_more() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    let answer = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    work(&app).await;
    let before = app.received("shopify").await.len();
    app.advance(100 * DAY);
    work(&app).await;
    assert_eq!(app.received("shopify").await.len(), before);
}

#[tokio::test]
async fn keys_that_cannot_be_refreshed_are_verified_now_and_then_and_their_end_is_noticed() {
    let app = TestApp::start().await;
    let store = connecting::connect(&app, "woocommerce", "keys", connecting::WOOCOMMERCE).await;
    app.control("revoke", json!({ "platform": "woocommerce" })).await;
    for _ in 0..15 {
        app.advance(DAY);
        work(&app).await;
    }
    assert_eq!(
        connecting::store(&app, &store.store_id).await["status"],
        "needs_reauthorization"
    );
}

#[tokio::test]
async fn a_timer_whose_verdict_came_too_late_to_count_is_not_done() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    shopify(&app).await;
    app.advance(46 * DAY);
    token_fault(
        &app,
        "shopify",
        1,
        json!({ "delay_before_ms": 1500, "status": 400, "body": { "error": "invalid_grant" } }),
    )
    .await;
    let tools = app.app.clone();
    let running = tokio::spawn(async move { llavero::jobs::run_due(&tools).await });
    // It stalls for so long that somebody else takes over, who loses an answer.
    until("the timer's attempt is under way", async || {
        let claimed = "UPDATE credentials SET lease_attempt = next_attempt, next_attempt = next_attempt + 1, \
            in_doubt_since = llavero_now(), lease_owner = NULL WHERE lease_attempt IS NOT NULL";
        (execute(&app.database, claimed) == 1).then_some(())
    })
    .await;
    running.await.unwrap();
    let job = row(
        &app.database,
        "SELECT status, attempts FROM jobs WHERE kind = 'refresh_credential' ORDER BY created_at DESC LIMIT 1",
    );
    assert_eq!((&job["status"], &job["attempts"]), (&json!("ready"), &json!(1)));
    let late = "SELECT count(*) AS n FROM credentials WHERE refresh_at <= '2100-01-01' AND dead_at IS NULL";
    assert_eq!(count(&app.database, late), 1);
}
