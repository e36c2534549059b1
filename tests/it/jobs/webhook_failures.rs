//! Endpoints that fail: deliveries are given up after three days and can be sent again, a dead endpoint is asked less and
//! less, and after days of nothing but failures no more, which its admins are told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::rows::work;
use crate::custom_platforms::owner;
use crate::support::connecting::start;
use crate::support::receiver::Receiver;
use crate::support::test_app::TestApp;
use crate::support::webhooks::{Listening, deliveries};

/// Moves to the next attempt of any delivery and makes it; when that was, `None`: nothing waits.
async fn next(app: &TestApp) -> Option<DateTime<Utc>> {
    let due = "SELECT due_at FROM jobs WHERE kind = 'deliver_webhook' AND status = 'ready' ORDER BY due_at LIMIT 1";
    let found = super::rows::rows(&app.database, due);
    let at: DateTime<Utc> = found.first()?["due_at"].as_str().unwrap().parse().unwrap();
    app.clock.set(at.max(app.clock.now()));
    work(app).await;
    Some(at)
}

#[tokio::test]
async fn a_delivery_is_given_up_after_three_days_and_can_be_sent_again() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.answer(500, "");
    listening.test(&app).await;
    let begun = app.clock.now();
    work(&app).await;
    let mut times = vec![begun];
    while deliveries(&app, "?status=pending").await.len() == 1 {
        next(&app).await.expect("it has its time");
        if receiver.requests().len() > times.len() {
            times.push(app.clock.now());
        }
        assert!(times.len() <= 20, "{times:?}");
    }
    assert_eq!(times.len(), 11, "{times:?}");
    let took = *times.last().unwrap() - begun;
    assert!(took > TimeDelta::hours(60) && took <= TimeDelta::hours(73), "{took}");
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    let given_up = deliveries(&app, "?status=dead_lettered").await;
    assert_eq!(given_up[0]["attempts"].as_array().unwrap().len(), 11);
    assert!(given_up[0]["dead_lettered_at"].is_string());
    // It stays on, for it has not failed for long enough.
    assert_eq!(listening.shown(&app).await["disabled"], false);

    receiver.answer(204, "");
    let path = format!("/v1/webhook-deliveries/{}/retry", given_up[0]["id"].as_str().unwrap());
    assert_eq!(app.api("POST", &path, None).await.status, 202);
    app.advance(Duration::from_secs(3600));
    work(&app).await;
    assert_eq!(deliveries(&app, "?status=delivered").await.len(), 1);
    assert!(listening.shown(&app).await["failing_since"].is_null());
}

#[tokio::test]
async fn a_dead_endpoint_is_asked_less_and_less_and_with_one_delivery() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.answer(503, "");
    for _ in 0..30 {
        listening.test(&app).await;
    }
    work(&app).await;
    let asked = receiver.requests().len();
    assert!((5..=8).contains(&asked), "{asked}");
    // The next day it is asked about once an hour, whatever waits.
    let begun = app.clock.now();
    while app.clock.now() - begun < TimeDelta::hours(24) {
        next(&app).await.expect("it is tried again");
    }
    let asked = receiver.requests().len() - asked;
    assert!((20..=40).contains(&asked), "{asked}");

    // Once it answers, all is delivered.
    receiver.answer(204, "");
    while deliveries(&app, "?status=pending&limit=1").await.len() == 1 {
        next(&app).await.expect("it is tried again");
    }
    assert_eq!(deliveries(&app, "?status=delivered&limit=200").await.len(), 30);
}

#[tokio::test]
async fn an_endpoint_that_only_fails_for_five_days_is_disabled_with_a_mail() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.answer(500, "");
    let begun = app.clock.now();
    for day in 0..5 {
        app.clock.set((begun + TimeDelta::days(day)).max(app.clock.now()));
        listening.test(&app).await;
        work(&app).await;
        assert_eq!(listening.shown(&app).await["disabled"], false, "day {day}");
    }
    while listening.shown(&app).await["disabled"] == false {
        next(&app).await.expect("it is tried again");
    }
    let lasted = app.clock.now() - begun;
    assert!(lasted >= TimeDelta::days(5) && lasted < TimeDelta::days(6), "{lasted}");
    let shown = listening.shown(&app).await;
    assert_eq!(shown["disabled_reason"], "failing");
    assert_eq!(deliveries(&app, "?status=pending").await.len(), 0);
    work(&app).await;
    let mails = app.app.mailer.taken();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, llavero::dev::demo::ADMIN);
    let page = format!("{}/admin/apps/{}", app.url, app.demo.app_id);
    assert!(
        mails[0].text.contains("127.0.0.1") && mails[0].text.contains(&page),
        "{}",
        mails[0].text
    );

    // Enabled again it begins afresh, and what it missed can be replayed.
    receiver.answer(204, "");
    app.api("PATCH", &listening.path(), Some(json!({ "disabled": false })))
        .await;
    listening.test(&app).await;
    work(&app).await;
    assert_eq!(deliveries(&app, "?status=delivered").await.len(), 1);
}

