//! One store: what is told of it, what may be changed, and stores connected without a browser.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{WAYS, WOOCOMMERCE, Way, connect, connect_for, start, start_with, store, stores};
use crate::support::partners::other_app;
use crate::support::test_app::{TestApp, Wishes};
use crate::support::visitor::Answer;

fn body(way: &Way) -> Value {
    let fields: serde_json::Map<String, Value> = way
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({ "platform": way.platform, "method": way.method, "customer_id": "customer-1", "fields": fields })
}

async fn post(app: &TestApp, body: Value) -> Answer {
    app.api("POST", "/v1/stores", Some(body)).await
}

#[tokio::test]
async fn a_store_is_told_with_every_field_of_the_contract_and_no_secret() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("mercado-libre", "authorization")).await;
    let store = store(&app, &connected.store_id).await;
    for name in [
        "id",
        "platform",
        "method",
        "name",
        "url",
        "platform_store_id",
        "customer_id",
        "merchant",
        "metadata",
        "mode",
        "status",
        "status_reason",
        "status_since",
        "health",
        "connected_at",
        "updated_at",
        "last_used_at",
        "access",
        "refresh",
        "reauthorize_by",
    ] {
        assert!(store.get(name).is_some(), "no {name} in {store}");
    }
    for (part, names) in [
        ("merchant", &["email", "name", "locale"][..]),
        ("access", &["expires_at", "refreshable"][..]),
        ("refresh", &["expires_at", "next_at", "last_at", "last_outcome"][..]),
    ] {
        assert!(
            names.iter().all(|name| store[part].get(name).is_some()),
            "{part}: {store}"
        );
    }
    assert_eq!(
        store["access"],
        json!({ "expires_at": "2026-03-02T15:00:00Z", "refreshable": true })
    );
    assert_eq!(store["connected_at"], "2026-03-02T09:00:00Z");
    let text = store.to_string();
    assert!(!text.contains("APP_USR") && !text.contains("TG-"), "{text}");
}

#[tokio::test]
async fn a_store_with_keys_has_no_expiry() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let store = store(&app, &connected.store_id).await;
    assert_eq!(store["access"], json!({ "expires_at": null, "refreshable": false }));
    assert_eq!(store["refresh"]["expires_at"], Value::Null);
    assert_eq!(store["reauthorize_by"], Value::Null);
}

#[tokio::test]
async fn name_customer_merchant_and_metadata_can_be_changed() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let path = format!("/v1/stores/{}", connected.store_id);
    let change = json!({
        "name": "New name", "customer_id": "customer-2", "metadata": { "plan": "gold" },
        "merchant": { "email": "m@example.com", "name": "María", "locale": "es" },
    });
    let answer = app.api("PATCH", &path, Some(change.clone())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let after = store(&app, &connected.store_id).await;
    for name in ["name", "customer_id", "metadata", "merchant"] {
        assert_eq!(after[name], change[name], "{name}");
    }
    let answer = app.api("PATCH", &path, Some(json!({ "name": "Only this" }))).await;
    assert_eq!(answer.status, 200);
    let after = store(&app, &connected.store_id).await;
    assert_eq!(
        (&after["name"], &after["customer_id"]),
        (&json!("Only this"), &json!("customer-2"))
    );
    assert_eq!(after["merchant"]["email"], "m@example.com", "what is left out stays");
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_by_name() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let path = format!("/v1/stores/{}", connected.store_id);
    for (field, change) in [
        ("status", json!({ "status": "revoked" })),
        ("platform_store_id", json!({ "platform_store_id": "x" })),
        ("name", json!({ "name": 7 })),
        ("name", json!({ "name": "" })),
        ("metadata", json!({ "metadata": "text" })),
        ("metadata", json!({ "metadata": [] })),
        ("merchant", json!({ "merchant": [] })),
        ("merchant", json!({ "merchant": ["m@example.com", "María", "es"] })),
        ("merchant", json!({ "merchant": "María" })),
        ("body", json!([])),
        ("merchant.locale", json!({ "merchant": { "locale": "xx" } })),
        ("merchant.email", json!({ "merchant": { "email": "no address" } })),
    ] {
        let answer = app.api("PATCH", &path, Some(change)).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("invalid_request")),
            "{field}"
        );
        let told = answer.json()["errors"][0]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(told, field, "{}", answer.body);
    }
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn credentials_that_the_partner_holds_connect_without_a_browser() {
    let app = start().await;
    for (platform, method, fields) in WAYS {
        if matches!(*method, "authorization" | "expiring" | "fixed" | "one-click") {
            continue;
        }
        let answer = post(&app, body(&Way::with(platform, method, fields))).await;
        assert_eq!(answer.status, 201, "{platform} {method}: {}", answer.body);
        let made = answer.json();
        assert_eq!(made["store"]["status"], "connected");
        assert_eq!(made["store"]["customer_id"], "customer-1");
        let token = made["access_token"].as_str().unwrap();
        assert_eq!(app.api_as(token, "GET", "/v1/access", None).await.status, 200);
        for secret in ["client_secret", "consumer_secret", "api_key"] {
            let typed = fields.iter().find(|field| field.0 == secret);
            assert!(
                typed.is_none_or(|typed| !answer.body.contains(typed.1)),
                "{platform}: {}",
                answer.body
            );
        }
    }
}

