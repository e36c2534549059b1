//! Calls with a store's own token: what goes to the platform, what comes back, and what happens when the platform says no.

mod answers;
mod confinement;
mod death;
mod forwarding;
mod headers;
mod memory;
mod missing_right;
mod policy;
mod renewal;
mod skew;
mod trouble;
mod unclear;
mod uses;

use serde_json::Value;

use crate::support::connecting::{Connected, Way, connect_for, start};
use crate::support::test_app::TestApp;

/// A Llavero with one store of this kind.
async fn with_store(platform: &str, method: &str) -> (TestApp, Connected) {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good(platform, method)).await;
    (app, connected)
}

/// What the platform got since it had got `before` requests.
async fn received_since(app: &TestApp, platform: &str, before: usize) -> Vec<Value> {
    app.received(platform).await.split_off(before)
}

/// Values of a header that the platform got.
fn header(entry: &Value, name: &str) -> Vec<String> {
    let pairs = entry["headers"].as_array().unwrap();
    let named = pairs
        .iter()
        .filter(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
}
