//! Where a refused token is answered with a plain "bad request", as any faulty call is: the verify call tells which of the
//! two it was, before anything is renewed.

use serde_json::json;

use super::{received_since, start};
use crate::support::connecting::{Connected, Way, connect_for};
use crate::support::test_app::TestApp;

const PATH: &str = "/openapi/2026-01/orders";

async fn connected() -> (TestApp, Connected) {
    let app = start().await;
    let way = Way::with("shoplazza", "authorization", &[("shop", "acme.myshoplaza.com")]);
    let store = connect_for(&app, "customer-1", &way).await;
    (app, store)
}

async fn status(app: &TestApp, store: &Connected) -> (u16, String) {
    let answer = app.call(&store.access_token, "GET", PATH).await;
    (answer.status, answer.header("llavero-source").to_owned())
}

/// Paths that were asked since then.
async fn asked_since(app: &TestApp, before: usize) -> Vec<String> {
    let entries = received_since(app, "shoplazza", before).await;
    let path = |entry: &serde_json::Value| {
        let url = entry["url"].as_str().unwrap().to_owned();
        url.split_once(".com").unwrap().1.to_owned()
    };
    entries.iter().map(path).collect()
}

#[tokio::test]
async fn a_call_that_is_wrong_itself_costs_a_verify_call_and_no_renewal() {
    let (app, store) = connected().await;
    let before = app.received("shoplazza").await.len();
    let wrong = json!({
        "platform": "shoplazza", "times": 1,
        "fault": { "calls": "api", "status": 400, "body": { "errors": ["title is required"] } },
    });
    app.control("faults", wrong.clone()).await;
    assert_eq!(status(&app, &store).await, (400, "platform".to_owned()));
    assert_eq!(asked_since(&app, before).await, [PATH, "/openapi/2026-01/shop"]);
    // The next one is not asked about again at once.
    app.control("faults", wrong).await;
    assert_eq!(status(&app, &store).await, (400, "platform".to_owned()));
    assert_eq!(asked_since(&app, before).await, [PATH, "/openapi/2026-01/shop", PATH]);
}

#[tokio::test]
async fn a_refused_token_is_renewed_unseen() {
    let (app, store) = connected().await;
    app.control("expire-access-tokens", json!({ "platform": "shoplazza" }))
        .await;
    let before = app.received("shoplazza").await.len();
    assert_eq!(status(&app, &store).await, (200, "platform".to_owned()));
    assert_eq!(
        asked_since(&app, before).await,
        [PATH, "/openapi/2026-01/shop", "/admin/oauth/token", PATH]
    );
}
