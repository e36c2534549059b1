//! Failures that are nobody's death: an outage, too many calls, words that nobody knows. They back off, they are shown,
//! and every store comes back by itself. Seen elsewhere: an outage of a token endpoint that killed every store.

use serde_json::json;

use super::*;
use crate::support::rows::until;

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["health"]])
}

async fn code(app: &TestApp, store: &Connected) -> (u16, String) {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    app.app.in_flight.idle().await;
    (
        answer.status,
        answer.json()["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_kills_no_store_however_long_it_lasts() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    for (fault, health) in [
        (json!({ "status": 503 }), "platform_unavailable"),
        (json!({ "status": 500 }), "platform_unavailable"),
        (json!({ "status": 502, "body": "<html>" }), "refresh_in_doubt"),
    ] {
        nothing_wrong(&app, "mercado-libre").await;
        token_fault(&app, "mercado-libre", 100_000, fault).await;
        for _ in 0..16 {
            assert_eq!(code(&app, &store).await, (503, "platform_unavailable".to_owned()));
            app.advance(HOUR);
        }
        assert_eq!(shown(&app, &store).await, json!(["connected", health]));
    }
    nothing_wrong(&app, "mercado-libre").await;
    app.advance(HOUR);
    works(&app, &store).await;
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn a_bare_status_is_never_proof_of_death() {
    for status in [400, 401, 403, 404] {
        let app = TestApp::start().await;
        let store = mercado_libre(&app).await;
        app.advance(7 * HOUR);
        token_fault(&app, "mercado-libre", 1000, json!({ "status": status, "body": {} })).await;
        for _ in 0..3 {
            let (answered, code) = code(&app, &store).await;
            assert!((500..600).contains(&answered), "{status}: {answered} {code}");
            app.advance(2 * HOUR);
        }
        assert_eq!(shown(&app, &store).await[0], "connected", "{status}");
        nothing_wrong(&app, "mercado-libre").await;
        works(&app, &store).await;
    }
}

#[tokio::test]
async fn the_platform_says_when_to_come_back_and_is_not_asked_before() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 429, "retry_after": 300 })).await;
    let first = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (first.status, first.json()["code"].as_str()),
        (503, Some("platform_throttled")),
        "{}",
        first.body
    );
    assert_eq!(first.header("retry-after"), "300");
    app.advance(4 * MINUTE);
    assert_eq!(code(&app, &store).await, (503, "platform_throttled".to_owned()));
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
    app.advance(2 * MINUTE);
    works(&app, &store).await;
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 2);
}

#[tokio::test]
async fn a_failing_store_is_left_alone_between_tries() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 100_000, json!({ "status": 503 })).await;
    for _ in 0..30 {
        assert_eq!(code(&app, &store).await.0, 503);
    }
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "thirty calls of one moment"
    );
    let mut tries = Vec::new();
    for _ in 0..3 {
        let before = renewals(&app, "mercado-libre").await.len();
        for _ in 0..30 {
            code(&app, &store).await;
            app.advance(20 * std::time::Duration::from_secs(1));
        }
        tries.push(renewals(&app, "mercado-libre").await.len() - before);
    }
    assert!(
        tries[0] > tries[1] && tries[2] <= 2,
        "tries of each ten minutes grow rarer: {tries:?}"
    );
}

#[tokio::test]
async fn unknown_words_are_death_only_after_a_day_in_which_others_were_renewed_and_the_verify_call_is_refused_too() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let stores = shops(&app, ["odd", "sound"].iter().map(|name| (*name).to_owned())).await;
    let (odd, sound) = (&stores[0], &stores[1]);
    app.advance(2 * HOUR);
    let fault = json!({ "calls": "token", "status": 400, "body": { "error": "something_new" } });
    let order = json!({ "platform": "shopify", "store": "odd.myshopify.com", "times": 100_000, "fault": fault });
    app.control("faults", order).await;
    for _ in 0..11 {
        works(&app, sound).await;
        assert!((500..600).contains(&code(&app, odd).await.0));
        assert_eq!(shown(&app, odd).await, json!(["connected", "refresh_failing"]));
        app.advance(2 * HOUR);
    }
    // What the access token is worth decides: it is refused, so nothing of this grant works any more.
    app.control("revoke", json!({ "platform": "shopify", "store": "odd.myshopify.com" }))
        .await;
    for _ in 0..4 {
        works(&app, sound).await;
        code(&app, odd).await;
        app.advance(2 * HOUR);
    }
    let end = connecting::store(&app, &odd.store_id).await;
    assert_eq!(
        (&end["status"], &end["status_reason"]),
        (&json!("needs_reauthorization"), &json!("refused_for_long"))
    );
    assert_eq!(shown(&app, sound).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn unknown_words_kill_nobody_while_no_other_store_is_renewed() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    app.advance(2 * HOUR);
    token_fault(
        &app,
        "shopify",
        100_000,
        json!({ "status": 400, "body": { "error": "something_new" } }),
    )
    .await;
    for _ in 0..40 {
        assert!((500..600).contains(&code(&app, &store).await.0));
        app.advance(2 * HOUR);
    }
    assert_eq!(shown(&app, &store).await, json!(["connected", "refresh_failing"]));
    nothing_wrong(&app, "shopify").await;
    app.advance(HOUR);
    works(&app, &store).await;
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn a_platform_that_cannot_be_reached_has_received_nothing() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 503 })).await;
    assert_eq!(code(&app, &store).await.0, 503);
    let tried = refreshes(&app, &store).await;
    assert_eq!(
        (tried.len(), &tried[0]["outcome"], &tried[0]["http_status"]),
        (1, &json!("down"), &json!(503))
    );
    assert_eq!(
        credential(&app, &store)["in_doubt_since"],
        json!(null),
        "an answer is no doubt"
    );
    app.advance(HOUR);
    until("it works", async || {
        (app.call(&store.access_token, "GET", PATH).await.status == 200).then_some(())
    })
    .await;
}
