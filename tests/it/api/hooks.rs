//! Webhooks of platforms: a proven uninstallation makes a store need its merchant, once; anything else changes nothing, and
//! what could not be saved is asked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::connecting::{APPROVE, RETURN_URL, Way, fill_in, press, start, way_back};
use crate::support::installing::{Installed, Installing, post};
use crate::support::rows::{count, row, work};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

const STATUS: &str = "SELECT status, status_reason, status_since FROM stores";
pub const NOTICES: &str = "SELECT count(*) AS n FROM notices WHERE kind = 'needs_reauthorization'";

/// A store that was connected with the app's client at a platform.
pub async fn connected(app: &TestApp, platform: &str) -> (Installing, Installed) {
    let installing = Installing::new(app, platform).await;
    if !matches!(platform, "tienda-nube" | "ebay") {
        let installed = installing.install(app, Some("customer-1")).await;
        return (installing, installed);
    }
    // Its app store leads to the partner's own page.
    let asked = json!({ "customer_id": "customer-1", "platform": platform, "return_url": RETURN_URL });
    let made = app
        .api_as(&installing.partner.key, "POST", "/v1/connect-sessions", Some(asked))
        .await
        .json();
    let (visitor, way) = (
        Visitor::new(),
        Way::with(platform, "authorization", fields_of(platform)),
    );
    let login = fill_in(app, &visitor, made["url"].as_str().unwrap(), &way).await;
    let returned = way_back(&press(app, &visitor, &login, APPROVE).await);
    let body = installing.exchange(app, &returned, None).await;
    let installed = Installed {
        store_id: body["store"]["id"].as_str().unwrap().to_owned(),
        access_token: body["access_token"].as_str().unwrap().to_owned(),
    };
    (installing, installed)
}

fn fields_of(platform: &str) -> &'static [(&'static str, &'static str)] {
    match platform {
        "tienda-nube" => &[("country", "tiendanube.com")],
        _ => &[],
    }
}

pub fn fault(platform: &str, fault: Value) -> Value {
    json!({ "platform": platform, "times": 10, "fault": fault })
}

async fn ends(platform: &str) {
    let app = TestApp::start().await;
    let (installing, installed) = connected(&app, platform).await;
    work(&app).await;
    app.app.mailer.taken();
    assert_eq!(installing.announce(&app, json!({})).await, 200, "{platform}");
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(
        (&store["status"], &store["status_reason"]),
        (&json!("needs_reauthorization"), &json!("uninstalled")),
        "{platform}"
    );
    let access = app.api_as(&installed.access_token, "GET", "/v1/access", None).await;
    assert_eq!((access.status, &access.json()["usable"]), (200, &json!(false)));
    let (before, told) = (row(&app.database, STATUS), count(&app.database, NOTICES));
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 1, "{platform}");

    // Platforms send until they are believed to have been heard, and then some.
    app.advance(Duration::from_secs(60));
    for _ in 0..3 {
        assert_eq!(installing.announce(&app, json!({})).await, 200);
    }
    work(&app).await;
    assert_eq!(row(&app.database, STATUS), before);
    assert_eq!((told, count(&app.database, NOTICES)), (1, 1));
    assert!(app.app.mailer.taken().is_empty());
}

#[tokio::test]
async fn an_uninstallation_at_shopify_ends_the_store() {
    ends("shopify").await;
}

#[tokio::test]
async fn an_uninstallation_at_shoplazza_ends_the_store() {
    ends("shoplazza").await;
}

#[tokio::test]
async fn an_uninstallation_at_tienda_nube_ends_the_store() {
    ends("tienda-nube").await;
}

#[tokio::test]
async fn an_uninstallation_at_ecwid_ends_the_store() {
    ends("ecwid").await;
}

#[tokio::test]
async fn a_deauthorization_at_tiktok_shop_ends_the_store() {
    ends("tiktok-shop").await;
}

#[tokio::test]
async fn an_uninstallation_at_weebly_ends_the_store() {
    ends("weebly").await;
}

#[tokio::test]
async fn an_uninstallation_at_bigcommerce_ends_the_store() {
    ends("bigcommerce").await;
}

#[tokio::test]
async fn a_removed_app_at_wix_ends_the_store() {
    ends("wix").await;
}

#[tokio::test]
async fn a_revocation_at_ebay_ends_the_store() {
    ends("ebay").await;
}

const PLATFORMS: [&str; 9] = [
    "ebay",
    "shopify",
    "shoplazza",
    "tienda-nube",
    "ecwid",
    "tiktok-shop",
    "weebly",
    "bigcommerce",
    "wix",
];

