//! What somebody with the database, but without the key ring, can do to the trail.

use llavero::broker::audit_chain;
use llavero::domain::audit_chain::Fault;
use llavero::domain::id::{AuditEventId, Id};

use super::{place, tamper, verify, write};
use crate::support::database::TestDatabase;
use crate::support::test_app::TestApp;

/// A chain that ends with `thing-1` to `thing-6`, and a copy of its tables.
async fn chained() -> TestApp {
    let app = TestApp::start().await;
    write(&app, 1..=6).await;
    audit_chain::chain(&app.app).await.unwrap();
    tamper(
        &app.database,
        "CREATE TABLE kept_events AS TABLE audit_events; CREATE TABLE kept_links AS TABLE audit_links; \
         CREATE TABLE kept_chains AS TABLE audit_chains",
    );
    app
}

fn restore(database: &TestDatabase) {
    tamper(
        database,
        "DELETE FROM audit_waiting; DELETE FROM audit_links; DELETE FROM audit_chains; DELETE FROM audit_events; \
         INSERT INTO audit_events SELECT * FROM kept_events; INSERT INTO audit_chains SELECT * FROM kept_chains; \
         INSERT INTO audit_links SELECT * FROM kept_links",
    );
}

type Named = (Fault, Option<i64>, Option<AuditEventId>);

async fn findings(app: &TestApp) -> Vec<Named> {
    let report = verify(&app.app, app, None).await;
    let found = report.findings.iter();
    found
        .map(|finding| (finding.fault, finding.position, finding.event_id))
        .collect()
}

#[tokio::test]
async fn a_whole_chain_passes_and_what_waits_is_counted() {
    let app = TestApp::start().await;
    write(&app, 1..=3).await;
    let before = verify(&app.app, &app, None).await;
    assert_eq!((before.head.length, before.findings.len()), (0, 0));
    assert!(before.waiting > 3, "the app itself was made, too");
    let chained = audit_chain::chain(&app.app).await.unwrap();
    let after = verify(&app.app, &app, None).await;
    assert_eq!((after.head.length, after.waiting), (before.waiting, 0));
    assert!(after.findings.is_empty(), "{:?}", after.findings);

    // All chains together hold every event, those of no app among them.
    let all = audit_chain::verify(&app.app, None, Vec::new()).await.unwrap();
    let lengths: i64 = all.iter().map(|report| report.head.length).sum();
    assert_eq!(lengths, i64::try_from(chained).unwrap());
    assert!(
        all.iter()
            .any(|report| report.chain.app().is_none() && report.head.length > 0)
    );
    assert!(all.iter().all(|report| report.findings.is_empty()));
    assert_eq!(audit_chain::chain(&app.app).await.unwrap(), 0);
}

#[tokio::test]
async fn an_altered_event_is_named_whatever_was_altered() {
    let app = chained().await;
    let (event, position) = place(&app.database, "thing-3");
    for change in [
        "app_id = NULL",
        "actor_kind = 'admin'",
        "actor = 'somebody'",
        "action = 'thing.lost'",
        "subject = 'thing-33'",
        "details = details || '{\"number\": 4}'",
        "details = details - 'number'",
        "request_id = NULL",
        "request_id = ''",
        "at = at + interval '1 microsecond'",
    ] {
        tamper(
            &app.database,
            &format!("UPDATE audit_events SET {change} WHERE subject = 'thing-3'"),
        );
        let wanted = [(Fault::Altered, Some(position), Some(event))];
        assert_eq!(findings(&app).await, wanted, "{change}");
        restore(&app.database);
    }
    assert_eq!(findings(&app).await, []);
}

