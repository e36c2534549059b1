//! Platforms that finish an installation only once the browser has been at an address of theirs: the last page leads there
//! once, and still holds the partner's way back.

use llavero::platform::{Values, obtain};
use serde_json::json;

use crate::platforms::method;
use crate::support::connecting::{APPROVE, RETURN_URL, Way, begin, fill_in, press, start, way_back};
use crate::support::installing::{CLIENT, Installing, register};
use crate::support::rows::rows;
use crate::support::visitor::{Answer, Visitor};

/// The address that the browser is taken to by itself.
fn forward(page: &Answer) -> Option<String> {
    let refresh = page.attributes("meta[http-equiv=refresh]", "content").pop()?;
    Some(refresh.split_once("url=").unwrap().1.to_owned())
}

#[tokio::test]
async fn an_installation_from_weebly_ends_where_weebly_finishes_it() {
    let app = start().await;
    let installing = Installing::new(&app, "weebly").await;
    let visitor = Visitor::new();
    let page = installing.walk(&app, &visitor).await;
    let finish = format!("{}/www.weebly.com/app-center/oauth/finish", app.sandbox);
    assert_eq!(forward(&page).as_ref(), Some(&finish), "{}", page.text());
    assert!(page.text().contains("Weebly, which finishes"), "{}", page.text());
    assert_eq!(visitor.get(&finish).await.status, 200);

    // Who comes back is not led away again.
    let again = visitor.get(page.url.as_str()).await;
    assert_eq!(forward(&again), None);
    assert_eq!(again.link("Finish at"), finish);
    let returned = way_back(&again);
    assert_eq!(returned.values["initiated_by"], "platform");
    installing.exchange(&app, &returned, None).await;
}

#[tokio::test]
async fn a_store_whose_code_nobody_brought_gets_its_token_by_the_api() {
    let app = start().await;
    let installing = Installing::new(&app, "weebly").await;
    installing.walk(&app, &Visitor::new()).await;
    let stores = installing.stores(&app).await;
    let id = stores[0]["id"].as_str().unwrap();
    let made = app
        .api_as(
            &installing.partner.key,
            "POST",
            &format!("/v1/stores/{id}/access-tokens"),
            Some(json!({})),
        )
        .await;
    assert!((200..300).contains(&made.status), "{}", made.body);
    let token = made.json()["access_token"].as_str().unwrap().to_owned();
    let access = app.api_as(&token, "GET", "/v1/access", None).await;
    assert_eq!(
        (access.status, &access.json()["usable"]),
        (200, &json!(true)),
        "{}",
        access.body
    );
}

#[tokio::test]
async fn an_installation_from_outside_bigcommerces_control_panel_is_reported_as_succeeded() {
    let app = start().await;
    let installing = Installing::new(&app, "bigcommerce").await;
    let inside = installing.walk(&app, &Visitor::new()).await;
    assert!(forward(&inside).unwrap().starts_with(RETURN_URL), "{}", inside.text());

    let url = format!("{}&external_install=true", installing.url(&app).await);
    let outside = installing.open(&app, &Visitor::new(), &url).await;
    let succeeded = format!("{}/login.bigcommerce.com/app/{CLIENT}/install/succeeded", app.sandbox);
    assert_eq!(forward(&outside), Some(succeeded), "{}", outside.text());
    way_back(&outside).code();
}

#[tokio::test]
async fn whom_the_partner_sent_is_led_back_to_the_partner() {
    let app = start().await;
    register(&app, app.demo.api_key.expose(), "bigcommerce").await;
    let session = begin(&app, json!({ "platform": "bigcommerce", "state": "mine" })).await;
    let visitor = Visitor::new();
    let way = Way::with("bigcommerce", "authorization", &[]);
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let page = press(&app, &visitor, &login, APPROVE).await;
    assert!(forward(&page).unwrap().starts_with(RETURN_URL), "{}", page.text());
    assert!(!page.body.contains("install/succeeded"), "{}", page.body);
}

#[tokio::test]
async fn another_browser_is_not_told_where_an_installation_is_finished() {
    let app = start().await;
    let installing = Installing::new(&app, "weebly").await;
    let page = installing.walk(&app, &Visitor::new()).await;
    let stranger = Visitor::new().get(page.url.as_str()).await;
    assert_eq!(forward(&stranger), None);
    assert!(!stranger.body.contains("oauth/finish"), "{}", stranger.body);
    let sealed = rows(&app.database, "SELECT options::text, return_url FROM connect_sessions");
    assert!(!format!("{sealed:?}").contains("oauth/finish"));
}

#[test]
fn an_installation_is_finished_at_the_platforms_own_address_only() {
    let weebly = method("weebly", "authorization");
    let finish = |address: &str| {
        let finishing = obtain::finish(&weebly, &Values::new().with("finish_url", address))?;
        Some((finishing.url.to_string(), finishing.required))
    };
    for good in [
        "https://www.weebly.com/app-center/oauth/finish",
        "https://www.weebly.com/app-center/finish?site=1&done=true",
    ] {
        assert_eq!(finish(good), Some((good.to_owned(), true)));
    }
    for bad in [
        "http://www.weebly.com/finish",
        "https://weebly.com.evil.example/finish",
        "https://evil.example/finish?weebly.com/",
        "https://evilweebly.com/finish",
        "https://www.weebly.com@evil.example/finish",
        "https://www.weebly.com:8443/finish",
        "javascript:alert(1)",
        "",
    ] {
        assert_eq!(finish(bad), None, "{bad}");
    }
    assert_eq!(obtain::finish(&method("shopify", "expiring"), &Values::new()), None);
}
