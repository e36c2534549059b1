//! A re-authorization locks stores before their credential, a refresh the other way round. Whichever of two transactions
//! Postgres undoes when they wait for each other is run again: what a platform has answered is not lost by it.

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use serde_json::json;

use super::*;
use crate::support::connecting::{MERCADO_LIBRE, begin_again, walk};
use crate::support::rows::{count, execute, until};
use crate::support::visitor::Visitor;

const STORES: &str = "SELECT id FROM stores FOR UPDATE";
const CREDENTIALS: &str = "SELECT id FROM credentials FOR UPDATE";

/// Another transaction that holds some rows, and is never the one that is undone.
fn holding(app: &TestApp, rows: &str) -> PgConnection {
    let mut other = app.database.connect();
    let begin = format!("BEGIN; SET LOCAL deadlock_timeout = '1min'; {rows}");
    other.batch_execute(&begin).unwrap();
    other
}

/// Takes the other rows once somebody waits for the first, and ends when it has them.
async fn cross(app: &TestApp, mut other: PgConnection, rows: &'static str) {
    until("somebody waits for a row", async || {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (count(&app.database, waiting) > 0).then_some(())
    })
    .await;
    let take = move || other.batch_execute(&format!("{rows}; COMMIT"));
    tokio::task::spawn_blocking(take).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_save_that_is_undone_for_anothers_sake_is_made_again() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    // So that the save changes the store as well.
    execute(&app.database, "UPDATE stores SET health = 'platform_unavailable'");
    let other = holding(&app, STORES);
    let (answer, ()) = tokio::join!(
        app.call(&store.access_token, "GET", PATH),
        cross(&app, other, CREDENTIALS)
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let stored = credential(&app, &store);
    assert_eq!(
        (&stored["lease_attempt"], &stored["in_doubt_since"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(renewals(&app, "mercado-libre").await.len(), 1);
    works(&app, &store).await;
}

#[tokio::test]
async fn the_end_of_an_attempt_that_is_undone_for_anothers_sake_is_written_again() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    token_fault(&app, "mercado-libre", 1, json!({ "status": 429 })).await;
    let other = holding(&app, STORES);
    let (answer, ()) = tokio::join!(
        app.call(&store.access_token, "GET", PATH),
        cross(&app, other, CREDENTIALS)
    );
    assert_eq!(answer.json()["code"], "platform_throttled", "{}", answer.body);
    assert_eq!(credential(&app, &store)["lease_attempt"], json!(null));
}

#[tokio::test]
async fn a_reauthorization_that_is_undone_for_anothers_sake_is_made_again() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let session = begin_again(&app, &store.store_id, json!({})).await;
    let other = holding(&app, CREDENTIALS);
    let way = Way::with("mercado-libre", "authorization", MERCADO_LIBRE);
    let visitor = Visitor::new();
    let (returned, ()) = tokio::join!(
        walk(&app, &visitor, &session.url, &way),
        cross(&app, other, "UPDATE stores SET name = name")
    );
    assert_eq!(returned.values["store_id"], store.store_id);
    assert_eq!(connecting::session_status(&app, &session.id).await, "completed");
    works(&app, &store).await;
}
