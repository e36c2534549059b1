//! A partner that listens to webhooks: adds endpoints, and verifies what it gets with the library that partners use.

use http::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::{Webhook, WebhookError};

use super::receiver::{Receiver, Request};
use super::test_app::TestApp;

/// An endpoint of the demo app, as it was made.
#[derive(Debug, Clone)]
pub struct Listening {
    pub id: String,
    pub secret: String,
}

impl Listening {
    /// Adds the receiver for all events.
    pub async fn to(app: &TestApp, receiver: &Receiver) -> Self {
        Self::with(app, json!({ "url": receiver.url })).await
    }

    pub async fn with(app: &TestApp, asked: Value) -> Self {
        let made = app.api("POST", "/v1/webhook-endpoints", Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        Self {
            id: made["id"].as_str().unwrap().to_owned(),
            secret: made["secret"].as_str().unwrap().to_owned(),
        }
    }

    pub fn path(&self) -> String {
        format!("/v1/webhook-endpoints/{}", self.id)
    }

    pub async fn shown(&self, app: &TestApp) -> Value {
        let answer = app.api("GET", &self.path(), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Sends a test event.
    pub async fn test(&self, app: &TestApp) -> Value {
        let answer = app.api("POST", &format!("{}/test", self.path()), None).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.json()
    }
}

/// What the library says to a request.
pub fn verify(secret: &str, request: &Request) -> Result<(), WebhookError> {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, request.header(name).parse().unwrap());
    }
    Webhook::new(secret)?.verify(request.body.as_bytes(), &headers)
}

/// Deliveries of the demo app, newest first.
pub async fn deliveries(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.api("GET", &format!("/v1/webhook-deliveries{query}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["data"].as_array().unwrap().clone()
}

/// Events of the demo app, oldest first; those of one moment by their store's number.
pub async fn events(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.api("GET", &format!("/v1/events{query}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut events = answer.json()["data"].as_array().unwrap().clone();
    events.sort_by_key(|event| {
        let at = event["created_at"].as_str().unwrap().to_owned();
        (at, event["store_sequence"].as_i64().unwrap_or(i64::MAX))
    });
    events
}

/// Their types.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}