#[tokio::test]
async fn failures_days_apart_are_no_series() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    for _ in 0..3 {
        receiver.next(&[500]);
        listening.test(&app).await;
        work(&app).await;
        // It answers the second time, but the first failure of a year later must not end it.
        super::rows::execute(
            &app.database,
            "UPDATE webhook_deliveries SET status = 'dead_lettered' WHERE status = 'pending'",
        );
        app.advance(Duration::from_secs(6 * 86_400));
    }
    assert_eq!(listening.shown(&app).await["disabled"], false);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.answer(410, "");
    listening.test(&app).await;
    listening.test(&app).await;
    work(&app).await;
    let shown = listening.shown(&app).await;
    assert_eq!(
        (&shown["disabled"], &shown["disabled_reason"]),
        (&json!(true), &json!("gone"))
    );
    assert_eq!(deliveries(&app, "?status=dead_lettered").await.len(), 2);
    assert_eq!(app.app.mailer.taken().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_fails_like_any_other() {
    let app = start().await;
    let listening = Listening::with(&app, json!({ "url": "http://127.0.0.1:1/hooks" })).await;
    listening.test(&app).await;
    work(&app).await;
    let tried = deliveries(&app, &format!("?endpoint_id={}", listening.id)).await;
    assert_eq!(tried[0]["status"], "pending");
    assert!(
        tried[0]["attempts"][0]["error"]
            .as_str()
            .unwrap()
            .contains("no connection"),
        "{tried:?}"
    );
    let event = tried[0]["event_id"].as_str().unwrap();
    assert_eq!(deliveries(&app, &format!("?event_id={event}")).await.len(), 1);
}

#[tokio::test]
async fn the_log_shows_each_attempts_request_as_it_was_sent_and_what_was_answered() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.next(&[503]);
    let asked = listening.test(&app).await;
    work(&app).await;
    next(&app).await;
    let sent = receiver.requests();
    let path = format!("/v1/webhook-deliveries/{}", asked["id"].as_str().unwrap());
    let shown = app.api("GET", &path, None).await.json();
    let attempts = shown["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), sent.len()), (2, 2));
    for (attempt, sent) in attempts.iter().zip(&sent) {
        let request = &attempt["request"];
        assert_eq!(
            (&request["url"], &request["body"]),
            (&json!(receiver.url), &json!(sent.body))
        );
        for name in ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert_eq!(request["headers"][name], json!(sent.header(name)), "{name}");
        }
        assert!(!request.to_string().contains(&listening.secret));
    }
    assert_eq!(attempts[0]["http_status"], 503);

    let owner = owner(&app).await;
    let page = owner.get(&format!("{}/admin/apps/{}", app.url, app.demo.app_id)).await;
    let text = owner.get(&page.link("webhook.test")).await.text();
    for what in [
        "Attempt 1",
        "Attempt 2",
        "503",
        "204",
        sent[0].header("webhook-signature"),
        sent[1].header("webhook-signature"),
        receiver.url.as_str(),
        "\"webhook_endpoint_id\"",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
}

#[tokio::test]
async fn an_answers_beginning_is_shown_and_what_was_never_sent_has_no_request() {
    let app = start().await;
    let receiver = Receiver::start().await;
    receiver.echo();
    let listening = Listening::to(&app, &receiver).await;
    listening.test(&app).await;
    work(&app).await;
    let shown = deliveries(&app, "").await;
    let answer = shown[0]["attempts"][0]["answer"].as_str().unwrap();
    assert!(answer.starts_with("{\"data\":"), "{answer}");
    // A secret that cannot be opened signs nothing.
    super::rows::execute(&app.database, "UPDATE webhook_endpoints SET secret_sealed = 'x'");
    listening.test(&app).await;
    work(&app).await;
    let shown = deliveries(&app, "?status=pending").await;
    assert!(shown[0]["attempts"][0]["request"].is_null(), "{shown:?}");
}
