//! A way between a process and PostgreSQL that stops it at a commit: at the order, which the database then never hears, or
//! at the answer, when all is done and only the process does not know. So a process can be killed exactly there, without
//! a hook in the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::database::TestDatabase;

/// The end of the order, and of the answer to it.
const COMMIT: &[u8] = b"COMMIT\0";

/// What is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Hold {
    Order = 1,
    Answer = 2,
}

#[derive(Default)]
struct State {
    hold: AtomicU8,
    held: AtomicBool,
}

/// Ends with the test.
pub struct Relay {
    /// Of the database, by this way.
    pub url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub async fn before(database: &TestDatabase) -> Self {
        let mut url: url::Url = database.url().parse().unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pass_on(from_client, to_server, shared.clone(), Hold::Order));
                tokio::spawn(pass_on(from_server, to_client, shared.clone(), Hold::Answer));
            }
        });
        Self {
            url: url.into(),
            state,
            accepting,
        }
    }

    /// From now on.
    pub fn hold(&self, what: Hold) {
        self.state.hold.store(what as u8, Ordering::SeqCst);
    }

    /// Whether somebody has been stopped.
    pub fn has_held(&self) -> bool {
        self.state.held.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Until either end is closed. What follows something held is held as well.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Arc<State>, held_here: Hold) {
    let mut bytes = vec![0; 64 * 1024];
    let mut holds = false;
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let here = &bytes[..length];
        let wanted = state.hold.load(Ordering::SeqCst) == held_here as u8;
        if wanted && here.windows(COMMIT.len()).any(|part| part == COMMIT) {
            holds = true;
            state.held.store(true, Ordering::SeqCst);
        }
        if !holds && to.write_all(here).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
