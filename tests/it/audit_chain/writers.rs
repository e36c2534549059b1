//! Writers, workers and the job: nobody waits for a chain, and nothing falls between two rounds.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use llavero::broker::audit_chain;
use llavero::domain::job::{Job, NewJob};
use llavero::{db, jobs};

use super::{event, verify, write};
use crate::support::rows;
use crate::support::test_app::{TestApp, Wishes, assemble, config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_once_make_one_chain() {
    let app = TestApp::start().await;
    let settings = config(
        &app.database.url(),
        &app.url,
        &app.sandbox,
        app.data.path(),
        &Wishes::default(),
    );
    let second = assemble(settings, app.clock.clone(), tokio::runtime::Handle::current());
    write(&app, 1..=1300).await;
    let (one, other) = tokio::join!(audit_chain::chain(&app.app), audit_chain::chain(&second));
    let total = rows::count(&app.database, "SELECT count(*) AS n FROM audit_events");
    assert_eq!(i64::try_from(one.unwrap() + other.unwrap()).unwrap(), total);
    let report = verify(&app.app, &app, None).await;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.waiting, 0);
    assert!(report.head.length >= 1300);
    second.listener.stop();
}

#[tokio::test]
async fn an_event_that_commits_late_is_chained_after_those_that_overtook_it() {
    let app = TestApp::start().await;
    let mut slow = app.database.connect();
    let now = app.clock.now().to_rfc3339();
    slow.batch_execute(&format!("SET llavero.now = '{now}'; BEGIN"))
        .unwrap();
    db::audit::insert(&mut slow, &event(&app, 1)).unwrap();
    write(&app, 2..=3).await;
    audit_chain::chain(&app.app).await.unwrap();
    slow.batch_execute("COMMIT").unwrap();
    assert_eq!(verify(&app.app, &app, None).await.waiting, 1);
    assert_eq!(audit_chain::chain(&app.app).await.unwrap(), 1);
    let report = verify(&app.app, &app, None).await;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.waiting, 0);
    assert_eq!(super::place(&app.database, "thing-1").1, report.head.length);
}

#[tokio::test]
async fn writers_do_not_wait_for_a_chain_that_is_being_written() {
    let app = TestApp::start().await;
    write(&app, 1..=1).await;
    audit_chain::chain(&app.app).await.unwrap();
    let mut worker = app.database.connect();
    worker
        .batch_execute("BEGIN; SELECT FROM audit_chains FOR UPDATE")
        .unwrap();
    // A statement that waited would be cancelled after five seconds, and fail.
    write(&app, 2..=2).await;
    worker.batch_execute("ROLLBACK").unwrap();
    assert_eq!(audit_chain::chain(&app.app).await.unwrap(), 1);
}

#[tokio::test]
async fn the_job_chains_and_waits_for_its_next_time_in_the_same_row() {
    let app = TestApp::start().await;
    let (id, now) = (app.app.id(), app.clock.now());
    let new = NewJob {
        job: Job::ChainAudit {},
        app: None,
        platform: None,
        due_at: now,
    };
    app.app
        .db
        .run(move |conn| db::jobs::insert_if_absent(conn, id, &new))
        .await
        .unwrap_or_else(|error: db::Error| panic!("{error}"));
    for round in 1..=3_usize {
        write(&app, round..=round).await;
        jobs::run_due(&Arc::clone(&app.app)).await;
        let rows = rows::rows(
            &app.database,
            "SELECT status, attempts, due_at::text AS due_at FROM jobs WHERE kind = 'chain_audit'",
        );
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0]["status"].as_str(), rows[0]["attempts"].as_i64()),
            (Some("ready"), Some(0))
        );
        let report = verify(&app.app, &app, None).await;
        assert_eq!((report.waiting, report.findings.len()), (0, 0));
        assert_eq!(jobs::run_due(&app.app).await, 0, "not before its time");
        app.advance(std::time::Duration::from_secs(60));
    }
    jobs::run_due(&app.app).await;
}
