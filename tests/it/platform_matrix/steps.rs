//! The steps, in the order in which a shop takes them. Each begins with a connected shop where nothing is wrong, so that
//! one that fails does not take the others along.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use llavero::platform::descriptor::{ClientOwner, Grace, IdentitySource, Renewal};
use llavero::platform::obtain::Obtain;
use serde_json::{Value, json};

use super::report::{Outcome, Row};
use super::shop::Shop;
use super::table::Way;
use super::trouble;
use crate::support::connecting::{exchange, way_back};
use crate::support::rows::row;

pub const STEPS: [&str; 10] = [
    "connect", "call", "renewal", "kept", "trouble", "dead", "again", "other", "brought", "revoked",
];

/// Takes all steps with one shop.
pub async fn walk(way: Way) -> Row {
    let mut row = Row::new(&way);
    let mut shop = match AssertUnwindSafe(Shop::open(way)).catch_unwind().await {
        Ok(shop) => shop,
        Err(why) => {
            row.add("connect", Outcome::Failed(words(why.as_ref())));
            return row;
        }
    };
    for step in STEPS {
        let outcome = match impossible(&shop, step) {
            Some(why) => Outcome::Impossible(why.to_owned()),
            None => {
                let taken = AssertUnwindSafe(take(&mut shop, step)).catch_unwind().await;
                let failure = taken.err().map(|why| words(why.as_ref()));
                judge(step, failure, shop.method.cannot.get(step))
            }
        };
        let is_over = step == "connect" && !matches!(outcome, Outcome::Passed);
        row.add(step, outcome);
        if is_over {
            break;
        }
    }
    row
}

/// What the catalogue says that a method cannot have.
fn impossible(shop: &Shop, step: &str) -> Option<&'static str> {
    if step == "brought" {
        return match &shop.method.obtain {
            Obtain::Code(_) if shop.method.importable => None,
            Obtain::Code(_) => Some("nothing would prove whose tokens they are"),
            Obtain::Oauth1(_) => Some("brought as keys"),
            Obtain::Ask(_) | Obtain::Given(_) => Some("no tokens of a client's"),
        };
    }
    match (step, shop.method.renewal) {
        ("renewal" | "kept", Renewal::Never) => Some("never renewed"),
        ("kept", Renewal::AskAgain) => Some("no refresh token"),
        _ => None,
    }
}

/// A step that is declared impossible has to fail at what it is about: anything else that goes wrong on the way is a
/// failure like any other.
fn judge(step: &str, failure: Option<String>, cannot: Option<&String>) -> Outcome {
    let claims: &[&str] = match step {
        "renewal" => &["no working call: ", "token calls"],
        "trouble" => &["no wait: "],
        "dead" => &["not known dead: "],
        _ => &[],
    };
    let is_claimed = |why: &str| claims.iter().any(|claim| why.contains(claim));
    match (failure, cannot) {
        (None, None) => Outcome::Passed,
        (Some(why), Some(reason)) if is_claimed(&why) => Outcome::Impossible(reason.clone()),
        (Some(why), Some(reason)) => {
            Outcome::Failed(format!("declared impossible ({reason}), and fails elsewhere: {why}"))
        }
        (Some(why), None) => Outcome::Failed(why),
        (None, Some(reason)) => Outcome::Failed(format!("declared impossible ({reason}), and passes")),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned())
}

async fn take(shop: &mut Shop, step: &str) {
    if step == "connect" {
        return connect(shop).await;
    }
    if step != "again" {
        shop.mend().await;
    }
    match step {
        "call" => shop.works().await,
        "renewal" => renewal(shop).await,
        "kept" => kept(shop).await,
        "trouble" => trouble::waited_out(shop).await,
        "dead" => dead(shop).await,
        "again" => again(shop).await,
        "other" => other(shop).await,
        "brought" => brought(shop).await,
        "revoked" => revoked(shop).await,
        _ => panic!("no step `{step}`"),
    }
}

async fn connect(shop: &mut Shop) {
    shop.connect().await;
    assert!(shop.store().access_token.starts_with("llv_st_"));
    let seen = shop.seen().await;
    let expected = json!({
        "platform": shop.way.platform,
        "method": shop.way.method,
        "status": "connected",
        "health": "ok",
        "mode": "sandbox",
        "customer_id": "customer-1",
        "platform_store_id": shop.way.id,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&seen[name], value, "{name} of {seen}");
    }
}

