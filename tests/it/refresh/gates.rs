//! The circuit breaker is each process' own, and so are its figures: what one has learnt of a platform stops nobody else,
//! and whoever watches sees by process who pauses.

use std::time::Duration;

use serde_json::json;

use super::PATH;
use crate::support::installation::Installation;
use crate::support::processes::{Process, free_address};
use crate::support::rows::until;

/// A server with an address for its figures.
async fn measured(installation: &Installation) -> (Process, String) {
    let bind = free_address();
    let setting = [("LLAVERO_METRICS_BIND", bind.clone())];
    let process = installation.serve_with(&["serve"], &setting).await;
    (process, format!("http://{bind}/metrics"))
}

/// How many clients at hosts this process has paused.
async fn open(installation: &Installation, metrics: &str) -> u64 {
    let answer = installation.client.get(metrics).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("llavero_breakers_open{platform=\"walmart\"} "));
    line.map_or(0, |number| number.parse().unwrap())
}

async fn tokens(installation: &Installation, process: &Process, stores: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for number in 0..stores {
        let fields = json!({
            "client_id": format!("sandbox-seller-{number}"), "client_secret": "sandbox-secret", "market": "us",
        });
        let body = json!({ "platform": "walmart", "method": "keys", "customer_id": "customer-1", "fields": fields });
        let made = installation.api(process, "POST", "/v1/stores", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        tokens.push(made.json()["access_token"].as_str().unwrap().to_owned());
    }
    tokens
}

async fn asked(installation: &Installation) -> usize {
    let all = installation.received("walmart").await;
    all.iter().filter(|entry| entry["token_call"] == true).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_has_learnt_of_an_outage_stops_no_other_and_each_tells_its_own() {
    let installation = Installation::start().await;
    let ((one, metrics_of_one), (two, metrics_of_two)) = (measured(&installation).await, measured(&installation).await);
    let stores = tokens(&installation, &one, 7).await;
    installation.advance(Duration::from_secs(3600)).await;
    for process in [&one, &two] {
        installation.followed(process).await;
    }
    let fault = json!({ "calls": "token", "status": 503 });
    let order = json!({ "platform": "walmart", "times": 100_000, "fault": fault });
    installation.control("faults", order).await;

    let before = asked(&installation).await;
    let down = async |process: &Process, store: usize| {
        let answer = installation.call(process, &stores[store], PATH).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (503, Some("platform_unavailable")),
            "{}",
            answer.body
        );
        asked(&installation).await - before
    };
    for (store, calls) in (0..5).zip(1..) {
        assert_eq!(down(&one, store).await, calls);
    }
    assert_eq!(down(&one, 5).await, 5, "this one asks nobody any more");
    assert_eq!(open(&installation, &metrics_of_one).await, 1);
    assert_eq!(open(&installation, &metrics_of_two).await, 0);
    assert_eq!(down(&two, 6).await, 6, "the other looks for itself");
    assert_eq!(open(&installation, &metrics_of_two).await, 0, "once is no outage");

    let over = format!("{}/_control/faults?platform=walmart", installation.sandbox);
    assert_eq!(installation.client.delete(over).send().await.unwrap().status(), 204);
    assert_eq!(
        installation.call(&two, &stores[5], PATH).await.status,
        200,
        "nothing but one's own waits stands against a call"
    );
    // What the other saved serves here as well, pause or not.
    assert_eq!(installation.call(&one, &stores[5], PATH).await.status, 200);
    until("the first has found out, too", async || {
        (installation.call(&one, &stores[4], PATH).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(open(&installation, &metrics_of_one).await, 0);
}
