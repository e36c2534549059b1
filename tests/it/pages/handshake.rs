//! OAuth 1.0a in three steps, as a merchant of such a store meets it: believed as a code grant is, once, in the browser
//! that left, and for the request token that was asked for.

use serde_json::{Value, json};
use url::Url;

use crate::support::connecting::{
    APPROVE, DENY, Session, Way, assert_connects_nothing, at_platform, begin, begin_again, callback_url, connect_for,
    exchange, fill_in, press, session_status, start, stores, walk, walk_to_end, way_back,
};
use crate::support::rows::rows;
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

const SLUG: &str = "magento-1";
const SHOP: &str = "https://shop.example.com";

fn way() -> Way {
    let fields = [
        ("base_url", SHOP),
        ("admin_path", "backstage"),
        ("consumer_key", "sandboxkey0123456789abcdefghijkl"),
        ("consumer_secret", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
    ];
    Way::with(SLUG, "authorization", &fields)
}

async fn to_login(app: &TestApp, visitor: &Visitor) -> (Session, Answer) {
    let session = begin(app, json!({ "platform": SLUG })).await;
    let login = fill_in(app, visitor, &session.url, &way()).await;
    assert!(at_platform(app, &login), "{}: {}", login.url, login.text());
    (session, login)
}

/// A merchant who has approved; the callback is not visited yet.
async fn approved(app: &TestApp, visitor: &Visitor) -> (Session, Url) {
    let (session, login) = to_login(app, visitor).await;
    let callback = callback_url(visitor, &login, APPROVE).await;
    (session, callback)
}

fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|pair| pair.0 != name).collect();
    let mut changed = url.clone();
    changed
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs)
        .append_pair(name, value);
    changed
}

async fn order(app: &TestApp, fault: Value) {
    app.control("faults", json!({ "platform": SLUG, "times": 1, "fault": fault }))
        .await;
}

async fn called(app: &TestApp, path: &str) -> usize {
    let received = app.received(SLUG).await;
    let to = |entry: &&Value| entry["url"].as_str().unwrap_or_default().contains(path);
    received.iter().filter(to).count()
}

#[tokio::test]
async fn an_approved_store_is_connected_and_its_calls_are_signed() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &way()).await;
    assert_eq!(connected.store["platform_store_id"], SHOP);
    assert_eq!(connected.store["method"], "authorization");
    assert_eq!(connected.store["access"]["refreshable"], false);
    let answer = app
        .call(&connected.access_token, "GET", "/api/rest/products?limit=1")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Simulated product"), "{}", answer.body);
    assert_eq!(
        (
            called(&app, "/oauth/initiate").await,
            called(&app, "/oauth/token").await
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn what_belongs_to_the_attempt_alone_is_sealed() {
    let app = start().await;
    let (_, callback) = approved(&app, &Visitor::new()).await;
    let token = callback
        .query_pairs()
        .find(|pair| pair.0 == "oauth_token")
        .unwrap()
        .1
        .into_owned();
    let kept = rows(&app.database, "SELECT s.* FROM connect_sessions s");
    assert_eq!(kept.len(), 1);
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    let text = kept[0].to_string();
    assert!(!text.contains(&token) && !text.contains(&hex), "{text}");
    assert!(kept[0]["attempt_sealed"].is_string(), "{text}");
}

#[tokio::test]
async fn a_merchant_who_rejects_is_told_apart_from_a_fault() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, login) = to_login(&app, &visitor).await;
    let page = press(&app, &visitor, &login, DENY).await;
    assert_eq!(way_back(&page).error(), "access_denied");
    assert_eq!(session_status(&app, &session.id).await, "failed");
    assert_eq!(called(&app, "/oauth/token").await, 0);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_replayed_approval_finds_no_attempt() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor).await;
    way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
    let replay = visitor.open(callback.as_str(), &[&app.url]).await;
    assert_connects_nothing(&replay);
    assert!((400..500).contains(&replay.status), "{}", replay.status);
    assert_eq!(called(&app, "/oauth/token").await, 1);
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn an_approval_in_another_browser_exchanges_nothing_and_the_first_may_go_on() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, callback) = approved(&app, &visitor).await;
    let other = Visitor::new().open(callback.as_str(), &[&app.url]).await;
    assert_connects_nothing(&other);
    assert!(other.text().contains("first browser"), "{}", other.text());
    assert_eq!(called(&app, "/oauth/token").await, 0);
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
    way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
}

