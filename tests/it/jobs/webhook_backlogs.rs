//! An endpoint with a great backlog goes, or is switched off, in steps that each end soon; and whoever tells of something
//! meanwhile is not held up by it and does not fail.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::rows::{count, execute, until, work};
use crate::support::connecting::{self, start};
use crate::support::receiver::Receiver;
use crate::support::test_app::TestApp;
use crate::support::webhooks::{Listening, deliveries};

const DELIVERIES: &str = "SELECT count(*) AS n FROM webhook_deliveries";
const PENDING: &str = "SELECT count(*) AS n FROM webhook_deliveries WHERE status = 'pending'";

/// The id as the database has it.
fn row_id(listening: &Listening) -> &str {
    listening.id.rsplit('_').next().unwrap()
}

/// More deliveries that wait than one statement may touch; from now on one that touches more fails.
fn pile_up(app: &TestApp, listening: &Listening) {
    let endpoint = row_id(listening);
    let piled = format!(
        "WITH piled AS (
             INSERT INTO events (id, app_id, kind, incident, data)
             SELECT gen_random_uuid(), app_id, 'webhook.test', 'webhook.test:' || n, '{{}}'
             FROM webhook_endpoints, generate_series(1, 2500) AS n WHERE webhook_endpoints.id = '{endpoint}'
             RETURNING id, app_id)
         INSERT INTO webhook_deliveries (id, app_id, endpoint_id, event_id, next_at)
         SELECT gen_random_uuid(), app_id, '{endpoint}', id, llavero_now() + interval '1 day' FROM piled"
    );
    for statement in [
        &*piled,
        "CREATE FUNCTION at_most() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM touched) > 1000 THEN RAISE 'too many at once'; END IF;
             RETURN NULL; END $$",
        "CREATE TRIGGER at_most AFTER DELETE ON webhook_deliveries REFERENCING OLD TABLE AS touched
             FOR EACH STATEMENT EXECUTE FUNCTION at_most()",
        "CREATE TRIGGER at_most_changed AFTER UPDATE ON webhook_deliveries REFERENCING NEW TABLE AS touched
             FOR EACH STATEMENT EXECUTE FUNCTION at_most()",
    ] {
        execute(&app.database, statement);
    }
}

#[tokio::test]
async fn an_endpoint_with_a_great_backlog_is_deleted_at_once_and_cleared_away_in_steps() {
    let app = start().await;
    let listening = Listening::with(&app, json!({ "url": "https://partner.example/hooks" })).await;
    pile_up(&app, &listening);
    let gone = app.api("DELETE", &listening.path(), None).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    for (method, path) in [
        ("GET", listening.path()),
        ("DELETE", listening.path()),
        ("POST", format!("{}/test", listening.path())),
    ] {
        assert_eq!(app.api(method, &path, None).await.status, 404, "{method} {path}");
    }
    assert_eq!(deliveries(&app, "").await, Vec::<Value>::new());
    work(&app).await;
    assert_eq!(count(&app.database, DELIVERIES), 0);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM webhook_endpoints"), 0);
}

#[tokio::test]
async fn an_endpoint_with_a_great_backlog_is_switched_off_at_once_and_given_up_in_steps() {
    let app = start().await;
    let listening = Listening::with(&app, json!({ "url": "https://partner.example/hooks" })).await;
    pile_up(&app, &listening);
    let path = listening.path();
    let off = app.api("PATCH", &path, Some(json!({ "disabled": true }))).await;
    assert_eq!(
        (off.status, &off.json()["disabled"]),
        (200, &json!(true)),
        "{}",
        off.body
    );
    assert!(count(&app.database, PENDING) > 0, "the rest is for a job");
    let on = app.api("PATCH", &path, Some(json!({ "disabled": false }))).await;
    assert_eq!(
        (on.status, on.json()["code"].as_str()),
        (409, Some("conflict")),
        "{}",
        on.body
    );
    work(&app).await;
    assert_eq!(
        (count(&app.database, PENDING), count(&app.database, DELIVERIES)),
        (0, 2500)
    );
    let on = app.api("PATCH", &path, Some(json!({ "disabled": false }))).await;
    assert_eq!(on.status, 200, "{}", on.body);
}

#[tokio::test]
async fn an_endpoint_with_a_great_backlog_that_is_gone_is_given_up_in_steps() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    pile_up(&app, &listening);
    receiver.answer(410, "");
    listening.test(&app).await;
    work(&app).await;
    assert_eq!(listening.shown(&app).await["disabled_reason"], "gone");
    assert_eq!(count(&app.database, PENDING), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_an_endpoint_is_being_removed_fails_nobody() {
    let app = start().await;
    let listening = Listening::with(&app, json!({ "url": "https://partner.example/hooks" })).await;
    let store = connecting::connect(&app, "woocommerce", "keys", connecting::WOOCOMMERCE).await;
    let mut removing = app.database.connect();
    let mut run = |statement: &str| diesel::sql_query(statement).execute(&mut removing).unwrap();
    run("BEGIN");
    run(&format!(
        "DELETE FROM webhook_endpoints WHERE id = '{}'",
        row_id(&listening)
    ));

    let path = format!("/v1/stores/{}/access-tokens", store.store_id);
    let rotating = app.api("POST", &path, Some(json!({})));
    let ending = async {
        until("the rotation waits for the removal", async || {
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                           AND datname = current_database()";
            (count(&app.database, waiting) > 0).then_some(())
        })
        .await;
        run("COMMIT");
    };
    let (rotated, ()) = tokio::join!(rotating, ending);
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let told = "SELECT count(*) AS n FROM events WHERE kind = 'store.access_token_rotated'";
    assert_eq!(count(&app.database, told), 1);
}
