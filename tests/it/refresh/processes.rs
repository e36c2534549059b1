//! Workers and servers end in the middle of their work, as processes do: killed, or asked to stop. What they had under way
//! is not lost, and is not done twice at a time.

use std::time::Duration;

use serde_json::json;

use super::PATH;
use crate::support::connecting::SHOPIFY;
use crate::support::installation::{Held, Installation};
use crate::support::processes::Process;
use crate::support::rows::{self, refresh_token, until};

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

/// A store whose tokens the partner had before; they are to be renewed at the first call.
async fn import(installation: &Installation, process: &Process, platform: &str, store: &str) -> Held {
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let app = format!("/v1/platforms/{platform}/app");
    let registered = installation.api(process, "PUT", &app, Some(client)).await;
    assert!(registered.status < 300, "{}", registered.body);
    let order = json!({ "platform": platform, "client_id": "sandbox-client", "stores": [store] });
    let url = format!("{}/_control/grants", installation.sandbox);
    let opened = installation.client.post(url).json(&order).send().await.unwrap();
    let opened: serde_json::Value = opened.json().await.unwrap();
    let grant = &opened["data"][0];
    let tokens = json!({
        "access_token": grant["access_token"],
        "refresh_token": grant["refresh_token"],
        "expires_in": 1,
    });
    let body = json!({ "platform": platform, "customer_id": "customer-1", "tokens": tokens });
    let made = installation.api(process, "POST", "/v1/stores", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    Held {
        access_token: made["access_token"].as_str().unwrap().to_owned(),
        store_id: made["store"]["id"].as_str().unwrap().to_owned(),
        link: String::new(),
        code: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grace_of_a_minute_is_enough_for_whoever_finds_the_journal_of_a_killed_process() {
    let installation = Installation::start().await;
    let (mut doomed, witness) = (installation.serve().await, installation.serve().await);
    let strict = json!({ "platform": "allegro", "settings": { "reuse_revokes": true } });
    installation.control("settings", strict).await;
    let store = import(&installation, &doomed, "allegro", "44300000").await;
    until("the first access token has expired", async || {
        let over = "SELECT count(*) AS n FROM credentials WHERE access_expires_at > llavero_now()";
        (rows::count(&installation.database, over) == 0).then_some(())
    })
    .await;
    slow(&installation, "allegro", 20_000).await;
    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", doomed.url);
    let call = tokio::spawn(async move { client.get(url).bearer_auth(token).send().await.is_ok() });
    heard(&installation, "allegro").await;
    doomed.kill();
    assert!(!call.await.unwrap(), "its caller saw it die");

    // No clock is put forward: the platform has a new pair that nobody knows, and forgives the old one for a minute.
    until("the store works again", async || {
        (installation.call(&witness, &store.access_token, PATH).await.status == 200).then_some(())
    })
    .await;
    let sent: Vec<_> = installation
        .refreshes("allegro")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
    let state = rows::row(&installation.database, "SELECT status, health FROM stores");
    assert_eq!(state, json!({ "status": "connected", "health": "ok" }));
}
