//! A store that is connected again keeps its id and its token; only its own merchant's shop can do that.

use serde_json::{Value, json};

use crate::support::connecting::{
    Connected, OTHER, Way, begin_again, connect_for, exchange, fill_in, press, session_status, start, store, stores,
    walk, walk_to_end, way_back,
};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

async fn connected(app: &TestApp, platform: &str, method: &str) -> Connected {
    connect_for(app, "customer-1", &Way::good(platform, method)).await
}

async fn assert_works(app: &TestApp, token: &str) {
    let answer = app.api_as(token, "GET", "/v1/access", None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_reauthorized_store_keeps_its_id_and_its_token() {
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("shopify", "expiring"),
        ("woocommerce", "keys"),
        ("hybris", "client"),
    ] {
        let app = start().await;
        let first = connected(&app, platform, method).await;
        let session = begin_again(&app, &first.store_id, json!({})).await;
        let returned = walk(&app, &Visitor::new(), &session.url, &Way::good(platform, method)).await;
        assert_eq!(returned.values["store_id"], first.store_id);

        let answer = exchange(&app, returned.code()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        assert_eq!(
            (&body["access_token"], &body["reauthorized"]),
            (&Value::Null, &json!(true)),
            "{platform}"
        );
        assert_eq!(body["store"]["id"], first.store_id);
        assert_eq!(stores(&app).await.len(), 1);
        assert_works(&app, &first.access_token).await;
    }
}

#[tokio::test]
async fn a_dead_store_works_again_with_the_same_token_after_reauthorization() {
    let app = start().await;
    let first = connected(&app, "mercado-libre", "authorization").await;
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    let refused = app.call(&first.access_token, "GET", "/users/me").await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(refused.json()["code"], "store_needs_reauthorization");
    assert_eq!(store(&app, &first.store_id).await["status"], "needs_reauthorization");

    let session = begin_again(&app, &first.store_id, json!({})).await;
    walk(
        &app,
        &Visitor::new(),
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let answer = app.call(&first.access_token, "GET", "/users/me").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(store(&app, &first.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_reauthorization_that_comes_back_with_another_shop_changes_nothing() {
    let app = start().await;
    let first = connected(&app, "mercado-libre", "authorization").await;
    let before = store(&app, &first.store_id).await;
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let visitor = Visitor::new();
    let login = fill_in(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let page = press(&app, &visitor, &login, OTHER).await;
    assert!(page.text().contains("another store"), "{}", page.text());
    assert!(!page.body.contains("llv_cd_"));
    assert_eq!(store(&app, &first.store_id).await, before);
    assert_eq!(stores(&app).await.len(), 1);
    assert_works(&app, &first.access_token).await;
    let call = app.call(&first.access_token, "GET", "/users/me").await;
    assert!(call.body.contains("123456789"), "{}", call.body);
}

#[tokio::test]
async fn a_reauthorization_of_a_shopify_store_refuses_another_shop() {
    let app = start().await;
    let first = connected(&app, "shopify", "expiring").await;
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    let typed = page.form_with("method").values.get("shop").cloned();
    assert_eq!(typed.as_deref(), Some("acme.myshopify.com"), "the form knows the store");
    let way = Way::good("shopify", "expiring").but("shop", "other.myshopify.com");
    let page = walk_to_end(&app, &visitor, &session.url, &way).await;
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert_eq!(
        store(&app, &first.store_id).await["platform_store_id"],
        "acme.myshopify.com"
    );
    assert_works(&app, &first.access_token).await;
}

#[tokio::test]
async fn a_changed_typed_identity_is_held_until_the_partner_accepts_it() {
    let app = start().await;
    let first = connected(&app, "woocommerce", "keys").await;
    let moved = Way::good("woocommerce", "keys").but("store_url", "https://new.example.com");
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &moved).await;
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert!(page.text().contains("https://new.example.com"), "{}", page.text());
    assert_ne!(session_status(&app, &session.id).await, "completed");
    assert_eq!(
        store(&app, &first.store_id).await["platform_store_id"],
        "https://shop.example.com"
    );

    let session = begin_again(&app, &first.store_id, json!({ "accept_identity_change": true })).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &moved).await;
    assert_eq!(way_back(&page).values["store_id"], first.store_id);
    assert_eq!(
        store(&app, &first.store_id).await["platform_store_id"],
        "https://new.example.com"
    );
    assert_works(&app, &first.access_token).await;
}

#[tokio::test]
async fn a_reauthorization_may_take_another_method_of_the_same_store() {
    let app = start().await;
    let first = connected(&app, "woocommerce", "keys").await;
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let way = Way::good("woocommerce", "one-click");
    let returned = walk(&app, &Visitor::new(), &session.url, &way).await;
    assert_eq!(returned.values["store_id"], first.store_id);
    assert_eq!(store(&app, &first.store_id).await["method"], "one-click");
    assert_eq!(
        app.call(&first.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_reauthorization_leaves_customer_merchant_and_metadata_alone() {
    let app = start().await;
    let first = connected(&app, "woocommerce", "keys").await;
    let change = json!({ "name": "My shop", "metadata": { "a": 1 } });
    let path = format!("/v1/stores/{}", first.store_id);
    assert_eq!(app.api("PATCH", &path, Some(change)).await.status, 200);
    let session = begin_again(&app, &first.store_id, json!({})).await;
    walk(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    let after = store(&app, &first.store_id).await;
    assert_eq!(after["customer_id"], "customer-1");
    assert_eq!(after["metadata"], json!({ "a": 1 }));
    assert_eq!(after["name"], "My shop");
}

#[tokio::test]
async fn a_revoked_store_cannot_be_reauthorized() {
    let app = start().await;
    let first = connected(&app, "woocommerce", "keys").await;
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let path = format!("/v1/stores/{}", first.store_id);
    assert!((200..300).contains(&app.api("DELETE", &path, None).await.status));
    let body = json!({ "return_url": "http://127.0.0.1:1/" });
    let refused = app.api("POST", &format!("{path}/reauthorize"), Some(body)).await;
    assert!(
        (400..500).contains(&refused.status),
        "{} {}",
        refused.status,
        refused.body
    );

    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    if page.forms().iter().any(|form| form.values.contains_key("method")) {
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
        assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    }
    assert_eq!(store(&app, &first.store_id).await["status"], "revoked");
    assert_eq!(
        app.call(&first.access_token, "GET", "/wp-json/wc/v3/products")
            .await
            .status,
        401
    );
}