fn brought(platform: &str, fields: Value) -> Value {
    json!({ "platform": platform, "customer_id": "customer-1", "fields": fields,
            "tokens": { "access_token": "token-0001", "refresh_token": "token-0002" } })
}

#[tokio::test]
async fn a_value_that_tokens_do_not_tell_is_asked_for_by_name_and_may_not_lead_elsewhere() {
    let app = start().await;
    let tray = "https://evil.example.com/web_api";
    for (platform, fields, field) in [
        (
            "salesforce",
            json!({ "login_host": "login.salesforce.com" }),
            "instance_url",
        ),
        (
            "salesforce",
            json!({ "login_host": "login.salesforce.com", "instance_url": "https://salesforce.com.evil.example" }),
            "instance_url",
        ),
        ("quickbooks", json!({}), "realm_id"),
        ("quickbooks", json!({ "realm_id": "../1" }), "realm_id"),
        ("bigcommerce", json!({ "store_hash": " " }), "store_hash"),
        ("vend", json!({ "domain_prefix": "evil.example/" }), "domain_prefix"),
        (
            "zoho-inventory",
            json!({ "api_domain": "https://www.zohoapis.eu" }),
            "accounts_server",
        ),
        (
            "tray",
            json!({ "shop": "loja.commercesuite.com.br", "api_address": tray }),
            "api_address",
        ),
        (
            "salesforce",
            json!({ "login_host": "login.salesforce.com", "instance": "x" }),
            "instance",
        ),
    ] {
        let mut body = brought(platform, fields);
        if platform == "bigcommerce" {
            body["method"] = json!("authorization");
        }
        let answer = post(&app, body).await;
        assert_eq!(answer.status, 400, "{platform} {field}: {}", answer.body);
        let told = answer.json()["errors"].as_array().unwrap().clone();
        let named = format!("fields.{field}");
        assert!(told.iter().any(|error| error["field"] == *named), "{}", answer.body);
        assert!(app.received(platform).await.is_empty(), "{platform}");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn tokens_that_nothing_ties_to_a_store_are_not_taken() {
    let app = start().await;
    let answer = post(&app, brought("wix", json!({}))).await;
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]["field"]),
        (400, &json!("tokens")),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn refused_credentials_make_no_store() {
    let app = start().await;
    let wrong = Way::good("walmart", "keys").but("client_secret", "wrong-secret-0001");
    let answer = post(&app, body(&wrong)).await;
    assert!(
        (400..500).contains(&answer.status) || answer.status == 502,
        "{} {}",
        answer.status,
        answer.body
    );
    assert!(!answer.body.contains("wrong-secret-0001"));
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_platform_that_is_down_makes_no_store_and_is_no_refusal() {
    let app = start().await;
    let fault = json!({ "platform": "walmart", "times": 5, "fault": { "status": 503 } });
    app.control("faults", fault).await;
    let answer = post(&app, body(&Way::good("walmart", "keys"))).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("platform_unavailable")),
        "{}",
        answer.body
    );
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn wrong_fields_are_named_and_secrets_not_repeated() {
    let app = start().await;
    let wrong = Way::good("woocommerce", "keys")
        .but("store_url", "no url")
        .but("consumer_secret", "bad secret!");
    let answer = post(&app, body(&wrong)).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let told: Vec<String> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect();
    assert!(told.iter().any(|field| field.ends_with("store_url")), "{told:?}");
    assert!(told.iter().any(|field| field.ends_with("consumer_secret")), "{told:?}");
    assert!(!answer.body.contains("bad secret!"));
    for (field, change) in [
        ("platform", json!("no-such")),
        ("method", json!("no-such")),
        ("customer_id", json!("")),
    ] {
        let mut all = body(&Way::good("woocommerce", "keys"));
        all[field] = change;
        let answer = post(&app, all).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["field"]),
            (400, &json!(field)),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn the_same_store_of_another_customer_is_a_conflict() {
    let app = start().await;
    assert_eq!(post(&app, body(&Way::good("woocommerce", "keys"))).await.status, 201);
    let mut other = body(&Way::good("woocommerce", "keys"));
    other["customer_id"] = json!("customer-2");
    let answer = post(&app, other).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (409, &json!("store_already_connected")),
        "{}",
        answer.body
    );
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn verify_answers_whether_the_credential_lives() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let path = format!("/v1/stores/{}/verify", connected.store_id);
    let answer = app.api("POST", &path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    app.control("revoke", json!({ "platform": "woocommerce" })).await;
    app.api("POST", &path, None).await;
    assert_eq!(
        store(&app, &connected.store_id).await["status"],
        "needs_reauthorization"
    );
}

#[tokio::test]
async fn a_private_host_is_the_partners_mistake_and_named() {
    let app = start_with(Wishes {
        strict_hosts: true,
        ..Wishes::default()
    })
    .await;
    let live = other_app(&app, Mode::Live).await;
    for host in ["https://127.0.0.1", "https://10.0.0.1", "https://169.254.169.254"] {
        let wanted = body(&Way::good("woocommerce", "keys").but("store_url", host));
        let answer = app.api_as(&live.key, "POST", "/v1/stores", Some(wanted)).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.body);
        assert_eq!(
            answer.json()["errors"][0]["field"],
            "fields.store_url",
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn null_empties_what_a_store_may_lack_and_a_name_it_may_not() {
    let app = start().await;
    let connected = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    let path = format!("/v1/stores/{}", connected.store_id);
    let merchant = json!({ "email": "maria@shop.example", "name": "María", "locale": "es" });
    let full = json!({ "name": "Acme", "merchant": merchant, "metadata": { "plan": "gold" } });
    let answer = app.api("PATCH", &path, Some(full)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["metadata"], json!({ "plan": "gold" }));

    let refused = app.api("PATCH", &path, Some(json!({ "name": null }))).await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["field"]),
        (400, &json!("name")),
        "{}",
        refused.body
    );
    let nothing = app.api("PATCH", &path, Some(json!({}))).await.json();
    assert_eq!((&nothing["name"], &nothing["merchant"]), (&json!("Acme"), &merchant));
    let emptied = app
        .api("PATCH", &path, Some(json!({ "merchant": null, "metadata": null })))
        .await;
    assert_eq!(emptied.status, 200, "{}", emptied.body);
    let none = json!({ "email": null, "name": null, "locale": null });
    assert_eq!(
        (&emptied.json()["merchant"], &emptied.json()["metadata"]),
        (&none, &json!({}))
    );
}
