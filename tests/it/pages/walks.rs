//! The whole way of each platform and method, up to the first call with the new token.

use crate::support::connecting::{WAYS, Way, connect_for, start, store};

/// A call that the platform answers for every connected store.
fn first_call(platform: &str) -> &'static str {
    match platform {
        "mercado-libre" => "/users/me",
        "walmart" => "/v3/items?limit=1",
        "shopify" => "/admin/api/2026-10/shop.json",
        "woocommerce" => "/wp-json/wc/v3/products",
        "hybris" => "/occ/v2/electronics/products/1",
        "falabella" => "/?Action=GetProducts&Format=JSON",
        other => panic!("{other}"),
    }
}

async fn connects_and_calls(platform: &str, method: &str, identity: &str) {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good(platform, method)).await;
    assert!(
        connected.access_token.starts_with("llv_st_"),
        "{}",
        connected.access_token
    );
    assert!(connected.store_id.starts_with("store_"));

    let store = store(&app, &connected.store_id).await;
    assert_eq!(store["platform"], platform);
    assert_eq!(store["method"], method);
    assert_eq!(store["status"], "connected");
    assert_eq!(store["health"], "ok");
    assert_eq!(store["mode"], "sandbox");
    assert_eq!(store["customer_id"], "customer-1");
    assert_eq!(store["platform_store_id"], identity);

    let call = app.call(&connected.access_token, "GET", first_call(platform)).await;
    assert_eq!(
        (call.status, call.header("llavero-source")),
        (200, "platform"),
        "{}",
        call.body
    );
}

#[tokio::test]
async fn a_mercado_libre_store_is_connected_by_authorization() {
    connects_and_calls("mercado-libre", "authorization", "123456789").await;
}

#[tokio::test]
async fn a_walmart_store_is_connected_by_its_own_keys() {
    connects_and_calls("walmart", "keys", "sandbox-seller").await;
}

#[tokio::test]
async fn a_shopify_store_is_connected_with_an_expiring_token() {
    connects_and_calls("shopify", "expiring", "acme.myshopify.com").await;
}

#[tokio::test]
async fn a_shopify_store_is_connected_with_a_fixed_token() {
    connects_and_calls("shopify", "fixed", "acme.myshopify.com").await;
}

#[tokio::test]
async fn a_shopify_store_is_connected_with_a_pasted_token() {
    connects_and_calls("shopify", "admin-token", "acme.myshopify.com").await;
}

#[tokio::test]
async fn a_woocommerce_store_is_connected_with_pasted_keys() {
    connects_and_calls("woocommerce", "keys", "https://shop.example.com").await;
}

#[tokio::test]
async fn a_woocommerce_store_is_connected_by_one_click() {
    connects_and_calls("woocommerce", "one-click", "https://shop.example.com").await;
}

#[tokio::test]
async fn a_hybris_store_is_connected_with_its_own_client() {
    let identity = "https://api.acme-p1.model-t.cc.commerce.ondemand.com/electronics";
    connects_and_calls("hybris", "client", identity).await;
}

#[tokio::test]
async fn a_falabella_store_is_connected_with_its_key() {
    connects_and_calls("falabella", "keys", "sandbox-one@example.com").await;
}

#[tokio::test]
async fn every_method_of_the_catalogue_is_walked_here() {
    let app = start().await;
    for platform in app.api("GET", "/v1/platforms", None).await.json()["data"]
        .as_array()
        .unwrap()
    {
        let slug = platform["slug"].as_str().unwrap();
        for method in platform["methods"].as_array().unwrap() {
            let id = method["id"].as_str().unwrap();
            assert!(WAYS.iter().any(|way| way.0 == slug && way.1 == id), "{slug} {id}");
        }
    }
}
