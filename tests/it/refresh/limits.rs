//! A documented limit of token calls holds where it counts, at the platform: a call that is counted may leave seconds later,
//! once its lease is claimed and its connection made.

use serde_json::json;

use llavero::domain::store::Mode;

use super::long_outage::{next_due, seed, work_now};
use super::*;
use crate::support::bazaar::{Bazaar, way};
use crate::support::partners::other_app;
use crate::support::rows::{count, execute};

#[tokio::test]
async fn a_call_leaves_the_window_only_when_it_has_surely_left_the_platforms() {
    let (app, bazaar) = Bazaar::limited(5).await;
    bazaar.sells("ana", &[("101", "North")]);
    bazaar.log_in("ana");
    // Connecting counts as well, and refreshes leave it a fifth.
    let store = connecting::connect_for(&app, "customer-1", &way()).await;
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    let refresh = async || app.api("POST", &path, Some(json!({}))).await;
    for _ in 0..3 {
        let refreshed = refresh().await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    }
    assert_eq!(refresh().await.json()["code"], "platform_throttled");
    app.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(refresh().await.json()["code"], "platform_throttled");
    assert_eq!(bazaar.received("/token").len(), 4);
    app.advance(Duration::from_secs(15));
    assert_eq!(refresh().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_stores_of_one_app_do_not_come_after_all_of_another() {
    let (app, bazaar) = Bazaar::limited(20).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    for key in [app.demo.api_key.expose(), &other.key] {
        let registered = app
            .api_as(key, "PUT", "/v1/platforms/bazaar/app", Some(client.clone()))
            .await;
        assert!(registered.status < 300, "{}", registered.body);
    }
    bazaar.knows(210);
    seed(&app, app.demo.app_id, 0..200);
    app.advance(4 * DAY);
    // All of the many have been told their turn before the ten come due.
    work_now(&app).await;
    seed(&app, other.id, 200..210);
    let (began, id) = (app.clock.now(), llavero::domain::id::Id::uuid(other.id));
    for (table, column) in [("credentials", "refresh_at"), ("jobs", "due_at")] {
        let now = began.to_rfc3339();
        execute(
            &app.database,
            &format!("UPDATE {table} SET {column} = '{now}' WHERE app_id = '{id}'"),
        );
    }
    let left = |of: &str| {
        let left = format!(
            "SELECT count(*) AS n FROM credentials WHERE app_id {of} '{id}' AND access_issued_at < '{}'",
            began.to_rfc3339()
        );
        count(&app.database, &left)
    };
    for _ in 0..200 {
        work_now(&app).await;
        if left("=") == 0 {
            break;
        }
        let next = next_due(&app).unwrap();
        app.clock.set(next.max(app.clock.now() + chrono::Duration::seconds(15)));
    }
    let took = app.clock.now() - began;
    assert_eq!(left("="), 0);
    assert!(left("<>") > 100, "{} of the many are left after {took}", left("<>"));
}
