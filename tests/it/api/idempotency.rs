//! `Idempotency-Key`: whoever repeats a request gets the first one's answer, and nothing is done twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::partners;
use crate::support::rows;
use crate::support::test_app::{TestApp, Wishes, read};
use crate::support::visitor::Answer;

const SESSIONS: &str = "/v1/connect-sessions";

async fn post(app: &TestApp, bearer: &str, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(bearer, "POST", path).header("idempotency-key", key);
    read(request.json(body).send().await.unwrap()).await
}

fn session(customer: &str, app: &TestApp) -> Value {
    json!({ "customer_id": customer, "return_url": format!("{}/demo/return", app.url) })
}

fn sessions(app: &TestApp) -> i64 {
    rows::count(&app.database, "SELECT count(*) AS n FROM connect_sessions")
}

fn code(answer: &Answer) -> (u16, String) {
    (
        answer.status,
        answer.json()["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_does_nothing() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let first = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(sessions(&app), 1);
    let other = post(&app, &key, SESSIONS, "order-2", &session("customer-1", &app)).await;
    assert_ne!(other.body, first.body);
    assert_eq!(sessions(&app), 2);
}

#[tokio::test]
async fn another_request_with_the_same_key_is_told_apart() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    let other = post(&app, &key, SESSIONS, "order-1", &session("customer-2", &app)).await;
    assert_eq!(code(&other), (422, "idempotency_mismatch".to_owned()));
    let elsewhere = post(&app, &key, "/v1/introspect", "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&elsewhere), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn twins_that_come_at_once_run_once() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let body = session("customer-1", &app);
    let twins: tokio::task::JoinSet<_> = (0..8)
        .map(|_| {
            let request = app.request(&key, "POST", SESSIONS).header("idempotency-key", "twin");
            let request = request.json(&body);
            async move { read(request.send().await.unwrap()).await }
        })
        .collect();
    let answers = twins.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 201 && answer.body == answers[0].body)
    );
    let replayed = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed") == "true");
    assert_eq!(replayed.count(), 7);
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn a_refused_request_may_be_mended_and_sent_again() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let wrong = json!({ "customer_id": "customer-1", "return_url": "https://elsewhere.example/" });
    let refused = post(&app, &key, SESSIONS, "order-1", &wrong).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let mended = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(mended.status, 201, "{}", mended.body);
}

#[tokio::test]
async fn keys_belong_to_the_api_key_they_came_with() {
    let app = TestApp::start().await;
    let first = post(
        &app,
        app.demo.api_key.expose(),
        SESSIONS,
        "order-1",
        &session("customer-1", &app),
    )
    .await;
    let second = partners::key(&app, &[llavero::domain::scope::Scope::StoresRead]).await;
    let answer = post(&app, &second, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&answer), (403, "forbidden".to_owned()), "no answer of another key");
    assert_eq!(first.status, 201);
    let nobody = post(
        &app,
        "llv_sk_nonsense",
        SESSIONS,
        "order-1",
        &session("customer-1", &app),
    )
    .await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_sealed_and_kept_for_an_hour() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let first = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    let link = first.json()["url"].as_str().unwrap().to_owned();
    let token = link.rsplit('/').next().unwrap();
    let row = rows::row(
        &app.database,
        "SELECT encode(body_sealed, 'escape') AS body FROM idempotent_requests",
    );
    assert!(!row["body"].as_str().unwrap().contains(token), "sealed");
    app.advance(Duration::from_secs(3601));
    let later = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&later), (409, "conflict".to_owned()));
    assert_eq!(sessions(&app), 1, "it is not done again");
    app.advance(Duration::from_secs(24 * 3600));
    rows::work(&app).await;
    assert_eq!(
        rows::count(&app.database, "SELECT count(*) AS n FROM idempotent_requests"),
        0
    );
    let anew = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(anew.status, 201, "{}", anew.body);
}

#[tokio::test]
async fn a_request_whose_caller_hangs_up_is_done_once_all_the_same() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let body = session("customer-1", &app);
    {
        let request = app
            .request(&key, "POST", SESSIONS)
            .header("idempotency-key", "gone")
            .json(&body);
        let hung_up = tokio::time::timeout(Duration::from_millis(1), request.send()).await;
        drop(hung_up);
    }
    let answer = post(&app, &key, SESSIONS, "gone", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn a_runner_that_died_is_followed_after_its_time() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let body = session("customer-1", &app);
    post(&app, &key, SESSIONS, "order-1", &body).await;
    let unfinished = "UPDATE idempotent_requests SET status = NULL, body_sealed = NULL, body_until = NULL, \
                      busy_until = '2026-01-01'";
    rows::execute(&app.database, unfinished);
    let answer = post(&app, &key, SESSIONS, "order-1", &body).await;
    assert_eq!((answer.status, sessions(&app)), (201, 2), "{}", answer.body);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    for wrong in ["", &"k".repeat(256)] {
        let answer = post(&app, &key, SESSIONS, wrong, &session("customer-1", &app)).await;
        assert_eq!(code(&answer), (400, "invalid_request".to_owned()), "{wrong:?}");
    }
    assert_eq!(sessions(&app), 0);
}

#[tokio::test]
async fn what_is_read_again_unchanged_is_not_sent_again() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    for path in ["/v1/platforms", "/v1/platforms/shopify", "/v1/stores"] {
        let first = app.api("GET", path, None).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag}");
        let request = app.request(&key, "GET", path).header("if-none-match", &tag);
        let again = read(request.send().await.unwrap()).await;
        assert_eq!(
            (again.status, again.body.as_str(), again.header("etag")),
            (304, "", &*tag),
            "{path}"
        );
        let request = app.request(&key, "GET", path).header("if-none-match", "\"other\"");
        assert_eq!(read(request.send().await.unwrap()).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day_whenever_the_purge_comes() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    let first = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    app.advance(Duration::from_secs(24 * 3600 - 1));
    let early = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&early), (409, "conflict".to_owned()));
    app.advance(Duration::from_secs(2));
    let other = post(&app, &key, SESSIONS, "order-1", &session("customer-2", &app)).await;
    assert_eq!((other.status, sessions(&app)), (201, 2), "{}", other.body);
    assert_ne!(other.body, first.body);
    let again = post(&app, &key, SESSIONS, "order-1", &session("customer-2", &app)).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn an_answer_with_a_secret_is_erased_within_minutes_of_its_hour() {
    let app = TestApp::start().await;
    let key = app.demo.api_key.expose().to_owned();
    post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    let held = "SELECT count(*) AS n FROM idempotent_requests WHERE body_sealed IS NOT NULL";
    rows::work(&app).await;
    assert_eq!(rows::count(&app.database, held), 1);
    app.advance(Duration::from_secs(3600 + 5 * 60));
    rows::work(&app).await;
    assert_eq!(rows::count(&app.database, held), 0);
    // That it was done is known for the whole day.
    let later = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&later), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn requests_with_a_key_count_once_and_their_repetitions_count_too() {
    let app = TestApp::with(Wishes {
        settings: vec![("LLAVERO_APP_RATE", "3")],
        ..Wishes::default()
    })
    .await;
    let key = app.demo.api_key.expose().to_owned();
    for left in [2, 1, 0] {
        let answer = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let told = answer.header("ratelimit").to_owned();
        assert!(told.starts_with(&format!("\"app\";r={left};t=")), "{told}");
    }
    let refused = post(&app, &key, SESSIONS, "order-1", &session("customer-1", &app)).await;
    assert_eq!(code(&refused), (429, "rate_limited".to_owned()));
    assert_eq!(sessions(&app), 1);
}
