//! The chain over the audit trail: whatever is done to the rows afterwards is found and named, whoever writes waits for
//! nobody, and however many workers chain, there is one chain.

mod changes;
mod rotation;
mod writers;

use diesel::connection::SimpleConnection as _;
use llavero::app::App;
use llavero::broker::audit_chain::{self, Report};
use llavero::db::audit::{self, NewAuditEvent};
use llavero::domain::admin::Actor;
use llavero::domain::audit_chain::{Chain, Head};
use llavero::domain::id::AuditEventId;
use serde_json::json;

use crate::support::database::TestDatabase;
use crate::support::rows;
use crate::support::test_app::TestApp;

/// Writes events about `thing-1`, `thing-2` ... as a use case does.
async fn write(app: &TestApp, numbers: std::ops::RangeInclusive<usize>) {
    for number in numbers {
        // Ids of one moment have no order.
        app.advance(std::time::Duration::from_millis(1));
        let event = event(app, number);
        app.app
            .db
            .run(move |conn| audit::insert(conn, &event))
            .await
            .unwrap_or_else(|error: llavero::db::Error| panic!("{error}"));
    }
}

fn event(app: &TestApp, number: usize) -> NewAuditEvent {
    NewAuditEvent {
        id: app.app.id(),
        app: Some(app.demo.app_id),
        actor: Actor::command(),
        action: "thing.made",
        subject: format!("thing-{number}"),
        details: json!({ "number": number, "Größe": 1.50 }),
        request_id: Some("request-1".to_owned()),
    }
}

/// The report on the demo app's chain.
async fn verify(app: &App, of: &TestApp, earlier: Option<Head>) -> Report {
    let chain = Chain::of(Some(of.demo.app_id));
    let earlier = earlier.map(|head| (chain, head)).into_iter().collect();
    let mut reports = audit_chain::verify(app, chain.app(), earlier).await.unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// Does what the program never does: the triggers are off.
fn tamper(database: &TestDatabase, statements: &str) {
    database
        .connect()
        .batch_execute(&format!("SET session_replication_role = replica; {statements}"))
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// An event by its subject: id and position in its chain.
fn place(database: &TestDatabase, subject: &str) -> (AuditEventId, i64) {
    let row = rows::row(
        database,
        &format!(
            "SELECT 'audit_' || replace(e.id::text, '-', '') AS id, position FROM audit_events e \
             JOIN audit_links ON event_id = e.id WHERE subject = '{subject}'"
        ),
    );
    (
        row["id"].as_str().unwrap().parse().unwrap(),
        row["position"].as_i64().unwrap(),
    )
}
