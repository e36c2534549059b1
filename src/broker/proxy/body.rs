//! A caller's body on its way to the platform: it streams, and as long as it is small what has passed is kept, so that it
//! can be sent again after the credential was renewed. It comes in over a channel, for the server's own body type belongs
//! to the server's thread.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::sync::mpsc::Receiver;

use crate::outbound::BodyStream;

/// Bodies up to this are kept to be sent again.
pub const KEPT: usize = 1024 * 1024;
/// Bodies up to this can be signed.
pub const SIGNED: usize = 16 * 1024 * 1024;

/// A piece of a body, or the news that the caller broke off.
pub type Piece = Result<Bytes, io::Error>;

/// A body that is coming in.
pub struct IncomingBody(Option<Shared>);

#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<State>>,
    length: Option<u64>,
}

struct State {
    pieces: Receiver<Piece>,
    /// What has passed; emptied once it is too much.
    kept: Vec<Bytes>,
    size: usize,
    limit: usize,
    ended: bool,
    broken: bool,
}

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    TooLarge,
    /// The caller did not send all of it.
    Broken,
}

impl IncomingBody {
    /// A request without a body.
    pub fn none() -> Self {
        Self(None)
    }

    /// `length` in bytes as the caller announced it.
    pub fn new(pieces: Receiver<Piece>, length: Option<u64>) -> Self {
        let state = State {
            pieces,
            kept: Vec::new(),
            size: 0,
            limit: KEPT,
            ended: false,
            broken: false,
        };
        Self(Some(Shared {
            state: Arc::new(Mutex::new(state)),
            length,
        }))
    }

    /// The body as a stream; what passes is kept as long as it is small.
    pub fn stream(&self) -> BodyStream {
        match &self.0 {
            None => BodyStream::empty(),
            Some(shared) => BodyStream::from_stream(Passing(shared.clone()), shared.length),
        }
    }

    /// The whole body, if it is no longer than `limit` bytes: what has passed, and the rest as it comes in.
    pub async fn whole(&self, limit: usize) -> Result<Bytes, Unkept> {
        let Some(shared) = &self.0 else { return Ok(Bytes::new()) };
        if shared.length.is_some_and(|length| length > limit as u64) {
            return Err(Unkept::TooLarge);
        }
        shared.locked().limit = limit;
        loop {
            match std::future::poll_fn(|cx| shared.locked().poll_piece(cx)).await {
                Some(Ok(_)) if shared.locked().size > limit => return Err(Unkept::TooLarge),
                Some(Ok(_)) => {}
                Some(Err(_)) => return Err(Unkept::Broken),
                None => break,
            }
        }
        shared.locked().whole()
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        // Only this module locks, and it leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(cx));
        match &piece {
            Some(Ok(bytes)) => {
                self.size += bytes.len();
                if self.size <= self.limit {
                    self.kept.push(bytes.clone());
                } else {
                    self.kept = Vec::new();
                }
            }
            Some(Err(_)) => (self.ended, self.broken) = (true, true),
            None => self.ended = true,
        }
        Poll::Ready(piece)
    }

    fn whole(&self) -> Result<Bytes, Unkept> {
        if self.broken {
            return Err(Unkept::Broken);
        }
        if self.size > self.limit || self.kept.iter().map(Bytes::len).sum::<usize>() != self.size {
            return Err(Unkept::TooLarge);
        }
        match self.kept.as_slice() {
            [only] => Ok(only.clone()),
            pieces => {
                let mut whole = BytesMut::with_capacity(self.size);
                pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
                Ok(whole.freeze())
            }
        }
    }
}

struct Passing(Shared);

impl Stream for Passing {
    type Item = Piece;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.locked().poll_piece(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tokio::sync::mpsc;

    fn body(pieces: &[&'static [u8]]) -> IncomingBody {
        let (sender, receiver) = mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            sender.try_send(Ok(Bytes::from_static(piece))).unwrap();
        }
        IncomingBody::new(receiver, None)
    }

    #[tokio::test]
    async fn a_small_body_can_be_sent_again_however_much_of_it_has_passed() {
        for passed in 0..=2 {
            let body = body(&[b"ab", b"cd"]);
            let mut passing = Passing(body.0.clone().unwrap());
            for _ in 0..passed {
                passing.next().await;
            }
            drop(passing);
            assert_eq!(body.whole(KEPT).await, Ok(Bytes::from_static(b"abcd")));
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_not_kept() {
        let piece: &'static [u8] = vec![0; KEPT].leak();
        let body = body(&[piece, b"x"]);
        assert_eq!(body.whole(KEPT).await, Err(Unkept::TooLarge));
        assert_eq!(body.0.as_ref().unwrap().locked().kept.len(), 0);
        assert_eq!(IncomingBody::none().whole(KEPT).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn a_body_that_has_passed_without_being_kept_is_not_taken_for_a_small_one() {
        let piece: &'static [u8] = vec![0; KEPT].leak();
        let body = body(&[piece, b"x"]);
        let mut passing = Passing(body.0.clone().unwrap());
        while passing.next().await.is_some() {}
        assert_eq!(body.whole(SIGNED).await, Err(Unkept::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_broke_off_is_never_whole() {
        let (sender, receiver) = mpsc::channel(2);
        sender.try_send(Ok(Bytes::from_static(b"a"))).unwrap();
        sender.try_send(Err(io::Error::other("gone"))).unwrap();
        assert_eq!(IncomingBody::new(receiver, None).whole(KEPT).await, Err(Unkept::Broken));
    }
}
