//! What comes back from a platform is believed once, in the browser that left, and only with every proof it should have.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::json;
use sha2::Sha256;
use url::Url;

use crate::support::connecting::{
    APPROVE, Session, Way, assert_connects_nothing, begin, callback_url, fill_in, session_status, start, stores,
    way_back,
};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A merchant who has approved; the callback is not visited yet.
async fn approved(app: &TestApp, visitor: &Visitor, platform: &str, method: &str) -> (Session, Url) {
    let session = begin(app, json!({ "platform": platform })).await;
    let login = fill_in(app, visitor, &session.url, &Way::good(platform, method)).await;
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

/// Signs a callback as Shopify documents it.
fn signed(url: &Url, secret: &str) -> Url {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|pair| pair.0 != "hmac").collect();
    pairs.sort();
    let encode = |text: &String| percent_encoding::utf8_percent_encode(text, RESERVED).to_string();
    let text: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.join("&").as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    with(url, "hmac", &hex)
}

#[tokio::test]
async fn a_replayed_callback_finds_no_attempt() {
    let app = start().await;
    let visitor = Visitor::new();
    for (platform, method) in [("mercado-libre", "authorization"), ("shopify", "expiring")] {
        let (_, callback) = approved(&app, &visitor, platform, method).await;
        let done = visitor.open(callback.as_str(), &[&app.url]).await;
        way_back(&done);
        let calls = app.token_calls(platform).await;
        let replay = visitor.open(callback.as_str(), &[&app.url]).await;
        assert_connects_nothing(&replay);
        assert!((400..500).contains(&replay.status), "{}", replay.status);
        assert_eq!(app.token_calls(platform).await, calls, "{platform}");
    }
    assert_eq!(stores(&app).await.len(), 2);
}

#[tokio::test]
async fn a_callback_is_answered_by_a_redirect_and_never_by_a_page() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "mercado-libre", "authorization").await;
    let answer = visitor.get(callback.as_str()).await;
    assert!((300..400).contains(&answer.status), "{}", answer.status);
    let next = answer.location.unwrap();
    assert!(next.as_str().starts_with(&app.url), "{next}");
    assert!(
        !next
            .as_str()
            .contains(callback.query_pairs().find(|pair| pair.0 == "code").unwrap().1.as_ref())
    );
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
}

#[tokio::test]
async fn another_browser_exchanges_nothing_and_the_first_may_go_on() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, callback) = approved(&app, &visitor, "mercado-libre", "authorization").await;
    let other = Visitor::new().open(callback.as_str(), &[&app.url]).await;
    assert_connects_nothing(&other);
    assert!(other.text().contains("first browser"), "{}", other.text());
    assert_eq!(app.token_calls("mercado-libre").await, 0);
    assert!(stores(&app).await.is_empty());
    assert_eq!(session_status(&app, &session.id).await, "at_platform");

    let done = visitor.open(callback.as_str(), &[&app.url]).await;
    way_back(&done).code();
}

#[tokio::test]
async fn a_browser_bound_to_another_session_exchanges_nothing() {
    let app = start().await;
    let (victim, attacker) = (Visitor::new(), Visitor::new());
    let (_, foreign) = approved(&app, &attacker, "mercado-libre", "authorization").await;
    approved(&app, &victim, "mercado-libre", "authorization").await;
    let page = victim.open(foreign.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(app.token_calls("mercado-libre").await, 0);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn the_cookie_that_binds_a_browser_is_hidden_from_scripts_and_from_other_sites() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    let leaves = visitor.submit(&page.form_with("country"), &[("country", "AR")]).await;
    let cookies: Vec<&str> = leaves
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    let binding = cookies.iter().find(|cookie| cookie.contains("SameSite=Lax"));
    let binding = binding.unwrap_or_else(|| panic!("{cookies:?}"));
    assert!(binding.contains("HttpOnly") && binding.contains("Path=/"), "{binding}");
    assert!(!binding.contains("Domain="), "{binding}");
}

#[tokio::test]
async fn a_wrong_state_exchanges_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "mercado-libre", "authorization").await;
    for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let page = visitor
            .open(with(&callback, "state", wrong).as_str(), &[&app.url])
            .await;
        assert_connects_nothing(&page);
        assert!((400..500).contains(&page.status), "{}", page.status);
    }
    assert_eq!(app.token_calls("mercado-libre").await, 0);
}

