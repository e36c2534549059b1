//! What is typed: refused at the field, kept except for secrets, and tried at the platform before anything is stored.

use llavero::domain::store::Mode;
use serde_json::json;

use crate::support::connecting::{
    FALABELLA, HYBRIS, Session, WALMART, WOOCOMMERCE, Way, begin, fill_in, form_page, send, session_status, start,
    start_with, stores, walk,
};
use crate::support::partners::{LIVE_RETURN_URL, other_app};
use crate::support::test_app::{TestApp, Wishes};
use crate::support::visitor::{Answer, Visitor};

async fn typed(app: &TestApp, way: &Way) -> (Session, Answer) {
    let session = begin(app, json!({ "platform": way.platform })).await;
    let page = fill_in(app, &Visitor::new(), &session.url, way).await;
    (session, page)
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_never_a_secret() {
    let app = start().await;
    let secret = "cs_5a0000000000 secret with blanks";
    let way = Way::with("woocommerce", "keys", WOOCOMMERCE).but("consumer_secret", secret);
    let (_, page) = typed(&app, &way).await;
    assert!(
        (400..500).contains(&page.status) || page.status == 200,
        "{}",
        page.status
    );
    let values = page.form_with("method").values;
    assert_eq!(values["store_url"], "https://shop.example.com");
    assert_eq!(values["consumer_key"], "ck_5a00000000000000000000000000000000000001");
    assert_eq!(values["consumer_secret"], "");
    assert!(!page.body.contains("secret with blanks"), "a secret came back");
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn each_wrong_field_says_so_at_its_place() {
    let app = start().await;
    let way = Way::with("falabella", "keys", FALABELLA)
        .but("user_id", "no address")
        .but("seller_id", "");
    let (_, page) = typed(&app, &way).await;
    let wrong = page.attributes(".field[data-wrong] input", "name");
    assert_eq!(wrong, ["user_id", "seller_id"], "{}", page.text());
    assert!(page.select("#summary").is_some());
}

#[tokio::test]
async fn a_choice_that_is_not_offered_is_refused() {
    let app = start().await;
    let (_, page) = typed(&app, &Way::with("falabella", "keys", FALABELLA).but("country", "XX")).await;
    assert_eq!(
        page.attributes(".field[data-wrong] select", "name"),
        ["country"],
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_secret_refused_by_the_platform_makes_no_store_and_the_same_link_can_be_used_again() {
    let app = start().await;
    let visitor = Visitor::new();
    let mut made = 0;
    for way in [
        Way::with("walmart", "keys", WALMART).but("client_secret", "wrong-secret-0001"),
        Way::with("hybris", "client", HYBRIS).but("client_secret", "wrong-secret-0001"),
        Way::with("woocommerce", "keys", WOOCOMMERCE)
            .but("consumer_secret", "cs_0000000000000000000000000000000000000bad"),
        Way::with("falabella", "keys", FALABELLA).but("api_key", "00000000000000000000000000000000000wrong"),
        Way::good("shopify", "admin-token").but("access_token", "shpat_00000000000000000000000000000bad"),
    ] {
        let session = begin(&app, json!({ "platform": way.platform })).await;
        let page = fill_in(&app, &visitor, &session.url, &way).await;
        for (name, value) in &way.fields {
            let secret = ["client_secret", "consumer_secret", "api_key", "access_token"].contains(&name.as_str());
            assert!(!secret || !page.body.contains(value), "{} shows {name}", way.platform);
        }
        assert!(!page.body.contains("llv_cd_"), "{}: {}", way.platform, page.text());
        assert_eq!(stores(&app).await.len(), made, "{}", way.platform);
        assert_ne!(session_status(&app, &session.id).await, "completed");

        let good = Way::good(&way.platform, &way.method);
        let returned = walk(&app, &Visitor::new(), &session.url, &good).await;
        assert!(
            returned.values.contains_key("code"),
            "{}: {}",
            way.platform,
            returned.url
        );
        made += 1;
        assert_eq!(stores(&app).await.len(), made);
    }
}

#[tokio::test]
async fn a_base_site_that_the_server_does_not_have_is_refused() {
    let app = start().await;
    let (_, page) = typed(&app, &Way::with("hybris", "client", HYBRIS).but("base_site", "nowhere")).await;
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn what_the_partner_knows_already_stands_in_the_form() {
    let app = start().await;
    let fields = json!({ "store_url": "https://known.example.com" });
    let session = begin(&app, json!({ "platform": "woocommerce", "fields": fields })).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert_eq!(
        page.form_with("method").values["store_url"],
        "https://known.example.com"
    );
}

#[tokio::test]
async fn a_form_sent_from_elsewhere_is_refused() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let visitor = Visitor::new();
    let way = Way::good("woocommerce", "keys");
    let mut page = form_page(&app, &visitor, &session.url, &way).await;
    page.body = page
        .body
        .replace("name=\"form_token\" value=\"", "name=\"form_token\" value=\"x");
    let answer = send(&app, &visitor, &page, &way).await;
    assert!(
        (400..500).contains(&answer.status),
        "{}: {}",
        answer.status,
        answer.text()
    );
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_private_host_is_refused_at_the_form_where_the_policy_is_strict() {
    let app = start_with(Wishes {
        strict_hosts: true,
        ..Wishes::default()
    })
    .await;
    let live = other_app(&app, Mode::Live).await;
    let body = json!({ "customer_id": "c", "platform": "woocommerce", "return_url": LIVE_RETURN_URL });
    let session = app
        .api_as(&live.key, "POST", "/v1/connect-sessions", Some(body))
        .await
        .json();
    for host in [
        "https://127.0.0.1",
        "https://10.0.0.8",
        "https://192.168.1.1:8443",
        "https://169.254.169.254",
        "https://[::1]",
        "https://localhost",
        "https://100.64.0.1",
        "https://[::ffff:10.0.0.8]",
        "https://0x7f000001",
        "https://2130706433",
    ] {
        let way = Way::good("woocommerce", "keys").but("store_url", host);
        let page = fill_in(&app, &Visitor::new(), session["url"].as_str().unwrap(), &way).await;
        assert!(
            page.forms().iter().any(|form| form.values.contains_key("method")),
            "{host}: {}",
            page.text()
        );
        assert!(!page.body.contains("llv_cd_"), "{host}: {}", page.text());
    }
    let listed = app.api_as(&live.key, "GET", "/v1/stores", None).await.json();
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test]
async fn a_plain_http_shop_is_refused_where_the_policy_is_strict() {
    let app = start_with(Wishes {
        strict_hosts: true,
        ..Wishes::default()
    })
    .await;
    let way = Way::good("woocommerce", "keys").but("store_url", "http://shop.example.com");
    let (_, page) = typed(&app, &way).await;
    assert_eq!(
        page.attributes(".field[data-wrong] input", "name"),
        ["store_url"],
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn a_plain_http_shop_is_tried_in_development() {
    let app = start().await;
    let live = other_app(&app, Mode::Live).await;
    let body = json!({ "customer_id": "c", "platform": "woocommerce", "return_url": LIVE_RETURN_URL });
    let session = app
        .api_as(&live.key, "POST", "/v1/connect-sessions", Some(body))
        .await
        .json();
    let way = Way::good("woocommerce", "keys").but("store_url", &format!("{}/shop.example.com", app.sandbox));
    let page = fill_in(&app, &Visitor::new(), session["url"].as_str().unwrap(), &way).await;
    let wrong = page.attributes(".field[data-wrong] input", "name");
    assert!(!wrong.contains(&"store_url".to_owned()), "{}", page.text());
    assert!(
        !app.received("woocommerce").await.is_empty(),
        "a real shop on loopback is asked"
    );
}