#[tokio::test]
async fn a_removed_event_is_named_with_its_link_and_without() {
    let app = chained().await;
    let (event, position) = place(&app.database, "thing-3");
    tamper(&app.database, "DELETE FROM audit_events WHERE subject = 'thing-3'");
    assert_eq!(findings(&app).await, [(Fault::Removed, Some(position), Some(event))]);

    tamper(
        &app.database,
        &format!(
            "DELETE FROM audit_links WHERE position = {position} AND event_id NOT IN (SELECT id FROM audit_events)"
        ),
    );
    assert_eq!(findings(&app).await, [(Fault::Removed, Some(position), None)]);
    restore(&app.database);

    // The end, with the stored end put back by one.
    let (_, last) = place(&app.database, "thing-6");
    tamper(
        &app.database,
        "DELETE FROM audit_links USING audit_events e WHERE e.id = event_id AND subject = 'thing-6'; \
         DELETE FROM audit_events WHERE subject = 'thing-6'",
    );
    assert_eq!(findings(&app).await, [(Fault::Removed, Some(last), None)]);
    tamper(
        &app.database,
        &format!(
            "UPDATE audit_chains c SET length = l.position, hash = l.hash FROM audit_links l \
             WHERE l.chain_id = c.id AND l.position = {last} - 1 AND c.length = {last}"
        ),
    );
    assert_eq!(findings(&app).await, [(Fault::Forged, None, None)]);
}

#[tokio::test]
async fn an_inserted_event_is_named() {
    let app = chained().await;
    let copy = "INSERT INTO audit_events SELECT '01900000-0000-7000-8000-000000000001'::uuid, app_id, actor_kind, actor, \
                action, 'thing-7', details, request_id, at";
    let event: AuditEventId = "audit_01900000000070008000000000000001".parse().unwrap();
    tamper(
        &app.database,
        &format!("{copy} FROM audit_events WHERE subject = 'thing-3'"),
    );
    assert_eq!(findings(&app).await, [(Fault::Inserted, None, Some(event))]);

    // With a link of its own, made from one that is genuine.
    let (_, last) = place(&app.database, "thing-6");
    tamper(
        &app.database,
        &format!(
            "INSERT INTO audit_links SELECT chain_id, position + 1, '01900000-0000-7000-8000-000000000001', digest, hash, \
             mac_key, mac FROM audit_links JOIN audit_events e ON e.id = event_id WHERE subject = 'thing-6'; \
             UPDATE audit_chains SET length = length + 1 WHERE length = {last}"
        ),
    );
    let forged = [
        (Fault::Forged, Some(last + 1), Some(event)),
        (Fault::Forged, None, None),
    ];
    assert_eq!(findings(&app).await, forged);
    restore(&app.database);

    // Through the front door, but with a time long past: it is chained, and does not fit its neighbours.
    let past = copy.replace("request_id, at", "request_id, at - interval '2 hours'");
    diesel::connection::SimpleConnection::batch_execute(
        &mut app.database.connect(),
        &format!("{past} FROM audit_events WHERE subject = 'thing-3'"),
    )
    .unwrap();
    audit_chain::chain(&app.app).await.unwrap();
    assert_eq!(findings(&app).await, [(Fault::Inserted, Some(last + 1), Some(event))]);
}

#[tokio::test]
async fn reordered_events_are_named_with_their_own_places() {
    let app = chained().await;
    let (third, at) = place(&app.database, "thing-3");
    let (fifth, other) = place(&app.database, "thing-5");
    let swaps = [
        // The links trade their events.
        format!(
            "ALTER TABLE audit_links DROP CONSTRAINT audit_links_event_id_key; \
             UPDATE audit_links SET event_id = CASE position WHEN {at} THEN (SELECT id FROM audit_events WHERE subject = 'thing-5') \
             ELSE (SELECT id FROM audit_events WHERE subject = 'thing-3') END WHERE position IN ({at}, {other}) \
             AND chain_id = (SELECT app_id FROM audit_events WHERE subject = 'thing-3')"
        ),
        // The links trade their places.
        format!(
            "UPDATE audit_links SET position = position + 1000 WHERE position IN ({at}, {other}) \
             AND chain_id = (SELECT app_id FROM audit_events WHERE subject = 'thing-3'); \
             UPDATE audit_links SET position = {at} + {other} + 1000 - position WHERE position > 1000"
        ),
    ];
    for swap in swaps {
        tamper(&app.database, &swap);
        let report = verify(&app.app, &app, None).await;
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (finding.fault, finding.position, finding.event_id, finding.belongs_at))
            .collect();
        let wanted = [
            (Fault::Reordered, Some(at), Some(fifth), Some(other)),
            (Fault::Reordered, Some(other), Some(third), Some(at)),
        ];
        assert_eq!(found, wanted, "{swap}");
        restore(&app.database);
    }
}

