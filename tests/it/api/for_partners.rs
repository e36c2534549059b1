//! Methods that no page offers: what is given names a store and proves nothing, so that only the partner whose client it is
//! may name one, by `POST /v1/stores`.

use serde_json::{Value, json};

use crate::support::connecting::{Way, begin, connect_for, start, stores};
use crate::support::test_app::{TestApp, read};
use crate::support::visitor::{Answer, Visitor};

const TOKEN: &str = "shpat_5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

async fn own_client(app: &TestApp, platform: &str) {
    let fields = json!({ "fields": { "client_id": "sandbox-aggregator", "client_secret": "sandbox-secret" } });
    let path = format!("/v1/platforms/{platform}/app");
    let answer = app.api("PUT", &path, Some(fields)).await;
    assert!(answer.status < 300, "{}", answer.body);
}

async fn name(app: &TestApp, platform: &str, method: &str, customer: &str, fields: Value) -> Answer {
    let body = json!({ "platform": platform, "method": method, "customer_id": customer, "fields": fields });
    app.api("POST", "/v1/stores", Some(body)).await
}

async fn call(app: &TestApp, answer: &Answer, path: &str) -> Answer {
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let request = app.request(&token, "GET", &format!("/v1/proxy{path}"));
    read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_partner_names_the_sellers_who_linked_its_own_client() {
    let app = start().await;
    own_client(&app, "cdiscount").await;
    for (customer, seller) in [("customer-1", "98979"), ("customer-2", "98980")] {
        let made = name(
            &app,
            "cdiscount",
            "delegation",
            customer,
            json!({ "seller_id": seller }),
        )
        .await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.json()["store"]["platform_store_id"], seller);
        let answer = call(&app, &made, "/seller/v2/sellers").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains(seller), "{}", answer.body);
    }
    let stranger = name(
        &app,
        "cdiscount",
        "delegation",
        "customer-3",
        json!({ "seller_id": "12345" }),
    )
    .await;
    assert_eq!(stranger.status, 502, "{}", stranger.body);
    let taken = name(
        &app,
        "cdiscount",
        "delegation",
        "customer-3",
        json!({ "seller_id": "98979" }),
    )
    .await;
    assert_eq!(taken.json()["code"], "store_already_connected", "{}", taken.body);
    assert_eq!(stores(&app).await.len(), 2);
}

#[tokio::test]
async fn nobody_names_a_store_by_a_client_that_other_apps_use_too() {
    let app = start().await;
    for (platform, method, fields) in [
        ("cdiscount", "delegation", json!({ "seller_id": "98979" })),
        ("shopify", "client", json!({ "shop": "acme.myshopify.com" })),
        (
            "shopify",
            "exchange",
            json!({ "shop": "acme.myshopify.com", "fixed_token": TOKEN }),
        ),
    ] {
        let answer = name(&app, platform, method, "customer-1", fields).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (503, &json!("platform_app_misconfigured")),
            "{platform} {method}: {}",
            answer.body
        );
        assert!(app.received(platform).await.is_empty(), "{platform} {method}");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn no_page_offers_such_a_method() {
    let app = start().await;
    own_client(&app, "cdiscount").await;
    let session = begin(&app, json!({ "platform": "cdiscount" })).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(!page.body.contains("delegation"), "{}", page.text());
    let asked = format!("{}?method=delegation", page.url);
    let page = visitor.open(&asked, &[&app.url]).await;
    assert!(page.body.contains("name=\"client_secret\""), "{}", page.text());
    assert!(!page.body.contains("value=\"delegation\""), "{}", page.text());
}

#[tokio::test]
async fn a_store_of_the_partners_own_organization_is_connected_by_its_name() {
    let app = start().await;
    own_client(&app, "shopify").await;
    let made = name(
        &app,
        "shopify",
        "client",
        "customer-1",
        json!({ "shop": "acme.myshopify.com" }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let store = &made.json()["store"];
    assert_eq!(store["platform_store_id"], "acme.myshopify.com");
    assert_eq!(store["access"]["refreshable"], true);
    let answer = call(&app, &made, "/admin/api/2026-10/shop.json").await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    let before = app.token_calls("shopify").await;
    app.control("expire-access-tokens", json!({ "platform": "shopify" }))
        .await;
    let answer = call(&app, &made, "/admin/api/2026-10/shop.json").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(app.token_calls("shopify").await, before + 1);
}

/// As a partner does whose stores hold tokens that Shopify will soon take no more.
#[tokio::test]
async fn a_token_without_expiry_is_exchanged_for_one_that_is_renewed() {
    const PATH: &str = "/admin/api/2026-10/shop.json";
    let app = start().await;
    own_client(&app, "shopify").await;
    let shop = "acme.myshopify.com";
    let way = Way::with("shopify", "fixed", &[("shop", shop)]);
    let store = connect_for(&app, "customer-1", &way).await;
    let works = async || {
        let request = app.request(&store.access_token, "GET", &format!("/v1/proxy{PATH}"));
        let answer = read(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.header("llavero-source")), (200, "platform"));
        let sent = app.received("shopify").await;
        let headers = sent.last().unwrap()["headers"].as_array().unwrap().clone();
        let token = headers.iter().find(|pair| pair[0] == "x-shopify-access-token");
        token.unwrap_or_else(|| panic!("{headers:?}"))[1]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let fixed = works().await;

    let fields = json!({ "shop": shop, "fixed_token": fixed });
    let made = name(&app, "shopify", "exchange", "customer-1", fields.clone()).await;
    assert_eq!(
        (made.status, &made.json()["reauthorized"]),
        (200, &json!(true)),
        "{}",
        made.body
    );
    let told = made.json()["store"].clone();
    assert_eq!(
        (&told["id"], &told["method"]),
        (&json!(store.store_id), &json!("exchange"))
    );
    assert!(told["refresh"]["expires_at"].is_string(), "{told}");
    let first = works().await;
    assert_ne!(first, fixed);
    // A lost answer can be asked for again.
    let again = name(&app, "shopify", "exchange", "customer-1", fields).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(works().await, first);

    app.control("expire-access-tokens", json!({ "platform": "shopify" }))
        .await;
    assert_ne!(works().await, first);
}
