//! `POST /v1/stores` when something goes wrong: what the platform's trouble is told as, and what must not be lost.

use llavero::platform::Catalogue;
use serde_json::{Value, json};

use crate::support::connecting::{MERCADO_LIBRE, WOOCOMMERCE, Way, connect, start, start_with, stores};
use crate::support::rows::execute;
use crate::support::test_app::{TestApp, Wishes};
use crate::support::visitor::Answer;

async fn order(app: &TestApp, platform: &str, fault: Value) {
    let order = json!({ "platform": platform, "times": 1, "fault": fault });
    app.control("faults", order).await;
}

fn fields(of: &[(&str, &str)]) -> Value {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn create(app: &TestApp, platform: &str, method: &str) -> Answer {
    let way = Way::good(platform, method);
    let own: Vec<_> = way.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let body = json!({ "platform": platform, "method": method, "customer_id": "customer-1", "fields": fields(&own) });
    app.api("POST", "/v1/stores", Some(body)).await
}

fn told(answer: &Answer) -> (u16, String, String, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (
        answer.status,
        text("code"),
        text("delivered"),
        answer.header("retry-after").to_owned(),
    )
}

#[tokio::test]
async fn a_platform_that_asks_for_patience_is_told_as_such_with_its_time() {
    let app = start().await;
    for calls in ["token", "api"] {
        let fault = json!({ "calls": calls, "status": 429, "retry_after": 17 });
        order(&app, "walmart", fault).await;
        let (status, code, _, wait) = told(&create(&app, "walmart", "keys").await);
        assert_eq!((status, &*code, &*wait), (503, "platform_throttled", "17"), "{calls}");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_not_called_undelivered() {
    let app = start().await;
    order(&app, "walmart", json!({ "calls": "token", "effect": "lost_answer" })).await;
    let (status, code, delivered, wait) = told(&create(&app, "walmart", "keys").await);
    assert_eq!((status, &*code, &*delivered), (503, "platform_unavailable", "unknown"));
    assert!(wait.parse::<u32>().is_ok_and(|wait| wait > 0), "{wait}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_time_out() {
    let walmart = include_str!("../../../src/platform/catalogue/walmart.toml");
    let hasty = walmart.replace("\ngrace =", "\ncall_limit = \"1s\"\ngrace =");
    let catalogue = Catalogue::parse(&[("walmart.toml", &hasty)]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let app = start_with(Wishes {
        catalogue: Some(catalogue),
        ..Wishes::default()
    })
    .await;
    order(&app, "walmart", json!({ "calls": "token", "delay_ms": 10_000 })).await;
    let (status, code, delivered, _) = told(&create(&app, "walmart", "keys").await);
    assert_eq!((status, &*code, &*delivered), (504, "platform_timeout", "unknown"));
}

#[tokio::test]
async fn a_platform_that_is_down_is_told_with_a_time_to_come_back() {
    let app = start().await;
    order(&app, "walmart", json!({ "calls": "token", "status": 503 })).await;
    let (status, code, _, wait) = told(&create(&app, "walmart", "keys").await);
    assert_eq!((status, &*code), (503, "platform_unavailable"));
    assert!(wait.parse::<u32>().is_ok_and(|wait| wait > 0), "{wait}");
}

/// What a listing of stores reads goes with the transaction that makes a token.
fn goes_away_with_the_next_token(app: &TestApp) {
    for statement in [
        "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             ALTER TABLE refresh_logs RENAME TO refresh_logs_away; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER away AFTER INSERT ON access_tokens DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION away()",
    ] {
        execute(&app.database, statement);
    }
}

#[tokio::test]
async fn a_database_that_goes_away_once_the_token_is_made_does_not_lose_it() {
    let app = start().await;
    goes_away_with_the_next_token(&app);
    let answer = create(&app, "woocommerce", "keys").await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made = answer.json();
    let token = made["access_token"].as_str().unwrap();
    assert_eq!(made["store"]["status"], "connected");
    let called = app.call(token, "GET", "/wp-json/wc/v3/products").await;
    assert_eq!(called.status, 200, "{}", called.body);
}

#[tokio::test]
async fn nor_one_that_takes_the_place_of_another() {
    let app = start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    goes_away_with_the_next_token(&app);
    let path = format!("/v1/stores/{}/access-tokens", store.store_id);
    let answer = app.api("POST", &path, Some(json!({}))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let called = app.call(&token, "GET", "/wp-json/wc/v3/products").await;
    assert_eq!(called.status, 200, "{}", called.body);
}

#[tokio::test]
async fn a_customer_who_is_deleted_meanwhile_is_a_conflict() {
    let app = start().await;
    for statement in [
        "CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE connect_sessions SET status = 'cancelled' WHERE id = NEW.id; RETURN NULL; END $$",
        "CREATE TRIGGER ended AFTER INSERT ON connect_sessions FOR EACH ROW EXECUTE FUNCTION ended()",
    ] {
        execute(&app.database, statement);
    }
    let answer = create(&app, "woocommerce", "keys").await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (409, Some("conflict")),
        "{}",
        answer.body
    );
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn life_times_beyond_a_century_are_refused() {
    let app = start().await;
    for (name, seconds) in [("expires_in", u64::MAX), ("refresh_expires_in", 3_153_600_001)] {
        let mut tokens = json!({ "access_token": "APP_USR-1", "refresh_token": "TG-1" });
        tokens[name] = json!(seconds);
        let body = json!({
            "platform": "mercado-libre", "customer_id": "customer-1", "fields": fields(MERCADO_LIBRE),
            "tokens": tokens,
        });
        let answer = app.api("POST", "/v1/stores", Some(body)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        let field = answer.json()["errors"][0]["field"].clone();
        assert_eq!(field, format!("tokens.{name}"), "{}", answer.body);
    }
    assert!(app.received("mercado-libre").await.is_empty());
}

#[tokio::test]
async fn a_customers_id_is_measured_in_the_same_way_everywhere() {
    let app = start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    let path = format!("/v1/stores/{}", store.store_id);
    for (id, status) in [("c".repeat(255), 200), ("\u{e9}".repeat(128), 400)] {
        let answer = app.api("PATCH", &path, Some(json!({ "customer_id": id }))).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
