//! Answers that do not tell what the platform did, and words that come in the middle of a doubt: neither may use up a
//! token that still works, nor call a store dead.

use serde_json::json;

use super::*;
use crate::support::rows::{refresh_token, until};

const ALMOST_OVER: Duration = Duration::from_secs(5 * 3600 + 51 * 60);

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["health"]])
}

async fn call(app: &TestApp, store: &Connected) -> u16 {
    let status = app.call(&store.access_token, "GET", PATH).await.status;
    app.app.in_flight.idle().await;
    status
}

/// A store whose access token works for nine minutes more, and whose refresh has just gone wrong.
async fn after_a_failed_refresh(app: &TestApp, fault: Value) -> Connected {
    let store = mercado_libre(app).await;
    app.advance(ALMOST_OVER);
    token_fault(app, "mercado-libre", 1, fault).await;
    works(app, &store).await;
    app.app.in_flight.idle().await;
    assert_eq!(renewals(app, "mercado-libre").await.len(), 1);
    store
}

/// The next calls that are no token calls are refused as if the access token were no good.
async fn refuse_calls(app: &TestApp, times: u64) {
    let fault = json!({ "calls": "api", "status": 401, "body": { "message": "invalid access token" } });
    app.control(
        "faults",
        json!({ "platform": "mercado-libre", "times": times, "fault": fault }),
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_may_hide_a_rotation_is_a_doubt_and_the_access_token_is_used_up_first() {
    for fault in [
        json!({ "status": 502, "body": { "message": "Bad Gateway" }, "processed": true }),
        json!({ "status": 504, "body": "<html>", "processed": true }),
        json!({ "status": 500, "body": "<html>", "processed": true }),
        json!({ "status": 200, "body": "<html>", "processed": true }),
        json!({ "status": 200, "body": {}, "processed": true }),
    ] {
        let app = TestApp::start().await;
        let store = after_a_failed_refresh(&app, fault.clone()).await;
        let row = refreshes(&app, &store).await[0].clone();
        assert_eq!(
            (&row["outcome"], &row["http_status"]),
            (&json!("answer_lost"), &fault["status"]),
            "{fault}"
        );
        assert_eq!(
            shown(&app, &store).await,
            json!(["connected", "refresh_in_doubt"]),
            "{fault}"
        );
        for _ in 0..7 {
            app.advance(MINUTE);
            works(&app, &store).await;
            app.app.in_flight.idle().await;
        }
        assert_eq!(renewals(&app, "mercado-libre").await.len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn an_answer_that_hid_a_rotation_costs_nothing_where_the_platform_has_a_grace() {
    for status in [502, 504, 200] {
        let app = TestApp::start().await;
        let store = shopify(&app).await;
        app.advance(2 * HOUR);
        let fault = json!({ "status": status, "body": "<html>", "processed": true });
        token_fault(&app, "shopify", 1, fault).await;
        assert_eq!(call(&app, &store).await, 503);
        app.advance(20 * MINUTE);
        works(&app, &store).await;
        let sent: Vec<_> = renewals(&app, "shopify")
            .await
            .iter()
            .filter_map(refresh_token)
            .collect();
        assert_eq!((sent.len(), sent[0] == sent[1]), (2, true), "{status}");
        assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]), "{status}");
    }
}

#[tokio::test]
async fn a_platforms_own_word_of_failure_is_no_doubt() {
    for fault in [
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 503, "body": "<html>" }),
        json!({ "status": 429 }),
        json!({ "status": 400, "body": "<html>" }),
        json!({ "status": 200, "body": { "error": "something_new" } }),
    ] {
        let app = TestApp::start().await;
        let store = after_a_failed_refresh(&app, fault.clone()).await;
        let row = credential(&app, &store);
        assert_eq!(
            (&row["lease_attempt"], &row["in_doubt_since"]),
            (&json!(null), &json!(null)),
            "{fault}"
        );
        app.advance(2 * MINUTE);
        works(&app, &store).await;
        app.app.in_flight.idle().await;
        assert_eq!(renewals(&app, "mercado-libre").await.len(), 2, "{fault}");
    }
}

