//! Faults by order: how often they strike, and what the platform has done by then.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Bench, ML};
use crate::sandbox::server::serve_state;

#[actix_web::test]
async fn faults_strike_as_often_as_ordered_and_say_whether_they_were_processed() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let order = json!({
        "platform": "mercado-libre",
        "times": 2,
        "fault": { "calls": "token", "status": 429, "retry_after": 30 },
    });
    bench.control("/faults", order).await;
    for _ in 0..2 {
        let throttled = bench.refresh(&refresh).await;
        assert_eq!(
            (
                throttled.status,
                throttled.headers.get("retry-after").unwrap().to_str().unwrap()
            ),
            (429, "30")
        );
    }
    let after = bench.refresh(&refresh).await;
    assert_eq!(after.status, 200);

    let refresh = after.text_at("/refresh_token");
    let order = json!({ "platform": "mercado-libre", "fault": { "status": 502, "processed": true } });
    bench.control("/faults", order).await;
    assert_eq!(bench.refresh(&refresh).await.status, 502);
    assert_eq!(bench.refresh(&refresh).await.text_at("/error"), "invalid_grant");

    let log = bench.get("/_control/log?platform=mercado-libre", &[]).await.json();
    let processed: Vec<&Value> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["processed"])
        .collect();
    assert_eq!(json!(processed), json!([true, true, false, false, true, true, true]));
    assert_eq!(log["counts"]["token_calls"], 6);
    assert_eq!(log["data"][1]["form"][0], json!(["grant_type", "authorization_code"]));
}

/// What comes back on the wire, byte by byte, until the server closes or has answered.
async fn raw_post(bench: &Bench, path: &str, form: &str) -> String {
    let running = serve_state(TcpListener::bind("127.0.0.1:0").unwrap(), bench.state.clone()).unwrap();
    let mut stream = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    running.stop().await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn a_lost_answer_closes_the_connection_after_the_token_was_rotated() {
    let bench = Bench::new();
    for (effect, old_token_works) in [("lost_answer", false), ("unprocessed", true)] {
        let (_, refresh) = bench.connect().await;
        bench
            .control(
                "/faults",
                json!({ "platform": "mercado-libre", "fault": { "effect": effect } }),
            )
            .await;
        let form = format!(
            "grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret&refresh_token={refresh}"
        );
        assert_eq!(raw_post(&bench, &format!("{ML}/oauth/token"), &form).await, "");
        let log = bench.get("/_control/log", &[]).await.json();
        let last = log["data"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["status"], &last["processed"]),
            (&Value::Null, &json!(!old_token_works))
        );
        assert_eq!(bench.refresh(&refresh).await.status == 200, old_token_works, "{effect}");
    }
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}

#[actix_web::test]
async fn a_request_whose_sender_has_gone_is_processed_late() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let fault = json!({ "calls": "token", "delay_before_ms": 20 });
    bench
        .control("/faults", json!({ "platform": "mercado-libre", "fault": fault }))
        .await;
    let running = serve_state(TcpListener::bind("127.0.0.1:0").unwrap(), bench.state.clone()).unwrap();
    let form = format!(
        "grant_type=refresh_token&client_id=sandbox-client&client_secret=sandbox-secret&refresh_token={refresh}"
    );
    let mut stream = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let length = form.len();
    let request = format!(
        "POST {ML}/oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // The fault is taken once the request has been read; only then does its sender leave.
    until(|| bench.state.world().faults.list().count() == 0).await;
    drop(stream);
    until(|| !bench.state.world().log.list(None, None, 2).0.is_empty()).await;
    assert_eq!(bench.refresh(&refresh).await.text_at("/error"), "invalid_grant");
    running.stop().await;
}

#[actix_web::test]
async fn a_refusal_by_order_looks_like_a_dead_grant_and_costs_nothing() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let order = json!({ "platform": "mercado-libre", "store": "123456789", "fault": { "effect": "refuse" } });
    bench.control("/faults", order).await;
    assert_eq!(bench.refresh(&refresh).await.text_at("/error"), "invalid_grant");
    assert_eq!(bench.refresh(&refresh).await.status, 200);
}
