//! A process that sleeps through its lease. Refusing its save would come too late: what it must not do is send.

use serde_json::json;

use super::PATH;
use crate::support::connecting::MERCADO_LIBRE;
use crate::support::installation::{Held, Installation, send};
use crate::support::processes::Process;
use crate::support::rows::{self, until};

/// Begins a call at `process` and returns while its claim waits in the database for a lock that this test holds.
pub async fn hold_at_claim(
    installation: &Installation,
    process: &Process,
    store: &Held,
) -> (diesel::PgConnection, tokio::task::JoinHandle<Option<u16>>) {
    use diesel::RunQueryDsl as _;
    let mut lock = installation.database.connect();
    diesel::sql_query("BEGIN").execute(&mut lock).unwrap();
    diesel::sql_query("SELECT id FROM credentials FOR UPDATE")
        .execute(&mut lock)
        .unwrap();
    let (client, token) = (installation.client.clone(), store.access_token.clone());
    let url = format!("{}/v1/proxy{PATH}", process.url);
    let call = tokio::spawn(async move {
        let answer = client.get(url).bearer_auth(token).send().await.ok()?;
        Some(answer.status().as_u16())
    });
    until("the claim waits for the lock", async || {
        let waiting = rows::count(
            &installation.database,
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        (waiting > 0).then_some(())
    })
    .await;
    (lock, call)
}

/// Lets the claim through; returns once it is committed.
pub async fn let_claim(installation: &Installation, mut lock: diesel::PgConnection) {
    use diesel::RunQueryDsl as _;
    diesel::sql_query("COMMIT").execute(&mut lock).unwrap();
    until("the claim is there", async || {
        let claimed = rows::count(
            &installation.database,
            "SELECT count(*) AS n FROM credentials WHERE lease_attempt = 1",
        );
        (claimed == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_process_that_wakes_after_its_lease_does_not_send() {
    let installation = Installation::start().await;
    let (sleeper, other) = (installation.serve().await, installation.serve().await);
    let strict = json!({ "platform": "mercado-libre", "settings": { "reuse_revokes": true } });
    installation.control("settings", strict).await;
    let store = installation
        .connect_expired(&sleeper, "mercado-libre", MERCADO_LIBRE)
        .await;

    let (lock, call) = hold_at_claim(&installation, &sleeper, &store).await;
    sleeper.pause();
    let_claim(&installation, lock).await;
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 0);

    // More than the lease is longer than the call that it covers passes in truth: the sleeper's own watch shows that.
    let slept = "SELECT count(*) AS n FROM credentials WHERE lease_since < llavero_now() - interval '17 s'";
    until("the sleeper has slept too long", async || {
        (rows::count(&installation.database, slept) == 1).then_some(())
    })
    .await;
    // The rest of the waiting passes on the database's clock.
    installation.advance(std::time::Duration::from_secs(300)).await;
    until("another process has taken over", async || {
        (installation.call(&other, &store.access_token, PATH).await.status == 200).then_some(())
    })
    .await;
    let sent = installation.refreshes("mercado-libre").await;
    assert_eq!(sent.len(), 1);

    sleeper.wake();
    let status = call.await.unwrap();
    assert_eq!(status, Some(200), "the sleeper serves what the other saved");
    assert_eq!(
        installation.refreshes("mercado-libre").await,
        sent,
        "the sleeper sent nothing"
    );
    assert_eq!(installation.call(&sleeper, &store.access_token, PATH).await.status, 200);
    let state = rows::row(&installation.database, "SELECT status, health FROM stores");
    assert_eq!(state, json!({ "status": "connected", "health": "ok" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_over_a_lease_before_sixty_seconds_past_its_end() {
    let installation = Installation::start().await;
    let (sleeper, other) = (installation.serve().await, installation.serve().await);
    let store = installation
        .connect_expired(&sleeper, "mercado-libre", MERCADO_LIBRE)
        .await;
    let (lock, call) = hold_at_claim(&installation, &sleeper, &store).await;
    sleeper.pause();
    let_claim(&installation, lock).await;

    // The lease lasts 45 s: at 100 s its request could still be under way to the platform.
    installation.advance(std::time::Duration::from_secs(100)).await;
    let answer = send(
        &installation.client,
        &store.access_token,
        "GET",
        &format!("{}/v1/proxy{PATH}", other.url),
        None,
    )
    .await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(installation.refreshes("mercado-libre").await.len(), 0);
    call.abort();
}
