//! Platforms that bring no state back, or not in the query: the browser's own session is found by its cookie, or the state
//! stands in the path.

use serde_json::json;
use url::Url;

use crate::support::connecting::{
    APPROVE, OTHER, Returned, Session, Way, assert_connects_nothing, begin, exchange, fill_in, press, session_status,
    start, stores, way_back,
};
use crate::support::installing::{register, register_callback};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

/// A merchant who has approved; the callback is not visited yet.
async fn approved(app: &TestApp, visitor: &Visitor, platform: &str, fields: &[(&str, &str)]) -> (Session, Url) {
    register(app, app.demo.api_key.expose(), platform).await;
    let session = begin(app, json!({ "platform": platform, "state": "mine" })).await;
    let way = Way::with(platform, "authorization", fields);
    let login = fill_in(app, visitor, &session.url, &way).await;
    let answer = visitor.press(&login, APPROVE).await;
    (session, answer.location.unwrap_or_else(|| panic!("{}", answer.body)))
}

fn without(url: &Url, name: &str) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|pair| pair.0 != name).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}

const WITHOUT_STATE: &[(&str, &[(&str, &str)])] = &[("bigcommerce", &[]), ("multivende", &[])];

#[tokio::test]
async fn a_callback_without_a_state_finds_the_session_of_its_browser() {
    let app = start().await;
    for (platform, fields) in WITHOUT_STATE {
        let visitor = Visitor::new();
        let (session, callback) = approved(&app, &visitor, platform, fields).await;
        let callback = without(&callback, "state");
        let done = visitor.open(callback.as_str(), &[&app.url]).await;
        let returned = way_back(&done);
        assert_eq!(returned.values["state"], "mine", "{platform}");
        assert!(!returned.values.contains_key("initiated_by"));
        returned.code();
        assert_eq!(session_status(&app, &session.id).await, "completed");

        let calls = app.token_calls(platform).await;
        let replay = visitor.open(callback.as_str(), &[&app.url]).await;
        assert_connects_nothing(&replay);
        assert_eq!(app.token_calls(platform).await, calls, "{platform}");
    }
    assert_eq!(stores(&app).await.len(), WITHOUT_STATE.len());
}

#[tokio::test]
async fn a_callback_without_a_state_is_nothing_in_another_browser() {
    let app = start().await;
    for (platform, fields) in WITHOUT_STATE {
        let visitor = Visitor::new();
        let (session, callback) = approved(&app, &visitor, platform, fields).await;
        let callback = without(&callback, "state");
        let other = Visitor::new().open(callback.as_str(), &[&app.url]).await;
        assert_eq!(other.status, 410, "{platform}: {}", other.text());
        assert_connects_nothing(&other);
        assert_eq!(app.token_calls(platform).await, 0);
        assert_eq!(session_status(&app, &session.id).await, "at_platform");
        way_back(&visitor.open(callback.as_str(), &[&app.url]).await).code();
    }
}

/// Where connections begin at the same address, a code without a state ends the session of its browser, and in any other
/// is one that began at the platform: nobody's, until the partner has asked who it is.
#[tokio::test]
async fn a_code_without_a_state_at_the_one_address_is_of_its_browser_or_of_nobody() {
    for is_other in [false, true] {
        let app = start().await;
        let visitor = Visitor::new();
        let (session, callback) = approved(&app, &visitor, "temu", &[("region", "us")]).await;
        let address = format!("/connect/install/{}/temu", app.demo.app_id);
        assert_eq!(callback.path(), address);
        let callback = without(&callback, "state");
        let browser = if is_other { Visitor::new() } else { visitor };
        let page = browser.open(callback.as_str(), &[&app.url]).await;
        let status = session_status(&app, &session.id).await;
        if is_other {
            assert_eq!(page.status, 200, "{}", page.text());
            assert!(!page.body.contains("state=mine"), "{}", page.text());
            assert_eq!(status, "at_platform");
        } else {
            assert_eq!(way_back(&page).values["state"], "mine");
            assert_eq!(status, "completed");
        }
    }
}

#[tokio::test]
async fn a_platform_that_must_bring_the_state_back_is_not_believed_without_it() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, callback) = approved(&app, &visitor, "allegro", &[]).await;
    let page = visitor.open(without(&callback, "state").as_str(), &[&app.url]).await;
    assert_eq!(page.status, 410, "{}", page.text());
    assert_eq!(app.token_calls("allegro").await, 0);
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
}

