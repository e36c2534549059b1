//! A platform that fails in the middle of a connect: nothing half made, the merchant told in words, the link still good.

use serde_json::{Value, json};

use crate::support::connecting::{
    APPROVE, Way, begin, fill_in, press, session_status, start, store, stores, walk, walk_to_end, way_back,
};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

async fn order(app: &TestApp, platform: &str, times: u64, fault: Value) {
    app.control(
        "faults",
        json!({ "platform": platform, "times": times, "fault": fault }),
    )
    .await;
}

async fn clear(app: &TestApp) {
    let answer = Visitor::new().delete(&format!("{}/_control/faults", app.sandbox)).await;
    assert_eq!(answer.status, 204);
}

/// Nothing was made, and a second try with the same link succeeds once the platform is back.
async fn recovers(app: &TestApp, session_id: &str, url: &str, way: &Way, page: &Answer) {
    assert!(!page.body.contains("llv_cd_"), "{}", page.text());
    assert!(stores(app).await.is_empty());
    assert_ne!(session_status(app, session_id).await, "completed");
    clear(app).await;
    walk(app, &Visitor::new(), url, way).await.code();
    assert_eq!(stores(app).await.len(), 1);
}

#[tokio::test]
async fn a_platform_down_at_the_token_call_makes_no_store_and_the_link_stays_good() {
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("shopify", "expiring"),
        ("walmart", "keys"),
    ] {
        let app = start().await;
        let way = Way::good(platform, method);
        let session = begin(&app, json!({ "platform": platform })).await;
        order(&app, platform, 10, json!({ "calls": "token", "status": 503 })).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
        assert!(
            page.text().contains("cannot be reached right now"),
            "{platform}: {}",
            page.text()
        );
        recovers(&app, &session.id, &session.url, &way, &page).await;
    }
}

#[tokio::test]
async fn a_platform_down_at_the_verify_call_makes_no_store_and_the_link_stays_good() {
    for (platform, method) in [
        ("mercado-libre", "authorization"),
        ("woocommerce", "keys"),
        ("falabella", "keys"),
        ("hybris", "client"),
    ] {
        let app = start().await;
        let way = Way::good(platform, method);
        let session = begin(&app, json!({ "platform": platform })).await;
        order(&app, platform, 10, json!({ "calls": "api", "status": 503 })).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
        assert!(
            page.text().contains("cannot be reached right now"),
            "{platform}: {}",
            page.text()
        );
        recovers(&app, &session.id, &session.url, &way, &page).await;
    }
}

#[tokio::test]
async fn an_answer_lost_on_the_way_makes_no_store() {
    let app = start().await;
    let way = Way::good("mercado-libre", "authorization");
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    order(
        &app,
        "mercado-libre",
        10,
        json!({ "calls": "token", "effect": "lost_answer" }),
    )
    .await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
    assert_eq!(app.token_calls("mercado-libre").await, 1, "a code is sent once");
    recovers(&app, &session.id, &session.url, &way, &page).await;
}

#[tokio::test]
async fn a_throttling_platform_makes_no_store_and_the_link_stays_good() {
    let app = start().await;
    let way = Way::good("woocommerce", "keys");
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    order(&app, "woocommerce", 10, json!({ "status": 429, "retry_after": 5 })).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
    recovers(&app, &session.id, &session.url, &way, &page).await;
}

#[tokio::test]
async fn a_page_of_maintenance_is_no_verdict_on_the_keys() {
    let app = start().await;
    let way = Way::good("woocommerce", "keys");
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    order(
        &app,
        "woocommerce",
        10,
        json!({ "status": 403, "body": "<html>Are you a robot?</html>" }),
    )
    .await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
    assert!(!page.text().contains("refused what was entered"), "{}", page.text());
    recovers(&app, &session.id, &session.url, &way, &page).await;
}

#[tokio::test]
async fn a_client_that_the_platform_refuses_is_not_the_merchants_fault() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = Visitor::new();
    let way = Way::good("mercado-libre", "authorization");
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let rotate = json!({ "platform": "mercado-libre", "id": "sandbox-client", "secret": "another-secret" });
    app.control("clients/rotate", rotate).await;
    let page = press(&app, &visitor, &login, APPROVE).await;
    assert!(page.text().contains("not set up correctly"), "{}", page.text());
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn fewer_scopes_than_asked_are_told_before_anything_is_connected() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "shopify" })).await;
    let visitor = Visitor::new();
    let login = fill_in(&app, &visitor, &session.url, &Way::good("shopify", "expiring")).await;
    let asked = login
        .url
        .query_pairs()
        .find(|pair| pair.0 == "scope")
        .unwrap()
        .1
        .into_owned();
    let (kept, dropped) = asked
        .split_once(',')
        .unwrap_or_else(|| panic!("two scopes are needed: {asked}"));
    app.control(
        "settings",
        json!({ "platform": "shopify", "settings": { "scope": kept } }),
    )
    .await;
    let page = press(&app, &visitor, &login, APPROVE).await;
    assert!(page.text().contains("gave less than"), "{}", page.text());
    assert!(
        dropped.split(',').all(|scope| page.text().contains(scope)),
        "{}",
        page.text()
    );
    assert!(stores(&app).await.is_empty());

    let accepted = visitor.press(&page, "Connect with less").await;
    let done = visitor.follow(accepted, &[&app.url]).await;
    way_back(&done).code();
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_grant_without_a_refresh_token_is_told_before_anything_is_connected() {
    let app = start().await;
    let settings = json!({ "platform": "mercado-libre", "settings": { "grants_no_refresh_token": true } });
    app.control("settings", settings).await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = Visitor::new();
    let page = walk_to_end(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    assert!(page.text().contains("cannot be renewed"), "{}", page.text());
    assert!(stores(&app).await.is_empty());

    app.control(
        "settings",
        json!({ "platform": "mercado-libre", "settings": { "grants_no_refresh_token": false } }),
    )
    .await;
    let again = visitor.press(&page, "Begin again").await;
    let again = visitor.follow(again, &[&app.url, &app.sandbox]).await;
    assert_eq!(again.status, 200);
    walk(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await
    .code();
    let id = stores(&app).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(store(&app, &id).await["access"]["refreshable"], true);
}

#[tokio::test]
async fn a_platform_that_is_away_is_not_blamed_on_what_was_entered() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    order(&app, "woocommerce", 10, json!({ "calls": "api", "status": 503 })).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    assert!(page.text().contains("does not answer"), "{}", page.text());
    assert!(!page.text().contains("check what you entered"), "{}", page.text());
}

#[tokio::test]
async fn secrets_that_stand_by_prove_a_callback_and_exchange_its_code() {
    let app = start().await;
    for (platform, method) in [("shopify", "expiring"), ("mercado-libre", "authorization")] {
        let registered = json!({
            "fields": { "client_id": "sandbox-client", "client_secret": "the-secret-before" },
            "standby": { "client_secret": "sandbox-secret" },
        });
        let answer = app
            .api("PUT", &format!("/v1/platforms/{platform}/app"), Some(registered))
            .await;
        assert!((200..300).contains(&answer.status), "{}", answer.body);
        let session = begin(&app, json!({ "platform": platform })).await;
        walk(&app, &Visitor::new(), &session.url, &Way::good(platform, method))
            .await
            .code();
    }
}
