//! Deleting a customer revokes all its stores and forgets its merchants.

use serde_json::{Value, json};

use crate::support::connecting::{Way, begin, connect_for, start, store};
use crate::support::receiver::Receiver;
use crate::support::rows::work;
use crate::support::webhooks::Listening;

#[tokio::test]
async fn deleting_a_customer_revokes_its_stores_and_no_others() {
    let app = start().await;
    let mine = [
        connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await,
        connect_for(&app, "customer-1", &Way::good("walmart", "keys")).await,
    ];
    let other = connect_for(&app, "customer-10", &Way::good("falabella", "keys")).await;
    let answer = app.api("DELETE", "/v1/customers/customer-1", None).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
    for connected in &mine {
        assert_eq!(store(&app, &connected.store_id).await["status"], "revoked");
        let access = app.api_as(&connected.access_token, "GET", "/v1/access", None).await;
        assert_eq!(access.json()["code"], "token_revoked");
    }
    assert_eq!(store(&app, &other.store_id).await["status"], "connected");
    assert_eq!(
        app.api_as(&other.access_token, "GET", "/v1/access", None).await.status,
        200
    );
}

#[tokio::test]
async fn what_is_known_of_the_merchants_is_erased() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let merchant = json!({ "email": "maria@shop.example", "name": "María Pérez", "locale": "es" });
    let path = format!("/v1/stores/{}", connected.store_id);
    app.api("PATCH", &path, Some(json!({ "merchant": merchant }))).await;
    begin(&app, json!({ "platform": "walmart", "merchant": merchant })).await;
    app.api("DELETE", "/v1/customers/customer-1", None).await;

    let after = store(&app, &connected.store_id).await;
    assert_eq!(
        (&after["merchant"]["email"], &after["merchant"]["name"]),
        (&Value::Null, &Value::Null)
    );
    for (table, columns) in [
        ("stores", "stores::text"),
        ("connect_sessions", "connect_sessions::text"),
        ("audit_events", "audit_events::text"),
        ("jobs", "jobs::text"),
    ] {
        let left = format!(
            "SELECT count(*) AS count FROM {table} WHERE {columns} LIKE '%maria@shop.example%' OR {columns} LIKE '%Pérez%'"
        );
        assert_eq!(app.database.count(&left), 0, "{table} still knows the merchant");
    }
}

#[tokio::test]
async fn an_open_session_of_a_deleted_customer_connects_nothing() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    connect_for(&app, "customer-1", &Way::good("walmart", "keys")).await;
    app.api("DELETE", "/v1/customers/customer-1", None).await;
    let page = crate::support::visitor::Visitor::new()
        .open(&session.url, &[&app.url])
        .await;
    crate::support::connecting::assert_connects_nothing(&page);
}

#[tokio::test]
async fn a_customer_id_may_hold_any_characters() {
    let app = start().await;
    let customer = "cu/st omer?#é%";
    let connected = connect_for(&app, customer, &Way::good("woocommerce", "keys")).await;
    let encoded: String = customer
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let answer = app.api("DELETE", &format!("/v1/customers/{encoded}"), None).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(store(&app, &connected.store_id).await["status"], "revoked");
}

#[tokio::test]
async fn a_customer_of_open_sessions_alone_is_deleted_once_and_an_unknown_one_is_not_found() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let first = app.api("DELETE", "/v1/customers/customer-1", None).await;
    assert!((200..300).contains(&first.status), "{} {}", first.status, first.body);
    let status = crate::support::connecting::session_status(&app, &session.id).await;
    assert_eq!(status, "cancelled");
    for unknown in ["customer-1", "nobody"] {
        let answer = app.api("DELETE", &format!("/v1/customers/{unknown}"), None).await;
        assert_eq!(answer.status, 404, "{unknown}: {}", answer.body);
    }
}

#[tokio::test]
async fn nor_does_anything_that_is_shown_name_the_customer_or_its_shop_any_more() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    let connected = connect_for(&app, "customer-maria", &Way::good("woocommerce", "keys")).await;
    let path = format!("/v1/stores/{}", connected.store_id);
    let named = json!({ "name": "María's shop", "merchant": { "email": "maria@shop.example" } });
    assert_eq!(app.api("PATCH", &path, Some(named)).await.status, 200);
    app.api("POST", &format!("{path}/access-tokens"), Some(json!({}))).await;
    work(&app).await;
    let events = app.api("GET", "/v1/events", None).await.body;
    assert!(
        events.contains("customer-maria") && events.contains("María's shop"),
        "{events}"
    );

    let answer = app.api("DELETE", "/v1/customers/customer-maria", None).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let session = format!("/v1/connect-sessions/{}", connected.session_id);
    for shown in [&path, &session, "/v1/stores", "/v1/events", "/v1/webhook-deliveries"] {
        let told = app.api("GET", shown, None).await;
        assert_eq!(told.status, 200, "{shown}: {}", told.body);
        for word in ["customer-maria", "María", "maria@"] {
            assert!(!told.body.contains(word), "{shown} shows {word}: {}", told.body);
        }
    }
    let after = store(&app, &connected.store_id).await;
    assert_eq!(after["name"], after["platform_store_id"]);
    // What has yet to be told goes out without the name.
    work(&app).await;
    let last = receiver.requests().pop().unwrap();
    assert_eq!(last.json()["type"], "store.revoked");
    assert!(
        !last.body.contains("customer-maria") && !last.body.contains("María"),
        "{}",
        last.body
    );
    drop(listening);
}
