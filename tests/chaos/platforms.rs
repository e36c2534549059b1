//! The simulated platforms as the run steers and watches them: orders to their control API, and their log of the token
//! calls that they received, which nobody else writes.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::installation::Installation;

/// One try to refresh, as a platform saw it.
#[derive(Debug, Clone)]
pub struct TokenCall {
    pub at: DateTime<Utc>,
    pub platform: String,
    pub store: String,
    /// The refresh token that came.
    pub sent: String,
    pub processed: bool,
    /// None: no answer.
    pub status: Option<u16>,
}

impl TokenCall {
    fn read(entry: &Value) -> Option<Self> {
        if entry["token_call"] != true {
            return None;
        }
        Some(Self {
            at: entry["at"].as_str()?.parse().ok()?,
            platform: entry["platform"].as_str()?.to_owned(),
            store: entry["store"].as_str()?.to_owned(),
            sent: refresh_token(entry)?,
            processed: entry["processed"] == true,
            status: entry["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
        })
    }
}

fn refresh_token(entry: &Value) -> Option<String> {
    let mut form = entry["form"].as_array().into_iter().flatten();
    if let Some(pair) = form.find(|pair| pair[0] == "refresh_token") {
        return pair[1].as_str().map(str::to_owned);
    }
    let body: Value = serde_json::from_str(entry["body"].as_str()?).ok()?;
    body["refresh_token"].as_str().map(str::to_owned)
}

/// Reads the log while it grows: it keeps its latest part only.
pub struct Log {
    stop: watch::Sender<bool>,
    reading: JoinHandle<Vec<TokenCall>>,
}

impl Log {
    pub fn follow(installation: Arc<Installation>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let reading = tokio::spawn(read_all(installation, stopped));
        Self { stop, reading }
    }

    /// All token calls from the first to now, in the order in which their fate was decided.
    pub async fn stop(self) -> Vec<TokenCall> {
        self.stop.send_replace(true);
        self.reading.await.unwrap()
    }
}

async fn read_all(installation: Arc<Installation>, mut stopped: watch::Receiver<bool>) -> Vec<TokenCall> {
    let (mut calls, mut last) = (Vec::new(), 0);
    loop {
        let over = *stopped.borrow();
        let url = format!("{}/_control/log?after={last}", installation.sandbox_url);
        let answer = installation.client.get(url).send().await.unwrap();
        let read: Value = answer.json().await.unwrap();
        for entry in read["data"].as_array().unwrap() {
            let number = entry["number"].as_u64().unwrap();
            assert_eq!(number, last + 1, "the platforms' log was read too seldom");
            last = number;
            calls.extend(TokenCall::read(entry));
        }
        if over {
            return calls;
        }
        let _ = tokio::time::timeout(Duration::from_millis(500), stopped.wait_for(|stop| *stop)).await;
    }
}

impl Installation {
    /// An order to the control API; it must be accepted.
    pub async fn order(&self, order: &str, body: Value) -> Value {
        let url = format!("{}/_control/{order}", self.sandbox_url);
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{order}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub async fn clear_faults(&self) {
        let url = format!("{}/_control/faults", self.sandbox_url);
        self.client.delete(url).send().await.unwrap();
    }

    /// Grants of a platform that ended, with the reason.
    pub async fn ended_grants(&self, platform: &str) -> Vec<(String, String)> {
        let url = format!("{}/_control/stores?platform={platform}", self.sandbox_url);
        let read: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let grants = read["data"].as_array().unwrap().iter();
        let ended = grants.filter_map(|grant| Some((grant["store"].as_str()?, grant["ended"].as_str()?)));
        ended.map(|(store, why)| (store.to_owned(), why.to_owned())).collect()
    }
}
