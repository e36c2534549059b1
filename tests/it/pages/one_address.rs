//! Platforms that know one address of a client, wherever a connection began; and those that show it inside a page of their
//! own, where nothing of ours can be finished.

use serde_json::json;

use crate::support::connecting::{APPROVE, RETURN_URL, Way, begin, fill_in, press, start, way_back};
use crate::support::installing::Installing;
use crate::support::rows::count;
use crate::support::test_app::{TestApp, read};
use crate::support::visitor::{Answer, Visitor};

async fn session(app: &TestApp, installing: &Installing) -> String {
    let asked = json!({ "customer_id": "customer-1", "platform": installing.platform, "return_url": RETURN_URL });
    let key = &installing.partner.key;
    let made = app.api_as(key, "POST", "/v1/connect-sessions", Some(asked)).await;
    made.json()["url"].as_str().unwrap().to_owned()
}

fn redirect_uri(page: &Answer) -> String {
    let mut sent = page.url.query_pairs();
    let found = sent.find(|(name, _)| name == "redirect_uri");
    found
        .unwrap_or_else(|| panic!("no redirect_uri in {}", page.url))
        .1
        .into_owned()
}

#[tokio::test]
async fn an_apps_own_client_with_one_address_comes_back_where_installations_arrive() {
    let app = start().await;
    let installing = Installing::new(&app, "ecwid").await;
    let link = session(&app, &installing).await;
    let visitor = Visitor::new();
    let login = fill_in(&app, &visitor, &link, &Way::with("ecwid", "authorization", &[])).await;
    assert_eq!(redirect_uri(&login), installing.address(&app));
    let returned = way_back(&press(&app, &visitor, &login, APPROVE).await);
    let body = installing.exchange(&app, &returned, None).await;
    assert_eq!(body["store"]["status"], "connected", "{body}");
    assert!(!returned.values.contains_key("initiated_by"), "it began here");
}

#[tokio::test]
async fn a_client_that_several_apps_inherit_has_the_address_that_names_none() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "ecwid" })).await;
    let login = fill_in(
        &app,
        &Visitor::new(),
        &session.url,
        &Way::with("ecwid", "authorization", &[]),
    )
    .await;
    assert_eq!(redirect_uri(&login), format!("{}/connect/callback/ecwid", app.url));
}

/// A browser's request for a page that it shows inside another one.
async fn framed(app: &TestApp, url: &str) -> Answer {
    let path = url.strip_prefix(&app.url).unwrap();
    let request = app.request("", "GET", path).header("sec-fetch-dest", "iframe");
    read(request.send().await.unwrap()).await
}

const SESSIONS: &str = "SELECT count(*) AS n FROM connect_sessions";

#[tokio::test]
async fn inside_the_platforms_page_a_link_leads_out_and_nothing_else_happens() {
    let app = start().await;
    let installing = Installing::new(&app, "bigcommerce").await;
    let url = installing.url(&app).await;
    let page = framed(&app, &url).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let policy = page.header("content-security-policy");
    assert!(
        policy.ends_with("frame-ancestors https://*.mybigcommerce.com"),
        "{policy}"
    );
    assert!(
        policy.contains("form-action 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.forms().is_empty());
    assert_eq!(page.attributes("main a", "target"), ["_top"]);
    let out = page.url.join(&page.attributes("main a", "href")[0]).unwrap();
    assert_eq!(out.as_str(), url, "to the same address");
    assert_eq!(count(&app.database, SESSIONS), 0);
    assert!(app.received("bigcommerce").await.is_empty(), "the code is still good");

    let page = installing.open(&app, &Visitor::new(), out.as_str()).await;
    let body = installing.exchange(&app, &way_back(&page), Some("customer-1")).await;
    assert_eq!(body["store"]["status"], "connected", "{body}");
}

#[tokio::test]
async fn no_other_page_may_be_shown_inside_another() {
    let app = start().await;
    let shopify = Installing::new(&app, "shopify").await.url(&app).await;
    let bigcommerce = Installing::new(&app, "bigcommerce").await;
    let link = session(&app, &bigcommerce).await;
    let code = "?code=a&scope=b&context=stores/g5cd38";
    let callback = format!("{}/connect/callback/bigcommerce{code}", app.url);
    for url in [shopify, link, callback] {
        let answer = framed(&app, &url).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{url}: {policy}");
    }
    // Without the browser's word for it the address works as ever.
    let plain = Visitor::new().get(&bigcommerce.url(&app).await).await;
    assert_eq!(plain.status, 303, "{}", plain.text());
}
