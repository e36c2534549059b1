//! The same shop connected a second time: a re-authorization for its customer, refused for another, unless it is handed over.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{
    Connected, RETURN_URL, Way, begin, connect_for, exchange, start, store, stores, walk, walk_to_end, way_back,
};
use crate::support::partners::other_app;
use crate::support::visitor::Visitor;

fn way() -> Way {
    Way::good("mercado-libre", "authorization")
}

#[tokio::test]
async fn a_second_connect_of_the_same_customer_is_a_reauthorization() {
    let app = start().await;
    let first = connect_for(&app, "customer-1", &way()).await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(returned.values["store_id"], first.store_id);
    let body = exchange(&app, returned.code()).await.json();
    assert_eq!(
        (&body["access_token"], &body["reauthorized"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(app.call(&first.access_token, "GET", "/users/me").await.status, 200);
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn another_customer_is_refused_a_connected_store() {
    let app = start().await;
    let first = connect_for(&app, "customer-1", &way()).await;
    let session = begin(
        &app,
        json!({ "platform": "mercado-libre", "customer_id": "customer-2" }),
    )
    .await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    assert!(page.text().contains("connected already"), "{}", page.text());
    assert_eq!(way_back(&page).error(), "store_already_connected");
    assert_eq!(store(&app, &first.store_id).await["customer_id"], "customer-1");
    assert_eq!(stores(&app).await.len(), 1);
    assert_eq!(store(&app, &first.store_id).await["status"], "connected");
    assert_eq!(
        app.api_as(&first.access_token, "GET", "/v1/access", None).await.status,
        200
    );
}

#[tokio::test]
async fn a_store_is_handed_over_where_the_partner_says_so() {
    let app = start().await;
    let first = connect_for(&app, "customer-1", &way()).await;
    let body = json!({ "platform": "mercado-libre", "customer_id": "customer-2", "transfer": true });
    let session = begin(&app, body).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    let returned = way_back(&page);
    let answer = exchange(&app, returned.code()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(store(&app, &first.store_id).await["customer_id"], "customer-2");
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_revoked_store_connected_again_is_a_new_store_with_a_new_token() {
    let app = start().await;
    let first = connect_for(&app, "customer-1", &way()).await;
    app.api("DELETE", &format!("/v1/stores/{}", first.store_id), None).await;
    let second: Connected = connect_for(&app, "customer-1", &way()).await;
    assert_ne!(second.store_id, first.store_id);
    assert_ne!(second.access_token, first.access_token);
    assert_eq!(
        app.call(&first.access_token, "GET", "/users/me").await.json()["code"],
        "token_revoked"
    );
    assert_eq!(app.call(&second.access_token, "GET", "/users/me").await.status, 200);
}

#[tokio::test]
async fn two_browsers_at_once_with_the_same_shop_make_one_store() {
    let app = start().await;
    let (first, second) = (Visitor::new(), Visitor::new());
    let one = begin(&app, json!({ "platform": "woocommerce" })).await;
    let two = begin(&app, json!({ "platform": "woocommerce" })).await;
    let keys = Way::good("woocommerce", "keys");
    let (left, right) = tokio::join!(
        walk_to_end(&app, &first, &one.url, &keys),
        walk_to_end(&app, &second, &two.url, &keys)
    );
    assert!(
        left.status < 500 && right.status < 500,
        "{} {}",
        left.text(),
        right.text()
    );
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn typed_keys_of_another_customers_store_lead_back_to_the_partner() {
    let app = start().await;
    let keys = Way::good("woocommerce", "keys");
    connect_for(&app, "customer-1", &keys).await;
    let body = json!({ "platform": "woocommerce", "customer_id": "customer-2", "state": "mine" });
    let session = begin(&app, body).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &keys).await;
    assert!(page.text().contains("connected already"), "{}", page.text());
    let returned = way_back(&page);
    assert_eq!(returned.error(), "store_already_connected");
    assert_eq!(
        (&*returned.values["state"], &*returned.values["status"]),
        ("mine", "failed")
    );
}

#[tokio::test]
async fn a_shop_of_another_app_is_refused_in_the_words_of_one_of_another_customer() {
    let app = start().await;
    connect_for(&app, "customer-1", &way()).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let asked = json!({ "platform": "mercado-libre", "customer_id": "customer-2", "return_url": RETURN_URL });
    let mut told = Vec::new();
    for key in [app.demo.api_key.expose(), &other.key] {
        let made = app
            .api_as(key, "POST", "/v1/connect-sessions", Some(asked.clone()))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        let url = made.json()["url"].as_str().unwrap().to_owned();
        let returned = way_back(&walk_to_end(&app, &Visitor::new(), &url, &way()).await);
        assert_eq!(returned.error(), "store_already_connected");
        let path = format!("/v1/connect-sessions/{}", made.json()["id"].as_str().unwrap());
        let session = app.api_as(key, "GET", &path, None).await.json();
        told.push((returned.values["error_description"].clone(), session["failure"].clone()));
    }
    assert_eq!(told[0], told[1]);
}
