//! Each call of the API asks for the one scope that the contract names.

use llavero::domain::scope::Scope;
use serde_json::{Value, json};

use crate::support::connecting::{RETURN_URL, Way, connect_for, start};
use crate::support::partners::key;

/// Method, path with `{store}`, body, scope; `None`: any key may.
fn calls() -> Vec<(&'static str, &'static str, Option<Value>, Option<Scope>)> {
    let session = json!({ "customer_id": "c", "return_url": RETURN_URL });
    vec![
        ("GET", "/v1/app", None, None),
        ("GET", "/v1/platforms", None, None),
        ("GET", "/v1/platforms/shopify", None, None),
        ("POST", "/v1/connect-sessions", Some(session), Some(Scope::ConnectWrite)),
        ("GET", "/v1/connect-sessions/{session}", None, Some(Scope::ConnectWrite)),
        (
            "DELETE",
            "/v1/connect-sessions/{session}",
            None,
            Some(Scope::ConnectWrite),
        ),
        (
            "POST",
            "/v1/access-tokens/exchange",
            Some(json!({ "code": "x" })),
            Some(Scope::ConnectWrite),
        ),
        ("POST", "/v1/stores", Some(json!({})), Some(Scope::StoresWrite)),
        ("GET", "/v1/stores", None, Some(Scope::StoresRead)),
        ("GET", "/v1/stores/{store}", None, Some(Scope::StoresRead)),
        ("PATCH", "/v1/stores/{store}", Some(json!({})), Some(Scope::StoresWrite)),
        (
            "POST",
            "/v1/stores/{store}/reauthorize",
            Some(json!({})),
            Some(Scope::ConnectWrite),
        ),
        ("POST", "/v1/stores/{store}/refresh", None, Some(Scope::StoresWrite)),
        ("POST", "/v1/stores/{store}/verify", None, Some(Scope::StoresWrite)),
        (
            "POST",
            "/v1/stores/{store}/access-tokens",
            Some(json!({})),
            Some(Scope::TokensWrite),
        ),
        ("GET", "/v1/stores/{store}/refreshes", None, Some(Scope::StoresRead)),
        (
            "PUT",
            "/v1/platforms/shopify/app",
            Some(json!({})),
            Some(Scope::PlatformsWrite),
        ),
        (
            "POST",
            "/v1/platforms/shopify/app/test",
            None,
            Some(Scope::PlatformsWrite),
        ),
        (
            "POST",
            "/v1/introspect",
            Some(json!({ "token": "x" })),
            Some(Scope::StoresRead),
        ),
        ("DELETE", "/v1/customers/nobody", None, Some(Scope::StoresWrite)),
        ("DELETE", "/v1/stores/{store}", None, Some(Scope::StoresWrite)),
    ]
}

#[tokio::test]
async fn a_key_without_the_scope_is_forbidden_and_one_with_it_is_not() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    for (method, path, body, scope) in calls() {
        let path = path
            .replace("{store}", &connected.store_id)
            .replace("{session}", &connected.session_id);
        let others: Vec<Scope> = Scope::ALL
            .iter()
            .copied()
            .filter(|other| Some(*other) != scope)
            .collect();
        let without = key(&app, &others).await;
        let answer = app.api_as(&without, method, &path, body.clone()).await;
        if scope.is_some() {
            let told = (answer.status, answer.json()["code"].clone());
            assert_eq!(told, (403, json!("forbidden")), "{method} {path}: {}", answer.body);
        }
        let only = key(&app, &[scope.unwrap_or(Scope::WebhooksWrite)]).await;
        let answer = app.api_as(&only, method, &path, body).await;
        assert!(
            !matches!(answer.status, 401 | 403 | 405),
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
        assert!(
            answer.status < 500,
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
    }
}

#[tokio::test]
async fn a_forbidden_call_changes_nothing() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let reader = key(&app, &[Scope::StoresRead]).await;
    let path = format!("/v1/stores/{}", connected.store_id);
    assert_eq!(app.api_as(&reader, "DELETE", &path, None).await.status, 403);
    assert_eq!(
        app.api_as(&reader, "DELETE", "/v1/customers/customer-1", None)
            .await
            .status,
        403
    );
    assert_eq!(app.api("GET", &path, None).await.json()["status"], "connected");
}
