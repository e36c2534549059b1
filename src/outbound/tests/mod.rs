//! Against small servers that the tests hold in their hands: each says byte for byte what goes over the wire.

mod forward;
mod send;
mod tls;

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Names for tests; counts how often it was asked.
#[derive(Default)]
struct Names {
    addresses: HashMap<&'static str, Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn with(name: &'static str, addresses: &[&str]) -> Arc<Self> {
        let addresses = addresses.iter().filter_map(|address| address.parse().ok()).collect();
        Arc::new(Self {
            addresses: HashMap::from([(name, addresses)]),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.addresses
            .get(host)
            .cloned()
            .ok_or_else(|| io::Error::other("no such name"))
    }
}

#[expect(clippy::disallowed_methods, reason = "what the application hands in")]
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn outbound(config: OutboundConfig, names: Arc<Names>) -> Result<Outbound, OutboundError> {
    Outbound::with_resolver(config, Arc::new(now), names)
}

/// May reach the tests' servers.
fn private() -> Result<Outbound, OutboundError> {
    outbound(
        OutboundConfig {
            allow_private_hosts: true,
            ..OutboundConfig::default()
        },
        Arc::default(),
    )
}

fn options(timeout: Duration) -> SendOptions {
    SendOptions {
        route: Route::Live,
        timeout,
        send_before: None,
        max_body: 1024 * 1024,
    }
}

/// Far longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(60);

fn get(url: &str) -> Result<PlatformRequest, url::ParseError> {
    Ok(PlatformRequest {
        method: Method::GET,
        url: url.parse()?,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    })
}

fn not_sent(why: NotSent) -> Option<SendError> {
    Some(SendError::NotSent { why })
}

fn is_lost(error: Option<SendError>) -> bool {
    matches!(error, Some(SendError::AnswerLost { .. }))
}

async fn listen() -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Reads one request: its head, and as much body as `Content-Length` announces.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    bytes.extend_from_slice(&body);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Answers one request with these bytes and closes; gives the request.
fn answer_once(listener: TcpListener, answer: &'static str) -> JoinHandle<io::Result<String>> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let request = read_request(&mut stream).await?;
        stream.write_all(answer.as_bytes()).await?;
        Ok(request)
    })
}

/// What is left to read, until the other side closes or resets.
async fn rest(stream: &mut TcpStream) -> (usize, Option<io::ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.err().map(|error| error.kind());
    (bytes.len(), error)
}
