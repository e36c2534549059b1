//! Forwarded calls: pooled connections, bodies streamed both ways, nothing decompressed, no redirect followed, nothing
//! sent twice. One client a thread, because a client shared by the workers costs a lock and a wake-up across threads
//! for each call; live and sandbox have clients of their own, so a sandbox connection is never found by a live call.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::Uri;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower_service::Service;
use url::Url;

use super::connect::{Dialer, Target, Wire};
use crate::platform::transport::{NotSent, SendError};

/// Below the idle limits of common load balancers, so that it is we who close.
const POOL_IDLE: Duration = Duration::from_secs(30);
const POOL_IDLE_PER_HOST: usize = 32;
const USER_TIMEOUT: Duration = Duration::from_secs(30);

type BoxError = Box<dyn StdError + Send + Sync>;
#[expect(clippy::disallowed_types, reason = "the one place that sends")]
pub(super) type Client = legacy::Client<Connector, BodyStream>;

#[expect(clippy::disallowed_types, reason = "the one place that sends")]
pub(super) fn client(dialer: Arc<Dialer>, exempt: bool) -> Client {
    legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
        .pool_timer(TokioTimer::new())
        .retry_canceled_requests(false)
        .http1_title_case_headers(true)
        .build(Connector { dialer, exempt })
}

/// Sends and waits for the head of the answer. `stall`: how long neither body nor answer may move.
pub(super) async fn forward(
    client: &Client,
    request: http::Request<BodyStream>,
    stall: Duration,
) -> Result<http::Response<AnswerStream>, SendError> {
    let progress = Arc::clone(&request.body().progress);
    let answer = client.request(request);
    tokio::pin!(answer);
    let answer = loop {
        let seen = progress.load(Ordering::Relaxed);
        match tokio::time::timeout(stall, &mut answer).await {
            Ok(answer) => break answer.map_err(|error| classify(&error))?,
            Err(_) if progress.load(Ordering::Relaxed) != seen => {}
            Err(_) => return Err(SendError::late(stall)),
        }
    };
    Ok(answer.map(|body| AnswerStream {
        body,
        peeked: None,
        ended: false,
        stall,
        waiting: None,
    }))
}

/// Not sent only where that is certain: the connector failed, or the pool's connection closed before it took the
/// request over.
fn classify(error: &legacy::Error) -> SendError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(NotConnected(why)) = current.downcast_ref() {
            return SendError::NotSent { why: why.clone() };
        }
        if current
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
        {
            return SendError::NotSent { why: NotSent::Connect };
        }
        cause = current.source();
    }
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    SendError::AnswerLost { why: cause }
}

/// Opens pooled connections under the policy.
#[derive(Clone)]
pub(super) struct Connector {
    dialer: Arc<Dialer>,
    exempt: bool,
}

/// Carries the reason through the client's own error.
#[derive(Debug, thiserror::Error)]
#[error("not connected")]
pub(super) struct NotConnected(NotSent);

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = NotConnected;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { dialer, exempt } = self.clone();
        Box::pin(async move {
            // Parsed again by the same rules as the policy's: the URI type is laxer about hosts.
            let url = Url::parse(&uri.to_string()).map_err(|_| NotSent::Refused("not a URL".into()));
            let target = url.and_then(|url| Target::of(&url, exempt)).map_err(NotConnected)?;
            dialer
                .dial(&target, USER_TIMEOUT)
                .await
                .map(TokioIo::new)
                .map_err(NotConnected)
        })
    }
}

/// The body of a forwarded request.
pub struct BodyStream {
    inner: UnsyncBoxBody<Bytes, BoxError>,
    length: Option<u64>,
    /// Grows with each piece that is taken to be sent.
    progress: Arc<AtomicU64>,
}

impl BodyStream {
    fn of(inner: UnsyncBoxBody<Bytes, BoxError>, length: Option<u64>) -> Self {
        Self {
            inner,
            length,
            progress: Arc::default(),
        }
    }

    pub fn empty() -> Self {
        Self::of(Empty::new().map_err(|never| match never {}).boxed_unsync(), Some(0))
    }

    pub fn full(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::of(
            Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
            Some(length),
        )
    }

    /// `length` in bytes as the caller announced it; without it the body is sent in chunks.
    pub fn from_stream<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let frames = stream.map(|piece| piece.map(Frame::data).map_err(Into::into));
        Self::of(StreamBody::new(frames).boxed_unsync(), length)
    }
}

impl Body for BodyStream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if frame.is_ready() {
            self.progress.fetch_add(1, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(|| self.inner.size_hint(), SizeHint::with_exact)
    }
}

/// The body of an answer, piece by piece as it arrives, as the platform encoded it.
pub struct AnswerStream {
    body: Incoming,
    peeked: Option<Bytes>,
    ended: bool,
    stall: Duration,
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl AnswerStream {
    /// The first bytes, at least `wanted` unless the body is shorter; the stream still yields them.
    pub async fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        let mut held = BytesMut::from(self.peeked.take().unwrap_or_default());
        while held.len() < wanted {
            match self.next().await {
                Some(Ok(piece)) => held.extend_from_slice(&piece),
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        Ok(self.peeked.insert(held.freeze()))
    }
}

impl Stream for AnswerStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(peeked) = self.peeked.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(peeked)));
        }
        while !self.ended {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = None;
                    // Trailers are not relayed.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => {
                    let stall = self.stall;
                    let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
                    std::task::ready!(waiting.as_mut().poll(cx));
                    self.ended = true;
                    return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer stalled"))));
                }
            }
        }
        Poll::Ready(None)
    }
}
