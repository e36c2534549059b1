//! What belongs to another app is not there: 404 everywhere, in the words of something that never was.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{RETURN_URL, Way, connect_for, start};
use crate::support::partners::other_app;

#[tokio::test]
async fn a_foreign_id_is_not_found_as_an_unknown_one() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let unknown_store = "store_01890000-0000-7000-8000-000000000000";
    let unknown_session = "cs_01890000-0000-7000-8000-000000000000";
    let calls: [(&str, &str, Option<Value>); 9] = [
        ("GET", "/v1/stores/{store}", None),
        ("PATCH", "/v1/stores/{store}", Some(json!({ "name": "mine" }))),
        ("DELETE", "/v1/stores/{store}", None),
        (
            "POST",
            "/v1/stores/{store}/reauthorize",
            Some(json!({ "return_url": RETURN_URL })),
        ),
        ("POST", "/v1/stores/{store}/refresh", None),
        ("POST", "/v1/stores/{store}/verify", None),
        ("POST", "/v1/stores/{store}/access-tokens", Some(json!({}))),
        ("GET", "/v1/stores/{store}/refreshes", None),
        ("GET", "/v1/connect-sessions/{session}", None),
    ];
    for (method, path, body) in calls {
        let foreign = path
            .replace("{store}", &connected.store_id)
            .replace("{session}", &connected.session_id);
        let unknown = path
            .replace("{store}", unknown_store)
            .replace("{session}", unknown_session);
        let foreign = app.api_as(&other.key, method, &foreign, body.clone()).await;
        let unknown = app.api_as(&other.key, method, &unknown, body).await;
        assert_eq!(foreign.status, 404, "{method} {path}: {}", foreign.body);
        let bare = |answer: &crate::support::visitor::Answer| {
            let mut problem = answer.json();
            problem["request_id"] = Value::Null;
            problem
        };
        assert_eq!(bare(&foreign), bare(&unknown), "{method} {path}");
    }
    assert_eq!(
        app.api("GET", &format!("/v1/stores/{}", connected.store_id), None)
            .await
            .json()["status"],
        "connected"
    );
}

#[tokio::test]
async fn a_listing_holds_only_the_apps_own_stores() {
    let app = start().await;
    connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let other = other_app(&app, Mode::Sandbox).await;
    for query in ["", "?customer_id=customer-1", "?q=shop", "?platform=woocommerce"] {
        let answer = app.api_as(&other.key, "GET", &format!("/v1/stores{query}"), None).await;
        assert_eq!(answer.json()["data"], json!([]), "{query}");
    }
}

#[tokio::test]
async fn a_foreign_customer_is_not_deleted() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let other = other_app(&app, Mode::Sandbox).await;
    app.api_as(&other.key, "DELETE", "/v1/customers/customer-1", None).await;
    assert_eq!(
        app.api("GET", &format!("/v1/stores/{}", connected.store_id), None)
            .await
            .json()["status"],
        "connected"
    );
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let app = start().await;
    for id in [
        "x",
        "store_x",
        "store_",
        "01890000-0000-7000-8000-000000000000",
        "store_%00",
        "cs_01890000-0000-7000-8000-000000000000",
    ] {
        let answer = app.api("GET", &format!("/v1/stores/{id}"), None).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("not_found")),
            "{id}"
        );
    }
}
