//! A webhook about an uninstallation may come long after it, again and again, or be sent on or made up by a stranger: an
//! installation that was made since outlives it, however long nobody has called.

use std::time::Duration;

use serde_json::json;

use super::hooks::{NOTICES, connected, fault, shopify_says, shopify_says_with};
use crate::support::connecting::start;
use crate::support::rows::count;

#[tokio::test]
async fn an_old_webhook_does_not_end_an_idle_store_whose_access_token_has_expired() {
    for platform in ["shopify", "ebay"] {
        let app = start().await;
        let (installing, installed) = connected(&app, platform).await;
        app.advance(Duration::from_secs(3 * 3600));
        assert_eq!(
            installing.announce(&app, json!({ "revoke": false })).await,
            200,
            "{platform}"
        );
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(
            (&store["status"], &store["refresh"]["last_outcome"]),
            (&json!("connected"), &json!("renewed")),
            "{platform}"
        );
        assert_eq!(count(&app.database, NOTICES), 0);
    }
}

#[tokio::test]
async fn an_uninstallation_ends_an_idle_store_whose_access_token_has_expired() {
    for platform in ["shopify", "ebay"] {
        let app = start().await;
        let (installing, installed) = connected(&app, platform).await;
        app.advance(Duration::from_secs(3 * 3600));
        assert_eq!(installing.announce(&app, json!({})).await, 200, "{platform}");
        let store = installing.store(&app, &installed.store_id).await;
        assert_eq!(
            (&store["status"], &store["status_reason"]),
            (&json!("needs_reauthorization"), &json!("uninstalled")),
            "{platform}"
        );
        assert_eq!(count(&app.database, NOTICES), 1);
    }
}

#[tokio::test]
async fn what_happened_before_the_platform_gave_its_last_token_is_not_asked_about() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    let asked = app.received("shopify").await.len();
    app.control("faults", fault("shopify", json!({ "status": 503 }))).await;
    let before = (app.clock.now() - chrono::Duration::hours(1)).to_rfc3339();
    let body = r#"{"id":1,"domain":"acme.myshopify.com","myshopify_domain":"acme.myshopify.com"}"#;
    let triggered = ("x-shopify-triggered-at", before.as_str());
    assert_eq!(
        shopify_says_with(&app, &installing, "app/uninstalled", body, &[triggered]).await,
        200
    );
    assert_eq!(app.received("shopify").await.len(), asked);
    assert_eq!(installing.store(&app, &installed.store_id).await["status"], "connected");
    let now = app.clock.now().to_rfc3339();
    let triggered = ("x-shopify-triggered-at", now.as_str());
    assert_eq!(
        shopify_says_with(&app, &installing, "app/uninstalled", body, &[triggered]).await,
        503,
        "what may be about this grant is"
    );
}

/// The same key signs callbacks, whose proof anybody can read in the address of his own: over a query, and over names of his
/// own choice. A webhook's text is JSON and names the shop itself.
#[tokio::test]
async fn what_was_signed_for_something_else_is_no_webhook() {
    let app = start().await;
    let (installing, installed) = connected(&app, "shopify").await;
    app.control("faults", fault("shopify", json!({ "status": 401 }))).await;
    let asked = app.received("shopify").await.len();
    for topic in ["app/uninstalled", "shop/redact", "customers/redact", "orders/create"] {
        for body in [
            "code=c&host=x&shop=other.myshopify.com&state=s&timestamp=1760000000",
            "\"acme.myshopify.com\"",
            "[]",
            "1760000000",
            r#"{"domain":"www.other.example","myshopify_domain":"other.myshopify.com"}"#,
            r#"{"shop_id":1,"shop_domain":"other.myshopify.com"}"#,
        ] {
            let status = shopify_says(&app, &installing, topic, body).await;
            assert_eq!(status, 401, "{topic} {body}");
        }
    }
    let store = installing.store(&app, &installed.store_id).await;
    assert_eq!(store["status"], "connected");
    assert_eq!(app.received("shopify").await.len(), asked);
    assert_eq!(count(&app.database, NOTICES), 0);
}
