//! Connections that begin at a platform with no more than a store's name, which anybody can write into a link: the merchant
//! confirms it, and until then no browser is sent where the name says.

use crate::support::connecting::{APPROVE, Way, assert_connects_nothing, press, send, start, way_back};
use crate::support::installing::Installing;
use crate::support::visitor::Visitor;

const SHOP: &str = "minhaloja.commercesuite.com.br";

#[tokio::test]
async fn the_panels_link_fills_the_form_in_and_the_merchant_goes_on() {
    let app = start().await;
    let installing = Installing::new(&app, "tray").await;
    let url = format!(
        "{}?url=https%3A%2F%2F{SHOP}%2F&adm_user=owner&store=1370512169",
        installing.address(&app)
    );
    let visitor = Visitor::new();
    let form = visitor.open(&url, &[&app.url]).await;
    assert_eq!(form.status, 200, "{}", form.text());
    assert!(form.url.as_str().starts_with(&app.url), "{}", form.url);
    assert!(form.body.contains(SHOP), "{}", form.text());
    assert!(app.received("tray").await.is_empty());

    let way = Way::with("tray", "authorization", &[("shop", SHOP)]);
    let login = send(&app, &visitor, &form, &way).await;
    let callback = login
        .url
        .query_pairs()
        .find(|pair| pair.0 == "callback")
        .unwrap()
        .1
        .into_owned();
    assert!(
        callback.starts_with(&format!("{}/", installing.address(&app))),
        "{callback}"
    );
    let returned = way_back(&press(&app, &visitor, &login, APPROVE).await);
    assert_eq!(returned.values["initiated_by"], "platform");
    assert!(!returned.values.contains_key("state"), "{}", returned.url);
    let body = installing.exchange(&app, &returned, Some("customer-9")).await;
    assert_eq!(body["store"]["status"], "connected", "{body}");
    assert_eq!(body["store"]["platform"], "tray");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_begins_nothing() {
    let app = start().await;
    let installing = Installing::new(&app, "tray").await;
    for query in [
        "url=https%3A%2F%2Fa%40evil.example&store=1",
        "url=https%3A%2F%2Fevil.example%2Fpath&store=1",
        "url=javascript%3Aalert(1)",
        "store=1",
        "",
    ] {
        let page = Visitor::new()
            .open(&format!("{}?{query}", installing.address(&app)), &[&app.url])
            .await;
        assert_eq!(page.status, 403, "{query}: {}", page.text());
        assert_connects_nothing(&page);
    }
    assert!(installing.stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_state_in_the_path_of_another_apps_address_finds_no_session() {
    let app = start().await;
    let installing = Installing::new(&app, "tray").await;
    let address = format!("{}/{}", installing.address(&app), "A".repeat(43));
    let page = Visitor::new()
        .open(&format!("{address}?code=c&api_address={SHOP}%2Fweb_api"), &[&app.url])
        .await;
    assert_eq!(page.status, 410, "{}", page.text());
    assert_connects_nothing(&page);
    assert_eq!(app.token_calls("tray").await, 0);
}
