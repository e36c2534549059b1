//! The app itself, the catalogue as partners read it, and the app's own clients at platforms, which nobody can read back.

use serde_json::{Value, json};

use crate::support::connecting::{Way, begin, fill_in, start};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn an_app_sees_itself_and_its_mode() {
    let app = start().await;
    let told = app.api("GET", "/v1/app", None).await.json();
    assert_eq!(told["id"], app.demo.app_id.to_string());
    assert_eq!(told["mode"], "sandbox");
    for name in ["name", "return_urls", "limits"] {
        assert!(told.get(name).is_some(), "no {name} in {told}");
    }
    assert!(!told.to_string().contains("llv_"), "{told}");
}

#[tokio::test]
async fn the_catalogue_lists_platforms_with_methods_and_fields() {
    let app = start().await;
    let list = app.api("GET", "/v1/platforms", None).await.json();
    let platforms = list["data"].as_array().unwrap();
    let slugs: Vec<&str> = platforms
        .iter()
        .map(|platform| platform["slug"].as_str().unwrap())
        .collect();
    for slug in [
        "falabella",
        "hybris",
        "mercado-libre",
        "shopify",
        "walmart",
        "woocommerce",
    ] {
        assert!(slugs.contains(&slug), "{slugs:?}");
    }
    for platform in platforms {
        for method in platform["methods"].as_array().unwrap() {
            for field in method["fields"].as_array().unwrap() {
                for name in ["name", "label", "secret", "pattern", "example", "help"] {
                    assert!(field.get(name).is_some(), "{}: no {name} in {field}", platform["slug"]);
                }
            }
            assert!(method.get("id").is_some() && method.get("name").is_some());
        }
    }
}

#[tokio::test]
async fn one_platform_tells_lifetimes_and_the_exact_redirect_uri() {
    let app = start().await;
    let platform = app.api("GET", "/v1/platforms/mercado-libre", None).await.json();
    assert!(
        platform
            .to_string()
            .contains(&format!("{}/connect/callback/mercado-libre", app.url)),
        "{platform}"
    );
    let method = &platform["methods"][0];
    let lifetimes = method.get("lifetimes").or_else(|| platform.get("lifetimes"));
    assert!(lifetimes.is_some(), "{platform}");
    assert!(platform.to_string().contains("21600"), "six hours: {platform}");
    let secret = platform.to_string();
    assert!(!secret.contains("sandbox-secret"));
    assert_eq!(app.api("GET", "/v1/platforms/no-such", None).await.status, 404);
}

#[tokio::test]
async fn a_client_secret_is_written_and_never_read() {
    let app = start().await;
    let body = json!({ "client_id": "sandbox-own", "client_secret": "sandbox-secret" });
    let answer = put(&app, "mercado-libre", body).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert!(!answer.body.contains("sandbox-secret"), "{}", answer.body);
    for path in ["/v1/platforms", "/v1/platforms/mercado-libre", "/v1/app"] {
        let told = app.api("GET", path, None).await;
        assert!(!told.body.contains("sandbox-secret"), "{path}");
    }

    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let login = fill_in(
        &app,
        &Visitor::new(),
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    assert!(login.url.as_str().contains("client_id=sandbox-own"), "{}", login.url);
}

async fn put(app: &crate::support::test_app::TestApp, slug: &str, fields: Value) -> crate::support::visitor::Answer {
    app.api(
        "PUT",
        &format!("/v1/platforms/{slug}/app"),
        Some(json!({ "fields": fields })),
    )
    .await
}

#[tokio::test]
async fn a_client_that_lacks_a_field_is_refused_by_name() {
    let app = start().await;
    let answer = put(&app, "mercado-libre", json!({ "client_id": "sandbox-own" })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.json()["errors"][0]["field"]
            .as_str()
            .unwrap()
            .ends_with("client_secret"),
        "{}",
        answer.body
    );
    let answer = put(&app, "no-such", json!({})).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
}

#[tokio::test]
async fn an_owner_sets_a_second_secret_that_is_never_shown() {
    let app = start().await;
    let owner = Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    let signed_in = owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());

    let url = format!("{}/admin/apps/{}/platforms/shopify", app.url, app.demo.app_id);
    let form = owner.get(&url).await.form_with("standby-client_secret");
    let typed = [
        ("client_id", "sandbox-client"),
        ("client_secret", "the-secret-before"),
        ("standby-client_secret", "the-secret-after"),
    ];
    let saved = owner.submit(&form, &typed).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let page = owner.get(&url).await;
    assert!(page.text().contains("second set of secrets"), "{}", page.text());
    assert!(!page.body.contains("the-secret-"), "{}", page.body);
    let set = "SELECT count(*) AS count FROM platform_apps WHERE app_id IS NOT NULL AND standby_sealed IS NOT NULL";
    assert_eq!(app.database.count(set), 1);
}
