//! Workers and servers end in the middle of their work, as processes do: killed, or asked to stop. What they had under way
//! is not lost, and is not done twice at a time.

use std::time::Duration;

use serde_json::json;

use super::PATH;
use crate::support::connecting::SHOPIFY;
use crate::support::installation::Installation;
use crate::support::processes::Process;
use crate::support::rows::{self, until};

/// Past a worker's claim, and past a lease with the time that a request may travel.
const LONG_ENOUGH: Duration = Duration::from_secs(300);

/// The platform takes that long to answer its next token call.
async fn slow(installation: &Installation, platform: &str, milliseconds: u64) {
    let fault = json!({ "calls": "token", "delay_ms": milliseconds });
    installation
        .control("faults", json!({ "platform": platform, "fault": fault }))
        .await;
}

/// The timer of the one credential goes off.
fn make_due(installation: &Installation) {
    rows::execute(
        &installation.database,
        "UPDATE credentials SET refresh_at = llavero_now() - interval '1 s'",
    );
    rows::execute(
        &installation.database,
        "UPDATE jobs SET due_at = llavero_now() - interval '1 s' WHERE kind = 'refresh_credential'",
    );
}

async fn heard(installation: &Installation, platform: &str) {
    until("the platform has heard", async || {
        (!installation.refreshes(platform).await.is_empty()).then_some(())
    })
    .await;
}

fn refreshing(installation: &Installation) -> serde_json::Value {
    let query = "SELECT id, status, attempts FROM jobs WHERE kind = 'refresh_credential' AND status = 'running'";
    rows::row(&installation.database, query)
}

async fn worker(installation: &Installation) -> Process {
    let worker = installation.launch(&["work"], &[]);
    until("the worker is ready", async || {
        worker.log().contains("the worker is ready").then_some(())
    })
    .await;
    worker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_job_is_taken_over_when_its_claim_ends() {
    let installation = Installation::start().await;
    let web = installation.serve().await;
    let store = installation.connect_expired(&web, "shopify", SHOPIFY).await;
    slow(&installation, "shopify", 20_000).await;
    let mut doomed = worker(&installation).await;
    make_due(&installation);
    heard(&installation, "shopify").await;
    let left = refreshing(&installation);
    doomed.kill();

    let _other = worker(&installation).await;
    assert_eq!(refreshing(&installation), left, "nobody takes it before its claim ends");
    installation.advance(LONG_ENOUGH).await;
    let query = format!(
        "SELECT status, attempts > 1 AS again FROM jobs WHERE id = '{}'",
        left["id"].as_str().unwrap()
    );
    until("the other worker has ended the job", async || {
        (rows::row(&installation.database, &query) == json!({ "status": "done", "again": true })).then_some(())
    })
    .await;
    let saved = rows::row(
        &installation.database,
        "SELECT saved_attempt > 0 AS saved, lease_attempt, in_doubt_since FROM credentials",
    );
    assert_eq!(
        saved,
        json!({ "saved": true, "lease_attempt": null, "in_doubt_since": null })
    );
    assert_eq!(installation.call(&web, &store.access_token, PATH).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_asked_to_stop_ends_the_job_that_runs() {
    let installation = Installation::start().await;
    let web = installation.serve().await;
    installation.connect_expired(&web, "shopify", SHOPIFY).await;
    slow(&installation, "shopify", 1500).await;
    let mut stopping = worker(&installation).await;
    make_due(&installation);
    heard(&installation, "shopify").await;
    let job = refreshing(&installation)["id"].as_str().unwrap().to_owned();
    stopping.ask_to_stop();

    assert!(stopping.ended().await, "{}", stopping.log());
    let ended = rows::row(
        &installation.database,
        &format!("SELECT status, attempts FROM jobs WHERE id = '{job}'"),
    );
    assert_eq!(ended, json!({ "status": "done", "attempts": 1 }));
    let running = "SELECT count(*) AS n FROM jobs WHERE status = 'running'";
    assert_eq!(rows::count(&installation.database, running), 0);
    let saved = rows::row(
        &installation.database,
        "SELECT saved_attempt, lease_attempt FROM credentials",
    );
    assert_eq!(saved, json!({ "saved_attempt": 1, "lease_attempt": null }));
    assert_eq!(installation.journal_bytes(), 0);
}
