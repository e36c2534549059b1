//! eBay's notifications: signed with a key that eBay publishes, for all of its developers alike. So the signature says who
//! wrote one, and not whose application it is about.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::hooks::{NOTICES, connected, fault};
use crate::support::connecting::start;
use crate::support::installing::{Installing, VERIFICATION_TOKEN, post};
use crate::support::rows::count;
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// A notification of eBay, signed as it documents with the simulated platform's key.
async fn ebay_says(app: &TestApp, installing: &Installing, key_id: &str, body: &str) -> u16 {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    use sha1::Digest as _;
    let key = p256::ecdsa::SigningKey::from_slice(&[0x11; 32]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign_prehash(&sha1::Sha1::digest(body)).unwrap();
    let signature = STANDARD.encode(signature.to_der().as_bytes());
    let header = json!({ "alg": "ecdsa", "kid": key_id, "signature": signature, "digest": "SHA1" });
    let header = STANDARD.encode(header.to_string());
    let headers = [
        ("x-ebay-signature", header.as_str()),
        ("content-type", "application/json"),
    ];
    post(&installing.hooks(app), &headers, body).await.status
}

const EBAY_KEY: &str = "sandbox-ebay-key-1";

fn ebay_body(topic: &str) -> String {
    json!({
        "metadata": { "topic": topic, "schemaVersion": "1.0" },
        "notification": { "notificationId": "1", "data": { "username": "testuser_one", "userId": "k1mUniqueUserOne" } },
    })
    .to_string()
}

#[tokio::test]
async fn a_revocation_that_ebay_signed_for_somebody_else_ends_nothing() {
    let app = start().await;
    let (installing, installed) = connected(&app, "ebay").await;
    let body = ebay_body("AUTHORIZATION_REVOCATION");
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status"], "connected", "the signature names no application");
    assert_eq!(count(&app.database, NOTICES), 0);
}

#[tokio::test]
async fn a_key_is_asked_for_once_an_hour() {
    let app = start().await;
    let (installing, _) = connected(&app, "ebay").await;
    let keys = async || {
        let all = app.received("ebay").await;
        let asked = all.iter().filter(|entry| entry.to_string().contains("/public_key/"));
        asked.count()
    };
    let body = ebay_body("ITEM_SOLD");
    for (after, asked) in [(0, 1), (30, 1), (31, 2)] {
        app.advance(Duration::from_secs(after * 60));
        assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 200);
        assert_eq!(keys().await, asked, "after {after} minutes more");
    }
}

#[tokio::test]
async fn keys_that_nobody_published_are_refused_and_not_asked_for_without_end() {
    let app = start().await;
    let (installing, _) = connected(&app, "ebay").await;
    let body = ebay_body("AUTHORIZATION_REVOCATION");
    assert_eq!(ebay_says(&app, &installing, "no-such-key", &body).await, 401);
    assert_eq!(ebay_says(&app, &installing, "../../user", &body).await, 401);
    let mut answers = Vec::new();
    for n in 0..20 {
        answers.push(ebay_says(&app, &installing, &format!("no-such-key-{n}"), &body).await);
    }
    assert_eq!(answers.last(), Some(&503), "{answers:?}");
    let all = app.received("ebay").await;
    let asked = all.iter().filter(|entry| entry.to_string().contains("/public_key/"));
    assert!(asked.count() < 10);
    // One that is genuine is heard later.
    app.advance(Duration::from_secs(60));
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 200);
}

#[tokio::test]
async fn a_notification_comes_again_while_its_key_cannot_be_had() {
    let app = start().await;
    let (installing, installed) = connected(&app, "ebay").await;
    app.control("faults", fault("ebay", json!({ "status": 503 }))).await;
    let body = ebay_body("AUTHORIZATION_REVOCATION");
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 503);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_closed_ebay_account_is_forgotten_and_its_grant_asked_about() {
    let app = start().await;
    let (installing, installed) = connected(&app, "ebay").await;
    let path = format!("/v1/stores/{}", installed.store_id);
    let merchant = json!({ "merchant": { "email": "ana@example.com", "name": "Ana" } });
    let key = &installing.partner.key;
    assert_eq!(app.api_as(key, "PATCH", &path, Some(merchant)).await.status, 200);
    let body = ebay_body("MARKETPLACE_ACCOUNT_DELETION");
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(
        (
            &store["merchant"]["email"],
            &store["merchant"]["name"],
            &store["status"]
        ),
        (&Value::Null, &Value::Null, &json!("connected"))
    );
    app.control("revoke", json!({ "platform": "ebay" })).await;
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &body).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status_reason"], "uninstalled");
    // Another user's closed account is no concern of ours, and answered all the same.
    let other = body.replace("k1mUniqueUserOne", "nobody");
    assert_eq!(ebay_says(&app, &installing, EBAY_KEY, &other).await, 200);
}

#[tokio::test]
async fn ebays_question_about_an_address_is_answered_with_the_apps_own_token() {
    use sha2::Digest as _;
    let app = start().await;
    let installing = Installing::new(&app, "ebay").await;
    let url = installing.hooks(&app);
    let answer = Visitor::new().get(&format!("{url}?challenge_code=a8628072-3d33")).await;
    let expected = sha2::Sha256::new()
        .chain_update("a8628072-3d33")
        .chain_update(VERIFICATION_TOKEN)
        .chain_update(&url)
        .finalize();
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({ "challengeResponse": expected }));
    assert!(!answer.body.contains(VERIFICATION_TOKEN));
    // An app without the token has no answer, nor have platforms that do not ask.
    let other = Installing::new(&app, "shopify").await;
    let asked = Visitor::new()
        .get(&format!("{}?challenge_code=1", other.hooks(&app)))
        .await;
    assert_ne!(asked.status, 200);
    let elsewhere = url.replace(&installing.partner.id.to_string(), &other.partner.id.to_string());
    assert_eq!(
        Visitor::new()
            .get(&format!("{elsewhere}?challenge_code=1"))
            .await
            .status,
        404
    );
}