#[tokio::test]
async fn a_forged_webhook_is_refused_and_changes_nothing() {
    let app = start().await;
    let announcing = app.app.catalogue.platforms().iter();
    let announcing = announcing
        .filter(|platform| platform.hooks.is_some())
        .map(|one| one.slug.as_str());
    assert_eq!(announcing.collect::<BTreeSet<_>>(), BTreeSet::from(PLATFORMS));
    for platform in PLATFORMS {
        let (installing, installed) = connected(&app, platform).await;
        let asked = app.received(platform).await.len();
        let status = installing
            .announce(&app, json!({ "forged": true, "revoke": false }))
            .await;
        assert_eq!(status, 401, "{platform}");
        // Its key had to be asked for, with a token of the app's own.
        let asked = asked + if platform == "ebay" { 2 } else { 0 };
        for body in ["", "{}", "nonsense", r#"{"event":"app/uninstalled"}"#] {
            let answer = post(&installing.hooks(&app), &[], body).await;
            assert_eq!(answer.status, 401, "{platform} {body}: {}", answer.body);
        }
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(store["status"], "connected", "{platform}");
        assert_eq!(app.received(platform).await.len(), asked, "{platform}");
    }
    assert_eq!(count(&app.database, NOTICES), 0);
}

#[tokio::test]
async fn a_webhook_of_an_installation_that_was_renewed_since_changes_nothing() {
    let app = start().await;
    for platform in PLATFORMS {
        let (installing, installed) = connected(&app, platform).await;
        assert_eq!(
            installing.announce(&app, json!({ "revoke": false })).await,
            200,
            "{platform}"
        );
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(store["status"], "connected", "{platform}");
    }
    assert_eq!(count(&app.database, NOTICES), 0);
}

#[tokio::test]
async fn a_late_webhook_ends_no_store_for_an_access_token_whose_time_is_over() {
    let app = start().await;
    for platform in PLATFORMS {
        let (installing, installed) = connected(&app, platform).await;
        app.advance(Duration::from_secs(8 * 86_400));
        let answer = installing.announce(&app, json!({ "revoke": false })).await;
        assert_eq!(answer, 200, "{platform}");
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(store["status"], "connected", "{platform}: {}", store["status_reason"]);
    }
    assert_eq!(count(&app.database, NOTICES), 0);
}

#[tokio::test]
async fn a_store_that_was_uninstalled_is_renewed_by_installing_it_again() {
    let app = start().await;
    let installing = Installing::new(&app, "bigcommerce").await;
    let first = installing.install(&app, None).await;
    installing.announce(&app, json!({})).await;
    let again = installing.install(&app, None).await;
    assert_eq!(again.store_id, first.store_id);
    assert_eq!(installing.store(&app, &first.store_id).await["status"], "connected");
    // The webhook was on its way for long.
    assert_eq!(installing.announce(&app, json!({ "revoke": false })).await, 200);
    assert_eq!(installing.store(&app, &first.store_id).await["status"], "connected");
}

#[tokio::test]
async fn a_store_that_the_proof_does_not_cover_is_asked_first() {
    let app = start().await;
    let (installing, installed) = connected(&app, "ecwid").await;
    let asked = app.received("ecwid").await.len();
    // What was signed for one event may be sent with any store's number.
    assert_eq!(installing.announce(&app, json!({ "revoke": false })).await, 200);
    assert_eq!(app.received("ecwid").await.len(), asked + 1);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");

    // No answer is none: it is asked again later, and the platform need not send again.
    app.control("faults", fault("ecwid", json!({ "status": 503 }))).await;
    assert_eq!(installing.announce(&app, json!({ "revoke": false })).await, 200);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
    assert!(
        app.due_jobs().contains(&"verify_credential".to_owned()),
        "{:?}",
        app.due_jobs()
    );
    assert_eq!(count(&app.database, NOTICES), 0);
}

#[tokio::test]
async fn a_store_that_works_when_its_removal_is_announced_is_asked_about_once_more() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    // The message is quicker than the end of the access token.
    assert_eq!(installing.announce(&app, json!({ "revoke": false })).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status"], "connected");
    let shop = &store["platform_store_id"];
    app.control("revoke", json!({ "platform": "shopify", "store": shop }))
        .await;
    app.advance(Duration::from_secs(11 * 60));
    work(&app).await;
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status"], "needs_reauthorization");
    assert_eq!(count(&app.database, NOTICES), 1);
}

#[tokio::test]
async fn while_the_platform_says_nothing_a_proven_webhook_is_asked_for_again() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    app.control("faults", fault("shopify", json!({ "status": 503 }))).await;
    // It may be about an earlier installation, and an outage is no verdict.
    assert_eq!(installing.announce(&app, json!({ "revoke": false })).await, 503);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
    delete_faults(&app).await;
    assert_eq!(installing.announce(&app, json!({})).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status_reason"], "uninstalled");
}

