//! A stranger names somebody else's store: he gets neither the store nor what the partner registered at the platform, and
//! nothing of the store changes.

use llavero::domain::store::Mode;
use serde_json::{Value, json};

use crate::support::connecting::{
    APPROVE, Connected, RETURN_URL, Way, begin, begin_again, connect_for, exchange, fill_in, session_status, start,
    stores, walk, walk_to_end, way_back,
};
use crate::support::installing::{Installing, register};
use crate::support::partners::other_app;
use crate::support::rows::row;
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// Kometia's keys open one store and are never told which: its name is typed.
const NAMED: &[(&str, &str)] = &[("store", "acme"), ("secret_key", "sk_sandbox5a5a5a5a5a5a5a5a")];

fn named() -> Way {
    Way::with("kometia", "keys", NAMED)
}

/// Keys that are good, of another store, beside the name of the first.
fn borrowed() -> Way {
    named().but("secret_key", "sk_sandbox5a5a5a5a5a5a5a5b")
}

fn grants(app: &TestApp) -> Value {
    row(
        &app.database,
        "SELECT sum(grant_no)::int AS grants, count(*) AS credentials, \
         string_agg(md5(values_sealed), ',' ORDER BY id) AS sealed FROM credentials",
    )
}

#[tokio::test]
async fn a_store_is_looked_for_below_the_platforms_own_domain_only() {
    let app = start().await;
    register(&app, app.demo.api_key.expose(), "tray").await;
    for shop in [
        "evil.example",
        "www.minhaloja.example",
        "commercesuite.com.br.evil.example",
        "evilcommercesuite.com.br",
    ] {
        let session = begin(&app, json!({ "platform": "tray" })).await;
        let way = Way::with("tray", "authorization", &[("shop", shop)]);
        let page = fill_in(&app, &Visitor::new(), &session.url, &way).await;
        assert_eq!(page.status, 422, "{shop}: {}", page.text());
        assert!(page.text().contains("commercesuite.com.br"), "{}", page.text());
        assert_eq!(session_status(&app, &session.id).await, "open", "{shop}");
    }
    assert!(app.received("tray").await.is_empty());
}

#[tokio::test]
async fn a_callback_does_not_choose_where_the_apps_secret_goes() {
    let app = start().await;
    register(&app, app.demo.api_key.expose(), "tray").await;
    let way = Way::with("tray", "authorization", &[("shop", "minhaloja.commercesuite.com.br")]);
    for address in [
        "https://evil.example/web_api",
        "evil.example/minhaloja.commercesuite.com.br/web_api",
        "https://outraloja.commercesuite.com.br/web_api",
    ] {
        let session = begin(&app, json!({ "platform": "tray" })).await;
        let visitor = Visitor::new();
        let login = fill_in(&app, &visitor, &session.url, &way).await;
        let mut callback = visitor.press(&login, APPROVE).await.location.unwrap();
        callback
            .query_pairs_mut()
            .clear()
            .extend_pairs([("code", "x"), ("api_address", address), ("store", "1")]);
        let end = visitor.open(callback.as_str(), &[&app.url]).await;
        assert_eq!(way_back(&end).error(), "other_store", "{address}");
    }
    assert_eq!(app.token_calls("tray").await, 0);
    assert!(stores(&app).await.is_empty());
}

/// A panel tells the address that shoppers see, which need not be the one below the platform's domain.
#[tokio::test]
async fn a_store_named_by_its_own_domain_is_asked_for_the_other_one() {
    let app = start().await;
    let installing = Installing::new(&app, "tray").await;
    let url = format!(
        "{}?url=https%3A%2F%2Fwww.minhaloja.example%2F&adm_user=owner&store=1370512169",
        installing.address(&app)
    );
    let form = Visitor::new().open(&url, &[&app.url]).await;
    assert_eq!(form.status, 200, "{}", form.text());
    assert_eq!(form.form_with("method").values["shop"], "");
}

