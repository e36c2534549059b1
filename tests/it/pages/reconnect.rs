//! The link of a notice: looking changes nothing, pressing begins a session for exactly that store, or ends it for good.

use std::time::Duration;

use serde_json::json;

use crate::support::connecting::{
    APPROVE, Connected, DENY, OTHER, Way, connect_for, reconnect_url, send, start, store, stores, walk_to_end,
};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

fn way() -> Way {
    Way::good("mercado-libre", "authorization")
}

async fn dead_store(app: &TestApp) -> Connected {
    let connected = connect_for(app, "customer-1", &way()).await;
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 401);
    connected
}

fn sessions(app: &TestApp) -> i64 {
    app.database.count("SELECT count(*) AS count FROM connect_sessions")
}

#[tokio::test]
async fn looking_at_a_reconnect_link_changes_nothing() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let (before, before_store) = (sessions(&app), store(&app, &connected.store_id).await);
    let url = reconnect_url(&app, &connected.store_id);
    for _ in 0..3 {
        let page = Visitor::new().get(&url).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(page.header("cache-control").contains("no-store"));
        let question = Visitor::new().get(&page.link("Disconnect")).await;
        assert_eq!(question.status, 200);
    }
    assert_eq!(sessions(&app), before);
    assert_eq!(store(&app, &connected.store_id).await, before_store);
}

#[tokio::test]
async fn a_reconnect_link_authorizes_exactly_its_store_again() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let visitor = Visitor::new();
    let page = visitor.get(&reconnect_url(&app, &connected.store_id)).await;
    let begun = visitor.press(&page, "Authorize again").await;
    let form = visitor.follow(begun, &[&app.url]).await;
    let login = send(&app, &visitor, &form, &way()).await;
    let done = visitor.press(&login, APPROVE).await;
    let done = visitor.follow(done, &[&app.url, &app.sandbox]).await;
    assert!(done.text().contains("works again"), "{}", done.text());
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
    assert_eq!(stores(&app).await.len(), 1);

    let used = Visitor::new().get(&reconnect_url(&app, &connected.store_id)).await;
    assert_eq!(used.status, 200, "a link made after the re-authorization is good");
}

#[tokio::test]
async fn a_reconnect_link_ends_with_the_reauthorization() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let url = reconnect_url(&app, &connected.store_id);
    app.advance(Duration::from_secs(60));
    let visitor = Visitor::new();
    let begun = visitor.press(&visitor.get(&url).await, "Authorize again").await;
    let form = visitor.follow(begun, &[&app.url]).await;
    let end = walk_to_end(&app, &visitor, form.url.as_str(), &way()).await;
    assert!(end.text().contains("works again"), "{}", end.text());
    app.advance(Duration::from_secs(60));
    let page = Visitor::new().get(&url).await;
    assert_eq!(page.status, 410, "{}", page.text());
}

#[tokio::test]
async fn a_reconnect_link_may_be_tried_several_times() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let url = reconnect_url(&app, &connected.store_id);
    for _ in 0..3 {
        let visitor = Visitor::new();
        let begun = visitor.press(&visitor.get(&url).await, "Authorize again").await;
        let form = visitor.follow(begun, &[&app.url]).await;
        let login = send(&app, &visitor, &form, &way()).await;
        let denied = visitor.press(&login, DENY).await;
        visitor.follow(denied, &[&app.url, &app.sandbox]).await;
    }
    assert_eq!(Visitor::new().get(&url).await.status, 200);
}

#[tokio::test]
async fn another_shop_behind_a_reconnect_link_is_refused() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let visitor = Visitor::new();
    let begun = visitor
        .press(
            &visitor.get(&reconnect_url(&app, &connected.store_id)).await,
            "Authorize again",
        )
        .await;
    let form = visitor.follow(begun, &[&app.url]).await;
    let login = send(&app, &visitor, &form, &way()).await;
    let end = visitor.press(&login, OTHER).await;
    let end = visitor.follow(end, &[&app.url, &app.sandbox]).await;
    assert!(end.text().contains("another store"), "{}", end.text());
    assert_eq!(
        store(&app, &connected.store_id).await["status"],
        "needs_reauthorization"
    );
}

#[tokio::test]
async fn a_reconnect_link_disconnects_its_store_for_good() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let visitor = Visitor::new();
    let page = visitor.get(&reconnect_url(&app, &connected.store_id)).await;
    let question = visitor.get(&page.link("Disconnect")).await;
    let ended = visitor.press(&question, "Yes, disconnect").await;
    let ended = visitor.follow(ended, &[&app.url]).await;
    assert!((200..300).contains(&ended.status), "{}", ended.text());
    assert_eq!(store(&app, &connected.store_id).await["status"], "revoked");
    let call = app.call(&connected.access_token, "GET", "/users/me").await;
    assert_eq!((call.status, &call.json()["code"]), (401, &json!("token_revoked")));
}

#[tokio::test]
async fn a_reconnect_link_lasts_45_days_and_no_changed_one_opens() {
    let app = start().await;
    let connected = dead_store(&app).await;
    let url = reconnect_url(&app, &connected.store_id);
    let day = 24 * 3600;
    app.advance(Duration::from_secs(45 * day - 60));
    assert_eq!(Visitor::new().get(&url).await.status, 200);
    app.advance(Duration::from_secs(120));
    assert_eq!(Visitor::new().get(&url).await.status, 410);
    let last = url.chars().last().unwrap();
    let changed = format!("{}{}", &url[..url.len() - 1], if last == 'A' { 'B' } else { 'A' });
    assert_eq!(Visitor::new().get(&changed).await.status, 404);
}

#[tokio::test]
async fn a_reconnect_link_of_a_store_with_keys_asks_for_the_keys_again() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let visitor = Visitor::new();
    let page = visitor.get(&reconnect_url(&app, &connected.store_id)).await;
    let begun = visitor.press(&page, "Authorize again").await;
    let form = visitor.follow(begun, &[&app.url]).await;
    let done = send(&app, &visitor, &form, &Way::good("woocommerce", "keys")).await;
    assert!(done.text().contains("works again"), "{}", done.text());
    assert!(!done.body.contains("llv_st_"), "{}", done.body);
}
