//! Connections that begin at a platform, in its app store: believed with the platform's proof only, and otherwise like any
//! other, but that nobody at the partner's asked for them.

use std::time::Duration;

use llavero::broker::apps;
use serde_json::{Value, json};
use url::Url;

use super::return_url::signature;
use crate::support::connecting::{
    APPROVE, OTHER, Way, assert_connects_nothing, callback_url, press, send, start, way_back,
};
use crate::support::installing::Installing;
use crate::support::rows::{count, rows};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// A query that was changed on its way.
fn with(url: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let mut changed: Url = url.parse().unwrap();
    let pairs: Vec<(String, String)> = changed.query_pairs().into_owned().collect();
    assert!(pairs.iter().any(|pair| pair.0 == name), "no `{name}` in {url}");
    let pairs = pairs.iter().map(|(known, value)| {
        let value = if known == name { change(value) } else { value.clone() };
        (known.clone(), value)
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed.into()
}

fn turned(text: &str) -> String {
    let other = |c: char| if c == 'a' { 'b' } else { 'a' };
    let mut letters: Vec<char> = text.chars().collect();
    letters[3] = other(letters[3]);
    letters.into_iter().collect()
}

async fn connects(platform: &str) {
    let app = start().await;
    let installing = Installing::new(&app, platform).await;
    let page = installing.walk(&app, &Visitor::new()).await;
    let returned = way_back(&page);
    assert_eq!(returned.values["initiated_by"], "platform");
    assert_eq!(returned.values["platform"], platform);
    assert!(!returned.values.contains_key("state"), "{}", returned.url);
    let signed: Vec<(String, String)> = returned.values.clone().into_iter().collect();
    let secret = apps::signing_secret(&app.app, installing.partner.id).await.unwrap();
    assert_eq!(returned.values["signature"], signature(&signed, secret.expose()));

    let body = installing.exchange(&app, &returned, Some("customer-9")).await;
    assert!(body["access_token"].as_str().unwrap().starts_with("llv_st_"), "{body}");
    let store = &body["store"];
    assert_eq!(
        (&store["status"], &store["platform"], &store["customer_id"]),
        (&json!("connected"), &json!(platform), &json!("customer-9"))
    );
    assert_eq!(store["id"], returned.values["store_id"]);
    let audit = rows(
        &app.database,
        "SELECT action FROM audit_events WHERE action = 'connect_session.created'",
    );
    assert_eq!(audit.len(), 1, "{audit:?}");
}

#[tokio::test]
async fn an_installation_from_shopify_connects_the_store() {
    connects("shopify").await;
}

#[tokio::test]
async fn an_installation_from_shoplazza_connects_the_store() {
    connects("shoplazza").await;
}

#[tokio::test]
async fn an_installation_from_bigcommerce_connects_the_store() {
    connects("bigcommerce").await;
}

#[tokio::test]
async fn an_installation_from_ecwid_connects_the_store() {
    connects("ecwid").await;
}

#[tokio::test]
async fn an_installation_from_tiktok_shop_connects_the_store() {
    connects("tiktok-shop").await;
}

#[tokio::test]
async fn an_installation_from_weebly_connects_the_store() {
    connects("weebly").await;
}

#[tokio::test]
async fn an_installation_from_wix_connects_the_store() {
    connects("wix").await;
}

#[tokio::test]
async fn an_installation_from_tienda_nube_connects_the_store() {
    connects("tienda-nube").await;
}

#[tokio::test]
async fn an_approval_that_began_at_temu_connects_the_store() {
    connects("temu").await;
}

#[tokio::test]
async fn an_installation_from_amazon_connects_the_store() {
    connects("amazon").await;
}

#[tokio::test]
async fn a_seller_who_comes_from_amazon_goes_on_at_the_page_that_amazon_named() {
    let app = start().await;
    let installing = Installing::new(&app, "amazon").await;
    let visitor = Visitor::new();
    let url = installing.url(&app).await;
    let login = visitor.open(&url, &[&app.url, &app.sandbox]).await;
    let path = "/sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.installs";
    assert_eq!(login.url.path(), path, "{}", login.text());
    let sent: std::collections::BTreeMap<_, _> = login.url.query_pairs().into_owned().collect();
    assert_eq!(sent["amazon_state"], "A3TESTSELLER01");
    assert_eq!(sent["redirect_uri"], format!("{}/connect/callback/amazon", app.url));
    assert!(
        sent["state"].len() >= 43 && !sent.contains_key("application_id"),
        "{sent:?}"
    );

    // Another seller than the one who began.
    let page = press(&app, &visitor, &login, OTHER).await;
    assert_eq!(way_back(&page).error(), "other_store");
    assert!(installing.stores(&app).await.is_empty());
    // Another browser.
    let login = visitor.open(&url, &[&app.url, &app.sandbox]).await;
    let callback = callback_url(&visitor, &login, APPROVE).await;
    assert_connects_nothing(&Visitor::new().open(callback.as_str(), &[&app.url]).await);
    assert!(installing.stores(&app).await.is_empty());
    way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
}

#[tokio::test]
async fn a_seller_who_comes_from_a_page_of_all_countries_is_asked_for_the_marketplace() {
    let app = start().await;
    let installing = Installing::new(&app, "amazon").await;
    let url = installing.url(&app).await;
    let anywhere = with(&url, "amazon_callback_uri", |address| {
        address.replace("sellercentral.amazon.com", "amazon.com")
    });
    let visitor = Visitor::new();
    let page = visitor.open(&anywhere, &[&app.url, &app.sandbox]).await;
    let way = Way::with("amazon", "authorization", &[("marketplace", "MX")]);
    let login = send(&app, &visitor, &page, &way).await;
    assert!(
        login.url.path().starts_with("/sellercentral.amazon.com.mx/"),
        "{}",
        login.url
    );
    let returned = way_back(&press(&app, &visitor, &login, APPROVE).await);
    assert_eq!(returned.values["initiated_by"], "platform");
    installing.exchange(&app, &returned, None).await;
    assert_eq!(installing.stores(&app).await.len(), 1);
}

/// Nobody was believed: a page tells, and nothing was kept or asked.
async fn assert_refused(app: &TestApp, platform: &str, url: &str) {
    let calls = app.received(platform).await.len();
    let page = Visitor::new().open(url, &[&app.url]).await;
    assert_eq!(page.status, 403, "{platform} {url}: {}", page.text());
    assert!(page.text().contains("could not be checked"), "{}", page.text());
    assert_connects_nothing(&page);
    assert_eq!(app.received(platform).await.len(), calls, "{platform} {url}");
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM connect_sessions"), 0);
}

#[tokio::test]
async fn an_installation_with_a_forged_or_missing_proof_changes_nothing() {
    let app = start().await;
    for (platform, proof, named) in [
        ("shopify", "hmac", "shop"),
        ("shoplazza", "hmac", "shop"),
        ("weebly", "hmac", "site_id"),
        ("wix", "signedInstance", "instanceId"),
    ] {
        let installing = Installing::new(&app, platform).await;
        let url = installing.url(&app).await;
        assert_refused(&app, platform, &with(&url, proof, turned)).await;
        assert_refused(&app, platform, &with(&url, proof, |_| String::new())).await;
        assert_refused(&app, platform, &with(&url, named, turned)).await;
        assert_refused(&app, platform, &installing.address(&app)).await;
    }
}

#[tokio::test]
async fn an_installation_that_was_signed_long_ago_changes_nothing() {
    let app = start().await;
    let mut urls = Vec::new();
    for platform in ["shopify", "weebly", "wix"] {
        let installing = Installing::new(&app, platform).await;
        urls.push((platform, installing.url(&app).await));
    }
    app.advance(Duration::from_secs(11 * 60));
    for (platform, url) in urls {
        assert_refused(&app, platform, &url).await;
    }
}

#[tokio::test]
async fn an_installation_is_led_to_no_strangers_address() {
    let app = start().await;
    for (platform, parameter, disguised) in [
        ("weebly", "callback_url", "https://www.weebly.com.evil.example/x"),
        (
            "amazon",
            "amazon_callback_uri",
            "https://sellercentral.amazon.com.evil.example/apps/authorize/confirm/amzn1.sp.solution.installs",
        ),
    ] {
        let installing = Installing::new(&app, platform).await;
        let url = installing.url(&app).await;
        for stranger in ["https://evil.example/authorize", disguised, ""] {
            assert_refused(&app, platform, &with(&url, parameter, |_| stranger.to_owned())).await;
        }
    }
}

#[tokio::test]
async fn an_installation_with_an_invented_code_connects_nothing() {
    let app = start().await;
    for platform in ["bigcommerce", "ecwid", "tiktok-shop"] {
        let installing = Installing::new(&app, platform).await;
        let url = with(&installing.url(&app).await, "code", turned);
        let page = Visitor::new().open(&url, &[&app.url]).await;
        assert_connects_nothing(&page);
        assert!(
            way_back(&page).values.contains_key("error"),
            "{platform}: {}",
            page.text()
        );
        assert!(installing.stores(&app).await.is_empty());
        assert_refused_without_code(&app, &installing).await;
    }
}

async fn assert_refused_without_code(app: &TestApp, installing: &Installing) {
    let url = format!("{}?error=access_denied", installing.address(app));
    let page = Visitor::new().open(&url, &[&app.url]).await;
    assert_eq!(page.status, 403, "{}: {}", installing.platform, page.text());
    assert!(installing.stores(app).await.is_empty());
}

#[tokio::test]
async fn a_code_that_was_used_connects_nothing_more() {
    let app = start().await;
    let installing = Installing::new(&app, "bigcommerce").await;
    let url = installing.url(&app).await;
    way_back(&installing.open(&app, &Visitor::new(), &url).await).code();
    let again = installing.open(&app, &Visitor::new(), &url).await;
    assert!(way_back(&again).values.contains_key("error"), "{}", again.text());
    assert_eq!(installing.stores(&app).await.len(), 1);
}

#[tokio::test]
async fn another_browser_gets_no_code_of_an_installation() {
    let app = start().await;
    let installing = Installing::new(&app, "bigcommerce").await;
    let page = installing.walk(&app, &Visitor::new()).await;
    let stranger = Visitor::new().get(page.url.as_str()).await;
    assert_connects_nothing(&stranger);
    way_back(&page).code();
}

#[tokio::test]
async fn an_unknown_app_or_a_platform_without_installations_is_not_found() {
    let app = start().await;
    let installing = Installing::new(&app, "shopify").await;
    let url = installing.url(&app).await;
    let id = installing.partner.id.to_string();
    for wrong in [
        url.replace(&id, "app_01890000-0000-7000-8000-000000000000"),
        url.replace(&id, "nonsense"),
        url.replace("/shopify?", "/woocommerce?"),
        url.replace("/shopify?", "/no-such?"),
    ] {
        assert_ne!(wrong, url);
        assert_eq!(Visitor::new().get(&wrong).await.status, 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_flood_of_installations_from_one_address_is_asked_to_wait() {
    let app = start().await;
    let installing = Installing::new(&app, "shopify").await;
    let url = installing.url(&app).await;
    let forged = with(&url, "hmac", turned);
    let visitor = Visitor::new();
    for _ in 0..60 {
        assert_eq!(visitor.get(&forged).await.status, 403);
    }
    let refused = visitor.get_in(&url, "es").await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    assert!(refused.text().contains("pausa"), "{}", refused.text());
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM connect_sessions"), 0);
    app.advance(Duration::from_secs(5));
    assert_eq!(visitor.get(&url).await.status, 303);
}

#[tokio::test]
async fn installing_a_connected_store_again_renews_the_same_store() {
    let app = start().await;
    for platform in ["shopify", "bigcommerce", "ecwid"] {
        let installing = Installing::new(&app, platform).await;
        let first = installing.install(&app, None).await;
        let grants = grants(&app);
        let returned = way_back(&installing.walk(&app, &Visitor::new()).await);
        assert_eq!(returned.values["store_id"], first.store_id, "{platform}");
        let body = installing.exchange(&app, &returned, None).await;
        assert_eq!(
            (&body["access_token"], &body["reauthorized"]),
            (&Value::Null, &json!(true)),
            "{platform}"
        );
        assert_eq!(installing.stores(&app).await.len(), 1);
        assert!(grants < self::grants(&app), "{platform}");
        let access = app.api_as(&first.access_token, "GET", "/v1/access", None).await;
        assert_eq!(
            (access.status, &access.json()["usable"]),
            (200, &json!(true)),
            "{platform}"
        );
    }
}

/// An address that nothing signs names the store: whoever wrote it may have a grant of his own behind it.
#[tokio::test]
async fn where_nothing_proves_which_store_was_installed_a_connected_one_stays_as_it_is() {
    let app = start().await;
    for platform in ["weebly", "amazon"] {
        let installing = Installing::new(&app, platform).await;
        installing.install(&app, None).await;
        let grants = grants(&app);
        let returned = way_back(&installing.walk(&app, &Visitor::new()).await);
        assert_eq!(returned.error(), "store_already_connected", "{platform}");
        assert_eq!(self::grants(&app), grants, "{platform}");
        assert_eq!(installing.stores(&app).await.len(), 1, "{platform}");
    }
}

fn grants(app: &TestApp) -> i64 {
    count(&app.database, "SELECT sum(grant_no)::bigint AS n FROM credentials")
}

#[tokio::test]
async fn a_customers_store_is_not_handed_to_whoever_installs_it_again() {
    let app = start().await;
    for platform in ["shopify", "bigcommerce"] {
        let installing = Installing::new(&app, platform).await;
        let first = installing.install(&app, Some("customer-9")).await;
        let returned = way_back(&installing.walk(&app, &Visitor::new()).await);
        assert_eq!(returned.error(), "store_already_connected", "{platform}");
        assert_eq!(returned.values["initiated_by"], "platform");
        assert_eq!(installing.stores(&app).await.len(), 1);
        let store = installing.store(&app, &first.store_id).await;
        assert_eq!(
            (&store["status"], &store["customer_id"]),
            (&json!("connected"), &json!("customer-9"))
        );
        // The platform may have ended the grant before: the store works on with the new one.
        let access = app.api_as(&first.access_token, "GET", "/v1/access", None).await;
        assert_eq!(
            (access.status, &access.json()["usable"]),
            (200, &json!(true)),
            "{platform}"
        );
        let verified = app
            .api_as(
                &installing.partner.key,
                "POST",
                &format!("/v1/stores/{}/verify", first.store_id),
                None,
            )
            .await;
        assert_eq!(verified.status, 200, "{}", verified.body);
        assert_eq!(installing.store(&app, &first.store_id).await["status"], "connected");
    }
}