#[tokio::test]
async fn one_refused_call_in_a_doubt_does_not_use_up_an_access_token_that_works() {
    let app = TestApp::start().await;
    let store = after_a_failed_refresh(&app, json!({ "effect": "unprocessed" })).await;
    app.advance(4 * MINUTE);
    for _ in 0..3 {
        refuse_calls(&app, 1).await;
        let answer = app.call(&store.access_token, "GET", PATH).await;
        app.app.in_flight.idle().await;
        assert_eq!(
            (answer.status, answer.header("llavero-source")),
            (401, "platform"),
            "{}",
            answer.body
        );
        works(&app, &store).await;
        app.advance(MINUTE);
    }
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "the verify call says that the token works, so the old refresh token waits"
    );
    assert_eq!(shown(&app, &store).await[0], "connected");
}

#[tokio::test]
async fn an_access_token_that_the_verify_call_finds_refused_too_is_used_up() {
    let app = TestApp::start().await;
    let store = after_a_failed_refresh(&app, json!({ "effect": "unprocessed" })).await;
    app.advance(4 * MINUTE);
    app.control("expire-access-tokens", json!({ "platform": "mercado-libre" }))
        .await;
    until("it is renewed", async || {
        (call(&app, &store).await == 200).then_some(())
    })
    .await;
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 2);
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn a_refused_refresh_kills_no_store_before_its_access_token_ends() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = after_a_failed_refresh(&app, json!({ "effect": "refuse" })).await;
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "refused");
    for _ in 0..8 {
        app.advance(MINUTE);
        works(&app, &store).await;
        app.app.in_flight.idle().await;
    }
    assert_eq!(shown(&app, &store).await, json!(["connected", "refresh_failing"]));
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "asked once, not hammered"
    );
    app.advance(10 * MINUTE);
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "refuse" })).await;
    assert_eq!(call(&app, &store).await, 401);
    assert_eq!(shown(&app, &store).await[0], "needs_reauthorization");
}

#[tokio::test]
async fn a_refused_refresh_with_a_refused_access_token_is_believed_at_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    assert_eq!(call(&app, &store).await, 401);
    assert_eq!(shown(&app, &store).await[0], "needs_reauthorization");
}

/// A call whose refresh is answered while the database is away.
async fn answered_without_a_database(app: &TestApp, fault: Value) -> Connected {
    let store = mercado_libre(app).await;
    app.advance(7 * HOUR);
    let mut fault = fault;
    fault["delay_ms"] = json!(1500);
    token_fault(app, "mercado-libre", 1, fault).await;
    let path = format!("/v1/proxy{PATH}");
    let slow = app.request(&store.access_token, "GET", &path).send();
    let away = async {
        until("the platform has received it", async || {
            (renewals(app, "mercado-libre").await.len() == 1).then_some(())
        })
        .await;
        app.database.stop();
    };
    let (answer, ()) = tokio::join!(slow, away);
    assert_eq!(answer.unwrap().status(), 503);
    app.app.in_flight.idle().await;
    app.database.resume();
    store
}

#[tokio::test]
async fn a_refusal_that_could_not_be_written_down_is_written_when_the_database_is_back() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = answered_without_a_database(&app, json!({ "effect": "refuse" })).await;
    until("the verdict is written", async || {
        (!credential(&app, &store)["dead_at"].is_null()).then_some(())
    })
    .await;
    let shown = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        (&shown["status"], &shown["status_reason"]),
        (&json!("needs_reauthorization"), &json!("grant_refused"))
    );
}

#[tokio::test]
async fn a_failure_that_could_not_be_written_down_leaves_no_doubt_when_the_database_is_back() {
    let app = TestApp::start().await;
    let store = answered_without_a_database(&app, json!({ "status": 503 })).await;
    until("the lease is cleared", async || {
        credential(&app, &store)["lease_attempt"].is_null().then_some(())
    })
    .await;
    assert_eq!(credential(&app, &store)["in_doubt_since"], json!(null));
    assert_eq!(shown(&app, &store).await, json!(["connected", "platform_unavailable"]));
}
