//! What `/v1/platforms` tells of each platform, and that pages say the same.

use serde_json::{Value, json};

use crate::support::connecting::{begin, start};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

async fn platform(app: &TestApp, slug: &str) -> Value {
    app.api("GET", &format!("/v1/platforms/{slug}"), None).await.json()
}

#[tokio::test]
async fn every_platform_tells_every_fact() {
    let app = start().await;
    let list = app.api("GET", "/v1/platforms", None).await.json();
    for platform in list["data"].as_array().unwrap() {
        let slug = platform["slug"].as_str().unwrap();
        for name in [
            "name",
            "number",
            "reference",
            "documentation",
            "confidence",
            "unconfirmed",
            "redirect_uri",
            "install_url",
            "webhooks",
            "app_fields",
            "not_offered",
        ] {
            assert!(platform.get(name).is_some(), "{slug}: no {name}");
        }
        assert_eq!(
            platform["unconfirmed"],
            platform["confidence"] == "undocumented",
            "{slug}"
        );
        for method in platform["methods"].as_array().unwrap() {
            for name in [
                "id",
                "name",
                "choose",
                "for_partners",
                "unconfirmed",
                "register",
                "documentation",
                "obtain",
                "redirect_uri",
                "redirect_uri_is_prefix",
                "starts_at_platform",
                "install_url",
                "client",
                "identity",
                "fields",
                "importable",
                "import_fields",
                "app_fields",
                "scopes",
                "pkce",
                "signs_body",
                "lifetimes",
                "renewal",
                "refreshing",
                "reauthorize_after_seconds",
                "code_lifetime_seconds",
                "token_limit",
                "rate_limit",
                "differs_from_reference",
                "quirk",
                "assumed",
            ] {
                assert!(method.get(name).is_some(), "{slug}: no {name} in {}", method["id"]);
            }
            let redirects = method["obtain"] == "redirect";
            assert_eq!(method["redirect_uri"].is_string(), redirects, "{slug} {}", method["id"]);
            assert_eq!(
                method["install_url"].is_string(),
                method["starts_at_platform"] == true,
                "{slug}"
            );
            assert_eq!(
                method["refreshing"].is_object(),
                method["renewal"] == "refresh_token",
                "{slug}"
            );
        }
    }
}

#[tokio::test]
async fn lifetimes_refreshing_and_the_reference_table_are_told() {
    let app = start().await;
    let told = platform(&app, "mercado-libre").await;
    assert_eq!(
        told["reference"],
        json!({ "auth": "OAuth2", "access": "~6h", "refresh": "~6 months" })
    );
    let method = &told["methods"][0];
    assert_eq!(
        method["lifetimes"],
        json!({
            "access_seconds": 21_600, "access_documented": true,
            "refresh_seconds": 15_552_000, "refresh_documented": true, "refreshing_extends": true,
        })
    );
    let refreshing = json!({ "rotates": true, "grace": "none", "grace_seconds": null, "keeps_without_answer": true });
    assert_eq!(method["refreshing"], refreshing);
    assert_eq!(
        (
            &method["pkce"],
            &method["identity"],
            &method["differs_from_reference"],
            &method["reauthorize_after_seconds"]
        ),
        (&json!(true), &json!("platform"), &json!([]), &Value::Null)
    );
    assert_eq!(
        (
            &method["app_fields"][1]["secret"],
            &method["fields"][0]["choices"][0]["value"]
        ),
        (&json!(true), &json!("AR"))
    );
}

#[tokio::test]
async fn a_method_that_is_not_the_tables_says_in_what_it_differs() {
    let app = start().await;
    let told = platform(&app, "shopify").await;
    let differs = |id: &str| {
        let methods = told["methods"].as_array().unwrap();
        let method = methods.iter().find(|method| method["id"] == id);
        method.unwrap()["differs_from_reference"].clone()
    };
    assert_eq!(differs("expiring"), json!(["auth", "access"]));
    assert_eq!(differs("fixed"), json!([]));
}