#[tokio::test]
async fn an_answer_to_one_platform_is_not_believed_as_anothers() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "mercado-libre", "authorization").await;
    let mut mixed = callback.clone();
    mixed.set_path("/connect/callback/shopify");
    let page = visitor.open(mixed.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(
        app.token_calls("mercado-libre").await + app.token_calls("shopify").await,
        0
    );
    assert!(stores(&app).await.is_empty());
    mixed.set_path("/connect/callback/no-such-platform");
    assert_eq!(visitor.open(mixed.as_str(), &[&app.url]).await.status, 404);
}

#[tokio::test]
async fn a_callback_with_a_wrong_proof_exchanges_nothing() {
    let app = start().await;
    for secret in ["not-the-secret", ""] {
        let visitor = Visitor::new();
        let (session, callback) = approved(&app, &visitor, "shopify", "expiring").await;
        let forged = if secret.is_empty() {
            with(&callback, "hmac", "")
        } else {
            signed(&callback, secret)
        };
        let page = visitor.open(forged.as_str(), &[&app.url]).await;
        assert_connects_nothing(&page);
        assert_eq!(app.token_calls("shopify").await, 0);
        assert_ne!(session_status(&app, &session.id).await, "completed");
    }
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_callback_signed_too_long_ago_exchanges_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "shopify", "expiring").await;
    app.advance(Duration::from_secs(91));
    let page = visitor.open(callback.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(app.token_calls("shopify").await, 0);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn a_callback_that_names_another_shop_exchanges_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "shopify", "expiring").await;
    let other = signed(&with(&callback, "shop", "other.myshopify.com"), "sandbox-secret");
    let page = visitor.open(other.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(app.token_calls("shopify").await, 0);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn the_tests_own_proof_is_the_platforms() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "shopify", "expiring").await;
    let done = visitor
        .open(signed(&callback, "sandbox-secret").as_str(), &[&app.url])
        .await;
    way_back(&done).code();
}

#[tokio::test]
async fn a_callback_without_a_code_exchanges_nothing() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "mercado-libre", "authorization").await;
    let state = callback
        .query_pairs()
        .find(|pair| pair.0 == "state")
        .unwrap()
        .1
        .into_owned();
    let mut bare = callback.clone();
    bare.query_pairs_mut().clear().append_pair("state", &state);
    let page = visitor.open(bare.as_str(), &[&app.url]).await;
    assert_connects_nothing(&page);
    assert_eq!(app.token_calls("mercado-libre").await, 0);
}

#[tokio::test]
async fn what_leaves_for_the_platform_is_bound_and_proved() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = Visitor::new();
    let page = visitor.open(&session.url, &[&app.url]).await;
    let leaves = visitor.submit(&page.form_with("country"), &[("country", "AR")]).await;
    let url = leaves.location.unwrap();
    let sent: std::collections::BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert!(
        url.as_str()
            .starts_with(&format!("{}/auth.mercadolibre.com.ar/authorization?", app.sandbox)),
        "{url}"
    );
    assert_eq!(
        sent["redirect_uri"],
        format!("{}/connect/callback/mercado-libre", app.url)
    );
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(sent["code_challenge"].len(), 43);
    assert!(sent["state"].len() >= 43, "{}", sent["state"]);
    assert!(!url.as_str().contains("llv_cs_") && !url.as_str().contains(&session.id));
}

#[tokio::test]
async fn two_tabs_of_one_link_do_not_disturb_each_other_into_two_stores() {
    let app = start().await;
    let visitor = Visitor::new();
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let way = Way::good("mercado-libre", "authorization");
    let first = fill_in(&app, &visitor, &session.url, &way).await;
    let second = fill_in(&app, &visitor, &session.url, &way).await;
    let late = callback_url(&visitor, &first, APPROVE).await;
    let newest = callback_url(&visitor, &second, APPROVE).await;
    let done = visitor.open(newest.as_str(), &[&app.url]).await;
    way_back(&done).code();
    assert_connects_nothing(&visitor.open(late.as_str(), &[&app.url]).await);
    assert_eq!(stores(&app).await.len(), 1);
}
