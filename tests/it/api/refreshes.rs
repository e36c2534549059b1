//! The refresh log, and refreshing by order.

use std::time::Duration;

use serde_json::json;

use crate::support::connecting::{Connected, Way, connect_for, start, store};
use crate::support::rows::execute;
use crate::support::test_app::TestApp;
use crate::support::visitor::Answer;

async fn connected(app: &TestApp) -> Connected {
    connect_for(app, "customer-1", &Way::good("mercado-libre", "authorization")).await
}

async fn refresh(app: &TestApp, id: &str) -> Answer {
    app.api("POST", &format!("/v1/stores/{id}/refresh"), None).await
}

#[tokio::test]
async fn a_refresh_by_order_is_made_at_once_and_logged() {
    let app = start().await;
    let connected = connected(&app).await;
    let before = app.token_calls("mercado-libre").await;
    app.advance(Duration::from_secs(600));
    let answer = refresh(&app, &connected.store_id).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(app.token_calls("mercado-libre").await, before + 1);
    assert!(
        !answer.body.contains("APP_USR") && !answer.body.contains("TG-"),
        "{}",
        answer.body
    );

    let log = app
        .api("GET", &format!("/v1/stores/{}/refreshes", connected.store_id), None)
        .await;
    assert_eq!(log.status, 200, "{}", log.body);
    let row = log.json()["data"][0].clone();
    for name in [
        "id",
        "outcome",
        "started_at",
        "trigger",
        "duration_ms",
        "http_status",
        "platform_code",
        "detail",
    ] {
        assert!(row.get(name).is_some(), "no {name} in {row}");
    }
    assert_eq!(
        (&row["outcome"], &row["trigger"]),
        (&json!("renewed"), &json!("request"))
    );
    assert_eq!(row["started_at"], "2026-03-02T09:10:00Z");
    assert!(
        !log.body.contains("APP_USR") && !log.body.contains("TG-"),
        "{}",
        log.body
    );
    let store = store(&app, &connected.store_id).await;
    assert_eq!(store["access"]["expires_at"], "2026-03-02T15:10:00Z");
    assert_ne!(store["refresh"]["last_at"], json!(null));
    assert_ne!(store["refresh"]["last_outcome"], json!(null));
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
}

#[tokio::test]
async fn a_failed_refresh_is_logged_with_its_class_and_the_store_goes_on() {
    let app = start().await;
    let connected = connected(&app).await;
    let fault = json!({ "platform": "mercado-libre", "fault": { "calls": "token", "status": 503 } });
    app.control("faults", fault).await;
    let answer = refresh(&app, &connected.store_id).await;
    assert!(
        answer.status == 200 || answer.status == 503,
        "{} {}",
        answer.status,
        answer.body
    );
    let log = app
        .api("GET", &format!("/v1/stores/{}/refreshes", connected.store_id), None)
        .await;
    assert!(log.json()["data"][0].to_string().contains("down"), "{}", log.body);
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
    assert_eq!(app.call(&connected.access_token, "GET", "/users/me").await.status, 200);
}

#[tokio::test]
async fn a_store_whose_keys_cannot_be_refreshed_says_so() {
    let app = start().await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    let answer = refresh(&app, &connected.store_id).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}

#[tokio::test]
async fn the_log_goes_back_in_pages_newest_first() {
    let app = start().await;
    let connected = connected(&app).await;
    for _ in 0..3 {
        app.advance(Duration::from_secs(3600));
        assert_eq!(refresh(&app, &connected.store_id).await.status, 200);
    }
    let path = format!("/v1/stores/{}/refreshes?limit=2", connected.store_id);
    let first = app.api("GET", &path, None).await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 2, "{first}");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = app.api("GET", &format!("{path}&cursor={cursor}"), None).await.json();
    let mut times: Vec<String> = Vec::new();
    for page in [&first, &rest] {
        let rows = page["data"].as_array().unwrap();
        times.extend(rows.iter().map(|row| row["started_at"].as_str().unwrap().to_owned()));
    }
    assert!(
        times.len() >= 3 && times.windows(2).all(|pair| pair[0] > pair[1]),
        "{times:?}"
    );
}

#[tokio::test]
async fn pages_of_the_log_skip_nothing_where_a_try_was_written_after_a_later_one() {
    let mut app = start().await;
    app.jobs_may_wait();
    let connected = connected(&app).await;
    for _ in 0..6 {
        app.advance(Duration::from_secs(600));
        assert_eq!(refresh(&app, &connected.store_id).await.status, 200);
    }
    // As a try that waited long for its answer: begun before the one that was written first.
    let order = "WITH r AS (SELECT id, row_number() OVER (ORDER BY id) AS n, started_at FROM refresh_logs)
        UPDATE refresh_logs l SET started_at = other.started_at FROM r mine, r other
        WHERE l.id = mine.id AND other.n = CASE mine.n % 2 WHEN 1 THEN mine.n + 1 ELSE mine.n - 1 END";
    assert_eq!(execute(&app.database, order), 6);
    let path = format!("/v1/stores/{}/refreshes", connected.store_id);
    let id = |row: &serde_json::Value| row["id"].as_str().unwrap().to_owned();
    let whole = app.api("GET", &path, None).await.json();
    let whole: Vec<_> = whole["data"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(whole.len(), 6);
    for limit in 1..6 {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app
                .api("GET", &format!("{path}?limit={limit}{cursor}"), None)
                .await
                .json();
            paged.extend(page["data"].as_array().unwrap().iter().map(id));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, whole, "by {limit}");
    }
}
