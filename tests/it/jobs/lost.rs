//! A lost job is found within minutes, whatever else waits; those that only wait keep their time.

use std::time::Duration;

use llavero::db::lost_jobs;

use super::*;
use crate::support::connecting::{MERCADO_LIBRE, WOOCOMMERCE, connect};
use crate::support::rows::{count, execute, rows, until, work};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_timer_that_lost_its_job_is_refreshed_within_minutes() {
    let app = connecting::start().await;
    shops(&app, 3).await;
    app.advance(46 * DAY);
    execute(&app.database, "DELETE FROM jobs WHERE kind = 'refresh_credential'");
    work(&app).await;
    app.advance(5 * MINUTE);
    work(&app).await;
    let renewed = "SELECT count(*) AS n FROM credentials WHERE refresh_at > (SELECT max(started_at) FROM refresh_logs)";
    assert_eq!(count(&app.database, renewed), 3);
}

#[tokio::test]
async fn a_lost_job_is_found_behind_any_number_that_only_wait() {
    let app = connecting::start().await;
    shops(&app, 3).await;
    app.advance(46 * DAY);
    // The first two are late, and have jobs that wait for their turn.
    let later = (app.clock.now() + chrono::Duration::hours(1)).to_rfc3339();
    execute(&app.database, &format!("UPDATE jobs SET due_at = '{later}'"));
    execute(
        &app.database,
        "DELETE FROM jobs WHERE unique_key = (SELECT 'refresh_credential:cred_' || replace(id::text, '-', '') \
         FROM credentials ORDER BY refresh_at DESC LIMIT 1)",
    );
    let found = app
        .app
        .db
        .run::<_, llavero::db::Error, _>(|conn| {
            let (mut found, mut last) = (Vec::new(), None);
            loop {
                let page = lost_jobs::late_timers(conn, 10 * MINUTE, last.as_ref(), 1)?;
                found.extend(page.iter().map(|seen| seen.lost));
                last = page.last().cloned();
                if last.is_none() {
                    return Ok(found);
                }
            }
        })
        .await
        .unwrap();
    assert_eq!(found, [false, false, true]);
    let before = rows(
        &app.database,
        "SELECT id, due_at FROM jobs WHERE kind = 'refresh_credential' ORDER BY id",
    );
    work(&app).await;
    until("the lost job is back", async || {
        (count(
            &app.database,
            "SELECT count(*) AS n FROM jobs WHERE kind = 'refresh_credential' AND status = 'ready'",
        ) == 3)
            .then_some(())
    })
    .await;
    let after = rows(
        &app.database,
        "SELECT id, due_at FROM jobs WHERE kind = 'refresh_credential' ORDER BY id",
    );
    for job in before {
        assert!(after.contains(&job), "a job that waits keeps its time: {job} {after:?}");
    }
}

#[tokio::test]
async fn lost_verifications_and_announcements_come_back() {
    let app = connecting::start().await;
    connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let deadline = (app.clock.now() + 20 * DAY).to_rfc3339();
    execute(
        &app.database,
        &format!("UPDATE credentials SET reauthorize_by = '{deadline}' WHERE platform = 'mercado-libre'"),
    );
    execute(&app.database, "DELETE FROM jobs");
    work(&app).await;
    let kinds = rows(
        &app.database,
        "SELECT kind FROM jobs WHERE status = 'ready' AND kind IN ('verify_credential', 'announce_deadline') ORDER BY kind",
    );
    assert_eq!(
        kinds
            .iter()
            .map(|row| row["kind"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["announce_deadline", "verify_credential"]
    );
}