#[tokio::test]
async fn addresses_to_register_are_told_exactly_for_this_app() {
    let app = start().await;
    let told = platform(&app, "shopify").await;
    let (url, id) = (&app.url, app.demo.app_id);
    assert_eq!(told["redirect_uri"], format!("{url}/connect/callback/shopify"));
    assert_eq!(told["install_url"], format!("{url}/connect/install/{id}/shopify"));
    assert_eq!(
        told["webhooks"],
        json!({
            "url": format!("{url}/hooks/{id}/shopify"),
            "uninstalled": ["app/uninstalled"],
            "privacy": ["customers/data_request", "customers/redact", "shop/redact"],
        })
    );
    // The same addresses that the routes are made of.
    assert_eq!(
        llavero::web::urls::connect_install(id, "shopify"),
        format!("/connect/install/{id}/shopify")
    );
    assert_eq!(llavero::web::urls::hooks(id, "shopify"), format!("/hooks/{id}/shopify"));
    let none = platform(&app, "hybris").await;
    assert_eq!(
        (&none["redirect_uri"], &none["install_url"], &none["webhooks"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn pages_about_an_unconfirmed_platform_say_so() {
    let app = start().await;
    let list = app.api("GET", "/v1/platforms", None).await.json();
    let platforms = list["data"].as_array().unwrap();
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let mut unconfirmed = 0;
    for platform in platforms {
        let (slug, expected) = (platform["slug"].as_str().unwrap(), platform["unconfirmed"] == true);
        unconfirmed += usize::from(expected);
        let methods = platform["methods"].as_array().unwrap();
        if slug != "woocommerce" && !(expected && methods.iter().any(|method| method["client"] != "app")) {
            continue;
        }
        let session = begin(&app, json!({ "platform": slug })).await;
        let merchants = Visitor::new()
            .get(&format!("{}/with/{slug}?locale=en", session.url))
            .await;
        assert_eq!(merchants.status, 200, "{}", merchants.text());
        assert_eq!(
            merchants.text().contains("is unconfirmed"),
            expected,
            "{slug}: {}",
            merchants.text()
        );
        let admins = owner
            .get(&format!("{}/admin/platforms/{slug}?locale=en", app.url))
            .await;
        assert_eq!(
            admins.text().contains("No public documentation confirms"),
            expected,
            "{slug}: {}",
            admins.text()
        );
    }
    assert!(unconfirmed >= 3, "{unconfirmed}");
}

/// The admin's page of a platform tells what the API tells.
#[tokio::test]
async fn the_admins_page_of_each_platform_tells_its_methods_addresses_and_limits() {
    let app = start().await;
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let list = app.api("GET", "/v1/platforms", None).await.json();
    let mut missing = Vec::new();
    for platform in list["data"].as_array().unwrap() {
        let slug = platform["slug"].as_str().unwrap();
        let page = owner
            .get(&format!("{}/admin/platforms/{slug}?locale=en", app.url))
            .await;
        assert_eq!(page.status, 200, "{slug}");
        let text = page.text();
        let mut told = vec![&platform["name"]];
        // Of a platform that knows one address for each app, the page cannot tell it.
        if platform["redirect_uri"] != platform["install_url"] {
            told.push(&platform["redirect_uri"]);
        }
        for method in platform["methods"].as_array().unwrap() {
            told.extend([&method["name"], &method["rate_limit"]]);
            let fields = [&method["fields"], &method["app_fields"]];
            let fields = fields.into_iter().filter_map(Value::as_array).flatten();
            told.extend(fields.map(|field| &field["label"]));
        }
        let told = told.into_iter().filter_map(Value::as_str);
        missing.extend(
            told.filter(|said| !text.contains(*said))
                .map(|said| format!("{slug}: {said}")),
        );
        let documentation = platform["documentation"].as_str().unwrap();
        if !page.body.contains(&format!("href=\"{documentation}\"")) {
            missing.push(format!("{slug}: {documentation}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test]
async fn what_has_to_be_said_beside_tokens_is_listed_with_its_form() {
    let app = start().await;
    let facts = platform(&app, "salesforce").await;
    let method = &facts["methods"][0];
    assert_eq!(method["importable"], true);
    let field = &method["import_fields"][0];
    assert_eq!(
        (&field["name"], &field["takes"], &field["required"]),
        (&json!("instance_url"), &json!("url"), &json!(true))
    );
    for name in ["label", "help", "example", "pattern"] {
        assert!(field[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert_eq!(platform(&app, "wix").await["methods"][0]["importable"], false);
    assert_eq!(platform(&app, "vtex").await["methods"][0]["importable"], false);
}

#[tokio::test]
async fn what_has_to_be_registered_names_the_very_addresses() {
    let app = start().await;
    let list = app.api("GET", "/v1/platforms", None).await.json();
    let mut named = 0;
    for platform in list["data"].as_array().unwrap() {
        for method in platform["methods"].as_array().unwrap() {
            let text = method["register"].as_str().unwrap_or_default();
            let told = format!("{} {}: {text}", platform["slug"], method["id"]);
            assert!(!text.contains(['{', '}']), "{told}");
            let mut needed = vec![&method["install_url"]];
            if method["client"] == "app" {
                needed.push(&platform["webhooks"]["url"]);
            }
            for url in needed.into_iter().filter_map(Value::as_str) {
                assert!(text.contains(url), "{url} is not in {told}");
                named += 1;
            }
        }
    }
    assert!(named >= 15, "{named}");
    // An app's own client at a platform with one address has that of installations.
    let ecwid = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["slug"] == "ecwid");
    let method = &ecwid.unwrap()["methods"][1];
    assert_eq!(method["redirect_uri"], method["install_url"]);

    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let id = app.demo.app_id;
    for (page, app_id) in [
        (format!("{}/admin/apps/{id}/platforms/ebay", app.url), id.to_string()),
        (
            format!("{}/admin/platforms/ebay/app/live", app.url),
            "{app_id}".to_owned(),
        ),
    ] {
        let text = owner.get(&page).await.text();
        let named = format!("{}/hooks/{app_id}/ebay as the endpoint", app.url);
        assert!(text.contains(&named), "{named} is not in {text}");
    }
    let page = format!("{}/admin/platforms/ecwid/app/live", app.url);
    let text = owner.get(&page).await.text();
    let shared = format!("one return URL, {}/connect/callback/ecwid,", app.url);
    assert!(text.contains(&shared), "{text}");
}
