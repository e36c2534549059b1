//! Keys that were given and say themselves when they end: known from the first day, announced like any other deadline, and
//! over when it is over. What says nothing of an end has none.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::connecting::{start, store};
use crate::support::rows::{count, work};
use crate::support::test_app::{TestApp, beginning};

/// The store, as it is told, and its token.
async fn made(app: &TestApp, platform: &str, fields: Value) -> (Value, String) {
    let body = json!({ "platform": platform, "method": "token", "customer_id": "customer-1", "fields": fields });
    let answer = app.api("POST", "/v1/stores", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made = answer.json();
    let id = made["store"]["id"].as_str().unwrap();
    (store(app, id).await, made["access_token"].as_str().unwrap().to_owned())
}

fn ecart(claims: &Value) -> Value {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    json!({ "store_name": "acme", "access_token": format!("sandbox-tok-5a5a.{claims}.5a5a") })
}

#[tokio::test]
async fn the_end_that_the_verify_answer_tells_is_shown_and_announced() {
    let app = start().await;
    let fields = json!({ "region": "us", "access_token": "sandbox5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" });
    let (store, token) = made(&app, "temu", fields).await;
    let end = "2030-01-01T00:00:00Z";
    assert_eq!(store["access"], json!({ "expires_at": end, "refreshable": false }));
    assert_eq!(store["reauthorize_by"], end);
    let end: DateTime<Utc> = end.parse().unwrap();
    app.clock.set(end - TimeDelta::days(30));
    work(&app).await;
    let told = "SELECT count(*) AS n FROM notices WHERE kind = 'expiring'";
    assert_ne!(count(&app.database, told), 0);

    app.clock.set(end + TimeDelta::seconds(1));
    let answer = app.api_as(&token, "GET", "/v1/access", None).await;
    assert_eq!(answer.json()["usable"], false, "{}", answer.body);
    let call = json!({ "type": "bg.open.accesstoken.info.get" });
    let answer = app.api_as(&token, "POST", "/v1/proxy/openapi/router", Some(call)).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (401, &json!("store_needs_reauthorization")),
        "{}",
        answer.body
    );
    work(&app).await;
}

#[tokio::test]
async fn a_pasted_jwt_ends_when_it_says() {
    let app = start().await;
    let end = beginning() + TimeDelta::days(90);
    let (store, _) = made(&app, "ecart", ecart(&json!({ "exp": end.timestamp() }))).await;
    assert_eq!(store["access"]["expires_at"], "2026-05-31T09:00:00Z");
    assert_eq!(store["reauthorize_by"], "2026-05-31T09:00:00Z");
}

#[tokio::test]
async fn a_pasted_token_without_an_end_or_with_one_that_the_platform_disproves_has_none() {
    let app = start().await;
    let past = beginning() - TimeDelta::days(1);
    for (customer, fields) in [
        (
            "no-jwt",
            json!({ "store_name": "one", "access_token": "sandbox-tok-5a5a5a5a5a5a" }),
        ),
        ("no-end", ecart(&json!({ "iss": "x" }))),
        ("zero", ecart(&json!({ "exp": 0 }))),
        ("no-time", ecart(&json!({ "exp": "soon" }))),
        ("too-late", ecart(&json!({ "exp": 1e300 }))),
        ("past", ecart(&json!({ "exp": past.timestamp() }))),
    ] {
        let mut fields = fields;
        fields["store_name"] = json!(customer);
        let (store, _) = made(&app, "ecart", fields).await;
        assert_eq!(store["access"]["expires_at"], Value::Null, "{customer}");
        assert_eq!(store["reauthorize_by"], Value::Null, "{customer}");
    }
}

#[tokio::test]
async fn keys_that_a_platform_gives_for_a_time_at_most_are_announced_and_used_while_they_work() {
    let app = start().await;
    let body = json!({
        "platform": "odoo", "method": "keys", "customer_id": "customer-1",
        "fields": {
            "base_url": "https://odoo.example.com", "database": "acme",
            "api_key": "5a5a000000000000000000000000000000000001",
        },
    });
    let answer = app.api("POST", "/v1/stores", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let store = answer.json()["store"].clone();
    assert_eq!(store["access"]["expires_at"], Value::Null);
    assert_eq!(store["reauthorize_by"], "2026-05-31T09:00:00Z");
}