/// Some platforms know one address of an app, and that is then its address for installations.
#[tokio::test]
async fn a_connection_begun_here_may_come_back_to_the_address_of_installations() {
    let app = start().await;
    for (platform, fields) in [("bigcommerce", &[][..]), ("tiktok-shop", &[("market", "row")][..])] {
        let key = app.demo.api_key.expose();
        register(&app, key, platform).await;
        let address = format!("{}/connect/install/{}/{platform}", app.url, app.demo.app_id);
        register_callback(&app, &address).await;
        let visitor = Visitor::new();
        let session = begin(&app, json!({ "platform": platform, "state": "mine" })).await;
        let way = Way::with(platform, "authorization", fields);
        let login = fill_in(&app, &visitor, &session.url, &way).await;
        // TikTok Shop's other seller has one shop, so that there is nothing to choose.
        let outcome = if platform == "tiktok-shop" { OTHER } else { APPROVE };
        let answer = visitor.press(&login, outcome).await;
        let callback = answer.location.clone().unwrap();
        assert!(callback.as_str().starts_with(&address), "{callback}");
        let returned = way_back(&visitor.follow(answer, &[&app.url]).await);
        assert_eq!(returned.values["state"], "mine");
        assert!(!returned.values.contains_key("initiated_by"), "{}", returned.url);
        returned.code();
        assert_eq!(session_status(&app, &session.id).await, "completed");
        let sent = app.received(platform).await;
        let exchange = sent.iter().find(|entry| entry["token_call"] == true).unwrap();
        if platform == "bigcommerce" {
            assert!(exchange["body"].as_str().unwrap().contains(&address), "{exchange}");
        }
    }
}

#[tokio::test]
async fn a_state_in_the_path_finds_its_session_and_a_wrong_one_finds_none() {
    let app = start().await;
    let visitor = Visitor::new();
    let fields = [("shop", "minhaloja.commercesuite.com.br")];
    let (session, callback) = approved(&app, &visitor, "tray", &fields).await;
    let state = callback.path_segments().unwrap().next_back().unwrap().to_owned();
    let address = format!("/connect/install/{}/tray", app.demo.app_id);
    assert_eq!(callback.path(), format!("{address}/{state}"));
    assert!(state.len() >= 43, "{callback}");

    let mut wrong = callback.clone();
    for (path, status) in [
        // The panel's own way in, which names a store.
        (address.clone(), 403),
        (format!("{address}/{}", "A".repeat(43)), 410),
        (format!("{address}/{}x", &state[..42]), 410),
        ("/connect/callback/tray".to_owned(), 410),
        (format!("/connect/callback/tray/{}", "A".repeat(43)), 410),
    ] {
        wrong.set_path(&path);
        let page = visitor.open(wrong.as_str(), &[&app.url]).await;
        assert_eq!(page.status, status, "{path}: {}", page.text());
        assert_connects_nothing(&page);
    }
    let other = Visitor::new().open(callback.as_str(), &[&app.url]).await;
    assert_eq!(other.status, 403, "{}", other.text());
    assert_eq!(app.token_calls("tray").await, 0);
    assert_eq!(session_status(&app, &session.id).await, "at_platform");

    let returned = way_back(&visitor.open(callback.as_str(), &[&app.url]).await);
    assert_eq!(returned.values["state"], "mine");
    returned.code();
}

/// Weebly tells where to go on only when it opens the app: the link leads to the app's page there, and what comes then is
/// known by its browser.
#[tokio::test]
async fn a_link_to_a_platform_that_begins_by_itself_goes_on_as_its_installation() {
    let app = start().await;
    register(&app, app.demo.api_key.expose(), "weebly").await;
    let address = format!("{}/connect/install/{}/weebly", app.url, app.demo.app_id);
    register_callback(&app, &address).await;
    let visitor = Visitor::new();
    let session = begin(&app, json!({ "platform": "weebly", "state": "mine" })).await;
    let way = Way::with("weebly", "authorization", &[]);
    let store_page = fill_in(&app, &visitor, &session.url, &way).await;
    let opened = visitor.press(&store_page, APPROVE).await.location.unwrap();
    assert!(opened.as_str().starts_with(&address), "{opened}");

    // In another browser it is an installation of its own.
    let stranger = Visitor::new();
    let question = stranger.open(opened.as_str(), &[&app.url, &app.sandbox]).await;
    let strangers = press(&app, &stranger, &question, APPROVE).await.link("Back to");
    assert!(strangers.contains("initiated_by=platform"), "{strangers}");
    assert!(!strangers.contains(&session.id), "{strangers}");
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
    // Nothing proves whose site it is, so the store would be nobody else's.
    let path = format!("/v1/stores/{}", stores(&app).await[0]["id"].as_str().unwrap());
    assert!(app.api("DELETE", &path, None).await.status < 300);

    let question = visitor.open(opened.as_str(), &[&app.url, &app.sandbox]).await;
    let done = press(&app, &visitor, &question, APPROVE).await;
    let returned = way_back(&done);
    assert_eq!(returned.values["state"], "mine");
    assert_eq!(returned.values["session_id"], session.id);
    assert!(!returned.values.contains_key("initiated_by"), "{}", returned.url);
    returned.code();
    assert!(done.body.contains("app-center/oauth/finish"), "{}", done.body);
}

/// As `way_back`, of an installation: it leads to the address that is the app's own, for nobody asked for another.
fn way_back_of_installation(page: &Answer) -> Returned {
    let url: Url = page.link("Back to").parse().unwrap();
    let values = url.query_pairs().into_owned().collect();
    Returned { url, values }
}

