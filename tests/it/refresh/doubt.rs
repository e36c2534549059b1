//! An answer that got lost: nobody knows whether the refresh token was used up. It is named, the access token is used to
//! its end, and the old refresh token is tried again only where and when that is safe.

use llavero::app::token_gates::{AT_ONCE, Asker};
use llavero::domain::breaker::Caller;
use serde_json::json;

use super::*;
use crate::support::connecting::{MERCADO_LIBRE, Way, begin_again, walk};
use crate::support::rows::{refresh_token, until};
use crate::support::visitor::Visitor;

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["health"]])
}

async fn call(app: &TestApp, store: &Connected) -> (u16, String) {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    app.app.in_flight.idle().await;
    if answer.status == 200 {
        return (200, String::new());
    }
    (
        answer.status,
        answer.json()["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_lost_answer_is_named_in_doubt_and_asks_nobody_to_authorize() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "lost_answer" })).await;
    let first = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(first.status, 503, "{}", first.body);
    assert!(!first.header("retry-after").is_empty());
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "answer_lost");
    assert_eq!(call(&app, &store).await.0, 503);
    assert_eq!(shown(&app, &store).await, json!(["connected", "refresh_in_doubt"]));
}

#[tokio::test]
async fn a_doubt_stands_on_the_stores_page() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "lost_answer" })).await;
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    app.api("POST", &path, Some(json!({}))).await;
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "answer_lost");
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let page = owner
        .get(&format!("{}/admin/stores/{}?locale=en", app.url, store.store_id))
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
    for evidence in ["Refresh in doubt", "Answer lost"] {
        assert!(page.text().contains(evidence), "{evidence}: {}", page.text());
    }
}

#[tokio::test]
async fn within_a_grace_the_old_token_is_tried_again_and_brings_the_pair_that_got_lost() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    app.advance(2 * HOUR);
    token_fault(&app, "shopify", 1, json!({ "effect": "lost_answer" })).await;
    assert_eq!(call(&app, &store).await.0, 503);
    assert_eq!(shown(&app, &store).await[0], "connected");
    app.advance(20 * MINUTE);
    works(&app, &store).await;
    let sent: Vec<_> = renewals(&app, "shopify")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
    assert_eq!(credential(&app, &store)["in_doubt_since"], json!(null));
    app.advance(2 * HOUR);
    works(&app, &store).await;
}

#[tokio::test]
async fn a_grace_that_runs_out_is_not_waited_for_behind_others() {
    let app = TestApp::start().await;
    let store = connecting::connect(&app, "allegro", "authorization", &[]).await;
    app.advance(13 * HOUR);
    // Its owner asks three times at once.
    token_fault(&app, "allegro", 3, json!({ "effect": "lost_answer" })).await;
    assert_eq!(call(&app, &store).await.0, 503);
    assert_eq!(shown(&app, &store).await, json!(["connected", "refresh_in_doubt"]));
    app.advance(Duration::from_secs(20));
    let gates = &app.app.token_gates;
    let key = gates.list()[0].key.clone();
    let mut others = Vec::new();
    for _ in 0..AT_ONCE {
        let other = Asker {
            caller: Caller {
                credential: app.app.id(),
                failing_since: None,
            },
            deadline: None,
            patience: None,
            hurries: false,
        };
        let entered = gates.enter(key.clone(), "allegro", other, || app.app.now()).await;
        others.push(entered.ok().unwrap());
    }
    llavero::broker::refresh::tend(&app.app).await.unwrap();
    app.app.in_flight.idle().await;
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
    drop(others);
}

#[tokio::test]
async fn what_has_to_wait_takes_no_place_from_what_is_forgiven_for_a_time() {
    let app = TestApp::start().await;
    let (store, waiting) = (shopify(&app).await, mercado_libre(&app).await);
    app.advance(2 * HOUR);
    token_fault(&app, "shopify", 1, json!({ "effect": "lost_answer" })).await;
    assert_eq!(call(&app, &store).await.0, 503);
    app.advance(5 * MINUTE);
    // Many others in doubt since then: their platform forgives nothing, and their access tokens work.
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "lost_answer" })).await;
    let path = format!("/v1/stores/{}/refresh", waiting.store_id);
    app.api("POST", &path, Some(json!({}))).await;
    let many = "INSERT INTO credentials
        SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()))).*
        FROM credentials c, generate_series(1, 60) WHERE platform = 'mercado-libre'";
    assert_eq!(rows::execute(&app.database, many), 60);
    app.advance(5 * MINUTE);
    llavero::broker::refresh::tend(&app.app).await.unwrap();
    app.app.in_flight.idle().await;
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn no_wait_after_failures_outlasts_the_grace_of_a_used_token() {
    let (lost, busy) = (
        json!({ "effect": "lost_answer" }),
        json!({ "status": 429, "retry_after": 600 }),
    );
    for faults in [[(3, lost.clone()), (0, busy.clone())], [(1, lost), (1, busy)]] {
        let app = TestApp::start().await;
        let store = connecting::connect(&app, "allegro", "authorization", &[]).await;
        app.advance(13 * HOUR);
        // It was away for long before.
        let failing = "UPDATE credentials SET failures = 8, last_failure = 'down', failing_since = llavero_now()";
        rows::execute(&app.database, failing);
        for (times, fault) in faults.iter().filter(|(times, _)| *times > 0) {
            token_fault(&app, "allegro", *times, fault.clone()).await;
        }
        assert_eq!(call(&app, &store).await.0, 503);
        // Of the minute, 45 s are left in which a call may begin.
        app.advance(Duration::from_secs(30));
        assert_eq!(call(&app, &store).await.0, 200, "{faults:?}");
        assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
    }
}

