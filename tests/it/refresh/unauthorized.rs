//! What an unauthorized answer does: one renewal and one more try where that is safe, the verify call where nothing can be
//! renewed, and never the same token again. Platforms hide it in other statuses; the catalogue says which.

use serde_json::json;

use super::*;
use crate::support::connecting::{FALABELLA, HYBRIS, WOOCOMMERCE, connect};
use crate::support::rows::{self, until};

async fn api_fault(app: &TestApp, platform: &str, times: u64, mut fault: Value) {
    fault["calls"] = json!("api");
    app.control(
        "faults",
        json!({ "platform": platform, "times": times, "fault": fault }),
    )
    .await;
}

async fn expire(app: &TestApp, platform: &str) {
    app.control("expire-access-tokens", json!({ "platform": platform }))
        .await;
}

async fn status(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["status_reason"]])
}

#[tokio::test]
async fn a_401_is_retried_with_a_new_token_unseen_by_the_caller() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    expire(&app, "mercado-libre").await;
    works(&app, &store).await;
    let shown = shown_tokens(&app, "mercado-libre").await;
    assert_eq!(shown.len(), 2);
    assert_ne!(shown[0], shown[1], "never the same token again");
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
    assert_eq!(refreshes(&app, &store).await[0]["trigger"], "unauthorized");
}

#[tokio::test]
async fn many_callers_with_a_refused_token_make_one_refresh() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    expire(&app, "mercado-libre").await;
    token_fault(&app, "mercado-libre", 1, json!({ "delay_before_ms": 300 })).await;
    let path = format!("/v1/proxy{PATH}");
    let calls: tokio::task::JoinSet<_> = (0..20)
        .map(|_| app.request(&store.access_token, "GET", &path).send())
        .collect();
    for answer in calls.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}

#[tokio::test]
async fn a_small_body_is_sent_again_whole() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    expire(&app, "mercado-libre").await;
    let body = "x".repeat(1 << 20);
    let answer = app
        .request(&store.access_token, "POST", &format!("/v1/proxy{PATH}"))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let received = app.received("mercado-libre").await;
    let posted = received
        .iter()
        .filter(|entry| entry["method"] == "POST" && rows::is_call_of(entry, PATH));
    let sizes: Vec<_> = posted.map(|entry| &entry["body_bytes"]).collect();
    assert_eq!(sizes, [1 << 20, 1 << 20]);
}

#[tokio::test]
async fn a_larger_body_is_not_kept_and_its_caller_told_to_send_it_again() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    expire(&app, "mercado-libre").await;
    let send = async || {
        let request = app.request(&store.access_token, "POST", &format!("/v1/proxy{PATH}"));
        crate::support::test_app::read(request.body("x".repeat((1 << 20) + 1)).send().await.unwrap()).await
    };
    let answer = send().await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (503, Some("credential_renewed")),
        "{}",
        answer.body
    );
    assert_eq!(
        (answer.header("retry-after"), answer.header("llavero-source")),
        ("0", "llavero")
    );
    assert_eq!(send().await.status, 200);
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
}

#[tokio::test]
async fn a_second_401_with_a_new_token_is_passed_on_while_the_verify_call_says_alive() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    api_fault(
        &app,
        "mercado-libre",
        2,
        json!({ "status": 401, "body": { "message": "no such right" } }),
    )
    .await;
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!((answer.status, answer.header("llavero-source")), (401, "platform"));
    assert_eq!(answer.json()["message"], "no such right");
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "one renewal, not one a refusal"
    );
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}

#[tokio::test]
async fn a_key_that_may_not_write_is_refused_by_the_platform_and_stays_connected() {
    let app = TestApp::start().await;
    let fields = [
        ("store_url", "https://shop.example.com"),
        ("consumer_key", "ck_00000000000000000000000000000000000000aa"),
        ("consumer_secret", "cs_00000000000000000000000000000000000000aa"),
    ];
    let store = connect(&app, "woocommerce", "keys", &fields).await;
    let answer = app.call(&store.access_token, "POST", "/wp-json/wc/v3/products").await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "platform"),
        "{}",
        answer.body
    );
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}

