//! Keys that nothing renews and that are refused without a word: one such answer proves nothing, a day of them does, unless
//! something was accepted meanwhile or most keys there are refused alike. Whoever was given up wrongly comes back.

use serde_json::json;

use super::*;
use crate::support::connecting::{WOOCOMMERCE, connect, connect_for};
use crate::support::rows::work;
use crate::support::visitor::Visitor;

const ORDERS: &str = "/wp-json/wc/v3/orders";
const KEY: &str = "ck_5a00000000000000000000000000000000000001";
const SECRET: &str = "cs_5a00000000000000000000000000000000000001";

async fn another_shop(app: &TestApp, host: &str) -> Connected {
    let url = format!("https://{host}");
    let way = Way::with(
        "woocommerce",
        "keys",
        &[("store_url", &url), ("consumer_key", KEY), ("consumer_secret", SECRET)],
    );
    connect_for(app, "customer-1", &way).await
}

/// Every call for this shop (or for all) is answered with a bare 401 from now on.
async fn refuse(app: &TestApp, host: Option<&str>) {
    let mut order = json!({
        "platform": "woocommerce", "times": 10_000, "fault": { "calls": "api", "status": 401, "body": "no" },
    });
    if let Some(host) = host {
        order["store"] = json!(host);
    }
    app.control("faults", order).await;
}

async fn accept_again(app: &TestApp) {
    let cleared = Visitor::new().delete(&format!("{}/_control/faults", app.sandbox)).await;
    assert!(cleared.status < 300, "{}", cleared.body);
}

/// How often partners were told that a store needs its merchant.
fn ends(app: &TestApp) -> i64 {
    let query = "SELECT count(*) AS n FROM events WHERE kind = 'store.needs_reauthorization'";
    rows::count(&app.database, query)
}

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["status_reason"], shown["health"]])
}

/// Time passes, and what falls due in it is worked off, hour by hour.
async fn pass(app: &TestApp, hours: u32) {
    for _ in 0..hours / 3 {
        app.advance(3 * HOUR);
        work(app).await;
    }
}

#[tokio::test]
async fn a_key_refused_without_words_for_a_day_needs_its_merchant_and_others_do_not() {
    let app = TestApp::start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    let other = another_shop(&app, "other.example.com").await;
    refuse(&app, Some("shop.example.com")).await;
    let answer = app.call(&store.access_token, "GET", ORDERS).await;
    assert_eq!((answer.status, answer.header("llavero-source")), (401, "platform"));
    assert_eq!(shown(&app, &store).await, json!(["connected", null, "refresh_failing"]));
    // The first timed question comes within four days; from then on every few hours.
    pass(&app, 5 * 24 + 30).await;
    assert_eq!(
        shown(&app, &store).await,
        json!(["needs_reauthorization", "refused_for_long", "refresh_failing"])
    );
    assert_eq!(shown(&app, &other).await, json!(["connected", null, "ok"]));
    assert_eq!(app.call(&other.access_token, "GET", ORDERS).await.status, 200);
}

#[tokio::test]
async fn refusals_within_one_hour_count_once() {
    let app = TestApp::start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    refuse(&app, None).await;
    for _ in 0..10 {
        app.call(&store.access_token, "GET", ORDERS).await;
    }
    assert_eq!(
        rows::count(&app.database, "SELECT failures::bigint AS n FROM credentials"),
        1
    );
    app.advance(HOUR + MINUTE);
    app.call(&store.access_token, "GET", ORDERS).await;
    assert_eq!(
        rows::count(&app.database, "SELECT failures::bigint AS n FROM credentials"),
        2
    );
}

#[tokio::test]
async fn a_forwarded_call_that_passes_wipes_out_the_refusals_before_it() {
    let mut app = TestApp::start().await;
    // The timer would ask too.
    app.jobs_may_wait();
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    for _ in 0..3 {
        refuse(&app, None).await;
        for _ in 0..4 {
            app.advance(5 * HOUR);
            app.call(&store.access_token, "GET", ORDERS).await;
        }
        accept_again(&app).await;
        assert_eq!(app.call(&store.access_token, "GET", ORDERS).await.status, 200);
        rows::until("the key counts as working", async || {
            let failing = "SELECT count(*) AS n FROM credentials WHERE failures > 0 OR failing_since IS NOT NULL";
            (rows::count(&app.database, failing) == 0).then_some(())
        })
        .await;
        assert_eq!(shown(&app, &store).await, json!(["connected", null, "ok"]));
    }
}

#[tokio::test]
async fn while_most_keys_are_refused_alike_nobody_is_given_up() {
    let app = TestApp::start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    let other = another_shop(&app, "other.example.com").await;
    refuse(&app, None).await;
    for _ in 0..8 {
        app.advance(5 * HOUR);
        for store in [&store, &other] {
            assert_eq!(app.call(&store.access_token, "GET", ORDERS).await.status, 401);
        }
    }
    for store in [&store, &other] {
        assert_eq!(shown(&app, store).await, json!(["connected", null, "refresh_failing"]));
    }
    accept_again(&app).await;
    for store in [&store, &other] {
        assert_eq!(app.call(&store.access_token, "GET", ORDERS).await.status, 200);
    }
}

#[tokio::test]
async fn a_key_given_up_wrongly_comes_back_by_itself_and_its_token_works() {
    let app = TestApp::start().await;
    let store = connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    refuse(&app, None).await;
    for _ in 0..6 {
        app.advance(5 * HOUR);
        app.call(&store.access_token, "GET", ORDERS).await;
    }
    assert_eq!(shown(&app, &store).await[0], "needs_reauthorization");
    work(&app).await;
    accept_again(&app).await;
    pass(&app, 5 * 24).await;
    assert_eq!(shown(&app, &store).await, json!(["connected", null, "ok"]));
    assert_eq!(app.call(&store.access_token, "GET", ORDERS).await.status, 200);
    let told = |kind: &str| {
        let query = format!("SELECT count(*) AS n FROM notices WHERE kind = '{kind}'");
        rows::count(&app.database, &query)
    };
    assert_eq!(told("recovered"), 1);

    // Its next end is another, and told of as the first was.
    let (notices, events) = (told("needs_reauthorization"), ends(&app));
    refuse(&app, None).await;
    for _ in 0..6 {
        app.advance(5 * HOUR);
        app.call(&store.access_token, "GET", ORDERS).await;
    }
    assert_eq!(shown(&app, &store).await[0], "needs_reauthorization");
    assert_eq!((told("needs_reauthorization"), ends(&app)), (2 * notices, 2 * events));
    work(&app).await;
}
