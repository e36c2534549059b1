//! One call on one fresh connection, for everything that must not happen twice. The time is checked in the very write
//! that would send the first byte, with the connection up and TLS finished; nothing lies between. From that write on,
//! whatever goes wrong is "answer lost". Until a whole answer is read the socket is set to reset on close, so that a
//! call given up at its time limit leaves no bytes under way that could still arrive.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use url::Url;

use super::Monotonic;
use super::connect::Wire;
use crate::platform::transport::{LATE, NotSent, PlatformAnswer, PlatformRequest, SendError, SendOptions};

/// Sends `request`, whose `url` is where it really goes, over `wire` and reads the whole answer.
pub(super) async fn exchange(
    wire: Wire,
    request: PlatformRequest,
    options: &SendOptions,
    monotonic: &Monotonic,
) -> Result<PlatformAnswer, SendError> {
    let not_sent = |_| SendError::NotSent { why: NotSent::Connect };
    // A second handle on the socket: hyper owns the first.
    let socket = socket2::SockRef::from(wire.tcp()).try_clone().map_err(not_sent)?;
    socket.set_linger(Some(Duration::ZERO)).map_err(not_sent)?;

    let state = Arc::new(State::default());
    let guarded = Guarded {
        wire,
        monotonic: Arc::clone(monotonic),
        send_before: options.send_before,
        state: Arc::clone(&state),
    };
    let request = to_http(request).ok_or_else(|| SendError::NotSent {
        why: NotSent::Refused("the request cannot be written as HTTP".into()),
    })?;
    let (mut sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(guarded))
        .await
        .map_err(|_| SendError::NotSent { why: NotSent::Connect })?;

    let call = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = answer.into_parts();
        let body = read_whole(body, options.max_body).await?;
        Ok(PlatformAnswer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    };
    let driven = async {
        tokio::pin!(call, connection);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                // Its end, good or bad, reaches the call through the channel between them.
                _ = &mut connection, if open => open = false,
            }
        }
    };
    let outcome = match tokio::time::timeout(options.timeout, driven).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("{LATE} {} s", options.timeout.as_secs_f32())),
    };
    let lost = outcome.is_err() && state.written.load(Ordering::Acquire);
    if !lost {
        // Nothing is under way: close in the usual way. If this fails the close is a reset, which is harmless.
        let _ = socket.set_linger(None);
    }
    match outcome {
        Ok(answer) => Ok(answer),
        Err(why) if lost => Err(SendError::AnswerLost { why }),
        Err(_) if state.too_late.load(Ordering::Acquire) => Err(SendError::NotSent { why: NotSent::TooLate }),
        Err(_) => Err(SendError::NotSent { why: NotSent::Connect }),
    }
}

fn to_http(request: PlatformRequest) -> Option<Request<Full<Bytes>>> {
    let PlatformRequest {
        method,
        url,
        mut headers,
        body,
    } = request;
    headers.entry(header::HOST).or_insert(host_header(&url)?);
    headers.entry(header::USER_AGENT).or_insert(super::USER_AGENT);
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        // Some servers answer 411 to a POST that says nothing of its length.
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert(HeaderValue::from_static("0"));
    }
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut http = Request::builder()
        .method(method)
        .uri(target)
        .body(Full::new(body))
        .ok()?;
    *http.headers_mut() = headers;
    Some(http)
}

pub(super) fn host_header(url: &Url) -> Option<HeaderValue> {
    HeaderValue::from_str(&url[url::Position::BeforeHost..url::Position::AfterPort]).ok()
}

async fn read_whole(mut body: Incoming, limit: usize) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {error}"))?;
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > limit {
                return Err(format!("the answer is longer than {limit} bytes"));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// What has become of the request.
#[derive(Default)]
struct State {
    /// A byte of it may have left.
    written: AtomicBool,
    /// A write was refused because of the time.
    too_late: AtomicBool,
}

/// A connection on which nothing is written after `send_before`. Each write is checked, not only the first: a process
/// that is paused in the middle must not complete the request when it wakes.
struct Guarded {
    wire: Wire,
    monotonic: Monotonic,
    send_before: Option<Instant>,
    state: Arc<State>,
}

impl Guarded {
    fn admit(&self) -> io::Result<()> {
        if self.send_before.is_some_and(|end| (self.monotonic)() >= end) {
            self.state.too_late.store(true, Ordering::Release);
            return Err(io::Error::other("too late to send"));
        }
        self.state.written.store(true, Ordering::Release);
        Ok(())
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.admit()?;
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.admit()?;
        Pin::new(&mut self.wire).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

/// Turns a sandbox `Location` back into what it stands for.
pub(super) fn map_location(headers: &mut HeaderMap, route: &super::sandbox::SandboxRoute, asked: &Url) {
    let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let mapped = route
        .original_location(location, asked)
        .and_then(|text| HeaderValue::from_str(&text).ok());
    if let Some(mapped) = mapped {
        headers.insert(header::LOCATION, mapped);
    }
}