#[tokio::test]
async fn a_key_that_is_gone_is_believed_after_the_verify_call() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    app.control("revoke", json!({ "platform": "woocommerce" })).await;
    let calls = app.received("woocommerce").await.len();
    let answer = app.call(&store.access_token, "GET", "/wp-json/wc/v3/orders").await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("store_needs_reauthorization")),
        "{}",
        answer.body
    );
    assert_eq!(
        app.received("woocommerce").await.len(),
        calls + 2,
        "the call and the verify call"
    );
    assert_eq!(
        status(&app, &store).await,
        json!(["needs_reauthorization", "credential_refused"])
    );
    app.call(&store.access_token, "GET", "/wp-json/wc/v3/orders").await;
    assert_eq!(
        app.received("woocommerce").await.len(),
        calls + 2,
        "a dead store is not hammered"
    );
}

#[tokio::test]
async fn an_error_inside_http_200_is_read_where_the_platform_answers_so() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connect(&app, "falabella", "keys", FALABELLA).await;
    assert_eq!(
        app.call(&store.access_token, "GET", "/?Action=GetOrders").await.status,
        200
    );
    app.control("revoke", json!({ "platform": "falabella" })).await;
    let answer = app.call(&store.access_token, "GET", "/?Action=GetOrders").await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("store_needs_reauthorization")),
        "{}",
        answer.body
    );
    assert_eq!(
        status(&app, &store).await,
        json!(["needs_reauthorization", "credential_refused"])
    );
}

#[tokio::test]
async fn an_error_inside_http_200_that_is_about_something_else_is_passed_on() {
    let app = TestApp::start().await;
    let store = connect(&app, "falabella", "keys", FALABELLA).await;
    let body = json!({ "ErrorResponse": { "Head": { "ErrorType": "Sender", "ErrorCode": "9", "ErrorMessage": "E009" }, "Body": "" } });
    api_fault(&app, "falabella", 1, json!({ "status": 200, "body": body })).await;
    let answer = app.call(&store.access_token, "GET", "/?Action=GetOrders").await;
    assert_eq!((answer.status, answer.json()), (200, body));
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}

#[tokio::test]
async fn a_403_is_no_lost_authorization_where_the_platform_means_a_missing_right() {
    let app = TestApp::start().await;
    for store in [mercado_libre(&app).await, walmart(&app).await, shopify(&app).await] {
        let platform = store.store["platform"].as_str().unwrap();
        let before = app.token_calls(platform).await;
        api_fault(
            &app,
            platform,
            1,
            json!({ "status": 403, "body": { "message": "forbidden" } }),
        )
        .await;
        let answer = app.call(&store.access_token, "GET", PATH).await;
        assert_eq!(
            (answer.status, answer.header("llavero-source")),
            (403, "platform"),
            "{platform}"
        );
        assert_eq!(app.token_calls(platform).await, before, "{platform}");
        assert_eq!(status(&app, &store).await, json!(["connected", null]), "{platform}");
    }
}

#[tokio::test]
async fn a_400_with_the_platforms_word_for_a_lost_token_renews_it() {
    let app = TestApp::start().await;
    let store = walmart(&app).await;
    let before = app.token_calls("walmart").await;
    let body = json!({ "error": [{ "code": "INVALID_TOKEN.GMP_GATEWAY_API" }] });
    api_fault(&app, "walmart", 1, json!({ "status": 400, "body": body })).await;
    works(&app, &store).await;
    assert_eq!(app.token_calls("walmart").await, before + 1);
}

