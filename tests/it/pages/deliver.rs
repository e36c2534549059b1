//! Keys that a shop's server posts to us: taken at once and as often as they come, and of no effect until the merchant's own
//! browser arrives.

use serde_json::{Value, json};
use url::Url;

use crate::support::connecting::{
    APPROVE, Session, Way, assert_connects_nothing, begin, callback_url, connect_for, fill_in, start, stores, way_back,
};
use crate::support::raw;
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

fn way() -> Way {
    Way::good("woocommerce", "one-click")
}

/// At the shop's page: the session, the page, and where the shop is told to deliver, with our state.
async fn at_shop(app: &TestApp, visitor: &Visitor) -> (Session, Answer, Url, String) {
    let session = begin(app, json!({ "platform": "woocommerce" })).await;
    let login = fill_in(app, visitor, &session.url, &way()).await;
    let find = |name: &str| {
        login
            .url
            .query_pairs()
            .find(|pair| pair.0 == name)
            .unwrap()
            .1
            .into_owned()
    };
    let (deliver, state) = (find("callback_url").parse().unwrap(), find("user_id"));
    (session, login, deliver, state)
}

fn keys(state: &str, number: u8) -> Value {
    json!({
        "key_id": 1, "user_id": state, "key_permissions": "read_write",
        "consumer_key": format!("ck_5a{number:038}"), "consumer_secret": format!("cs_5a{number:038}"),
    })
}

async fn post(app: &TestApp, deliver: &Url, body: &Value) -> u16 {
    let headers = [("content-type", "application/json")];
    raw::send(&app.url, "POST", deliver.path(), &headers, body.to_string().as_bytes())
        .await
        .status
}

#[tokio::test]
async fn delivered_keys_make_no_store_before_the_browser_arrives() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, login, deliver, _) = at_shop(&app, &visitor).await;
    assert!(deliver.path().starts_with("/connect/deliver/llv_cs_"), "{deliver}");
    let callback = callback_url(&visitor, &login, APPROVE).await;
    assert!(stores(&app).await.is_empty());
    let done = visitor.open(callback.as_str(), &[&app.url]).await;
    way_back(&done).code();
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_is_answered_200_each_time() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, login, deliver, state) = at_shop(&app, &visitor).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    let before = app.received("woocommerce").await.len();
    assert_eq!(post(&app, &deliver, &keys(&state, 1)).await, 200);
    assert_eq!(post(&app, &deliver, &keys(&state, 1)).await, 200);
    assert_eq!(
        app.received("woocommerce").await.len(),
        before,
        "a delivery calls nobody"
    );
    let done = visitor.open(callback.as_str(), &[&app.url]).await;
    way_back(&done).code();
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_repeated_after_the_end_is_answered_200_too() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, login, deliver, state) = at_shop(&app, &visitor).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
    assert_eq!(
        post(&app, &deliver, &keys(&state, 1)).await,
        200,
        "the shop would delete the key"
    );
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn another_browser_cannot_collect_delivered_keys() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, login, ..) = at_shop(&app, &visitor).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    let page = Visitor::new().open(callback.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert!(stores(&app).await.is_empty());
    way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
}

#[tokio::test]
async fn a_browser_without_a_delivery_connects_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, login, _, state) = at_shop(&app, &visitor).await;
    assert!(!state.is_empty() && login.status == 200);
    let url = format!("{}/connect/callback/woocommerce?success=1&user_id={state}", app.url);
    let page = visitor.open(&url, &[&app.url]).await;
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_delivery_with_a_foreign_state_is_not_kept() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, _, deliver, state) = at_shop(&app, &visitor).await;
    post(&app, &deliver, &keys("somebody-elses", 1)).await;
    post(&app, &deliver, &json!({ "nonsense": true })).await;
    let url = format!("{}/connect/callback/woocommerce?success=1&user_id={state}", app.url);
    let page = visitor.open(&url, &[&app.url]).await;
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_delivery_to_no_session_is_not_found() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, _, deliver, state) = at_shop(&app, &visitor).await;
    let mut other = deliver.clone();
    other.set_path("/connect/deliver/llv_cs_nonsense");
    let status = post(&app, &other, &keys(&state, 1)).await;
    assert!((400..500).contains(&status), "{status}");
}

#[tokio::test]
async fn delivered_keys_are_those_that_calls_are_made_with() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &way()).await;
    let answer = app
        .call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(connected.store["platform_store_id"], "https://shop.example.com");
}
