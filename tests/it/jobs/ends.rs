//! How a job ends: done, again after a growing wait, or as a dead letter that somebody can look at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use llavero::app::App;
use llavero::broker;
use llavero::crypto::Random;
use llavero::domain::admin::Actor;
use llavero::domain::id::{Id as _, JobId};
use llavero::domain::secret::Secret;
use llavero::jobs::Runner;
use llavero::mail::Mailer;
use serde_json::{Value, json};

use super::{TRIFLES_DONE, enqueue_trifle};
use crate::support::connecting::{MERCADO_LIBRE, connect};
use crate::support::rows::{self, count, row, until, work};
use crate::support::test_app::{TestApp, Wishes, assemble, config};

/// A second program on the same database whose mail server is not there.
fn without_mail(app: &TestApp) -> Arc<App> {
    let folder = app.data.path().join("second");
    std::fs::create_dir_all(&folder).unwrap();
    let config = config(&app.database.url(), &app.url, &app.sandbox, &folder, &Wishes::default());
    let mut second = assemble(config, app.clock.clone(), tokio::runtime::Handle::current());
    second.random = Random::seeded(43);
    second.mailer = Mailer::smtp(&Secret::new("smtp://127.0.0.1:1"), "Llavero <llavero@example.com>").unwrap();
    Arc::new(second)
}

/// A store that died, so that an admin has to be told; the job that tells is left.
async fn with_a_notice(app: &TestApp) {
    let store = connect(app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    app.advance(Duration::from_secs(7 * 3600));
    assert_eq!(app.call(&store.access_token, "GET", "/anything").await.status, 401);
}

fn notice_job(app: &TestApp) -> Value {
    row(
        &app.database,
        "SELECT status, attempts, due_at, last_error FROM jobs WHERE kind = 'send_notice'",
    )
}

fn notice(app: &TestApp) -> Value {
    row(&app.database, "SELECT status, error FROM notices")
}

fn due(app: &TestApp) -> DateTime<Utc> {
    notice_job(app)["due_at"].as_str().unwrap().parse().unwrap()
}

/// As if all tries but the last had failed; the number of the last.
fn nearly_given_up(app: &TestApp) -> i64 {
    let last = "UPDATE jobs SET attempts = max_attempts - 1 WHERE kind = 'send_notice'";
    assert_eq!(rows::execute(&app.database, last), 1);
    count(
        &app.database,
        "SELECT max_attempts AS n FROM jobs WHERE kind = 'send_notice'",
    )
}

/// Runs until the job was tried so many times.
async fn tried(app: &TestApp, second: &Arc<App>, attempts: i64) {
    let runner = Runner::start(second.clone());
    until("it is tried", async || {
        let job = notice_job(app);
        (job["attempts"] == attempts && job["status"] != "running").then_some(())
    })
    .await;
    runner.stop().await;
}

#[tokio::test]
async fn a_job_that_cannot_be_done_now_is_tried_after_growing_waits_and_ends_as_a_dead_letter() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    with_a_notice(&app).await;
    let second = without_mail(&app);
    let mut waits = Vec::new();
    for attempt in 1..=11 {
        tried(&app, &second, attempt).await;
        let job = notice_job(&app);
        assert_eq!(job["status"], "ready", "{job}");
        assert!(job["last_error"].is_string(), "{job}");
        let wait = due(&app) - app.clock.now();
        assert!(wait > chrono::Duration::zero(), "{job}");
        waits.push(wait.num_milliseconds());
        app.clock.set(due(&app));
    }
    assert!(waits[5] > 4 * waits[0], "{waits:?}");
    assert!(waits[10] <= 3_600_000, "{waits:?}");
    assert_eq!(notice(&app)["status"], "pending");
    assert!(notice(&app)["error"].is_string(), "its page tells what is wrong");
    let last = nearly_given_up(&app);
    tried(&app, &second, last).await;
    assert_eq!(notice_job(&app)["status"], "failed");
    assert_eq!(notice(&app)["status"], "failed");

    // A dead letter is left alone, and not lost.
    app.advance(Duration::from_secs(86_400));
    work(&app).await;
    let left = notice_job(&app);
    assert_eq!((&left["status"], &left["attempts"]), (&json!("failed"), &json!(last)));
    second.listener.stop();
}

