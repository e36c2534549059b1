//! Requests that never end: they are given up, and their connections with them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::connecting::start;
use crate::support::rows::until;
use crate::support::test_app::TestApp;

/// Sends the beginning of a request, and drips on; all that is answered until the connection ends.
async fn drip(app: &TestApp, head: &str) -> String {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nHost: {address}\r\nContent-Length: 100000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    until("the connection is ended", async || {
        // Refused once the connection is ended, which reading tells.
        let _ = connection.write_all(b" ").await;
        let mut piece = [0; 4096];
        let wait = std::time::Duration::from_millis(50);
        match tokio::time::timeout(wait, connection.read(&mut piece)).await {
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
    let call = format!("POST /v1/connect-sessions HTTP/1.1\r\n{program}");
    let keyed = format!("POST /v1/connect-sessions HTTP/1.1\r\nIdempotency-Key: order-1\r\n{program}");
    let form = "POST /admin/sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let (call, keyed, form) = tokio::join!(drip(&app, &call), drip(&app, &keyed), drip(&app, form));
    for (what, answer) in [("a call", call), ("one with a key", keyed), ("a form", form)] {
        assert!(answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
    }
}
