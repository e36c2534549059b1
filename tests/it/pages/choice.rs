//! Which platforms and methods a merchant is offered, and in which language.

use serde_json::json;

use crate::support::connecting::{begin, start};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_session_for_one_platform_begins_at_its_form() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.form_with("method").values.contains_key("store_url"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_session_for_some_platforms_offers_these_and_no_others() {
    let app = start().await;
    let session = begin(&app, json!({ "platforms": ["shopify", "falabella"] })).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert_eq!(page.attributes("a.choice", "href").len(), 2, "{}", page.text());
    assert!(page.text().contains("Shopify") && page.text().contains("Falabella"));
    assert!(!page.text().contains("Walmart"));
    for link in page.attributes("a.choice", "href") {
        let other = link.replace("falabella", "walmart").replace("shopify", "walmart");
        let answer = Visitor::new()
            .open(page.url.join(&other).unwrap().as_str(), &[&app.url])
            .await;
        let offered = answer.status == 200 && answer.forms().iter().any(|form| form.values.contains_key("client_id"));
        assert!(!offered, "a platform that was not offered opens: {}", answer.text());
    }
}

#[tokio::test]
async fn a_session_without_a_platform_offers_all() {
    let app = start().await;
    let session = begin(&app, json!({})).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    let names = [
        "Mercado Libre",
        "Walmart",
        "Shopify",
        "WooCommerce",
        "Hybris",
        "Falabella",
    ];
    assert!(names.iter().all(|name| page.text().contains(name)), "{}", page.text());
}

#[tokio::test]
async fn a_search_narrows_the_choice() {
    let app = start().await;
    let session = begin(&app, json!({})).await;
    let visitor = Visitor::new();
    let all = visitor.open(&session.url, &[&app.url]).await;
    assert!(all.attributes("a.choice", "href").len() > 1, "{}", all.text());
    // A short list shows no field for it; a page that was searched does, so that the search can be changed.
    let found = visitor.open(&format!("{}?q=sHOPi", session.url), &[&app.url]).await;
    let links = found.attributes("a.choice", "href");
    assert!(
        matches!(&links[..], [only] if only.contains("/with/shopify")),
        "{links:?}"
    );
    let form = found.form_with("q");
    assert_eq!(form.values["q"], "sHOPi");
    let other = visitor.submit(&form, &[("q", "falab")]).await;
    let links = other.attributes("a.choice", "href");
    assert!(
        matches!(&links[..], [only] if only.contains("/with/falabella")),
        "{links:?}"
    );
    let none = visitor.submit(&form, &[("q", "no such platform")]).await;
    assert_eq!(
        (none.status, none.attributes("a.choice", "href").len()),
        (200, 0),
        "{}",
        none.text()
    );
}

#[tokio::test]
async fn pages_speak_the_language_that_the_partner_names() {
    let app = start().await;
    let mut texts = Vec::new();
    for locale in ["en", "es", "pt"] {
        let merchant = json!({ "email": "m@example.com", "locale": locale });
        let session = begin(&app, json!({ "platform": "woocommerce", "merchant": merchant })).await;
        let page = Visitor::new().get_in(&session.url, "en").await;
        let page = Visitor::new().follow(page, &[&app.url]).await;
        let lang = page.attributes("html", "lang").first().cloned().unwrap_or_default();
        assert!(lang.starts_with(locale), "{locale}: {lang}");
        texts.push(page.text());
    }
    assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2]);
}

#[tokio::test]
async fn without_a_named_language_the_browsers_is_spoken() {
    let app = start().await;
    for (accepted, lang) in [
        ("es-MX,es;q=0.9", "es"),
        ("pt-BR", "pt"),
        ("de, en;q=0.5", "en"),
        ("de", "en"),
    ] {
        let session = begin(&app, json!({ "platforms": ["shopify", "falabella"] })).await;
        let page = Visitor::new().get_in(&session.url, accepted).await;
        let shown = page.attributes("html", "lang").first().cloned().unwrap_or_default();
        assert!(shown.starts_with(lang), "{accepted}: {shown} {}", page.status);
    }
}

#[tokio::test]
async fn a_merchant_may_change_to_another_method() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "shopify" })).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    assert_eq!(page.form_with("method").values["method"], "expiring");
    let mut methods = Vec::new();
    for link in page.attributes("a.choice", "href") {
        let other = visitor.open(page.url.join(&link).unwrap().as_str(), &[&app.url]).await;
        methods.push(other.form_with("method").values["method"].clone());
    }
    methods.sort();
    assert_eq!(methods, ["admin-token", "fixed"]);
}

#[tokio::test]
async fn a_search_finds_other_names_and_other_spellings() {
    let app = start().await;
    let session = begin(&app, json!({})).await;
    for (search, slug) in [
        ("mercadolibre", "mercado-libre"),
        ("Mercado Livre", "mercado-libre"),
        ("nuvemshop", "tienda-nube"),
        ("cs cart", "cs-cart"),
    ] {
        let url = format!("{}?q={}", session.url, search.replace(' ', "%20"));
        let found = Visitor::new().open(&url, &[&app.url]).await;
        let links = found.attributes("a.choice", "href");
        assert!(
            matches!(&links[..], [only] if only.contains(&format!("/with/{slug}"))),
            "{search}: {links:?}"
        );
    }
}

#[tokio::test]
async fn who_registers_a_client_at_the_own_shop_is_told_the_redirect_uri() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "odoo" })).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert!(page.text().contains("/connect/callback/odoo"), "{}", page.text());
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert!(!page.text().contains("/connect/callback"), "{}", page.text());
}
