//! Requests that never end: they are given up, and their connections with them.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::connecting::{Way, start};
use crate::support::rows::until;
use crate::support::test_app::TestApp;

/// Sends the beginning of a request, and drips on while time passes; all that is answered until the connection ends.
async fn drip(app: &TestApp, head: &str) -> String {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nHost: {address}\r\nContent-Length: 1000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    until("the connection is ended", async || {
        app.advance(Duration::from_secs(31));
        let _ = connection.write_all(b" ").await;
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(Duration::from_millis(50), connection.read(&mut piece)).await;
        match read {
            Ok(Ok(0) | Err(_)) => Some(()),
            Ok(Ok(length)) => {
                answer.extend_from_slice(&piece[..length]);
                None
            }
            Err(_) => None,
        }
    })
    .await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_arrives_byte_by_byte_does_not_hold_its_connection() {
    let app = start().await;
    let key = app.demo.api_key.expose().to_owned();
    let program = format!("Authorization: Bearer {key}\r\nContent-Type: application/json");
    for (what, head) in [
        ("a call", format!("POST /v1/connect-sessions HTTP/1.1\r\n{program}")),
        (
            "one with a key",
            format!("POST /v1/connect-sessions HTTP/1.1\r\nIdempotency-Key: order-1\r\n{program}"),
        ),
        (
            "a form",
            "POST /admin/sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded".to_owned(),
        ),
    ] {
        let answer = drip(&app, &head).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let app = start().await;
    let fault = json!({ "calls": "all", "delay_before_ms": 15_000 });
    app.control("faults", json!({ "platform": "walmart", "times": 1, "fault": fault }))
        .await;
    let fields: serde_json::Map<_, _> = Way::good("walmart", "keys")
        .fields
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let body = json!({ "platform": "walmart", "method": "keys", "customer_id": "customer-1", "fields": fields });
    let mut answered = std::pin::pin!(app.api("POST", "/v1/stores", Some(body)));
    let answer = until("it is answered", async || {
        app.advance(Duration::from_secs(301));
        tokio::time::timeout(Duration::from_millis(50), &mut answered)
            .await
            .ok()
    })
    .await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (503, Some("unavailable"))
    );
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
}
