//! A process is killed, or the database goes away, at every step of a refresh. No store is lost where the platform has
//! any grace; where it has none, only a lost answer can lose one, and then it is named in doubt first.

use std::time::Duration;

use serde_json::{Value, json};

use super::PATH;
use super::pause::{hold_at_claim, let_claim};
use crate::support::connecting::{MERCADO_LIBRE, SHOPIFY};
use crate::support::installation::{Held, Installation};
use crate::support::processes::Process;
use crate::support::rows::{self, refresh_token, until};

/// Past the lease, the time a request may travel, and the wait for a journal.
const LONG_ENOUGH: Duration = Duration::from_secs(300);

pub(super) async fn slow(installation: &Installation, platform: &str, fault: Value) {
    let mut full = json!({ "calls": "token" });
    fault
        .as_object()
        .unwrap()
        .iter()
        .for_each(|(name, value)| full[name] = value.clone());
    installation
        .control("faults", json!({ "platform": platform, "fault": full }))
        .await;
}

/// Begins a call and returns once the platform has processed the token call that it needs.
pub(super) async fn begin_call(installation: &Installation, process: &Process, store: &Held, platform: &str) {
    let before = installation.refreshes(platform).await.len();
    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", process.url);
    tokio::spawn(async move {
        client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .map(|answer| answer.status())
    });
    until("the platform has heard", async || {
        (installation.refreshes(platform).await.len() > before).then_some(())
    })
    .await;
}

pub(super) async fn works_at(installation: &Installation, process: &Process, store: &Held) {
    until("the store works again", async || {
        (installation.call(process, &store.access_token, PATH).await.status == 200).then_some(())
    })
    .await;
}