async fn delete_faults(app: &TestApp) {
    #[expect(clippy::disallowed_types, reason = "the test is the client")]
    let client = reqwest::Client::new();
    let url = format!("{}/_control/faults", app.sandbox);
    assert_eq!(client.delete(url).send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn without_its_database_a_webhook_is_asked_for_again() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    app.database.stop();
    assert_eq!(installing.announce(&app, json!({})).await, 503);
    app.database.resume();
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
    assert_eq!(installing.announce(&app, json!({})).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status_reason"], "uninstalled");
}

#[tokio::test]
async fn a_webhook_ends_the_store_that_it_names_and_no_other() {
    let app = start().await;
    let (installing, installed) = connected(&app, "bigcommerce").await;
    let status = installing.announce(&app, json!({ "store": "h6de49" })).await;
    assert_eq!(status, 200);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
    // Another app's webhook is proven with another client.
    let (other, _) = connected(&app, "weebly").await;
    let url = installing
        .hooks(&app)
        .replace(&installing.partner.id.to_string(), &other.partner.id.to_string());
    let order = json!({ "url": url });
    assert_ne!(installing.announce(&app, order).await, 200);
}

#[tokio::test]
async fn webhooks_of_an_unknown_app_or_platform_are_not_found() {
    let app = start().await;
    let (installing, _) = connected(&app, "shopify").await;
    let url = installing.hooks(&app);
    let id = installing.partner.id.to_string();
    for wrong in [
        url.replace(&id, "app_01890000-0000-7000-8000-000000000000"),
        url.replace(&id, "nonsense"),
        url.replace("/shopify", "/woocommerce"),
        url.replace("/shopify", "/no-such"),
    ] {
        assert_eq!(post(&wrong, &[], "{}").await.status, 404, "{wrong}");
    }
}

/// A webhook of Shopify, signed as it documents.
pub async fn shopify_says(app: &TestApp, installing: &Installing, topic: &str, body: &str) -> u16 {
    shopify_says_with(app, installing, topic, body, &[]).await
}

pub async fn shopify_says_with(
    app: &TestApp,
    installing: &Installing,
    topic: &str,
    body: &str,
    more: &[(&str, &str)],
) -> u16 {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"sandbox-secret").unwrap();
    mac.update(body.as_bytes());
    let proof = STANDARD.encode(mac.finalize().into_bytes());
    let mut headers = vec![
        ("x-shopify-hmac-sha256", proof.as_str()),
        ("x-shopify-topic", topic),
        ("x-shopify-shop-domain", "acme.myshopify.com"),
        ("content-type", "application/json"),
    ];
    headers.extend_from_slice(more);
    post(&installing.hooks(app), &headers, body).await.status
}

#[tokio::test]
async fn shopifys_compulsory_privacy_webhooks_are_answered() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    let path = format!("/v1/stores/{}", installed.store_id);
    let merchant = json!({ "merchant": { "email": "ana@example.com", "name": "Ana" } });
    let patched = app
        .api_as(&installing.partner.key, "PATCH", &path, Some(merchant))
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    let body = r#"{"shop_id":1,"shop_domain":"acme.myshopify.com"}"#;
    let topics = [
        "customers/data_request",
        "customers/redact",
        "shop/redact",
        "orders/create",
    ];
    for topic in topics {
        assert_eq!(shopify_says(&app, &installing, topic, body).await, 200, "{topic}");
    }
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(
        (&store["status"], &store["merchant"]["email"]),
        (&json!("connected"), &json!("ana@example.com"))
    );

    // A shop asks to be forgotten two days after it removed the app.
    installing.announce(&app, json!({})).await;
    // What concerns its buyers, and what does not name it, lets nobody be forgotten.
    for (topic, body) in [
        ("customers/data_request", body),
        ("customers/redact", body),
        ("shop/redact", r#"{"shop_id":1}"#),
    ] {
        assert_eq!(shopify_says(&app, &installing, topic, body).await, 200, "{topic}");
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(store["merchant"]["email"], "ana@example.com", "{topic}");
    }
    assert_eq!(shopify_says(&app, &installing, "shop/redact", body).await, 200);
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(
        (&store["merchant"]["email"], &store["merchant"]["name"]),
        (&Value::Null, &Value::Null)
    );
    let erased = "SELECT count(*) AS n FROM audit_events WHERE action = 'store.merchant_erased'";
    assert_eq!(count(&app.database, erased), 1);
}
