//! One refresh at a time, over all processes: however many callers want an expired token at once, the platform hears of
//! it once. Seen elsewhere: locks shorter than the token call, and refreshes that die with the request that began them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::PATH;
use crate::support::connecting::MERCADO_LIBRE;
use crate::support::installation::{Held, Installation, send};
use crate::support::processes::Process;
use crate::support::rows::{self, refresh_token, until};

/// Each process is asked by `callers` at once; their statuses.
async fn crowd(installation: &Installation, processes: &[Process], store: &Held, callers: usize) -> Vec<u16> {
    let mut calls = tokio::task::JoinSet::new();
    for process in processes {
        for _ in 0..callers {
            let (client, token) = (installation.client.clone(), store.access_token.clone());
            let url = format!("{}/v1/proxy{PATH}", process.url);
            calls.spawn(async move { send(&client, &token, "GET", &url, None).await.status });
        }
    }
    calls.join_all().await
}

async fn processes(installation: &Installation, count: usize) -> Vec<Process> {
    let launched: Vec<Process> = (0..count).map(|_| installation.launch(&["serve"], &[])).collect();
    for process in &launched {
        installation.answering(process).await;
    }
    launched
}

async fn slow_token_calls(installation: &Installation, milliseconds: u64) {
    let fault = json!({ "calls": "token", "delay_ms": milliseconds });
    let order = json!({ "platform": "mercado-libre", "times": 100, "fault": fault });
    installation.control("faults", order).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_over_four_processes_make_one_token_call() {
    let installation = Installation::start().await;
    let processes = processes(&installation, 4).await;
    let store = installation
        .connect_expired(&processes[0], "mercado-libre", MERCADO_LIBRE)
        .await;
    // Beyond the usual limits of locks and callers.
    slow_token_calls(&installation, 25_000).await;

    let statuses = crowd(&installation, &processes, &store, 50).await;

    assert_eq!(
        (statuses.len(), BTreeSet::from_iter(statuses)),
        (200, BTreeSet::from([200]))
    );
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_callers_over_two_processes_make_one_token_call_and_a_caller_that_hangs_up_changes_nothing() {
    let installation = Installation::start().await;
    let processes = processes(&installation, 2).await;
    let store = installation
        .connect_expired(&processes[0], "mercado-libre", MERCADO_LIBRE)
        .await;
    slow_token_calls(&installation, 2000).await;

    // The first caller begins the refresh, and hangs up while the platform thinks about it.
    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", processes[0].url);
    let first = tokio::spawn(async move { send(&client, &token, "GET", &url, None).await });
    until("the platform is asked", async || {
        (!installation.refreshes("mercado-libre").await.is_empty()).then_some(())
    })
    .await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    let statuses = crowd(&installation, &processes, &store, 10).await;

    assert_eq!(
        (statuses.len(), BTreeSet::from_iter(statuses)),
        (20, BTreeSet::from([200]))
    );
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
    let saved = rows::row(
        &installation.database,
        "SELECT saved_attempt, lease_attempt, in_doubt_since FROM credentials",
    );
    assert_eq!(
        saved,
        json!({ "saved_attempt": 1, "lease_attempt": null, "in_doubt_since": null })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_caller_hangs_up_and_the_new_pair_is_saved() {
    let installation = Installation::start().await;
    let process = installation.serve().await;
    let store = installation
        .connect_expired(&process, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow_token_calls(&installation, 1000).await;

    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", process.url);
    let caller = tokio::spawn(async move { send(&client, &token, "GET", &url, None).await });
    until("the platform is asked", async || {
        (!installation.refreshes("mercado-libre").await.is_empty()).then_some(())
    })
    .await;
    caller.abort();

    until("the new pair is saved", async || {
        let saved = rows::count(
            &installation.database,
            "SELECT count(*) AS n FROM credentials WHERE saved_attempt = 1",
        );
        (saved == 1).then_some(())
    })
    .await;
    assert_eq!(installation.call(&process, &store.access_token, PATH).await.status, 200);
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_stop_saves_what_its_refresh_brings_first() {
    let installation = Installation::start().await;
    let mut process = installation.serve_with(&["serve", "--work"], &[]).await;
    let store = installation
        .connect_expired(&process, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow_token_calls(&installation, 1500).await;

    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", process.url);
    let caller = tokio::spawn(async move {
        client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .map(|answer| answer.status())
    });
    until("the platform is asked", async || {
        (!installation.refreshes("mercado-libre").await.is_empty()).then_some(())
    })
    .await;
    process.ask_to_stop();

    assert!(process.ended().await, "{}", process.log());
    let saved = rows::row(
        &installation.database,
        "SELECT saved_attempt, lease_attempt FROM credentials",
    );
    assert_eq!(saved, json!({ "saved_attempt": 1, "lease_attempt": null }));
    assert_eq!(installation.journal_bytes(), 0);
    drop(caller);

    let next = installation.serve().await;
    assert_eq!(installation.call(&next, &store.access_token, PATH).await.status, 200);
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refresh_sends_the_token_of_the_last_one_whichever_process_made_it() {
    let installation = Installation::start().await;
    let processes = processes(&installation, 2).await;
    let strict = json!({ "platform": "mercado-libre", "settings": { "reuse_revokes": true } });
    installation.control("settings", strict).await;
    let store = installation
        .connect_expired(&processes[0], "mercado-libre", MERCADO_LIBRE)
        .await;

    for process in processes.iter().chain(&processes) {
        let answer = installation.call(process, &store.access_token, PATH).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        installation.advance(Duration::from_secs(7 * 3600)).await;
        for process in &processes {
            installation.followed(process).await;
        }
    }

    let sent: Vec<_> = installation
        .refreshes("mercado-libre")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!(
        (sent.len(), BTreeSet::from_iter(&sent).len()),
        (4, 4),
        "each refresh token is used once"
    );
}