#[tokio::test]
async fn an_event_that_vanishes_before_it_is_chained_is_named() {
    let app = chained().await;
    write(&app, 7..=7).await;
    let id = "SELECT 'audit_' || replace(id::text, '-', '') AS id FROM audit_events WHERE subject = 'thing-7'";
    let event: AuditEventId = crate::support::rows::row(&app.database, id)["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    tamper(&app.database, "DELETE FROM audit_events WHERE subject = 'thing-7'");
    assert_eq!(audit_chain::chain(&app.app).await.unwrap(), 0);
    assert_eq!(findings(&app).await, [(Fault::Removed, None, Some(event))]);
}

#[tokio::test]
async fn an_earlier_verification_finds_a_trail_that_was_put_back_or_written_anew() {
    let app = chained().await;
    let kept = verify(&app.app, &app, None).await.head;
    write(&app, 7..=8).await;
    audit_chain::chain(&app.app).await.unwrap();
    let later = verify(&app.app, &app, Some(kept.clone())).await;
    assert!(later.findings.is_empty(), "{:?}", later.findings);

    // As if an older copy of the database had been restored: nothing is wrong by itself.
    restore(&app.database);
    assert_eq!(findings(&app).await, []);
    let report = verify(&app.app, &app, Some(later.head.clone())).await;
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.fault, finding.position, finding.until))
        .collect();
    let (first, last) = (kept.length + 1, later.head.length);
    assert_eq!(found, [(Fault::Removed, Some(first), Some(last))]);

    // By somebody who has the key ring, too.
    tamper(
        &app.database,
        "UPDATE audit_events SET action = 'thing.lost' WHERE subject = 'thing-3'; DELETE FROM audit_links; \
         DELETE FROM audit_chains; INSERT INTO audit_waiting SELECT id, app_id FROM audit_events WHERE app_id IS NOT NULL",
    );
    audit_chain::chain(&app.app).await.unwrap();
    assert_eq!(findings(&app).await, []);
    let report = verify(&app.app, &app, Some(kept.clone())).await;
    assert_eq!(report.findings.len(), 1);
    assert_eq!(
        (report.findings[0].fault, report.findings[0].position),
        (Fault::Rewritten, Some(kept.length))
    );
}

#[tokio::test]
async fn a_forged_end_is_not_gone_on_from_and_holds_back_no_other_chain() {
    let app = chained().await;
    let own = app.demo.app_id;
    let of = |table: &str| format!("DELETE FROM {table} WHERE chain_id = '{}'", own.uuid());
    tamper(
        &app.database,
        &format!(
            "{} AND position = (SELECT max(position) FROM audit_links WHERE chain_id = '{id}'); \
             UPDATE audit_chains SET (length, hash) = (SELECT position, hash FROM audit_links WHERE chain_id = '{id}' \
             ORDER BY position DESC LIMIT 1) WHERE id = '{id}'",
            of("audit_links"),
            id = own.uuid(),
        ),
    );
    let forged = findings(&app).await;
    assert!(forged.iter().any(|(fault, ..)| *fault == Fault::Forged), "{forged:?}");
    write(&app, 7..=8).await;
    assert!(audit_chain::chain(&app.app).await.is_err());
    let report = verify(&app.app, &app, None).await;
    assert_eq!(report.waiting, 2);
    assert!(report.findings.iter().any(|finding| finding.fault == Fault::Forged));
    let others = "SELECT count(*) AS n FROM audit_waiting WHERE chain_id <> ";
    let others = format!("{others}'{}'", own.uuid());
    assert_eq!(crate::support::rows::count(&app.database, &others), 0);
}