#[tokio::test]
async fn without_a_grace_the_access_token_is_used_up_first() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let first = works(&app, &store).await;
    app.advance(5 * HOUR + 51 * MINUTE);
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "unprocessed" })).await;
    assert_eq!(works(&app, &store).await, first);
    app.app.in_flight.idle().await;
    until("the answer is lost", async || {
        (renewals(&app, "mercado-libre").await.len() == 1).then_some(())
    })
    .await;
    app.app.in_flight.idle().await;
    for _ in 0..7 {
        app.advance(MINUTE);
        assert_eq!(works(&app, &store).await, first);
        app.app.in_flight.idle().await;
    }
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "asking again could end the grant, and its token still works"
    );
    // It is over; only now is there nothing to lose. The platform had never seen the first request.
    app.advance(20 * MINUTE);
    until("it works again", async || {
        (call(&app, &store).await.0 == 200).then_some(())
    })
    .await;
    assert_ne!(works(&app, &store).await, first);
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn a_doubt_that_ends_badly_ends_in_reauthorization() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "effect": "lost_answer" })).await;
    assert_eq!(call(&app, &store).await.0, 503);
    app.advance(20 * MINUTE);
    assert_eq!(
        call(&app, &store).await,
        (401, "store_needs_reauthorization".to_owned())
    );
    let sent: Vec<_> = renewals(&app, "mercado-libre")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));

    let session = begin_again(&app, &store.store_id, json!({})).await;
    walk(
        &app,
        &Visitor::new(),
        &session.url,
        &Way::with("mercado-libre", "authorization", MERCADO_LIBRE),
    )
    .await;
    works(&app, &store).await;
    let after = credential(&app, &store);
    assert_eq!(
        (&after["in_doubt_since"], &after["dead_at"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn an_outage_during_a_doubt_does_not_end_it() {
    let app = TestApp::start().await;
    let store = shopify(&app).await;
    app.advance(2 * HOUR);
    token_fault(&app, "shopify", 1, json!({ "effect": "lost_answer" })).await;
    call(&app, &store).await;
    token_fault(&app, "shopify", 1, json!({ "status": 503 })).await;
    app.advance(20 * MINUTE);
    call(&app, &store).await;
    assert_ne!(credential(&app, &store)["in_doubt_since"], json!(null));
    app.advance(HOUR);
    works(&app, &store).await;
    assert_eq!(credential(&app, &store)["in_doubt_since"], json!(null));
}

#[tokio::test]
async fn a_reauthorization_during_a_slow_refresh_wins() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "delay_ms": 1500 })).await;
    let path = format!("/v1/proxy{PATH}");
    let slow = app.request(&store.access_token, "GET", &path).send();
    let again = async {
        until("the platform has answered", async || {
            (renewals(&app, "mercado-libre").await.len() == 1).then_some(())
        })
        .await;
        let session = begin_again(&app, &store.store_id, json!({})).await;
        walk(
            &app,
            &Visitor::new(),
            &session.url,
            &Way::with("mercado-libre", "authorization", MERCADO_LIBRE),
        )
        .await;
    };
    let (answer, ()) = tokio::join!(slow, again);
    assert_eq!(
        answer.unwrap().status(),
        200,
        "served with what the merchant has just authorized"
    );
    app.app.in_flight.idle().await;
    assert_eq!(
        refreshes(&app, &store).await[0]["outcome"],
        "superseded",
        "the late answer of the old grant is not kept"
    );
    assert_eq!(credential(&app, &store)["grant_no"], json!(2));
    works(&app, &store).await;
    app.advance(7 * HOUR);
    works(&app, &store).await;
    assert_eq!(shown(&app, &store).await, json!(["connected", "ok"]));
}

#[tokio::test]
async fn a_revocation_during_a_slow_refresh_wins() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "delay_ms": 2500 })).await;
    let path = format!("/v1/proxy{PATH}");
    let slow = app.request(&store.access_token, "GET", &path).send();
    let revoke = async {
        until("the platform has answered", async || {
            (renewals(&app, "mercado-libre").await.len() == 1).then_some(())
        })
        .await;
        let answer = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
        assert!((200..300).contains(&answer.status), "{}", answer.body);
    };
    let (answer, ()) = tokio::join!(slow, revoke);
    let answer = crate::support::test_app::read(answer.unwrap()).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("token_revoked")),
        "{}",
        answer.body
    );
    app.app.in_flight.idle().await;
    assert_eq!(
        credential(&app, &store)["values_sealed"],
        json!(null),
        "erased is erased"
    );
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("token_revoked"))
    );
}
