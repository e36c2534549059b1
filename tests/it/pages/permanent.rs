//! An app's permanent connect page: a session is made on arrival, and the customer is named at the exchange.

use llavero::domain::store::Mode;
use serde_json::json;

use crate::support::connecting::{Way, assert_connects_nothing, begin, send, start, store, walk, way_back};
use crate::support::partners::{OtherApp, other_app};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

async fn page_url(app: &TestApp, query: &str) -> (OtherApp, String) {
    let other = other_app(app, Mode::Sandbox).await;
    let url = format!("{}/connect/apps/{}{query}", app.url, other.id);
    (other, url)
}

#[tokio::test]
async fn a_permanent_page_connects_a_store_whose_customer_is_named_at_exchange() {
    let app = start().await;
    let (other, url) = page_url(&app, "?platform=woocommerce&state=mine").await;
    let returned = walk(&app, &Visitor::new(), &url, &Way::good("woocommerce", "keys")).await;
    assert_eq!(returned.values["state"], "mine");

    let body = json!({ "code": returned.code(), "customer_id": "customer-9" });
    let answer = app
        .api_as(&other.key, "POST", "/v1/access-tokens/exchange", Some(body))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let store = answer.json()["store"].clone();
    assert_eq!(store["customer_id"], "customer-9");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(app.call(&token, "GET", "/wp-json/wc/v3/products").await.status, 200);
}

#[tokio::test]
async fn each_arrival_is_a_session_of_its_own() {
    let app = start().await;
    let (_, url) = page_url(&app, "?platform=woocommerce").await;
    let first = Visitor::new().open(&url, &[&app.url]).await;
    let second = Visitor::new().open(&url, &[&app.url]).await;
    assert_ne!(first.url, second.url);
    assert!(first.url.path().contains("llv_cs_"), "{}", first.url);
}

#[tokio::test]
async fn a_permanent_page_takes_language_and_platform_from_its_address() {
    let app = start().await;
    let (_, url) = page_url(&app, "?platform=falabella&locale=es").await;
    let page = Visitor::new().open(&url, &[&app.url]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.attributes("html", "lang"), ["es"]);
    assert!(page.form_with("method").values.contains_key("seller_id"));
}

#[tokio::test]
async fn without_its_bar_a_page_hides_the_frame_to_the_end() {
    let app = start().await;
    let (_, url) = page_url(&app, "?platform=woocommerce").await;
    let visitor = Visitor::new();
    let framed = visitor.open(&url, &[&app.url]).await;
    let bare = visitor.open(&format!("{url}&nobar=true"), &[&app.url]).await;
    assert!(framed.select("header").is_some(), "{}", framed.body);
    assert!(bare.select("header").is_none(), "{}", bare.body);
    let done = send(&app, &visitor, &bare, &Way::good("woocommerce", "keys")).await;
    way_back(&done);
    assert!(done.select("header").is_none(), "{}", done.body);
}

#[tokio::test]
async fn an_unknown_app_or_platform_is_refused_with_a_page() {
    let app = start().await;
    let (other, _) = page_url(&app, "").await;
    let page = Visitor::new()
        .open(
            &format!("{}/connect/apps/{}?platform=no-such", app.url, other.id),
            &[&app.url],
        )
        .await;
    assert!(matches!(page.status, 400 | 404), "{}", page.text());
    assert_connects_nothing(&page);
    for path in [
        "/connect/apps/app_01890000-0000-7000-8000-000000000000".to_owned(),
        "/connect/apps/nonsense".to_owned(),
    ] {
        let page = Visitor::new().open(&format!("{}{path}", app.url), &[&app.url]).await;
        assert_eq!(page.status, 404, "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn a_customer_that_the_session_named_is_not_renamed_at_exchange() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    let body = json!({ "code": returned.code(), "customer_id": "customer-other" });
    let answer = app.api("POST", "/v1/access-tokens/exchange", Some(body)).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(
        store(&app, &returned.values["store_id"]).await["customer_id"],
        "customer-1"
    );
}

#[tokio::test]
async fn a_flood_of_arrivals_from_one_address_is_asked_to_wait_in_its_language() {
    let app = start().await;
    let (_, url) = page_url(&app, "?platform=woocommerce").await;
    let visitor = Visitor::new();
    for _ in 0..60 {
        assert_eq!(visitor.get(&url).await.status, 303);
    }
    let sessions = app.database.count("SELECT count(*) AS count FROM connect_sessions");
    for (language, word) in [("en", "pause"), ("es", "pausa"), ("pt", "pausa")] {
        let refused = visitor.get_in(&format!("{url}&locale={language}"), language).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        assert_eq!(refused.header("retry-after"), "5");
        assert_eq!(refused.attributes("html", "lang"), [language]);
        assert!(refused.text().contains(word), "{}", refused.text());
    }
    assert_eq!(
        app.database.count("SELECT count(*) AS count FROM connect_sessions"),
        sessions
    );
    app.advance(std::time::Duration::from_secs(5));
    assert_eq!(visitor.get(&url).await.status, 303);
}

#[tokio::test]
async fn an_arrival_is_in_the_audit_trail_once_it_begins() {
    let app = start().await;
    let (_, url) = page_url(&app, "?platform=woocommerce").await;
    let rows = "SELECT count(*) AS count FROM audit_events WHERE action = 'connect_session.created'";
    Visitor::new().open(&url, &[&app.url]).await;
    assert_eq!(app.database.count(rows), 0);
    walk(&app, &Visitor::new(), &url, &Way::good("woocommerce", "keys")).await;
    assert_eq!(app.database.count(rows), 1);
}

#[tokio::test]
async fn a_store_that_has_a_customer_is_not_renewed_for_nobody() {
    let app = start().await;
    let (other, url) = page_url(&app, "?platform=woocommerce").await;
    let way = Way::good("woocommerce", "keys");
    let returned = walk(&app, &Visitor::new(), &url, &way).await;
    let body = json!({ "code": returned.code(), "customer_id": "customer-9" });
    let exchanged = app
        .api_as(&other.key, "POST", "/v1/access-tokens/exchange", Some(body))
        .await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.body);
    let grants = "SELECT sum(grant_no)::bigint AS count FROM credentials";
    let before = app.database.count(grants);

    let again = walk(&app, &Visitor::new(), &url, &way).await;
    assert_eq!(again.error(), "store_already_connected");
    assert_eq!(app.database.count(grants), before, "the credential was replaced");

    // The store's own session renews it, though nobody names the customer.
    let path = format!(
        "/v1/stores/{}/reauthorize",
        exchanged.json()["store"]["id"].as_str().unwrap()
    );
    let made = app.api_as(&other.key, "POST", &path, Some(json!({}))).await.json();
    walk(&app, &Visitor::new(), made["url"].as_str().unwrap(), &way)
        .await
        .code();
    assert!(app.database.count(grants) > before);
}