/// An access token that ended is renewed unseen, with one token call, whether the platform said when it would end or not.
async fn renewal(shop: &Shop) {
    let first = renewed(shop, async || shop.expire().await).await;
    let ends = shop.access_ends().await;
    let ends = ends.unwrap_or_else(|| panic!("an access token that is renewed has no end"));
    let second = renewed(shop, async || shop.wait_until(ends + TimeDelta::seconds(1))).await;
    if shop.method.renewal == Renewal::RefreshToken {
        let (first, second) = (
            shop.refresh_tokens_in(&first).await,
            shop.refresh_tokens_in(&second).await,
        );
        assert!(
            !first.is_empty() && !second.is_empty(),
            "a renewal without a refresh token"
        );
        let rotates = shop.platform_rotates().await;
        assert_eq!(first != second, rotates, "first {first:?}, then {second:?}");
        let may_rotate = shop.method.grace != Grace::NotRotating;
        assert!(may_rotate || !rotates, "the catalogue says that refresh tokens stay");
    }
}

/// The token call that followed.
async fn renewed(shop: &Shop, ending: impl AsyncFnOnce()) -> Value {
    let before = shop.token_calls().await.len();
    ending().await;
    shop.works().await;
    let calls = shop.token_calls().await;
    assert_eq!(calls.len(), before + 1, "token calls");
    calls.last().cloned().unwrap()
}

/// An answer without a refresh token leaves the old one in use, or ends the grant, as the catalogue says.
async fn kept(shop: &Shop) {
    shop.order("settings", json!({ "settings": { "omit_refresh_token": true } }))
        .await;
    shop.expire().await;
    shop.works().await;
    shop.expire().await;
    if shop.method.keeps_refresh_token {
        shop.works().await;
    } else {
        assert_dead(shop).await;
    }
}

/// What the platform refuses for good needs the merchant, and is left alone.
async fn dead(shop: &Shop) {
    shop.revoke_there().await;
    let first = shop.call().await;
    let ends = shop
        .access_ends()
        .await
        .filter(|_| first.header("llavero-source") == "platform");
    if let (Some(ends), true) = (ends, shop.method.renewal != Renewal::Never) {
        // No call of this platform's judges an access token, so its own end has to come first.
        shop.wait_until(ends + TimeDelta::seconds(1));
    }
    let refused = shop.call().await;
    let decided = refused.header("llavero-source") == "llavero" && refused.status == 401;
    if !decided {
        refused_for_a_day(shop).await;
    }
    assert_dead(shop).await;
    let before = shop.app.received(&shop.way.platform).await.len();
    assert_eq!(shop.call().await.status, 401);
    let after = shop.app.received(&shop.way.platform).await.len();
    assert_eq!(after, before, "a dead store is not hammered");
}

/// Words that prove nothing: a day of them does. Where the app's own client goes along with each call, it might be the one
/// that is refused: another store's key that works meanwhile tells.
async fn refused_for_a_day(shop: &Shop) {
    let other = match shop.method.client {
        ClientOwner::App => Some(shop.neighbour().await),
        ClientOwner::Store | ClientOwner::None => None,
    };
    for _ in 0..6 {
        shop.app.advance(Duration::from_secs(5 * 3600));
        shop.call().await;
        if let Some(token) = &other {
            let answer = shop.call_of_other(token).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}

async fn assert_dead(shop: &Shop) {
    let answer = shop.call().await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "llavero"),
        "not known dead: {}",
        answer.body
    );
    let problem = answer.json();
    assert_eq!(problem["code"], "store_needs_reauthorization", "{problem}");
    assert_eq!(problem["store_id"], shop.store().store_id.as_str());
    assert!(
        problem["since"].is_string() && problem["reason"].is_string(),
        "{problem}"
    );
    assert_eq!(shop.status().await, "needs_reauthorization");
}

/// The same shop again keeps id and token.
async fn again(shop: &Shop) {
    // The platform takes the merchant's keys again, and knows no grant any more.
    shop.app.control("reset", json!({})).await;
    let (_, page) = shop.authorize_again(&shop.way.typed(), &shop.way.account).await;
    let returned = way_back(&page);
    assert_eq!(
        returned.values.get("store_id"),
        Some(&shop.store().store_id),
        "{}",
        page.text()
    );
    let body = exchange(&shop.app, returned.code()).await.json();
    assert_eq!(body["reauthorized"], true, "{body}");
    assert_eq!(body["access_token"], Value::Null);
    assert_eq!(shop.status().await, "connected");
    shop.works().await;
}