pub(super) fn state(installation: &Installation) -> Value {
    rows::row(&installation.database, "SELECT status, health FROM stores")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_claim_and_call_costs_nothing_even_without_a_grace() {
    let installation = Installation::start().await;
    let mut doomed = installation.serve().await;
    let store = installation
        .connect_expired(&doomed, "mercado-libre", MERCADO_LIBRE)
        .await;
    let (lock, _call) = hold_at_claim(&installation, &doomed, &store).await;
    doomed.pause();
    let_claim(&installation, lock).await;
    doomed.kill();

    let next = installation.serve().await;
    installation.advance(LONG_ENOUGH).await;
    works_at(&installation, &next, &store).await;
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_platform_answers_costs_nothing_where_it_has_a_grace() {
    let installation = Installation::start().await;
    let mut doomed = installation.serve().await;
    let store = installation.connect_expired(&doomed, "shopify", SHOPIFY).await;
    slow(&installation, "shopify", json!({ "delay_ms": 20_000 })).await;
    begin_call(&installation, &doomed, &store, "shopify").await;
    doomed.kill();

    let next = installation.serve().await;
    installation.advance(LONG_ENOUGH).await;
    works_at(&installation, &next, &store).await;
    let sent: Vec<_> = installation
        .refreshes("shopify")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1], "the old token is tried again within its grace");
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

async fn expired(installation: &Installation) {
    until("the access token has expired", async || {
        let over = "SELECT count(*) AS n FROM credentials WHERE access_expires_at > llavero_now()";
        (rows::count(&installation.database, over) == 0).then_some(())
    })
    .await;
}

/// A store whose tokens the partner had before, which are over at once.
async fn import(installation: &Installation, process: &Process, platform: &str, store: &str) -> Held {
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let app = format!("/v1/platforms/{platform}/app");
    let registered = installation.api(process, "PUT", &app, Some(client)).await;
    assert!(registered.status < 300, "{}", registered.body);
    let order = json!({ "platform": platform, "client_id": "sandbox-client", "stores": [store] });
    let url = format!("{}/_control/grants", installation.sandbox);
    let opened = installation.client.post(url).json(&order).send().await.unwrap();
    let opened: Value = opened.json().await.unwrap();
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
    expired(installation).await;
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
    slow(&installation, "allegro", json!({ "delay_ms": 20_000 })).await;
    begin_call(&installation, &doomed, &store, "allegro").await;
    doomed.kill();

    // No clock is put forward: the platform has a new pair that nobody knows, and forgives the old one for a minute.
    works_at(&installation, &witness, &store).await;
    let sent: Vec<_> = installation
        .refreshes("allegro")
        .await
        .iter()
        .filter_map(refresh_token)
        .collect();
    assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grace_of_a_minute_is_enough_for_a_process_killed_after_another_answer_was_lost() {
    let installation = Installation::start().await;
    let (mut doomed, witness) = (installation.serve().await, installation.serve().await);
    let short = json!({ "platform": "allegro", "settings": { "reuse_revokes": true, "access_seconds": 3 } });
    installation.control("settings", short).await;
    let store = import(&installation, &doomed, "allegro", "44300000").await;
    slow(&installation, "allegro", json!({ "effect": "lost_answer" })).await;
    works_at(&installation, &doomed, &store).await;
    let kept = "SELECT count(*) AS n FROM credentials WHERE spares_sealed IS NOT NULL";
    assert_eq!(
        rows::count(&installation.database, kept),
        1,
        "the pair of the lost answer may still come"
    );
    expired(&installation).await;
    slow(&installation, "allegro", json!({ "delay_ms": 20_000 })).await;
    begin_call(&installation, &doomed, &store, "allegro").await;
    doomed.kill();

    works_at(&installation, &witness, &store).await;
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_platform_answers_is_named_in_doubt_where_it_has_no_grace() {
    let installation = Installation::start().await;
    let mut doomed = installation.serve().await;
    let store = installation
        .connect_expired(&doomed, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow(&installation, "mercado-libre", json!({ "delay_ms": 20_000 })).await;
    begin_call(&installation, &doomed, &store, "mercado-libre").await;
    doomed.kill();

    // While it may not be tried again yet, callers are asked to come back, not merchants to authorize.
    let next = installation.serve().await;
    let answer = installation.call(&next, &store.access_token, PATH).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(
        rows::row(&installation.database, "SELECT status FROM stores")["status"],
        "connected"
    );

    installation.advance(LONG_ENOUGH).await;
    let answer = until("the last try is made", async || {
        let answer = installation.call(&next, &store.access_token, PATH).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    // The platform had rotated the token: this one is lost, and says so.
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("store_needs_reauthorization"))
    );
    let named = rows::count(
        &installation.database,
        "SELECT count(*) AS n FROM credentials WHERE in_doubt_since IS NOT NULL",
    );
    assert_eq!(named, 1);

    installation.reauthorize(&next, &store.store_id, MERCADO_LIBRE).await;
    works_at(&installation, &next, &store).await;
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_never_arrived_leaves_a_store_without_grace_alive() {
    let installation = Installation::start().await;
    let mut doomed = installation.serve().await;
    let store = installation
        .connect_expired(&doomed, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow(
        &installation,
        "mercado-libre",
        json!({ "delay_ms": 20_000, "effect": "unprocessed" }),
    )
    .await;
    begin_call(&installation, &doomed, &store, "mercado-libre").await;
    doomed.kill();

    let next = installation.serve().await;
    installation.advance(LONG_ENOUGH).await;
    works_at(&installation, &next, &store).await;
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_away_between_answer_and_save_costs_nothing_even_without_a_grace() {
    let installation = Installation::start().await;
    let process = installation.serve().await;
    let store = installation
        .connect_expired(&process, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow(&installation, "mercado-libre", json!({ "delay_ms": 1500 })).await;
    begin_call(&installation, &process, &store, "mercado-libre").await;
    installation.stop_database();
    until("the answer is in the journal", async || {
        (installation.journal_bytes() > 0).then_some(())
    })
    .await;

    let away = installation.call(&process, &store.access_token, PATH).await;
    assert_eq!(
        (away.status, away.json()["code"].as_str()),
        (503, Some("unavailable")),
        "{}",
        away.body
    );

    installation.start_database();
    works_at(&installation, &process, &store).await;
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
    until("the journal is empty", async || {
        (installation.journal_bytes() == 0).then_some(())
    })
    .await;
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_answer_and_save_the_next_start_replays_the_journal() {
    let installation = Installation::start().await;
    let mut doomed = installation.serve().await;
    let store = installation
        .connect_expired(&doomed, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow(&installation, "mercado-libre", json!({ "delay_ms": 1500 })).await;
    begin_call(&installation, &doomed, &store, "mercado-libre").await;
    installation.stop_database();
    until("the answer is in the journal", async || {
        (installation.journal_bytes() > 0).then_some(())
    })
    .await;
    doomed.kill();
    installation.start_database();

    let next = installation.serve().await;
    works_at(&installation, &next, &store).await;
    assert_eq!(
        installation.refreshes("mercado-libre").await.len(),
        1,
        "what was answered is used, nothing is asked again"
    );
    until("the journal is empty", async || {
        (installation.journal_bytes() == 0).then_some(())
    })
    .await;
    assert_eq!(state(&installation), json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_process_adopts_the_journal_of_a_dead_one() {
    let installation = Installation::start().await;
    let (mut doomed, witness) = (installation.serve().await, installation.serve().await);
    let store = installation
        .connect_expired(&doomed, "mercado-libre", MERCADO_LIBRE)
        .await;
    slow(&installation, "mercado-libre", json!({ "delay_ms": 1500 })).await;
    begin_call(&installation, &doomed, &store, "mercado-libre").await;
    installation.stop_database();
    until("the answer is in the journal", async || {
        (installation.journal_bytes() > 0).then_some(())
    })
    .await;
    doomed.kill();
    installation.start_database();

    works_at(&installation, &witness, &store).await;
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_away_before_the_claim_sends_nothing() {
    let installation = Installation::start().await;
    let process = installation.serve().await;
    let store = installation
        .connect_expired(&process, "mercado-libre", MERCADO_LIBRE)
        .await;
    installation.stop_database();
    let away = installation.call(&process, &store.access_token, PATH).await;
    assert_eq!(
        (away.status, away.json()["code"].as_str()),
        (503, Some("unavailable")),
        "{}",
        away.body
    );
    assert!(!away.header("retry-after").is_empty());
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 0);
    installation.start_database();
    works_at(&installation, &process, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_written_starts_no_refresh_and_serves_valid_tokens() {
    let installation = Installation::start().await;
    // A file stands where the journal's folder should be.
    let blocked = installation.data.path().join("blocked");
    std::fs::write(&blocked, "").unwrap();
    let setting = [(
        "LLAVERO_JOURNAL_DIR",
        blocked.join("journal").to_str().unwrap().to_owned(),
    )];
    let sound = installation.serve().await;
    let store = installation.connect(&sound, "mercado-libre", MERCADO_LIBRE).await;
    let crippled = installation.serve_with(&["serve"], &setting).await;

    assert_eq!(
        installation.call(&crippled, &store.access_token, PATH).await.status,
        200
    );
    let ready = installation
        .client
        .get(format!("{}/readyz", crippled.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status().as_u16(), 503);

    installation.advance(Duration::from_secs(7 * 3600)).await;
    let refused = until("the token has expired here too", async || {
        let answer = installation.call(&crippled, &store.access_token, PATH).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 0);
    works_at(&installation, &sound, &store).await;
}
