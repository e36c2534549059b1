//! A key that makes its successor itself: it is replaced by timer long before its end, for a key that has ended makes
//! nothing; the key that was pasted is used once.

use serde_json::json;

use super::*;
use crate::support::connecting::connect;
use crate::support::rows::work;

const PASTED: &str = "5a5a000000000000000000000000000000000001";
const ODOO: &[(&str, &str)] = &[
    ("base_url", "https://odoo.example.com"),
    ("api_key", PASTED),
    ("database", "acme"),
];
const CALL: &str = "/json/2/res.users/context_get";

/// The bodies of calls to one of the two addresses that keys are managed at.
async fn sent(app: &TestApp, what: &str) -> Vec<Value> {
    let all = app.received("odoo").await.into_iter();
    let own = all.filter(|entry| entry["url"].as_str().is_some_and(|url| url.ends_with(what)));
    own.map(|entry| serde_json::from_str(entry["body"].as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_key_that_makes_its_successor_is_replaced_by_timer_and_works_for_years() {
    let app = TestApp::start().await;
    let store = connect(&app, "odoo", "renewed-key", ODOO).await;
    let made = sent(&app, "/generate").await;
    assert_eq!((made.len(), &made[0]["key"]), (1, &json!(PASTED)));
    let until: chrono::NaiveDate = made[0]["expiration_date"].as_str().unwrap().parse().unwrap();
    assert_eq!((until - app.clock.now().date_naive()).num_days(), 90);
    let shown = connecting::store(&app, &store.store_id).await;
    let next: chrono::DateTime<chrono::Utc> = shown["refresh"]["next_at"].as_str().unwrap().parse().unwrap();
    let days = (next - app.clock.now()).num_days();
    assert!((35..=45).contains(&days), "{days} of 89");

    for _ in 0..73 {
        app.advance(10 * DAY);
        work(&app).await;
    }
    let answer = app.call(&store.access_token, "POST", CALL).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{}",
        answer.body
    );
    let made = sent(&app, "/generate").await;
    assert!((16..=22).contains(&made.len()), "{} in two years", made.len());
    let with_pasted = made.iter().filter(|body| body["key"] == PASTED).count();
    assert_eq!(with_pasted, 1, "each key but the first was made by the one before");
    let all = app.received("odoo").await;
    let mut calls = all
        .iter()
        .filter(|entry| entry["url"].as_str().unwrap().ends_with(CALL));
    assert!(calls.all(|entry| !entry.to_string().contains(PASTED)));
}

#[tokio::test]
async fn the_key_that_was_made_is_taken_back_with_its_store() {
    let app = TestApp::start().await;
    let store = connect(&app, "odoo", "renewed-key", ODOO).await;
    let answer = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    work(&app).await;
    let revoked = sent(&app, "/revoke").await;
    assert_eq!(revoked.len(), 1);
    assert_ne!(revoked[0]["key"], PASTED, "what was pasted is the merchant's own");
}

#[tokio::test]
async fn a_user_with_too_many_keys_keeps_the_one_that_works() {
    let app = TestApp::start().await;
    let store = connect(&app, "odoo", "renewed-key", ODOO).await;
    let full = json!({ "name": "odoo.exceptions.ValidationError", "message": "Limit of 10 API keys is reached" });
    token_fault(&app, "odoo", 1000, json!({ "status": 422, "body": full })).await;
    app.advance(46 * DAY);
    work(&app).await;
    let shown = connecting::store(&app, &store.store_id).await;
    assert_eq!(shown["status"], "connected", "{shown}");
    assert_eq!(app.call(&store.access_token, "POST", CALL).await.status, 200);
    nothing_wrong(&app, "odoo").await;
    app.advance(DAY);
    work(&app).await;
    let shown = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        (&shown["health"], &shown["refresh"]["last_outcome"]),
        (&json!("ok"), &json!("renewed"))
    );
}