#[tokio::test]
async fn waits_of_jobs_that_failed_together_differ() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    with_a_notice(&app).await;
    // The same incident told to six people.
    rows::execute(
        &app.database,
        "INSERT INTO notices (id, kind, audience, app_id, store_id, incident, recipient, language, details)
         SELECT gen_random_uuid(), kind, audience, app_id, store_id, incident, n || '@example.com', language, details
         FROM notices, generate_series(1, 5) n WHERE audience = 'admins'",
    );
    rows::execute(&app.database, "DELETE FROM jobs");
    let now = app.clock.now().to_rfc3339();
    rows::execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, due_at) SELECT gen_random_uuid(), 'send_notice',
             jsonb_build_object('notice', 'notice_' || replace(id::text, '-', '')), '{now}' FROM notices WHERE audience = 'admins'"
        ),
    );
    let second = without_mail(&app);
    let runner = Runner::start(second.clone());
    let tried = "SELECT count(*) AS n FROM jobs WHERE status = 'ready' AND attempts = 1";
    until("all are tried", async || {
        (count(&app.database, tried) == 6).then_some(())
    })
    .await;
    runner.stop().await;
    let times: BTreeSet<String> = rows::rows(&app.database, "SELECT due_at FROM jobs WHERE kind = 'send_notice'")
        .iter()
        .map(|row| row["due_at"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.len() >= 5, "{times:?}");
    second.listener.stop();
}

#[tokio::test]
async fn a_job_that_nobody_understands_is_kept_with_its_error_and_stops_no_other() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let now = app.clock.now().to_rfc3339();
    let strange = format!("INSERT INTO jobs (id, kind, due_at) VALUES (gen_random_uuid(), 'from_the_future', '{now}')");
    rows::execute(&app.database, &strange);
    enqueue_trifle(&app);
    let runner = Runner::start(app.app.clone());
    let met = "SELECT count(*) AS n FROM jobs WHERE kind = 'from_the_future' AND last_error IS NOT NULL";
    until("it is met", async || (count(&app.database, met) == 1).then_some(())).await;
    until("the other is done", async || {
        (count(&app.database, TRIFLES_DONE) == 1).then_some(())
    })
    .await;
    runner.stop().await;
}

#[tokio::test]
async fn a_job_about_something_that_is_gone_is_done() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let now = app.clock.now().to_rfc3339();
    for (kind, name, id) in [
        (
            "refresh_credential",
            "credential",
            "cred_01900000000070008000000000000000",
        ),
        (
            "verify_credential",
            "credential",
            "cred_01900000000070008000000000000000",
        ),
        ("send_notice", "notice", "notice_01900000000070008000000000000000"),
    ] {
        let insert = format!(
            "INSERT INTO jobs (id, kind, payload, due_at)
             VALUES (gen_random_uuid(), '{kind}', jsonb_build_object('{name}', '{id}'), '{now}')"
        );
        rows::execute(&app.database, &insert);
    }
    work(&app).await;
    let kinds = "('refresh_credential', 'verify_credential', 'send_notice')";
    let done = format!("SELECT count(*) AS n FROM jobs WHERE status = 'done' AND kind IN {kinds}");
    assert_eq!(count(&app.database, &done), 3);
}

#[tokio::test]
async fn a_notice_that_was_sent_is_not_sent_again_when_its_job_runs_twice() {
    let app = TestApp::start().await;
    with_a_notice(&app).await;
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 1);
    let now = app.clock.now().to_rfc3339();
    let again =
        format!("UPDATE jobs SET status = 'ready', due_at = '{now}', finished_at = NULL WHERE kind = 'send_notice'");
    rows::execute(&app.database, &again);
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 0);
}

#[tokio::test]
async fn a_notice_that_was_given_up_is_sent_when_its_job_is_run_again() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    with_a_notice(&app).await;
    let second = without_mail(&app);
    let last = nearly_given_up(&app);
    tried(&app, &second, last).await;
    second.listener.stop();
    assert_eq!(notice(&app)["status"], "failed");

    let id = row(&app.database, "SELECT id FROM jobs WHERE kind = 'send_notice'");
    let id = JobId::from_uuid(id["id"].as_str().unwrap().parse().unwrap());
    broker::jobs::retry(&app.app, id, Actor::command()).await.unwrap();
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 1);
    assert_eq!(notice(&app), json!({ "status": "sent", "error": null }));
    assert_eq!(notice_job(&app)["status"], "done");
}

#[tokio::test]
async fn a_mail_that_is_out_is_not_sent_again_because_that_could_not_be_noted_at_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    with_a_notice(&app).await;
    // What a sequence counts stays counted when the statement fails.
    for statement in [
        "CREATE SEQUENCE tries",
        "CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'not now'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER fail_twice BEFORE UPDATE ON notices
         FOR EACH ROW WHEN (NEW.status = 'sent') EXECUTE FUNCTION fail_twice()",
    ] {
        rows::execute(&app.database, statement);
    }
    work(&app).await;
    app.advance(Duration::from_secs(3600));
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 1);
    assert_eq!(notice(&app)["status"], "sent");
    assert_eq!(count(&app.database, "SELECT last_value AS n FROM tries"), 3);
}
