//! A store's own token: what it may ask, and how it is changed for another without a gap.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connecting::{Connected, Way, connect_for, start};
use crate::support::test_app::TestApp;
use crate::support::visitor::Answer;

async fn connected(app: &TestApp) -> Connected {
    connect_for(app, "customer-1", &Way::good("mercado-libre", "authorization")).await
}

async fn rotate(app: &TestApp, store: &str, body: Value) -> Answer {
    app.api("POST", &format!("/v1/stores/{store}/access-tokens"), Some(body))
        .await
}

async fn access(app: &TestApp, token: &str) -> Answer {
    app.api_as(token, "GET", "/v1/access", None).await
}

#[tokio::test]
async fn without_an_overlap_the_old_token_stops_at_once() {
    let app = start().await;
    let connected = connected(&app).await;
    let answer = rotate(&app, &connected.store_id, json!({ "overlap_seconds": 0 })).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let new = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        access(&app, &connected.access_token).await.json()["code"],
        "token_revoked"
    );
    assert_eq!(access(&app, &new).await.status, 200);
}

#[tokio::test]
async fn during_the_overlap_both_tokens_work_and_afterwards_only_the_new_one() {
    let app = start().await;
    let connected = connected(&app).await;
    let answer = rotate(&app, &connected.store_id, json!({ "overlap_seconds": 3600 })).await;
    let new = answer.json()["access_token"].as_str().unwrap().to_owned();
    app.advance(Duration::from_secs(3599));
    assert_eq!(access(&app, &connected.access_token).await.status, 200);
    assert_eq!(access(&app, &new).await.status, 200);
    app.advance(Duration::from_secs(2));
    let old = access(&app, &connected.access_token).await;
    assert_eq!((old.status, &old.json()["code"]), (401, &json!("token_revoked")));
    assert_eq!(access(&app, &new).await.status, 200);
}

#[tokio::test]
async fn an_overlap_is_at_most_seven_days() {
    let app = start().await;
    let connected = connected(&app).await;
    for (overlap, status) in [
        (json!(604_800), 201),
        (json!(604_801), 400),
        (json!(-1), 400),
        (json!("x"), 400),
    ] {
        let answer = rotate(&app, &connected.store_id, json!({ "overlap_seconds": overlap })).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 400 {
            assert_eq!(answer.json()["errors"][0]["field"], "overlap_seconds");
        }
    }
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let app = start().await;
    let connected = connected(&app).await;
    let secret = &connected.access_token["llv_st_".len()..];
    for table in [
        "access_tokens",
        "connect_sessions",
        "jobs",
        "audit_events",
        "api_keys",
        "idempotency_keys",
    ] {
        let exists = format!("SELECT count(*) AS count FROM pg_tables WHERE tablename = '{table}'");
        if app.database.count(&exists) == 0 {
            continue;
        }
        for text in [secret, &app.demo.api_key.expose()["llv_sk_".len()..]] {
            let found = format!("SELECT count(*) AS count FROM {table} WHERE {table}::text LIKE '%{text}%'");
            assert_eq!(app.database.count(&found), 0, "{table}");
        }
    }
}

#[tokio::test]
async fn access_tells_for_how_long_a_call_would_work() {
    let app = start().await;
    let connected = connected(&app).await;
    let answer = access(&app, &connected.access_token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["store"]["id"], connected.store_id);
    let path = "/v1/access?minimum_seconds=3600";
    assert_eq!(app.api_as(&connected.access_token, "GET", path, None).await.status, 200);
    let bad = app
        .api_as(&connected.access_token, "GET", "/v1/access?minimum_seconds=x", None)
        .await;
    assert_eq!(bad.status, 400, "{}", bad.body);
}

#[tokio::test]
async fn a_store_token_opens_no_partner_call_and_a_key_no_store_call() {
    let app = start().await;
    let connected = connected(&app).await;
    for (method, path) in [
        ("GET", "/v1/stores"),
        ("GET", "/v1/app"),
        ("POST", "/v1/connect-sessions"),
    ] {
        let answer = app.api_as(&connected.access_token, method, path, None).await;
        assert!(
            matches!(answer.status, 401 | 403),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    let own = format!("/v1/stores/{}", connected.store_id);
    assert!(matches!(
        app.api_as(&connected.access_token, "DELETE", &own, None).await.status,
        401 | 403
    ));
    for path in ["/v1/access", "/v1/proxy/users/me"] {
        let answer = app.api("GET", path, None).await;
        assert!(
            matches!(answer.status, 401 | 403),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(access(&app, &connected.access_token).await.status, 200);
}

#[tokio::test]
async fn credentials_are_shown_only_where_the_app_wants_it() {
    let app = start().await;
    let connected = connected(&app).await;
    let answer = app
        .api_as(&connected.access_token, "GET", "/v1/access/credentials", None)
        .await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (403, &json!("forbidden")),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("APP_USR"));
}
