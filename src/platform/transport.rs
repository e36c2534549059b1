//! The seam between building a request and sending it. `platform` only makes and reads these values; `outbound`
//! implements `Transport`. The two kinds of send errors differ in what matters: whether the platform may have acted.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use url::Url;

/// Headers of one connection only (RFC 9110, 7.6.1), and those that proxies have made such.
pub const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Whether only the HTTP client may write a header: it says to whom a request goes, where its body ends, or how the
/// connection is used. Written by anybody else, it parts one request into two, or leads it to another site.
pub fn is_of_connection(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "host" | "content-length" | "expect") || HOP_BY_HOP.contains(&name)
}

/// A call to a platform, complete and signed.
#[derive(Clone)]
pub struct PlatformRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl PlatformRequest {
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}

// Path, query, headers and body may all hold secrets.
impl fmt::Debug for PlatformRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PlatformRequest({} {})",
            self.method,
            self.url.host_str().unwrap_or("-")
        )
    }
}

/// What a platform answered, read to its end.
#[derive(Clone)]
pub struct PlatformAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl fmt::Debug for PlatformAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlatformAnswer({})", self.status.as_u16())
    }
}

/// Where requests of an app go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Live,
    Sandbox,
}

/// How one request is sent.
#[derive(Debug, Clone)]
pub struct SendOptions {
    pub route: Route,
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
    /// Once this moment has passed nothing may be sent any more.
    pub send_before: Option<Instant>,
    /// Bytes of an answer that are read; a longer one is an error.
    pub max_body: usize,
}

impl SendOptions {
    pub const MAX_BODY: usize = 1024 * 1024;

    pub fn new(route: Route, timeout: Duration) -> Self {
        Self {
            route,
            timeout,
            send_before: None,
            max_body: Self::MAX_BODY,
        }
    }
}

/// There is no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No byte of the request has left: the platform has not seen it.
    #[error("not sent: {why}")]
    NotSent { why: NotSent },
    /// The request may have been received, and acted upon.
    #[error("answer lost: {why}")]
    AnswerLost { why: String },
}

/// How the reason begins where the time for an answer is over.
pub const LATE: &str = "no complete answer within";

impl SendError {
    /// The time for an answer is over.
    pub fn late(limit: Duration) -> Self {
        Self::AnswerLost {
            why: format!("{LATE} {} s", limit.as_secs_f32()),
        }
    }

    /// The one silence that is a matter of time.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::AnswerLost { why } if why.starts_with(LATE))
    }
}

/// Why a request has surely not been sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The address policy does not allow the host.
    #[error("address refused: {0}")]
    Refused(String),
    #[error("the host name cannot be resolved")]
    Dns,
    #[error("no connection")]
    Connect,
    #[error("no secure connection")]
    Tls,
    #[error("too late to send")]
    TooLate,
}

/// Sends one request and reads its answer; never retries, never follows a redirect.
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: PlatformRequest, options: &SendOptions) -> Result<PlatformAnswer, SendError>;
}
