//! Revoking a store: the token stops at once, the credential is gone, the platform is told where it can be.

use serde_json::json;

use crate::support::connecting::{Connected, Way, connect_for, start, store};
use crate::support::test_app::TestApp;

async fn connected(app: &TestApp, platform: &str, method: &str) -> Connected {
    connect_for(app, "customer-1", &Way::good(platform, method)).await
}

async fn revoke(app: &TestApp, id: &str) {
    let answer = app.api("DELETE", &format!("/v1/stores/{id}"), None).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn a_revoked_stores_token_stops_at_the_next_call() {
    let app = start().await;
    let connected = connected(&app, "woocommerce", "keys").await;
    assert_eq!(
        app.call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        200
    );
    revoke(&app, &connected.store_id).await;
    let sent = app.received("woocommerce").await.len();
    for path in ["/v1/access", "/v1/proxy/wp-json/wc/v3/products"] {
        let answer = app.api_as(&connected.access_token, "GET", path, None).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (401, &json!("token_revoked")),
            "{path}"
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
    }
    assert_eq!(
        app.received("woocommerce").await.len(),
        sent,
        "nothing is sent for a revoked token"
    );
    assert_eq!(store(&app, &connected.store_id).await["status"], "revoked");
}

#[tokio::test]
async fn a_revoked_stores_credential_is_erased() {
    let app = start().await;
    let connected = connected(&app, "mercado-libre", "authorization").await;
    let kept = "SELECT count(*) AS count FROM credentials WHERE values_sealed IS NOT NULL OR spares_sealed IS NOT NULL";
    assert_eq!(app.database.count(kept), 1);
    revoke(&app, &connected.store_id).await;
    assert_eq!(app.database.count(kept), 0);
}

#[tokio::test]
async fn nothing_waits_to_be_done_about_a_revoked_stores_credential() {
    let app = start().await;
    for (platform, method) in [("mercado-libre", "authorization"), ("woocommerce", "keys")] {
        let connected = connected(&app, platform, method).await;
        let waiting = "SELECT count(*) AS count FROM jobs WHERE status = 'ready' AND unique_key LIKE '%:cred_%'";
        assert!(app.database.count(waiting) > 0, "{platform}");
        revoke(&app, &connected.store_id).await;
        assert_eq!(app.database.count(waiting), 0, "{platform}");
    }
}

#[tokio::test]
async fn a_finished_session_keeps_nothing_that_was_typed() {
    for (platform, method, secret) in [
        ("woocommerce", "keys", "cs_5a"),
        ("woocommerce", "one-click", "cs_5a"),
        ("hybris", "client", "sandbox-secret"),
        ("shopify", "admin-token", "shpat_"),
        ("shopify", "expiring", "shpat_"),
    ] {
        let app = start().await;
        connected(&app, platform, method).await;
        for column in ["attempt_sealed", "delivered_sealed", "held_sealed"] {
            for plain in opened(&app, column) {
                assert!(!plain.contains(secret), "{platform} {method} {column}");
            }
        }
    }
}

/// What the sealed values of a column of the connect sessions say.
fn opened(app: &TestApp, column: &'static str) -> Vec<String> {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: uuid::Uuid,
        #[diesel(sql_type = diesel::sql_types::Binary)]
        sealed: Vec<u8>,
    }
    let query = format!("SELECT id, {column} AS sealed FROM connect_sessions WHERE {column} IS NOT NULL");
    let rows: Vec<Row> = diesel::sql_query(query).load(&mut app.database.connect()).unwrap();
    let open = |row: Row| {
        let place = llavero::crypto::Place {
            table: "connect_sessions",
            column,
            row: row.id,
        };
        let plain = app.app.sealer.open(place, &row.sealed).unwrap();
        String::from_utf8_lossy(plain.expose()).into_owned()
    };
    rows.into_iter().map(open).collect()
}

#[tokio::test]
async fn a_platform_that_can_is_told() {
    let app = start().await;
    let connected = connected(&app, "mercado-libre", "authorization").await;
    revoke(&app, &connected.store_id).await;
    let told = app.received("mercado-libre").await;
    let told = told
        .iter()
        .any(|entry| entry["method"] == "DELETE" && entry["url"].as_str().unwrap().contains("/applications/"));
    assert!(told);
}

#[tokio::test]
async fn a_platform_that_is_down_does_not_keep_a_store_alive() {
    let app = start().await;
    let connected = connected(&app, "mercado-libre", "authorization").await;
    let fault = json!({ "platform": "mercado-libre", "times": 20, "fault": { "status": 503 } });
    app.control("faults", fault).await;
    revoke(&app, &connected.store_id).await;
    assert_eq!(store(&app, &connected.store_id).await["status"], "revoked");
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 401);
}

#[tokio::test]
async fn revoking_twice_is_no_error_and_revoking_is_final() {
    let app = start().await;
    let connected = connected(&app, "woocommerce", "keys").await;
    revoke(&app, &connected.store_id).await;
    let again = app
        .api("DELETE", &format!("/v1/stores/{}", connected.store_id), None)
        .await;
    assert!(again.status < 500, "{} {}", again.status, again.body);
    let path = format!("/v1/stores/{}/access-tokens", connected.store_id);
    let token = app.api("POST", &path, Some(json!({}))).await;
    assert!((400..500).contains(&token.status), "{} {}", token.status, token.body);
    let refresh = app
        .api("POST", &format!("/v1/stores/{}/refresh", connected.store_id), None)
        .await;
    assert!(
        (400..500).contains(&refresh.status),
        "{} {}",
        refresh.status,
        refresh.body
    );
}
