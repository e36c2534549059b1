//! How tokens live and die, seen from outside: what callers get, what the platform receives, what stands in the database.
//! Files with a clock that stands still run in one process; `one_call`, `crash`, `pause` and
//! `processes` run the built program.

mod asking_again;
mod crash;
mod deadline;
mod death;
mod doubt;
mod failing;
mod notices;
mod one_call;
mod pause;
mod platform_app;
mod processes;
mod renewal;
mod same_store;
mod timer;
mod unauthorized;
mod unclear;
mod unproven;

use std::time::Duration;

use serde_json::{Value, json};

use super::support::connecting::{self, Connected, Way};
use super::support::rows;
use super::support::test_app::TestApp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// A path that every simulated platform answers by telling what arrived.
const PATH: &str = "/anything";

async fn mercado_libre(app: &TestApp) -> Connected {
    connecting::connect(app, "mercado-libre", "authorization", connecting::MERCADO_LIBRE).await
}

async fn shopify(app: &TestApp) -> Connected {
    connecting::connect(app, "shopify", "expiring", connecting::SHOPIFY).await
}

async fn walmart(app: &TestApp) -> Connected {
    connecting::connect(app, "walmart", "keys", connecting::WALMART).await
}

/// Many stores of one platform app, each a shop of its own.
async fn shops(app: &TestApp, names: impl Iterator<Item = String>) -> Vec<Connected> {
    let mut stores = Vec::new();
    for name in names {
        let shop = format!("{name}.myshopify.com");
        stores.push(
            connecting::connect_for(app, "customer-1", &Way::with("shopify", "expiring", &[("shop", &shop)])).await,
        );
    }
    stores
}

/// The tries to refresh a store, newest first.
async fn refreshes(app: &TestApp, store: &Connected) -> Vec<Value> {
    let answer = app
        .api("GET", &format!("/v1/stores/{}/refreshes", store.store_id), None)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["data"].as_array().unwrap().clone()
}

/// The renewals that a platform received, oldest first.
async fn renewals(app: &TestApp, platform: &str) -> Vec<Value> {
    let all = app.received(platform).await;
    all.into_iter()
        .filter(|entry| entry["token_call"] == true && rows::is_refresh(entry))
        .collect()
}

/// The next token calls of a platform go wrong.
async fn token_fault(app: &TestApp, platform: &str, times: u64, mut fault: Value) {
    fault["calls"] = json!("token");
    app.control(
        "faults",
        json!({ "platform": platform, "times": times, "fault": fault }),
    )
    .await;
}

async fn settings(app: &TestApp, platform: &str, settings: Value) {
    app.control("settings", json!({ "platform": platform, "settings": settings }))
        .await;
}

/// What was ordered to go wrong does not any more.
async fn nothing_wrong(app: &TestApp, platform: &str) {
    #[expect(clippy::disallowed_types, reason = "the test is the client")]
    let client = reqwest::Client::new();
    let url = format!("{}/_control/faults?platform={platform}", app.sandbox);
    assert_eq!(client.delete(url).send().await.unwrap().status(), 204);
}

/// A call that must succeed; the token that the platform was shown.
async fn works(app: &TestApp, store: &Connected) -> String {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{}",
        answer.body
    );
    let platform = store.store["platform"].as_str().unwrap();
    shown_tokens(app, platform).await.pop().unwrap()
}

/// Access tokens that calls of a platform carried, oldest first.
async fn shown_tokens(app: &TestApp, platform: &str) -> Vec<String> {
    let names = ["authorization", "x-shopify-access-token", "wm_sec.access_token"];
    let all = app.received(platform).await;
    all.iter()
        .filter(|entry| rows::is_call_of(entry, PATH))
        .filter_map(|entry| {
            let headers = entry["headers"].as_array()?;
            let header = headers
                .iter()
                .find(|pair| names.contains(&pair[0].as_str().unwrap_or_default()))?;
            header[1].as_str().map(str::to_owned)
        })
        .collect()
}

fn credential(app: &TestApp, store: &Connected) -> Value {
    let id = store.store_id.strip_prefix("store_").unwrap();
    rows::row(
        &app.database,
        &format!("SELECT c.* FROM credentials c JOIN stores s ON s.credential_id = c.id WHERE s.id = '{id}'"),
    )
}