/// Returns when the platforms have met the fault that is written so.
async fn met(app: &TestApp, fault: &str) {
    until("the fault is taken", async || {
        let left = reqwest::get(format!("{}/_control/faults", app.sandbox)).await.unwrap();
        (!left.text().await.unwrap().contains(fault)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_verify_call_that_is_answered_after_the_access_tokens_end_proves_nothing() {
    let app = TestApp::start().await;
    for store in [mercado_libre(&app).await, shopify(&app).await] {
        let platform = store.store["platform"].as_str().unwrap();
        api_fault(&app, platform, 2, json!({ "status": 401 })).await;
        api_fault(&app, platform, 1, json!({ "delay_before_ms": 800 })).await;
        let path = format!("/v1/proxy{PATH}");
        let call = app.request(&store.access_token, "GET", &path).send();
        let life_goes_by = async {
            met(&app, "delay_before_ms\":800").await;
            app.advance(7 * HOUR);
        };
        let (answer, ()) = tokio::join!(call, life_goes_by);
        let answer = crate::support::test_app::read(answer.unwrap()).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (503, Some("credential_renewed")),
            "{platform}: {}",
            answer.body
        );
        assert_eq!(status(&app, &store).await, json!(["connected", null]), "{platform}");
        works(&app, &store).await;
    }
}

#[tokio::test]
async fn a_call_in_flight_while_a_refresh_retires_its_token_is_sent_again_with_the_new_one() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    settings(&app, "mercado-libre", json!({ "retires_access": true })).await;
    api_fault(&app, "mercado-libre", 1, json!({ "delay_before_ms": 800 })).await;
    let path = format!("/v1/proxy{PATH}");
    let slow = app.request(&store.access_token, "GET", &path).send();
    let refresh = async {
        met(&app, "delay_before_ms\":800").await;
        app.api(
            "POST",
            &format!("/v1/stores/{}/refresh", store.store_id),
            Some(json!({})),
        )
        .await
    };
    let (answer, refreshed) = tokio::join!(slow, refresh);
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(
        renewals(&app, "mercado-libre").await.len(),
        1,
        "the token was renewed already"
    );
}

#[tokio::test]
async fn what_was_told_of_a_token_hides_no_newer_one() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    // Refused twice and found good: that call lacked a right.
    api_fault(&app, "mercado-libre", 2, json!({ "status": 401 })).await;
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
    settings(&app, "mercado-libre", json!({ "retires_access": true })).await;
    api_fault(&app, "mercado-libre", 1, json!({ "delay_before_ms": 800 })).await;
    let path = format!("/v1/proxy{PATH}");
    let slow = app.request(&store.access_token, "GET", &path).send();
    let refresh = async {
        met(&app, "delay_before_ms\":800").await;
        let path = format!("/v1/stores/{}/refresh", store.store_id);
        app.api("POST", &path, Some(json!({}))).await
    };
    let (answer, refreshed) = tokio::join!(slow, refresh);
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn refusals_that_nobody_can_judge_cost_one_renewal_and_no_more() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let before = app.token_calls("mercado-libre").await;
    for renewed in [1, 1, 1] {
        // The call, the same with the new token, and the verify call.
        let refusals = if app.token_calls("mercado-libre").await == before {
            2
        } else {
            1
        };
        api_fault(&app, "mercado-libre", refusals, json!({ "status": 401 })).await;
        if refusals == 2 {
            api_fault(&app, "mercado-libre", 1, json!({ "status": 503 })).await;
        }
        assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
        assert_eq!(app.token_calls("mercado-libre").await, before + renewed);
        app.advance(Duration::from_secs(5));
    }
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}

/// A path of the shop's API that the simulated platform answers by telling what arrived.
const OCC: &str = "/occ/v2/electronics/anything";

/// A store whose platform has just answered a refresh with the token that it had.
async fn unchanged(app: &TestApp) -> Connected {
    let store = connect(app, "hybris", "client", HYBRIS).await;
    app.advance(MINUTE);
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    let refreshed = app.api("POST", &path, Some(json!({}))).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(refreshes(app, &store).await[0]["outcome"], "unchanged");
    store
}

#[tokio::test]
async fn a_401_after_a_refresh_that_brought_the_same_token_is_cured_by_another() {
    let app = TestApp::start().await;
    let store = unchanged(&app).await;
    app.advance(MINUTE);
    let before = app.token_calls("hybris").await;
    expire(&app, "hybris").await;
    let answer = app.call(&store.access_token, "GET", OCC).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(app.token_calls("hybris").await, before + 1);
    assert_eq!(refreshes(&app, &store).await[0]["outcome"], "renewed");
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}

#[tokio::test]
async fn a_401_is_not_retried_where_the_refresh_brings_the_same_token() {
    let app = TestApp::start().await;
    let store = connect(&app, "hybris", "client", HYBRIS).await;
    let refusal = json!({ "status": 401, "body": { "message": "no such right" } });
    api_fault(&app, "hybris", 1, refusal).await;
    let answer = app.call(&store.access_token, "GET", OCC).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "platform"),
        "{}",
        answer.body
    );
    let received = app.received("hybris").await;
    let calls = received.iter().filter(|entry| rows::is_call_of(entry, OCC));
    assert_eq!(calls.count(), 1, "never the same token again");
    assert_eq!(status(&app, &store).await, json!(["connected", null]));
}
