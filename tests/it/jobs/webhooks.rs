//! Webhooks arrive: signed so that the partners' library takes them and nothing else, at least once, under the same id.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use llavero::domain::job::Job;
use llavero::jobs::Runner;
use serde_json::json;
use standardwebhooks::WebhookError;

use super::rows::{self, count, until, work};
use crate::support::connecting::{Way, connect_for, start};
use crate::support::receiver::Receiver;
use crate::support::test_app::TestApp;
use crate::support::webhooks::{Listening, deliveries, verify};

#[expect(clippy::disallowed_methods, reason = "the partners' library asks the machine itself")]
fn machine_time() -> DateTime<Utc> {
    Utc::now()
}

/// The one delivery of the demo app.
async fn delivery(app: &TestApp) -> serde_json::Value {
    let mut all = deliveries(app, "").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn the_partners_library_takes_a_delivery_and_refuses_an_altered_an_old_and_a_foreign_one() {
    let app = start().await;
    app.clock.set(machine_time());
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    let store = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    work(&app).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    verify(&listening.secret, request).unwrap();
    assert!(request.head.starts_with("POST /hooks "), "{}", request.head);
    assert_eq!(request.header("content-type"), "application/json");
    let body = request.json();
    assert_eq!(
        (
            &body["type"],
            &body["data"]["store_id"],
            &body["data"]["store_sequence"]
        ),
        (&json!("store.connected"), &json!(store.store_id), &json!(1))
    );
    let told_at: DateTime<Utc> = body["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((machine_time() - told_at).abs() < TimeDelta::minutes(5));
    let listed = app.api("GET", "/v1/events", None).await.json();
    assert_eq!(listed["data"][0]["id"], json!(request.header("webhook-id")));

    let mut altered = request.clone();
    altered.body = altered.body.replace("store.connected", "store.recovered");
    assert!(matches!(
        verify(&listening.secret, &altered),
        Err(WebhookError::InvalidSignature)
    ));
    let mut renamed = request.clone();
    renamed
        .headers
        .iter_mut()
        .filter(|(name, _)| name == "webhook-id")
        .for_each(|header| header.1.push('0'));
    assert!(matches!(
        verify(&listening.secret, &renamed),
        Err(WebhookError::InvalidSignature)
    ));
    let other = Listening::to(&app, &receiver).await;
    assert!(matches!(
        verify(&other.secret, request),
        Err(WebhookError::InvalidSignature)
    ));

    // What is kept and sent again later is too old.
    app.clock.set(machine_time() - TimeDelta::minutes(6));
    listening.test(&app).await;
    work(&app).await;
    let old = receiver.requests().pop().unwrap();
    assert!(matches!(
        verify(&listening.secret, &old),
        Err(WebhookError::TimestampTooOldError)
    ));
}

#[tokio::test]
async fn both_secrets_sign_while_a_roll_over_lasts() {
    let app = start().await;
    app.clock.set(machine_time() - TimeDelta::seconds(120));
    let receiver = Receiver::start().await;
    let first = Listening::to(&app, &receiver).await;
    let roll = format!("{}/secret", first.path());
    let rolled = app.api("POST", &roll, Some(json!({ "overlap_seconds": 60 }))).await;
    assert_eq!(rolled.status, 200, "{}", rolled.body);
    let second = rolled.json()["secret"].as_str().unwrap().to_owned();
    assert!(rolled.json()["previous_secret_ends_at"].is_string());
    first.test(&app).await;
    work(&app).await;
    let request = receiver.requests().pop().unwrap();
    verify(&first.secret, &request).unwrap();
    verify(&second, &request).unwrap();

    app.advance(Duration::from_secs(60));
    first.test(&app).await;
    work(&app).await;
    let request = receiver.requests().pop().unwrap();
    assert!(verify(&first.secret, &request).is_err());
    verify(&second, &request).unwrap();
    assert!(first.shown(&app).await["previous_secret_ends_at"].is_null());

    // Rolled over without an overlap, the one before stops at once.
    let rolled = app.api("POST", &roll, Some(json!({ "overlap_seconds": 0 }))).await;
    let third = rolled.json()["secret"].as_str().unwrap().to_owned();
    first.test(&app).await;
    work(&app).await;
    let request = receiver.requests().pop().unwrap();
    assert!(verify(&second, &request).is_err());
    verify(&third, &request).unwrap();
    let too_long = app
        .api("POST", &roll, Some(json!({ "overlap_seconds": 604_801 })))
        .await;
    assert_eq!(too_long.status, 400);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_later_under_the_same_id() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.next(&[500, 302]);
    listening.test(&app).await;
    work(&app).await;
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(delivery(&app).await["status"], "pending");
    // Not before its time.
    work(&app).await;
    assert_eq!(receiver.requests().len(), 1);
    for tries in [2, 3] {
        let next = delivery(&app).await["next_attempt_at"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        app.clock.set(next);
        work(&app).await;
        assert_eq!(receiver.requests().len(), tries);
    }
    let done = delivery(&app).await;
    assert_eq!(
        (&done["status"], &done["next_attempt_at"]),
        (&json!("delivered"), &json!(null))
    );
    let attempts = done["attempts"].as_array().unwrap();
    let statuses: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["http_status"].as_i64().unwrap())
        .collect();
    assert_eq!(statuses, [500, 302, 204]);
    assert!(attempts[1]["error"].as_str().unwrap().contains("redirect"));
    let ids: Vec<String> = receiver
        .requests()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0] && id.starts_with("evt_")), "{ids:?}");
    assert_eq!(done["event_id"], json!(ids[0]));
    // The time is each attempt's own.
    assert_ne!(
        receiver.requests()[0].header("webhook-timestamp"),
        receiver.requests()[2].header("webhook-timestamp")
    );
}

