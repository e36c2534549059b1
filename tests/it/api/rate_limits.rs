//! Budgets of apps and of stores: told on each answer, refused with the time to wait, and nobody else's affair.

use llavero::domain::store::Mode;

use crate::support::connecting::{self, connect};
use crate::support::partners::other_app;
use crate::support::test_app::{TestApp, Wishes};

async fn start(settings: &[(&'static str, &'static str)]) -> TestApp {
    TestApp::with(Wishes {
        settings: settings.to_vec(),
        ..Wishes::default()
    })
    .await
}

#[tokio::test]
async fn an_app_hears_of_its_budget_and_of_its_end_and_another_app_does_not() {
    let app = start(&[("LLAVERO_APP_RATE", "3")]).await;
    for left in [2, 1, 0] {
        let answer = app.api("GET", "/v1/app", None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"app\";q=3;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"app\";r={left};t=")));
    }
    let refused = app.api("GET", "/v1/stores", None).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (429, Some("rate_limited"))
    );
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with("\"app\";r=0;t="));
    let other = other_app(&app, Mode::Sandbox).await;
    assert_eq!(app.api_as(&other.key, "GET", "/v1/app", None).await.status, 200);
}

#[tokio::test]
async fn a_stores_budget_is_its_own_and_platforms_answers_keep_their_headers() {
    let app = start(&[("LLAVERO_STORE_RATE", "2")]).await;
    let store = connect(&app, "mercado-libre", "authorization", connecting::MERCADO_LIBRE).await;
    let other = connect(&app, "woocommerce", "keys", connecting::WOOCOMMERCE).await;
    for _ in 0..2 {
        let answer = app.call(&store.access_token, "GET", "/anything").await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
    let refused = app.call(&store.access_token, "GET", "/anything").await;
    assert_eq!((refused.status, refused.header("llavero-source")), (429, "llavero"));
    assert!(refused.header("ratelimit").starts_with("\"store\";r=0;t="));
    assert_ne!(refused.header("retry-after"), "");
    let answer = app.call(&other.access_token, "GET", "/wp-json/wc/v3/orders").await;
    assert_eq!(answer.status, 200, "another store is not held to it");
    assert_eq!(app.api("GET", "/v1/stores", None).await.status, 200, "nor the app");
}

#[tokio::test]
async fn an_app_reads_what_its_budgets_are() {
    let app = start(&[("LLAVERO_APP_RATE", "120"), ("LLAVERO_STORE_RATE", "0")]).await;
    let limits = app.api("GET", "/v1/app", None).await.json()["limits"].clone();
    assert_eq!(limits["requests_per_minute"], 120);
    assert!(limits["store_calls_per_minute"].is_null());
}
