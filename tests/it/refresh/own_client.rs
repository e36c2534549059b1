//! Stores with keys or a client of their own share nothing with others but the platform. So many refused at once are the
//! platform's fault, and are not believed; and one that is refused for a day in unknown words has ended.

use serde_json::json;

use super::*;
use crate::support::connecting::{WALMART, connect_for};
use crate::support::rows::count;

const ORDERS: &str = "/wp-json/wc/v3/orders";
const KEY: &str = "ck_5a00000000000000000000000000000000000001";
const SECRET: &str = "cs_5a00000000000000000000000000000000000001";
const CONNECTED: &str = "SELECT count(*) AS n FROM stores WHERE status = 'connected'";

async fn keyed(app: &TestApp, host: &str) -> Connected {
    let url = format!("https://{host}");
    let fields = [
        ("store_url", url.as_str()),
        ("consumer_key", KEY),
        ("consumer_secret", SECRET),
    ];
    connect_for(app, "customer-1", &Way::with("woocommerce", "keys", &fields)).await
}

/// Calls of this shop, or of all, are refused in the platform's own words from now on.
async fn refuse(app: &TestApp, host: Option<&str>) {
    let body = json!({ "code": "woocommerce_rest_authentication_error", "message": "no", "data": { "status": 401 } });
    let fault = json!({ "calls": "api", "status": 401, "body": body });
    let mut order = json!({ "platform": "woocommerce", "times": 10_000, "fault": fault });
    if let Some(host) = host {
        order["store"] = json!(host);
    }
    app.control("faults", order).await;
}

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["status_reason"], shown["health"]])
}

#[tokio::test]
async fn keys_that_are_refused_at_once_are_not_believed_while_the_others_are() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let hosts: Vec<String> = (0..12).map(|number| format!("shop-{number}.example.com")).collect();
    let mut stores = Vec::new();
    for host in &hosts {
        stores.push(keyed(&app, host).await);
    }
    refuse(&app, None).await;
    for round in 0..3 {
        for store in &stores {
            app.call(&store.access_token, "GET", ORDERS).await;
        }
        assert_eq!(count(&app.database, CONNECTED), 7, "round {round}");
        // However long it lasts.
        app.advance(5 * HOUR);
    }
    assert_eq!(
        shown(&app, &stores[11]).await,
        json!(["connected", null, "refresh_failing"])
    );

    nothing_wrong(&app, "woocommerce").await;
    for store in &stores[5..] {
        assert_eq!(app.call(&store.access_token, "GET", ORDERS).await.status, 200);
    }
    rows::until("the keys count as working", async || {
        let failing = "SELECT count(*) AS n FROM credentials WHERE failures > 0 AND dead_at IS NULL";
        (count(&app.database, failing) == 0).then_some(())
    })
    .await;
    assert_eq!(shown(&app, &stores[11]).await, json!(["connected", null, "ok"]));

    // One alone is believed at its first refusal.
    refuse(&app, Some(&hosts[11])).await;
    app.call(&stores[11].access_token, "GET", ORDERS).await;
    assert_eq!(shown(&app, &stores[11]).await[0], "needs_reauthorization");
    assert_eq!(count(&app.database, CONNECTED), 6);
}

#[tokio::test]
async fn keys_that_were_refused_at_once_for_a_day_have_ended() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let mut stores = Vec::new();
    for number in 0..8 {
        stores.push(keyed(&app, &format!("shop-{number}.example.com")).await);
    }
    refuse(&app, None).await;
    for (hours, connected) in [(0, 3), (23, 3), (2, 0)] {
        app.advance(hours * HOUR);
        for store in &stores {
            app.call(&store.access_token, "GET", ORDERS).await;
        }
        assert_eq!(count(&app.database, CONNECTED), connected, "{hours} h later");
    }
}

#[tokio::test]
async fn clients_of_stores_that_are_refused_at_once_are_not_believed_either() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let mut stores = Vec::new();
    for number in 0..9 {
        let id = format!("sandbox-{number}");
        let fields = [
            ("client_id", id.as_str()),
            ("client_secret", "sandbox-secret"),
            ("market", "us"),
        ];
        stores.push(connect_for(&app, "customer-1", &Way::with("walmart", "keys", &fields)).await);
    }
    app.advance(HOUR);
    token_fault(&app, "walmart", 1000, json!({ "effect": "refuse" })).await;
    for _ in 0..3 {
        for store in &stores {
            app.call(&store.access_token, "GET", PATH).await;
        }
        assert_eq!(count(&app.database, CONNECTED), 4);
        app.advance(2 * HOUR);
    }
    nothing_wrong(&app, "walmart").await;
    for store in &stores[5..] {
        works(&app, store).await;
        assert_eq!(shown(&app, store).await, json!(["connected", null, "ok"]));
    }
}

/// What the platform has no documented words for.
async fn strange(app: &TestApp) {
    let fault = json!({ "status": 401, "body": { "message": "Whoever you are, not you" } });
    token_fault(app, "walmart", 10_000, fault).await;
}

#[tokio::test]
async fn a_log_in_that_is_refused_for_a_day_in_unknown_words_needs_its_merchant() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connecting::connect(&app, "walmart", "keys", WALMART).await;
    app.advance(HOUR);
    strange(&app).await;
    for _ in 0..4 {
        assert_eq!(shown(&app, &store).await[0], "connected");
        app.call(&store.access_token, "GET", PATH).await;
        app.advance(5 * HOUR);
    }
    assert_eq!(shown(&app, &store).await, json!(["connected", null, "refresh_failing"]));
    for _ in 0..2 {
        app.advance(5 * HOUR);
        app.call(&store.access_token, "GET", PATH).await;
    }
    assert_eq!(
        shown(&app, &store).await,
        json!(["needs_reauthorization", "refused_for_long", "refresh_failing"])
    );
}