#[tokio::test]
async fn an_endpoint_that_asks_for_time_gets_it() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.answer(429, "Retry-After: 3600\r\n");
    listening.test(&app).await;
    work(&app).await;
    let next: DateTime<Utc> = delivery(&app).await["next_attempt_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(next - app.clock.now(), TimeDelta::hours(1));
}

#[tokio::test]
async fn one_delivery_is_sent_again_on_request() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    listening.test(&app).await;
    work(&app).await;
    let path = format!(
        "/v1/webhook-deliveries/{}",
        delivery(&app).await["id"].as_str().unwrap()
    );
    let asked = app.api("POST", &format!("{path}/retry"), None).await;
    assert_eq!((asked.status, &asked.json()["status"]), (202, &json!("pending")));
    work(&app).await;
    let ids: Vec<String> = receiver
        .requests()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(
        app.api("GET", &path, None).await.json()["attempts"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_delivery_that_is_asked_for_again_before_its_answer_is_noted_is_sent_again() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.hold(true);
    let asked = listening.test(&app).await;
    let runner = Runner::start(app.app.clone());
    until("it has come", async || (receiver.requests().len() == 1).then_some(())).await;
    let retry = format!("/v1/webhook-deliveries/{}/retry", asked["id"].as_str().unwrap());
    assert_eq!(app.api("POST", &retry, None).await.status, 202);
    receiver.hold(false);
    until("it has come again", async || {
        (receiver.requests().len() == 2).then_some(())
    })
    .await;
    until("both answers are noted", async || {
        (delivery(&app).await["status"] == "delivered").then_some(())
    })
    .await;
    runner.stop().await;
    assert_eq!(delivery(&app).await["attempts"].as_array().unwrap().len(), 2);
    let requests = receiver.requests();
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
}

#[tokio::test]
async fn a_range_of_events_is_sent_again_to_an_endpoint_that_was_not_there() {
    let app = start().await;
    let mut stores = Vec::new();
    for number in 0..3 {
        let shop = format!("shop-{number}.myshopify.com");
        stores.push(
            connect_for(
                &app,
                "customer-1",
                &Way::with("shopify", "expiring", &[("shop", &shop)]),
            )
            .await,
        );
        app.advance(Duration::from_secs(60));
    }
    let begun = app.clock.now() - TimeDelta::minutes(2);
    app.api("DELETE", &format!("/v1/stores/{}", stores[0].store_id), None)
        .await;
    let receiver = Receiver::start().await;
    let asked = json!({ "url": receiver.url, "event_types": ["store.connected"] });
    let listening = Listening::with(&app, asked).await;
    let replay = format!("{}/replay", listening.path());
    let replayed = app.api("POST", &replay, Some(json!({ "since": begun }))).await;
    assert_eq!(
        (replayed.status, replayed.json()),
        (202, json!({ "events": 2 })),
        "{}",
        replayed.body
    );
    work(&app).await;
    assert_eq!(receiver.kinds(), ["store.connected", "store.connected"]);
    // Again, to an endpoint that has them: the same ids.
    let all = json!({ "since": begun - TimeDelta::days(1), "until": app.clock.now() });
    assert_eq!(app.api("POST", &replay, Some(all)).await.json(), json!({ "events": 3 }));
    work(&app).await;
    let mut ids: Vec<String> = receiver
        .requests()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 5);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let backwards = json!({ "since": app.clock.now(), "until": begun });
    assert_eq!(app.api("POST", &replay, Some(backwards)).await.status, 400);
}

