//! Each kind from its form to a store that was lost and authorized again with the same token.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::support::connecting::{self, Connected, Way, begin_again, connect_for, walk};
use crate::support::visitor::Visitor;

const HOUR: Duration = Duration::from_secs(3600);

async fn works(app: &TestApp, store: &Connected) {
    let answer = app.call(&store.access_token, "GET", "/orders?page=2").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("llavero-source"), "platform");
}

/// The platform has ended what the store has: the token says so, and works again once the merchant has been there.
async fn dies_and_comes_back(app: &TestApp, simulated: &str, store: &Connected, again: &Way) {
    app.control("revoke", json!({ "platform": simulated })).await;
    let refused = app.call(&store.access_token, "GET", "/orders").await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(refused.json()["code"], "store_needs_reauthorization");

    let session = begin_again(app, &store.store_id, json!({})).await;
    let returned = walk(app, &Visitor::new(), &session.url, again).await;
    let answer = connecting::exchange(app, returned.code()).await.json();
    assert_eq!(answer["reauthorized"], true, "{answer}");
    works(app, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_with_oauth_codes_is_defined_connected_renewed_and_authorized_again() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "code", CODE).await;

    let facts = app.api("GET", "/v1/platforms/x-generic", None).await.json();
    assert_eq!((&facts["custom"], &facts["number"]), (&json!(true), &json!(null)));
    assert_eq!(facts["redirect_uri"], format!("{}/connect/callback/x-generic", app.url));
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let put = app.api("PUT", "/v1/platforms/x-generic/app", Some(client)).await;
    assert!(put.status < 300, "{}", put.body);

    let way = Way::with("x-generic", "authorization", &[]);
    let store = connect_for(&app, "customer-1", &way).await;
    assert_eq!(store.store["platform_store_id"], "1001");
    works(&app, &store).await;
    let sent = app.received("generic").await;
    let call = sent
        .iter()
        .find(|entry| entry["url"].to_string().contains("/v1/orders"))
        .unwrap();
    assert!(call.to_string().contains("page=2"), "{call}");
    assert_eq!(app.token_calls("generic").await, 1);

    app.advance(HOUR + Duration::from_secs(1));
    works(&app, &store).await;
    assert_eq!(app.token_calls("generic").await, 2, "refreshed, unseen");
    let verified = app
        .api(
            "POST",
            &format!("/v1/stores/{}/verify", store.store_id),
            Some(json!({})),
        )
        .await;
    assert_eq!(verified.status, 200, "{}", verified.body);

    dies_and_comes_back(&app, "generic", &store, &way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_with_client_credentials_asks_again_and_is_authorized_again() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "credentials", CREDENTIALS).await;

    let way = |client: &str| {
        let fields = [
            ("shop", "acme"),
            ("client_id", client),
            ("client_secret", "sandbox-secret"),
        ];
        Way::with("x-machines", "client", &fields)
    };
    let store = connect_for(&app, "customer-1", &way("sandbox-client-1")).await;
    assert_eq!(store.store["platform_store_id"], "acme");
    works(&app, &store).await;
    let asked = app.token_calls("generic-client").await;
    app.advance(HOUR + Duration::from_secs(1));
    works(&app, &store).await;
    assert_eq!(app.token_calls("generic-client").await, asked + 1);
    dies_and_comes_back(&app, "generic-client", &store, &way("sandbox-client-2")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_with_a_key_in_a_header_is_called_with_it_and_authorized_again() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "key", KEY).await;

    let way = |key: &str| Way::with("x-keys", "keys", &[("api_key", key)]);
    let store = connect_for(&app, "customer-1", &way("sandbox-key-one")).await;
    works(&app, &store).await;
    app.advance(HOUR * 1000);
    works(&app, &store).await;
    dies_and_comes_back(&app, "generic", &store, &way("sandbox-key-two")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_goes_into_the_query_or_becomes_basic_as_the_form_says() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    let places: [(&str, &str, &str, Answers); 2] = [
        (
            "x-query",
            "query",
            "api_key",
            &[("api_key", "sandbox-key-one"), ("account", "acme")],
        ),
        (
            "x-basic",
            "basic",
            "",
            &[
                ("user", "sandbox-client-1"),
                ("api_key", "sandbox-secret"),
                ("account", "acme"),
            ],
        ),
    ];
    for (slug, place, name, typed) in places {
        let mut answers = KEY.to_vec();
        answers.retain(|(known, _)| !matches!(*known, "slug" | "store_id"));
        answers.extend([
            ("slug", slug),
            ("place", place),
            ("place_name", name),
            ("user_label", "User"),
        ]);
        defined(&app, &owner, "key", &answers).await;
        let store = connect_for(&app, slug, &Way::with(slug, "keys", typed)).await;
        assert_eq!(
            store.store["platform_store_id"], "acme",
            "typed, for no answer is asked for it"
        );
        works(&app, &store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_a_merchant_types_passes_the_address_policy() {
    let wishes = crate::support::test_app::Wishes {
        strict_hosts: true,
        ..Default::default()
    };
    let app = connecting::start_with(wishes).await;
    let owner = owner(&app).await;
    let mut answers = KEY.to_vec();
    answers.retain(|(known, _)| !matches!(*known, "base_url" | "store_id"));
    defined(&app, &owner, "key", &answers).await;
    let live = crate::support::partners::other_app(&app, llavero::domain::store::Mode::Live).await;
    for host in ["https://127.0.0.1", "https://10.0.0.7", "https://169.254.169.254"] {
        let store = json!({
            "platform": "x-keys",
            "customer_id": "customer-1",
            "fields": { "store_url": host, "api_key": "sandbox-key-one" },
        });
        let answer = app.api_as(&live.key, "POST", "/v1/stores", Some(store)).await;
        assert!(answer.status >= 400, "{host}: {}", answer.body);
        assert!(!answer.body.contains("access_token\":\"llv"), "{host}");
    }
    assert!(app.received("generic").await.is_empty());
}
