//! The one-time code: who may exchange it, how often, and until when.

use std::time::Duration;

use llavero::domain::scope::Scope;
use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{Returned, Way, begin, begin_again, exchange, start, walk};
use crate::support::partners::{key, other_app};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

fn way() -> Way {
    Way::good("woocommerce", "keys")
}

async fn returned(app: &TestApp) -> Returned {
    let session = begin(app, json!({ "platform": "woocommerce" })).await;
    walk(app, &Visitor::new(), &session.url, &way()).await
}

async fn exchange_as(app: &TestApp, key: &str, code: &str) -> Answer {
    app.api_as(key, "POST", "/v1/access-tokens/exchange", Some(json!({ "code": code })))
        .await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn access_status(app: &TestApp, token: &str) -> u16 {
    app.api_as(token, "GET", "/v1/access", None).await.status
}

#[tokio::test]
async fn a_code_gives_one_token_and_the_store() {
    let app = start().await;
    let returned = returned(&app).await;
    let answer = exchange(&app, returned.code()).await;
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["store"]["id"], returned.values["store_id"]);
    assert_eq!(access_status(&app, &token(&answer)).await, 200);
    assert!(
        answer.header("cache-control").contains("no-store"),
        "{:?}",
        answer.headers
    );
}

#[tokio::test]
async fn the_same_code_and_key_again_give_a_new_token_and_revoke_the_first() {
    let app = start().await;
    let returned = returned(&app).await;
    let first = token(&exchange(&app, returned.code()).await);
    app.advance(Duration::from_secs(599));
    let second = token(&exchange(&app, returned.code()).await);
    assert_ne!(first, second);
    assert_eq!(access_status(&app, &first).await, 401);
    assert_eq!(
        app.api_as(&first, "GET", "/v1/access", None).await.json()["code"],
        "token_revoked"
    );
    assert_eq!(access_status(&app, &second).await, 200);
}

#[tokio::test]
async fn another_apps_key_finds_no_code() {
    let app = start().await;
    let returned = returned(&app).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let answer = exchange_as(&app, &other.key, returned.code()).await;
    assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")));
    token(&exchange(&app, returned.code()).await);
}

#[tokio::test]
async fn another_key_finds_a_used_code_no_more_and_revokes_nothing() {
    let app = start().await;
    let returned = returned(&app).await;
    let first = token(&exchange(&app, returned.code()).await);
    let other = key(&app, &[Scope::ConnectWrite]).await;
    let answer = exchange_as(&app, &other, returned.code()).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert_eq!(access_status(&app, &first).await, 200);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_used_or_not() {
    let app = start().await;
    let unused = returned(&app).await;
    app.advance(Duration::from_secs(601));
    let late = exchange(&app, unused.code()).await;
    assert_eq!(
        (late.status, &late.json()["code"]),
        (410, &json!("link_expired")),
        "{}",
        late.body
    );

    let session = begin(&app, json!({ "platform": "falabella" })).await;
    let used = walk(&app, &Visitor::new(), &session.url, &Way::good("falabella", "keys")).await;
    let first = token(&exchange(&app, used.code()).await);
    app.advance(Duration::from_secs(601));
    let late = exchange(&app, used.code()).await;
    assert_eq!(late.status, 410, "{}", late.body);
    assert_eq!(access_status(&app, &first).await, 200, "a late code revokes nothing");
}

#[tokio::test]
async fn a_store_whose_code_was_never_exchanged_is_connected_without_a_token() {
    let app = start().await;
    let returned = returned(&app).await;
    app.advance(Duration::from_secs(3600));
    let path = format!("/v1/stores/{}", returned.values["store_id"]);
    assert_eq!(app.api("GET", &path, None).await.json()["status"], "connected");
    let made = app.api("POST", &format!("{path}/access-tokens"), Some(json!({}))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let token = made.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(access_status(&app, &token).await, 200);
}

#[tokio::test]
async fn after_a_reauthorization_there_is_no_new_token_and_the_old_one_works() {
    let app = start().await;
    let first = returned(&app).await;
    let old = token(&exchange(&app, first.code()).await);
    let session = begin_again(&app, &first.values["store_id"], json!({})).await;
    let again = walk(&app, &Visitor::new(), &session.url, &way()).await;
    for _ in 0..2 {
        let answer = exchange(&app, again.code()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["access_token"], Value::Null);
        assert_eq!(answer.json()["reauthorized"], true);
    }
    assert_eq!(access_status(&app, &old).await, 200);
}

#[tokio::test]
async fn a_store_reauthorized_before_its_first_exchange_can_still_get_its_token() {
    let app = start().await;
    let first = returned(&app).await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let again = walk(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(again.values["store_id"], first.values["store_id"]);
    let answer = exchange(&app, first.code()).await;
    assert_eq!(access_status(&app, &token(&answer)).await, 200);
}

#[tokio::test]
async fn a_code_of_a_revoked_store_gives_no_token() {
    let app = start().await;
    let returned = returned(&app).await;
    app.api("DELETE", &format!("/v1/stores/{}", returned.values["store_id"]), None)
        .await;
    let answer = exchange(&app, returned.code()).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn a_mistyped_or_unknown_code_is_not_found() {
    let app = start().await;
    let returned = returned(&app).await;
    let mut typo = returned.code().to_owned();
    let last = typo.pop().unwrap();
    typo.push(if last == 'a' { 'b' } else { 'a' });
    for code in [typo.as_str(), "llv_cd_", "x"] {
        let answer = exchange(&app, code).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{code}: {} {}",
            answer.status,
            answer.body
        );
        assert!(
            !answer.body.contains(code) || code == "x",
            "the answer repeats the code"
        );
    }
}

#[tokio::test]
async fn a_store_access_token_exchanges_nothing() {
    let app = start().await;
    let one = returned(&app).await;
    let store_token = token(&exchange(&app, one.code()).await);
    let answer = exchange_as(&app, &store_token, one.code()).await;
    assert!(matches!(answer.status, 401 | 403), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn two_exchanges_at_once_leave_one_good_token() {
    let app = start().await;
    let returned = returned(&app).await;
    let (left, right) = tokio::join!(exchange(&app, returned.code()), exchange(&app, returned.code()));
    let mut good = 0;
    for answer in [left, right] {
        if answer.status == 200 && access_status(&app, &token(&answer)).await == 200 {
            good += 1;
        }
    }
    assert_eq!(good, 1);
}