/// Another shop changes nothing.
async fn other(shop: &Shop) {
    let is_chosen = matches!(shop.method.obtain, Obtain::Code(_));
    assert!(is_chosen || !shop.way.other.is_empty(), "the table names no other shop");
    let before = shop.seen().await;
    let (session, page) = shop
        .authorize_again(&shop.way.typed_of_other(), shop.way.other_account())
        .await;
    let told = shop
        .app
        .api("GET", &format!("/v1/connect-sessions/{session}"), None)
        .await;
    let error = told.json()["error"].clone();
    // Pages of a form say it in the form, and let the merchant try again.
    let refused = error == "other_store"
        || error == "store_already_connected"
        || page.status == 422 && page.text().contains("That is another store");
    // What was typed may be the same shop under another name: that is for the partner to say.
    let held = shop.method.identity == IdentitySource::Typed && page.text().contains("This looks like another store");
    assert!(refused || held, "{}: {}: {}", page.status, told.body, page.text());
    assert!(
        !page.body.contains("llv_cd_"),
        "another shop was taken: {}",
        page.text()
    );
    let after = shop.seen().await;
    for name in ["platform_store_id", "status", "url"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    shop.works().await;
}

/// The same tokens, brought by the partner, do as well, beside the values that only a browser or their answer tells.
async fn brought(shop: &Shop) {
    let held = shop.credential().await;
    let mut body = json!({
        "platform": shop.way.platform, "method": shop.way.method, "customer_id": "customer-1",
        "fields": {}, "tokens": { "access_token": held.get("access_token"), "refresh_token": held.get("refresh_token") },
    });
    let typed = shop.method.fields.iter().map(|field| field.name.as_str());
    let told = shop.method.imports().map(|(name, ..)| name);
    for name in typed.chain(told) {
        if let Some(value) = held.get(name) {
            body["fields"][name] = json!(value);
        }
    }
    if shop.method.verify.shops.is_some() {
        body["shops"] = json!([shop.way.id]);
    }
    for (name, _, import) in shop.method.imports() {
        let mut lacking = body.clone();
        lacking["fields"].as_object_mut().unwrap().remove(name);
        if import.required {
            let answer = shop.app.api("POST", "/v1/stores", Some(lacking)).await;
            let named = answer.json()["errors"][0]["field"].clone();
            assert_eq!(
                (answer.status, named),
                (400, json!(format!("fields.{name}"))),
                "{}",
                answer.body
            );
        }
    }
    let answer = shop.app.api("POST", "/v1/stores", Some(body)).await;
    let answered = answer.json();
    assert_eq!(
        (answer.status, &answered["reauthorized"]),
        (200, &json!(true)),
        "{}",
        answer.body
    );
    assert_eq!(answered["store"]["id"], shop.store().store_id.as_str());
    shop.works().await;
    if shop.method.renewal != Renewal::Never {
        shop.expire().await;
        shop.works().await;
    }
}

/// A revoked store's token stops at once, and its grant ends at the platform where that has a call for it.
async fn revoked(shop: &Shop) {
    let before = shop.app.received(&shop.way.platform).await.len();
    let path = format!("/v1/stores/{}", shop.store().store_id);
    let answer = shop.app.api("DELETE", &path, None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    let answer = shop.call().await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("token_revoked")),
        "{}",
        answer.body
    );
    let has_call = shop.method.revoke.is_some();
    assert_eq!(
        shop.way.revoke.is_some(),
        has_call,
        "the table and the catalogue disagree about a revoke call"
    );
    let sent = shop.app.received(&shop.way.platform).await.split_off(before);
    if let Some((method, address)) = shop.way.revoke.as_ref().and_then(|call| call.split_once(' ')) {
        let is_it = |entry: &&Value| {
            entry["method"] == method && entry["url"].as_str().is_some_and(|url| url.starts_with(address))
        };
        let calls: Vec<&Value> = sent.iter().filter(is_it).collect();
        assert_eq!(calls.len(), 1, "{method} {address} in {sent:?}");
        assert!(
            (200..300).contains(&calls[0]["status"].as_u64().unwrap()),
            "{}",
            calls[0]
        );
    }
    let told = row(
        &shop.app.database,
        "SELECT details FROM audit_events WHERE action = 'credential.erased' ORDER BY id DESC LIMIT 1",
    );
    let wanted = if has_call { "revoked" } else { "not_offered" };
    assert_eq!(told["details"]["at_platform"], wanted);
}
