//! A request that a simulated platform's SERVER makes: keys that it posts to an app, messages that it sends. Plain HTTP/1.1 to a loopback address and
//! nothing else, written by hand because a general HTTP client has no place here; only the status of the answer counts.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::call::{Answer, Pairs};

const LIMIT: Duration = Duration::from_secs(60);
const STATUS_LINE: usize = 512;

/// What to post, and what to answer the browser afterwards.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub url: String,
    pub body: String,
    /// Platform and id of the key, which is deleted if the app does not take it.
    pub key: (String, String),
    pub delivered: Answer,
    pub failed: Answer,
}

/// A message of a platform to an app.
#[derive(Clone, Debug)]
pub struct Message {
    pub method: String,
    pub url: String,
    pub headers: Pairs,
    pub body: String,
}

/// Posts the body; the status of the answer, or why there is none.
pub async fn post(delivery: &Delivery) -> io::Result<u16> {
    let kind = "application/json;charset=UTF-8".to_owned();
    let message = Message {
        method: "POST".to_owned(),
        url: delivery.url.clone(),
        headers: vec![
            ("Content-Type".to_owned(), kind),
            ("User-Agent".to_owned(), "WooCommerce (simulated)".to_owned()),
        ],
        body: delivery.body.clone(),
    };
    send(&message).await
}

/// Sends a message; the status of the answer, or why there is none.
pub async fn send(message: &Message) -> io::Result<u16> {
    match tokio::time::timeout(LIMIT, exchange(message)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn exchange(message: &Message) -> io::Result<u16> {
    let url = Url::parse(&message.url).map_err(io::Error::other)?;
    let host = loopback(&url).ok_or_else(|| io::Error::other("the address must be http on a loopback address"))?;
    let mut stream = TcpStream::connect((host.as_str(), url.port_or_known_default().unwrap_or(80))).await?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let headers: String = message
        .headers
        .iter()
        .map(|(name, text)| format!("{name}: {text}\r\n"))
        .collect();
    let request = format!(
        "{} {target} HTTP/1.1\r\nHost: {authority}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        message.method,
        message.body.len(),
        message.body
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut piece = [0; 256];
    while !answer.contains(&b'\n') && answer.len() < STATUS_LINE {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        answer.extend(piece.iter().take(read));
    }
    let line = String::from_utf8_lossy(&answer);
    let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    status.ok_or_else(|| io::Error::other("the answer has no status line"))
}

fn loopback(url: &Url) -> Option<String> {
    if url.scheme() != "http" {
        return None;
    }
    match url.host()? {
        Host::Domain("localhost") => Some("localhost".to_owned()),
        Host::Ipv4(address) if address.is_loopback() => Some(address.to_string()),
        Host::Ipv6(address) if address.is_loopback() => Some(address.to_string()),
        _ => None,
    }
}