#[tokio::test]
async fn another_request_token_in_the_callback_is_not_believed() {
    let app = start().await;
    let (visitor, attacker) = (Visitor::new(), Visitor::new());
    let (session, callback) = approved(&app, &visitor).await;
    let (_, foreign) = approved(&app, &attacker).await;
    let pair = |name: &str| {
        foreign
            .query_pairs()
            .find(|pair| pair.0 == name)
            .unwrap()
            .1
            .into_owned()
    };
    let mixed = with(&callback, "oauth_token", &pair("oauth_token"));
    let mixed = with(&mixed, "oauth_verifier", &pair("oauth_verifier"));
    let page = visitor.open(mixed.as_str(), &[&app.url]).await;
    assert_eq!(way_back(&page).error(), "invalid_callback");
    assert_eq!(session_status(&app, &session.id).await, "failed");
    assert_eq!(called(&app, "/oauth/token").await, 0);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn an_invented_verifier_connects_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor).await;
    let forged = with(&callback, "oauth_verifier", &"0".repeat(32));
    let page = visitor.open(forged.as_str(), &[&app.url]).await;
    assert_eq!(way_back(&page).error(), "platform_error");
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_the_exchange_makes_no_store_and_the_link_stays_good() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, callback) = approved(&app, &visitor).await;
    order(&app, json!({ "calls": "token", "effect": "lost_answer" })).await;
    let page = visitor.open(callback.as_str(), &[&app.url]).await;
    assert!(page.text().contains("cannot be reached right now"), "{}", page.text());
    assert_eq!(session_status(&app, &session.id).await, "open");
    assert!(stores(&app).await.is_empty());
    walk(&app, &visitor, &session.url, &way()).await.code();
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_store_that_gives_no_request_token_keeps_the_browser_here() {
    let app = start().await;
    for fault in [
        json!({ "calls": "token", "status": 503 }),
        json!({ "calls": "token", "effect": "lost_answer" }),
    ] {
        let session = begin(&app, json!({ "platform": SLUG })).await;
        order(&app, fault).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
        assert!(page.text().contains("cannot be reached right now"), "{}", page.text());
        assert_eq!(session_status(&app, &session.id).await, "open");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_mistyped_consumer_is_told_before_the_browser_leaves() {
    let app = start().await;
    for (field, wrong) in [
        ("consumer_key", "unknown0123456789abcdefghijklmno"),
        ("consumer_secret", "00000000000000000000000000000000"),
    ] {
        let session = begin(&app, json!({ "platform": SLUG })).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way().but(field, wrong)).await;
        assert!(page.url.as_str().starts_with(&app.url), "{field}: {}", page.url);
        assert!(
            page.text().contains("refused what was entered"),
            "{field}: {}",
            page.text()
        );
        assert_eq!(session_status(&app, &session.id).await, "open", "{field}");
    }
}

#[tokio::test]
async fn a_store_that_was_cut_off_works_again_with_the_same_token() {
    let app = start().await;
    let first = connect_for(&app, "customer-1", &way()).await;
    app.control("revoke", json!({ "platform": SLUG, "store": "shop.example.com" }))
        .await;
    let dead = app.call(&first.access_token, "GET", "/api/rest/products").await;
    assert_eq!(dead.json()["code"], "store_needs_reauthorization", "{}", dead.body);
    // The merchant has made another consumer.
    let again = way().but("consumer_key", "sandboxnew0123456789abcdefghijkl");
    let session = begin_again(&app, &first.store_id, json!({})).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &again).await;
    assert_eq!(returned.values["store_id"], first.store_id);
    let body = exchange(&app, returned.code()).await.json();
    assert_eq!(
        (&body["reauthorized"], &body["access_token"]),
        (&json!(true), &Value::Null)
    );
    let answer = app.call(&first.access_token, "GET", "/api/rest/products").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
