//! Who runs a job: one runner, until it ends or its claim does.

use std::time::Duration;

use llavero::jobs::Runner;
use serde_json::{Value, json};

use super::{TRIFLES_DONE, enqueue_refreshes, enqueue_trifle, shops};
use crate::support::connecting::MERCADO_LIBRE;
use crate::support::installation::Installation;
use crate::support::rows::{self, count, row, until, work};
use crate::support::test_app::TestApp;

#[tokio::test]
async fn several_runners_never_run_the_same_job_at_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    shops(&app, 12).await;
    enqueue_refreshes(&app, "");
    let fault = json!({ "calls": "token", "delay_ms": 200 });
    app.control("faults", json!({ "platform": "shopify", "times": 12, "fault": fault }))
        .await;
    let before = app.token_calls("shopify").await;
    let runners: Vec<Runner> = (0..4).map(|_| Runner::start(app.app.clone())).collect();
    let done = "SELECT count(*) AS n FROM jobs WHERE kind = 'refresh_credential' AND status = 'done'";
    until("all are done", async || {
        (count(&app.database, done) == 12).then_some(())
    })
    .await;
    for runner in runners {
        runner.stop().await;
    }
    assert_eq!(app.token_calls("shopify").await - before, 12);
    assert_eq!(
        count(
            &app.database,
            "SELECT max(attempts) AS n FROM jobs WHERE status = 'done'"
        ),
        1
    );
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM refresh_logs"), 12);
}

#[tokio::test]
async fn a_job_of_a_crashed_runner_is_claimed_after_its_lease_and_not_before() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    shops(&app, 1).await;
    let ends = (app.clock.now() + Duration::from_secs(300)).to_rfc3339();
    let claimed = format!(
        "status = 'running', attempts = 1, lease_id = gen_random_uuid(), lease_until = '{ends}', due_at = '{ends}'"
    );
    enqueue_refreshes(&app, &claimed);
    // The crashed runner's claim stands. That others looked at the table shows in a job that they did.
    enqueue_trifle(&app);
    app.advance(Duration::from_secs(299));
    let runner = Runner::start(app.app.clone());
    until("the other job is done", async || {
        (count(&app.database, TRIFLES_DONE) == 1).then_some(())
    })
    .await;
    runner.stop().await;
    let left = row(
        &app.database,
        "SELECT status, attempts FROM jobs WHERE kind = 'refresh_credential'",
    );
    assert_eq!(left, json!({ "status": "running", "attempts": 1 }));

    app.advance(Duration::from_secs(2));
    let runner = Runner::start(app.app.clone());
    let done = "SELECT count(*) AS n FROM jobs WHERE kind = 'refresh_credential' AND status = 'done' AND attempts = 2";
    until("it is done", async || (count(&app.database, done) == 1).then_some(())).await;
    runner.stop().await;
}

#[tokio::test]
async fn stopping_a_runner_waits_for_the_job_that_it_runs() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    shops(&app, 1).await;
    enqueue_refreshes(&app, "");
    let fault = json!({ "calls": "token", "delay_ms": 800 });
    app.control("faults", json!({ "platform": "shopify", "fault": fault }))
        .await;
    let before = app.token_calls("shopify").await;
    let runner = Runner::start(app.app.clone());
    until("the platform is asked", async || {
        (app.token_calls("shopify").await > before).then_some(())
    })
    .await;
    runner.stop().await;
    let done = "SELECT count(*) AS n FROM jobs WHERE kind = 'refresh_credential' AND status = 'done'";
    assert_eq!(count(&app.database, done), 1);
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM credentials WHERE saved_attempt = 1"
        ),
        1
    );
}

#[tokio::test]
async fn a_job_that_is_not_due_waits() {
    let app = TestApp::start().await;
    shops(&app, 1).await;
    let later = (app.clock.now() + Duration::from_secs(3600)).to_rfc3339();
    enqueue_refreshes(&app, &format!("due_at = '{later}'"));
    work(&app).await;
    let left = row(
        &app.database,
        "SELECT status, attempts FROM jobs WHERE kind = 'refresh_credential'",
    );
    assert_eq!(left, json!({ "status": "ready", "attempts": 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_hears_of_a_job_that_another_process_enqueued() {
    let installation = Installation::start().await;
    let web = installation.serve().await;
    let _worker = installation.launch(&["work"], &[]);
    installation.command(&["admin", "add", "admin@example.com", "--role", "owner"]);
    let store = installation.connect_expired(&web, "mercado-libre", MERCADO_LIBRE).await;
    installation
        .control("revoke", json!({ "platform": "mercado-libre" }))
        .await;
    assert_eq!(
        installation.call(&web, &store.access_token, "/anything").await.status,
        401
    );
    let told = "SELECT count(*) AS n FROM notices WHERE audience = 'admins' AND status = 'sent'";
    until("the mail is written", async || {
        (count(&installation.database, told) == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_several_processes_share_the_jobs_and_do_none_twice() {
    let installation = Installation::start().await;
    let web = installation.serve().await;
    for number in 0..6 {
        let shop = format!("shop-{number}.myshopify.com");
        installation.connect(&web, "shopify", &[("shop", &shop)]).await;
    }
    let fault = json!({ "calls": "token", "delay_ms": 200 });
    installation
        .control("faults", json!({ "platform": "shopify", "times": 100, "fault": fault }))
        .await;
    installation.advance(Duration::from_secs(46 * 86_400)).await;
    // Begun after the leap, so that both know the time from their first moment.
    let _workers = [installation.launch(&["work"], &[]), installation.launch(&["work"], &[])];
    until("all are refreshed", async || {
        let saved = count(
            &installation.database,
            "SELECT count(*) AS n FROM credentials WHERE saved_attempt > 0",
        );
        (saved == 6).then_some(())
    })
    .await;
    assert_eq!(installation.refreshes("shopify").await.len(), 6);
    let others = rows::rows(
        &installation.database,
        "SELECT outcome FROM refresh_logs WHERE outcome <> 'renewed'",
    );
    assert_eq!(others, Vec::<Value>::new());
}