/// Ecwid's market sends installations without a state to the only address that it knows, where connections that began here
/// return as well.
#[tokio::test]
async fn a_return_that_lost_its_state_is_an_installation_of_its_own_and_no_session_of_ours_ends_with_it() {
    let app = start().await;
    let key = app.demo.api_key.expose();
    register(&app, key, "ecwid").await;
    let address = format!("{}/connect/install/{}/ecwid", app.url, app.demo.app_id);
    let visitor = Visitor::new();
    let session = begin(&app, json!({ "platform": "ecwid", "state": "mine" })).await;
    let way = Way::with("ecwid", "authorization", &[]);
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let stranger = Visitor::new();
    let strangers_link = begin(&app, json!({ "platform": "ecwid", "customer_id": "customer-2" })).await;
    let strangers_login = fill_in(&app, &stranger, &strangers_link.url, &way).await;

    let returned_from = async |browser: &Visitor, page: &Answer, account: &str| {
        let callback = browser.press(page, account).await.location.unwrap();
        assert!(callback.as_str().starts_with(&address), "{callback}");
        assert!(callback.query_pairs().any(|(name, _)| name == "state"), "{callback}");
        callback
    };
    // Another account's code in this browser, this account's code in another browser, and in its own.
    let other_account = without(&returned_from(&stranger, &strangers_login, OTHER).await, "state");
    let other_browser = without(&returned_from(&visitor, &login, APPROVE).await, "state");
    for (browser, callback, store) in [(&visitor, other_account, "1004"), (&stranger, other_browser, "1003")] {
        let done = browser.open(callback.as_str(), &[&app.url]).await;
        let returned = way_back_of_installation(&done);
        assert_eq!(returned.values["initiated_by"], "platform", "{}", returned.url);
        assert!(!returned.values.contains_key("state"), "{}", returned.url);
        assert!(
            ![&session.id, &strangers_link.id].contains(&&returned.values["session_id"]),
            "{}",
            returned.url
        );
        for waiting in [&session, &strangers_link] {
            assert_eq!(session_status(&app, &waiting.id).await, "at_platform");
        }
        let made = exchange(&app, returned.code()).await.json();
        assert_eq!(made["store"]["platform_store_id"], store, "{made}");
        assert_eq!(made["store"]["customer_id"], serde_json::Value::Null, "{made}");
    }

    // The session goes on in its browser with its state, and ends as the partner's.
    let callback = returned_from(&visitor, &login, APPROVE).await;
    let elsewhere = Visitor::new().open(callback.as_str(), &[&app.url]).await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.text());
    assert_connects_nothing(&elsewhere);
    let returned = way_back(&visitor.open(callback.as_str(), &[&app.url]).await);
    assert_eq!(returned.values["state"], "mine");
    assert_eq!(returned.values["session_id"], session.id);
    assert!(!returned.values.contains_key("initiated_by"), "{}", returned.url);
    assert_eq!(session_status(&app, &session.id).await, "completed");
    assert_eq!(stores(&app).await.len(), 2);
}

#[tokio::test]
async fn a_customers_store_is_not_taken_by_a_return_that_lost_its_state() {
    let app = start().await;
    let visitor = Visitor::new();
    let (_, callback) = approved(&app, &visitor, "ecwid", &[]).await;
    let returned = way_back(&visitor.open(callback.as_str(), &[&app.url]).await);
    let held = exchange(&app, returned.code()).await.json();
    assert_eq!(held["store"]["customer_id"], "customer-1", "{held}");

    let stranger = Visitor::new();
    let (session, callback) = approved(&app, &stranger, "ecwid", &[]).await;
    let callback = without(&callback, "state");
    let returned = way_back_of_installation(&stranger.open(callback.as_str(), &[&app.url]).await);
    assert_eq!(returned.error(), "store_already_connected");
    assert_eq!(returned.values["initiated_by"], "platform");
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
    let kept = &stores(&app).await[0];
    assert_eq!(
        (&kept["id"], &kept["customer_id"]),
        (&held["store"]["id"], &json!("customer-1"))
    );
}

/// The address that names no app takes nothing but what its state proves: an installation could be anybody's.
#[tokio::test]
async fn the_address_that_names_no_app_takes_no_installation() {
    let app = start().await;
    let visitor = Visitor::new();
    let (session, callback) = approved(&app, &visitor, "ecwid", &[]).await;
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1;
    let calls = app.token_calls("ecwid").await;
    for query in [format!("?code={code}"), format!("?code={code}&state="), String::new()] {
        let address = format!("{}/connect/callback/ecwid{query}", app.url);
        for browser in [&visitor, &Visitor::new()] {
            let page = browser.open(&address, &[&app.url]).await;
            assert_eq!(page.status, 410, "{address}: {}", page.text());
            assert_connects_nothing(&page);
        }
    }
    assert_eq!(app.token_calls("ecwid").await, calls);
    assert_eq!(session_status(&app, &session.id).await, "at_platform");
    assert!(stores(&app).await.is_empty());
}