#[tokio::test]
async fn who_types_the_name_of_a_store_without_a_customer_gets_none_of_it() {
    let app = start().await;
    let other = other_app(&app, Mode::Sandbox).await;
    let page = format!("{}/connect/apps/{}?platform=kometia", app.url, other.id);
    let returned = walk(&app, &Visitor::new(), &page, &named()).await;
    let body = Some(json!({ "code": returned.code() }));
    let given = app.api_as(&other.key, "POST", "/v1/access-tokens/exchange", body).await;
    let given = given.json();
    assert_eq!(given["store"]["customer_id"], Value::Null, "{given}");
    let before = grants(&app);

    let end = walk_to_end(&app, &Visitor::new(), &page, &borrowed()).await;
    assert!(!end.text().contains("works again"), "{}", end.text());
    assert_eq!(way_back(&end).error(), "store_already_connected");
    for customer in [json!("customer-1"), Value::Null] {
        let body = json!({ "platform": "kometia", "customer_id": customer, "return_url": RETURN_URL });
        let made = app.api_as(&other.key, "POST", "/v1/connect-sessions", Some(body)).await;
        if made.status == 201 {
            let url = made.json()["url"].as_str().unwrap().to_owned();
            let end = walk_to_end(&app, &Visitor::new(), &url, &borrowed()).await;
            assert_eq!(way_back(&end).error(), "store_already_connected");
        }
    }
    assert_eq!(grants(&app), before);
    let token = given["access_token"].as_str().unwrap();
    assert_eq!(app.call(token, "GET", "/api/v1/products").await.status, 200);

    // The link that was made for this very store.
    let path = format!("/v1/stores/{}/reauthorize", given["store"]["id"].as_str().unwrap());
    let again = app
        .api_as(&other.key, "POST", &path, Some(json!({ "return_url": RETURN_URL })))
        .await;
    let url = again.json()["url"].as_str().unwrap().to_owned();
    let end = walk_to_end(&app, &Visitor::new(), &url, &borrowed()).await;
    assert!(way_back(&end).values.contains_key("code"), "{}", end.text());
    assert_ne!(grants(&app), before);
}

#[tokio::test]
async fn a_typed_name_renews_a_store_of_its_own_customer_only() {
    let app = start().await;
    let first: Connected = connect_for(&app, "customer-1", &named()).await;
    let direct = |customer: &str, transfer: bool| {
        json!({ "platform": "kometia", "method": "keys", "customer_id": customer, "transfer": transfer,
                "fields": { "store": "acme", "secret_key": "sk_sandbox5a5a5a5a5a5a5a5b" } })
    };
    let before = grants(&app);
    for body in [direct("customer-2", false), direct("customer-2", true)] {
        let answer = app.api("POST", "/v1/stores", Some(body)).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert_eq!(answer.json()["code"], "store_already_connected");
    }
    assert_eq!(grants(&app), before);
    let answer = app.api("POST", "/v1/stores", Some(direct("customer-1", false))).await;
    assert!(answer.status < 300, "{}", answer.body);
    assert_eq!(answer.json()["store"]["id"], *first.store_id);
    let renewed = grants(&app);
    assert_ne!(renewed, before);

    let session = begin_again(&app, &first.store_id, json!({})).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &named()).await;
    assert_eq!(exchange(&app, returned.code()).await.status, 200);
    assert_ne!(grants(&app), renewed);
    assert_eq!(stores(&app).await.len(), 1);
}

/// What a partner brings may be tokens of any account: nothing of it is put in the place of what others hold.
#[tokio::test]
async fn brought_tokens_take_the_place_of_nobody_elses() {
    let app = start().await;
    let way = Way::good("shopify", "expiring");
    connect_for(&app, "customer-1", &way).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let before = grants(&app);
    for key in [app.demo.api_key.expose(), &other.key] {
        let order = json!({ "platform": "shopify", "client_id": "sandbox-client", "stores": ["acme.myshopify.com"] });
        let grant = app.control("grants", order).await["data"][0].clone();
        let body = json!({
            "platform": "shopify", "method": "expiring", "customer_id": "customer-2",
            "fields": { "shop": "acme.myshopify.com" },
            "tokens": { "access_token": grant["access_token"], "refresh_token": grant["refresh_token"], "expires_in": 3600 },
        });
        let answer = app.api_as(key, "POST", "/v1/stores", Some(body)).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (409, &json!("store_already_connected")),
            "{}",
            answer.body
        );
        assert_eq!(grants(&app), before);
    }
}

/// The switch of languages is a link to the page that is shown: to no other host, whatever was asked for.
#[tokio::test]
async fn the_language_switch_stays_at_this_host() {
    let app = start().await;
    for path in ["//evil.example/x", "///evil.example"] {
        let page = Visitor::new().get(&format!("{}{path}", app.url)).await;
        assert_eq!(page.status, 404, "{path}");
        let links = page.attributes("a[href]", "href");
        let switch: Vec<_> = links.iter().filter(|link| link.contains("locale=")).collect();
        assert!(!switch.is_empty(), "{}", page.body);
        for link in links {
            let to = page.url.join(&link).unwrap();
            assert!(!link.starts_with("//"), "{link}");
            assert!(!link.contains("locale=") || to.as_str().starts_with(&app.url), "{link}");
        }
    }
}
