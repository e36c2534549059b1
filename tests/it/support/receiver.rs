//! A partner's webhook endpoint: takes what it is sent, answers as the test wants, and can keep an answer back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A running endpoint; it ends with the test's runtime.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<State>>,
    held: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    next: VecDeque<String>,
    otherwise: String,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.body))
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            otherwise: answer(204, ""),
            ..State::default()
        }));
        let made = Self {
            url,
            state,
            held: Arc::new(watch::Sender::new(false)),
        };
        let own = made.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        made
    }

    /// What came, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The types of what came, oldest first.
    pub fn kinds(&self) -> Vec<String> {
        self.requests().iter().map(Request::kind).collect()
    }

    /// Answers with this from now on.
    pub fn answer(&self, status: u16, more: &str) {
        self.state.lock().unwrap().otherwise = answer(status, more);
    }

    /// The next answers, before those.
    pub fn next(&self, statuses: &[u16]) {
        let answers = statuses.iter().map(|status| answer(*status, ""));
        self.state.lock().unwrap().next.extend(answers);
    }

    /// Answers with the body that it was sent.
    pub fn echo(&self) {
        self.state.lock().unwrap().otherwise = String::new();
    }

    /// Takes requests and does not answer them until told otherwise.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let request = read(&mut stream).await?;
        let body = request.body.clone();
        let reply = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(request);
            state.next.pop_front().unwrap_or_else(|| state.otherwise.clone())
        };
        self.held.subscribe().wait_for(|held| !held).await.ok()?;
        let reply = if reply.is_empty() {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        } else {
            reply
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }
}

fn answer(status: u16, more: &str) -> String {
    format!("HTTP/1.1 {status} Answer\r\n{more}Content-Length: 0\r\n\r\n")
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let headers: Vec<(String, String)> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .and_then(|(_, value)| value.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(Request {
                head: head.lines().next().unwrap_or_default().to_owned(),
                headers,
                body: body.to_owned(),
            });
        }
    }
}
