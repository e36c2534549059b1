//! RFC 7662: is this token good, and whose is it.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{Way, connect_for, start};
use crate::support::partners::other_app;
use crate::support::test_app::TestApp;

async fn ask(app: &TestApp, key: &str, token: &str) -> Value {
    let form = app
        .request(key, "POST", "/v1/introspect")
        .form(&[("token", token)])
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 200);
    let form: Value = form.json().await.unwrap();
    let sent = app
        .api_as(key, "POST", "/v1/introspect", Some(json!({ "token": token })))
        .await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_eq!(sent.json(), form, "form and JSON are answered alike");
    form
}

#[tokio::test]
async fn a_good_token_is_active_and_names_its_store() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let told = ask(&app, app.demo.api_key.expose(), &connected.access_token).await;
    assert_eq!(told["active"], true);
    assert!(told.to_string().contains(&connected.store_id), "{told}");
    assert!(!told.to_string().contains(&connected.access_token));
}

#[tokio::test]
async fn what_is_unknown_revoked_or_anothers_is_only_inactive() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let inactive = json!({ "active": false });
    assert_eq!(ask(&app, &other.key, &connected.access_token).await, inactive);
    for token in ["x", "", "llv_st_0000", app.demo.api_key.expose()] {
        if !token.is_empty() {
            assert_eq!(ask(&app, app.demo.api_key.expose(), token).await, inactive, "{token}");
        }
    }
    app.api("DELETE", &format!("/v1/stores/{}", connected.store_id), None)
        .await;
    assert_eq!(
        ask(&app, app.demo.api_key.expose(), &connected.access_token).await,
        inactive
    );
}

#[tokio::test]
async fn a_request_without_a_token_is_refused() {
    let app = start().await;
    let answer = app.api("POST", "/v1/introspect", Some(json!({}))).await;
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]["field"]),
        (400, &json!("token")),
        "{}",
        answer.body
    );
}
