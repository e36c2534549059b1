//! The demo partner shows the webhooks that it gets, and believes only those that are signed.

use crate::support::connecting::{self, Way};
use crate::support::test_app::{TestApp, Wishes};
use crate::support::visitor::Visitor;

const STORE: &[(&str, &str)] = &[("shop", "one.myshopify.com")];

async fn listening() -> TestApp {
    TestApp::with(Wishes {
        hears_webhooks: true,
        ..Wishes::default()
    })
    .await
}

#[tokio::test]
async fn the_demo_partner_shows_what_it_was_told_of_a_store() {
    let app = listening().await;
    let visitor = Visitor::new();
    let home = visitor.get(&format!("{}/demo", app.url)).await;
    let empty = visitor.get(&home.link("Webhooks received")).await;
    assert!(empty.text().contains("Nothing came yet"), "{}", empty.text());

    let way = Way::with("shopify", "expiring", STORE);
    let store = connecting::connect_for(&app, "customer-1", &way).await;
    llavero::jobs::run_due(&app.app).await;
    let page = visitor.get(&format!("{}/demo/webhooks", app.url)).await;
    for shown in ["store.connected", "Signature verified", &store.store_id, "2026-03-02"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    for (language, words) in [("es", "Firma comprobada"), ("pt", "Assinatura verificada")] {
        let page = visitor.get_in(&format!("{}/demo/webhooks", app.url), language).await;
        assert!(page.text().contains(words), "{language}");
    }
}

#[tokio::test]
async fn the_demo_partner_refuses_what_nobody_signed_and_shows_nothing_of_it() {
    let app = listening().await;
    let url = format!("{}/demo/webhooks", app.url);
    let forged = app
        .request("", "POST", "/demo/webhooks")
        .header("webhook-id", "evt_1")
        .header("webhook-timestamp", app.clock.now().timestamp().to_string())
        .header("webhook-signature", "v1,AAAA")
        .body(r#"{"type": "store.revoked", "data": {"store_id": "store_forged"}}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status().as_u16(), 401);
    let page = Visitor::new().get(&url).await;
    assert!(
        page.text().contains("Refused") && !page.text().contains("store_forged"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_later_start_uses_the_endpoint_of_the_first_with_a_secret_of_its_own() {
    let app = listening().await;
    let url = format!("{}/elsewhere", app.url).parse().unwrap();
    let first = llavero::dev::demo::hear_webhooks(&app.app, app.demo.app_id, &url)
        .await
        .unwrap();
    let second = llavero::dev::demo::hear_webhooks(&app.app, app.demo.app_id, &url)
        .await
        .unwrap();
    assert_ne!(first.expose(), second.expose());
    let endpoints = app.api("GET", "/v1/webhook-endpoints", None).await.json();
    let endpoints = endpoints["data"].as_array().unwrap();
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0]["url"], url.as_str());
}