#[tokio::test]
async fn an_attempt_that_was_cut_off_is_made_again_with_the_same_id() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    receiver.hold(true);
    listening.test(&app).await;
    let job = Job::DeliverWebhook {
        endpoint: listening.id.parse().unwrap(),
        delivery: None,
    };
    let tools = app.app.clone();
    let cut_off = tokio::spawn(async move { llavero::jobs::run(&tools, job, 1).await });
    until("it is sent", async || (receiver.requests().len() == 1).then_some(())).await;
    cut_off.abort();
    let _ = cut_off.await;
    receiver.hold(false);
    // While the attempt may still be under way nobody makes another.
    work(&app).await;
    assert_eq!(receiver.requests().len(), 1);
    app.advance(Duration::from_secs(61));
    work(&app).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_eq!(delivery(&app).await["status"], "delivered");
}

#[tokio::test]
async fn a_slow_endpoint_holds_back_no_other_and_gets_few_at_once() {
    let app = start().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    let listening = Listening::to(&app, &slow).await;
    slow.hold(true);
    for _ in 0..12 {
        listening.test(&app).await;
    }
    let other = Listening::to(&app, &quick).await;
    other.test(&app).await;
    let runner = Runner::start(app.app.clone());
    until("the quick one has its event", async || {
        (quick.requests().len() == 1).then_some(())
    })
    .await;
    let waiting = "SELECT count(*) AS n FROM webhook_deliveries WHERE status = 'delivered'";
    until("its answer is noted", async || {
        (count(&app.database, waiting) == 1).then_some(())
    })
    .await;
    until("the slow one has as many as it may", async || {
        (slow.requests().len() == 4).then_some(())
    })
    .await;
    let idle =
        "SELECT count(*) AS n FROM jobs WHERE kind = 'deliver_webhook' AND status = 'ready' AND due_at <= '{now}'"
            .replace("{now}", &app.clock.now().to_rfc3339());
    until("all its jobs were looked at", async || {
        (count(&app.database, &idle) == 0).then_some(())
    })
    .await;
    assert_eq!(slow.requests().len(), 4);
    slow.hold(false);
    until("all is delivered", async || {
        (count(&app.database, waiting) == 13).then_some(())
    })
    .await;
    runner.stop().await;
    assert_eq!(slow.requests().len(), 12);
    let per_event = "SELECT count(*) AS n FROM webhook_deliveries WHERE attempts <> 1";
    assert_eq!(rows::count(&app.database, per_event), 0);
}

#[tokio::test]
async fn a_roll_over_that_is_asked_for_again_keeps_its_promise_to_the_secret_that_was_there_first() {
    let app = start().await;
    app.clock.set(machine_time() - TimeDelta::seconds(120));
    let receiver = Receiver::start().await;
    let first = Listening::to(&app, &receiver).await;
    let roll = format!("{}/secret", first.path());
    let rolled = async |seconds: u64| {
        app.api("POST", &roll, Some(json!({ "overlap_seconds": seconds })))
            .await
    };
    let lost = rolled(60).await.json();
    // The answer was lost; the partner asks again, and for less.
    let again = rolled(1).await.json();
    assert_eq!(again["previous_secret_ends_at"], lost["previous_secret_ends_at"]);
    app.advance(Duration::from_secs(30));
    first.test(&app).await;
    work(&app).await;
    let request = receiver.requests().pop().unwrap();
    verify(&first.secret, &request).unwrap();
    verify(again["secret"].as_str().unwrap(), &request).unwrap();
    assert!(verify(lost["secret"].as_str().unwrap(), &request).is_err());
    app.advance(Duration::from_secs(30));
    first.test(&app).await;
    work(&app).await;
    let request = receiver.requests().pop().unwrap();
    assert!(verify(&first.secret, &request).is_err());
    verify(again["secret"].as_str().unwrap(), &request).unwrap();
}
