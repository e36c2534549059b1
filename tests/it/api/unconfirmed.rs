//! Platforms that nobody documents: what the partner has been told, and has set with its client, is what stores are connected
//! and called with.

use serde_json::{Value, json};

use crate::support::connecting::{Connected, Way, connect_for, start};
use crate::support::test_app::{TestApp, read};

async fn set(app: &TestApp, platform: &str, fields: Value) {
    let path = format!("/v1/platforms/{platform}/app");
    let answer = app.api("PUT", &path, Some(json!({ "fields": fields }))).await;
    assert!(answer.status < 300, "{platform}: {}", answer.body);
}

async fn call(app: &TestApp, store: &Connected, path: &str) {
    let request = app.request(&store.access_token, "GET", &format!("/v1/proxy{path}"));
    let answer = read(request.send().await.unwrap()).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{path}: {}",
        answer.body
    );
}

/// Addresses of the requests that the platform got, without their queries.
async fn asked(app: &TestApp, platform: &str) -> Vec<String> {
    let all = app.received(platform).await;
    let url = |entry: &Value| entry["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
    all.iter().map(url).collect()
}

async fn last(app: &TestApp, platform: &str) -> String {
    app.received(platform).await.last().unwrap().to_string().to_lowercase()
}

#[tokio::test]
async fn ecarts_host_paths_header_and_word_are_the_partners_to_set() {
    let app = start().await;
    let fields = json!({
        "api_host": "sandbox.ecartpay.com", "token_path": "api/v2/token", "verify_path": "api/v2/me",
        "auth_header": "X-Ecart-Token", "auth_scheme": "Bearer",
    });
    set(&app, "ecart", fields).await;
    let way = Way::with(
        "ecart",
        "keys",
        &[("public_key", "sandbox-pub-one"), ("private_key", "sandbox-secret")],
    );
    let store = connect_for(&app, "customer-1", &way).await;
    call(&app, &store, "/api/orders").await;
    let urls = asked(&app, "ecart").await;
    for (at, path) in ["/api/v2/token", "/api/v2/me", "/api/orders"].iter().enumerate() {
        assert!(urls[at].ends_with(&format!("sandbox.ecartpay.com{path}")), "{urls:?}");
    }
    let sent = last(&app, "ecart").await;
    assert!(sent.contains("x-ecart-token"), "{sent}");
}

#[tokio::test]
async fn verskiss_host_and_path_are_the_partners_to_set() {
    let app = start().await;
    set(
        &app,
        "verskis",
        json!({ "api_host": "api.verskis.example.com", "verify_path": "api/v2/me" }),
    )
    .await;
    let way = Way::with(
        "verskis",
        "token",
        &[("shop", "acme.example.com"), ("token", "sandbox-tok-5a5a5a5a")],
    );
    let store = connect_for(&app, "customer-1", &way).await;
    assert_eq!(store.store["platform_store_id"], "acme.example.com");
    call(&app, &store, "/api/").await;
    let urls = asked(&app, "verskis").await;
    assert!(!urls.is_empty());
    assert!(
        urls.iter().all(|url| url.contains("api.verskis.example.com/api/")),
        "{urls:?}"
    );
    assert!(urls[0].ends_with("/api/v2/me"), "{urls:?}");
}

#[tokio::test]
async fn claro_shops_harmless_read_is_the_partners_to_set() {
    let app = start().await;
    let way = Way::with(
        "claro-shop",
        "keys",
        &[("public_key", "sandbox5a5a"), ("private_key", "sandbox-secret")],
    );
    set(
        &app,
        "claro-shop",
        json!({ "verify_path": "pedidos", "verify_member": "/pedidos" }),
    )
    .await;
    let store = connect_for(&app, "customer-1", &way).await;
    call(&app, &store, "/producto").await;
    let urls = asked(&app, "claro-shop").await;
    assert!(
        urls[0].ends_with("/pedidos") && urls.last().unwrap().ends_with("/producto"),
        "{urls:?}"
    );
}

#[tokio::test]
async fn the_addresses_of_kometias_beta_are_the_partners_to_set() {
    let app = start().await;
    let fields = json!({
        "client_id": "sandbox-beta", "client_secret": "sandbox-secret", "beta_host": "beta.kometia.com",
        "authorize_path": "beta/allow", "token_path": "beta/tokens", "api_host": "api.kometia.com",
        "auth_header": "X-Kometia-Token",
    });
    set(&app, "kometia", fields).await;
    let store = connect_for(
        &app,
        "customer-1",
        &Way::with("kometia", "authorization", &[("store", "acme")]),
    )
    .await;
    assert_eq!(store.store["platform_store_id"], "acme");
    call(&app, &store, "/api/v1/products").await;
    let urls = asked(&app, "kometia").await;
    for (path, wanted) in [
        ("/beta/tokens", "beta.kometia.com/beta/tokens"),
        ("/api/v1/products", "acme.kometia.com/api/v1/products"),
    ] {
        let found = urls.iter().find(|url| url.ends_with(path)).unwrap();
        assert!(found.ends_with(wanted), "{urls:?}");
    }
    assert!(
        urls.last().unwrap().ends_with("api.kometia.com/api/v1/products"),
        "{urls:?}"
    );
    let sent = last(&app, "kometia").await;
    assert!(sent.contains("x-kometia-token"), "{sent}");
}

#[tokio::test]
async fn a_method_that_nobody_confirms_is_marked_beside_those_that_are() {
    let app = start().await;
    let told = app.api("GET", "/v1/platforms/kometia", None).await.json();
    assert_eq!(told["unconfirmed"], false);
    let marks: Vec<_> = told["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| (method["id"].as_str().unwrap(), method["unconfirmed"].as_bool().unwrap()))
        .collect();
    assert_eq!(marks, [("keys", false), ("authorization", true)]);
}
