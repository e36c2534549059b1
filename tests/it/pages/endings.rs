//! Ways that end without a store: cancelled, denied, too late, unknown; and what pages with a link in their address send.

use std::time::Duration;

use serde_json::json;

use crate::support::connecting::{
    APPROVE, DENY, Way, assert_connects_nothing, begin, fill_in, press, session_status, start, stores, walk, way_back,
};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_merchant_cancels_and_the_partner_is_told() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce", "state": "mine" })).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    let question = visitor.get(&page.link("Cancel")).await;
    assert_eq!(
        session_status(&app, &session.id).await,
        "open",
        "looking at the question cancels nothing"
    );

    let ended = visitor.press(&question, "Yes, cancel").await;
    let ended = visitor.follow(ended, &[&app.url]).await;
    let returned = way_back(&ended);
    assert_eq!(returned.error(), "access_denied");
    assert_eq!(returned.values["status"], "cancelled");
    assert_eq!(returned.values["state"], "mine");
    assert_eq!(returned.values["session_id"], session.id);
    assert!(!returned.values.contains_key("code"));
    assert_eq!(session_status(&app, &session.id).await, "cancelled");

    let again = visitor.open(&session.url, &[&app.url]).await;
    assert_connects_nothing(&again);
}

#[tokio::test]
async fn a_denial_makes_no_store_and_is_told() {
    let app = start().await;
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("shopify", "expiring"),
        ("woocommerce", "one-click"),
    ] {
        let session = begin(&app, json!({ "platform": platform, "state": "s" })).await;
        let visitor = Visitor::new();
        let login = fill_in(&app, &visitor, &session.url, &Way::good(platform, method)).await;
        let ended = press(&app, &visitor, &login, DENY).await;
        let returned = way_back(&ended);
        assert_eq!(returned.error(), "access_denied", "{platform}");
        assert_eq!(returned.values["status"], "failed", "{platform}");
        assert!(!returned.values["error_description"].is_empty());
        assert_eq!(returned.values["state"], "s");
        assert_eq!(session_status(&app, &session.id).await, "failed", "{platform}");
        assert_eq!(app.token_calls(platform).await, 0, "{platform}");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_link_ends_with_its_time() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce", "expires_in": 600 })).await;
    let visitor = Visitor::new();
    assert_eq!(visitor.open(&session.url, &[&app.url]).await.status, 200);
    app.advance(Duration::from_secs(601));
    let page = visitor.open(&session.url, &[&app.url]).await;
    assert!(page.text().contains("too old"), "{}", page.text());
    assert_connects_nothing(&page);
    assert_eq!(session_status(&app, &session.id).await, "expired");
}

#[tokio::test]
async fn an_approval_that_comes_after_the_links_time_exchanges_nothing() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre", "expires_in": 600 })).await;
    let visitor = Visitor::new();
    let way = Way::good("mercado-libre", "authorization");
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    app.advance(Duration::from_secs(601));
    press(&app, &visitor, &login, APPROVE).await;
    assert_eq!(app.token_calls("mercado-libre").await, 0);
    assert!(stores(&app).await.is_empty());
    assert_eq!(session_status(&app, &session.id).await, "expired");
}

#[tokio::test]
async fn a_link_cancelled_by_the_partner_opens_nothing() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let answer = app
        .api("DELETE", &format!("/v1/connect-sessions/{}", session.id), None)
        .await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(session_status(&app, &session.id).await, "cancelled");
}

#[tokio::test]
async fn a_used_link_offers_no_form_again() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let way = Way::good("woocommerce", "keys");
    walk(&app, &Visitor::new(), &session.url, &way).await;
    let page = Visitor::new().open(&session.url, &[&app.url]).await;
    assert_connects_nothing(&page);
}

#[tokio::test]
async fn a_finished_page_gives_its_code_to_no_other_browser() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let visitor = Visitor::new();
    let done = fill_in(&app, &visitor, &session.url, &Way::good("woocommerce", "keys")).await;
    way_back(&done);
    let other = Visitor::new().open(done.url.as_str(), &[&app.url]).await;
    assert!(!other.body.contains("llv_cd_"), "{}", other.body);
}

#[tokio::test]
async fn an_unknown_link_is_a_page_with_404() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let mut cut = session.url.clone();
    cut.truncate(cut.len() - 3);
    for url in [cut, format!("{}/connect/llv_cs_nonsense", app.url)] {
        let page = Visitor::new().get(&url).await;
        assert_eq!(page.status, 404, "{}", page.text());
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{}",
            page.header("content-type")
        );
    }
}

#[tokio::test]
async fn pages_with_a_link_in_their_address_tell_it_to_nobody() {
    let app = start().await;
    let session = begin(&app, json!({})).await;
    let visitor = Visitor::new();
    let choice = visitor.open(&session.url, &[&app.url]).await;
    let form = visitor
        .get(
            choice
                .url
                .join(&choice.attributes("a.choice", "href")[0])
                .unwrap()
                .as_str(),
        )
        .await;
    let cancel = visitor.get(&choice.link("Cancel")).await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let done = fill_in(&app, &visitor, &session.url, &Way::good("woocommerce", "keys")).await;
    let mut cut = session.url.clone();
    cut.pop();
    let unknown = visitor.get(&cut).await;
    for page in [choice, form, cancel, done, unknown] {
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{}", page.url.path());
        assert!(page.header("cache-control").contains("no-store"), "{}", page.url.path());
        assert!(
            page.header("content-security-policy").contains("frame-ancestors"),
            "{}",
            page.url.path()
        );
    }
}
