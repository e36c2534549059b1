//! The simulated platforms over HTTP, each rule of a platform's documentation as one test. They are the measure by which
//! the code that talks to platforms is judged, so they are tested against the documentation, not against that code.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod code_flows;
mod control;
mod credentials;
mod faults;
mod keys;
mod oauth;
mod partner;
mod signed;
mod walks;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, http};
use chrono::DateTime;
use serde_json::{Value, json};

use super::server::{Options, State, configure};

pub const START: i64 = 1_760_000_000;
pub const ML: &str = "/api.mercadolibre.com";

/// One sandbox with a clock that stands still.
pub struct Bench {
    pub state: State,
    pub seconds: Arc<AtomicI64>,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn text_at(&self, pointer: &str) -> String {
        self.json()
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    pub fn location(&self) -> url::Url {
        url::Url::parse(self.headers.get("location").unwrap().to_str().unwrap()).unwrap()
    }

    pub fn sent_back(&self, name: &str) -> Option<String> {
        self.location()
            .query_pairs()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }
}

impl Bench {
    pub fn new() -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&seconds);
        let now = Arc::new(move || DateTime::from_timestamp(read.load(Ordering::SeqCst), 0).unwrap());
        Self {
            state: State::new(&Options { clock: now, seed: 7 }).unwrap(),
            seconds,
        }
    }

    pub fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    pub async fn send(&self, request: TestRequest) -> Reply {
        let state = self.state.clone();
        let app = init_service(App::new().configure(move |config| configure(config, state))).await;
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = String::from_utf8_lossy(&read_body(response).await).into_owned();
        Reply { status, headers, text }
    }

    pub async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(with(TestRequest::get().uri(uri), headers)).await
    }

    pub async fn form(&self, uri: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
        self.send(with(TestRequest::post().uri(uri), headers).set_form(form))
            .await
    }

    pub async fn control(&self, path: &str, order: Value) -> Reply {
        self.send(TestRequest::post().uri(&format!("/_control{path}")).set_json(order))
            .await
    }

    /// Approves at Mercado Libre and returns the code.
    pub async fn approve(&self, extra: &str, outcome: &str) -> Reply {
        let uri = format!(
            "/auth.mercadolibre.com.ar/authorization?response_type=code&client_id=sandbox-client&\
             redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=s1{extra}"
        );
        self.form(&uri, &[("outcome", outcome)], &[]).await
    }

    pub async fn exchange(&self, code: &str, extra: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "sandbox-client"),
            ("client_secret", "sandbox-secret"),
            ("code", code),
            ("redirect_uri", "http://localhost/back"),
        ];
        form.extend(extra);
        self.form(&format!("{ML}/oauth/token"), &form, &[]).await
    }

    /// A Mercado Libre pair.
    pub async fn connect(&self) -> (String, String) {
        let code = self.approve("", "approve").await.sent_back("code").unwrap();
        let pair = self.exchange(&code, &[]).await;
        assert_eq!(pair.status, 200, "{}", pair.text);
        (pair.text_at("/access_token"), pair.text_at("/refresh_token"))
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "sandbox-client"),
            ("client_secret", "sandbox-secret"),
            ("refresh_token", token),
        ];
        self.form(&format!("{ML}/oauth/token"), &form, &[]).await
    }

    pub async fn me(&self, token: &str) -> Reply {
        self.get(
            &format!("{ML}/users/me"),
            &[("Authorization", &format!("Bearer {token}"))],
        )
        .await
    }
}

fn with(mut request: TestRequest, headers: &[(&str, &str)]) -> TestRequest {
    for (name, value) in headers {
        request = request.insert_header((*name, *value));
    }
    request
}

#[actix_web::test]
async fn a_host_that_no_platform_serves_is_not_found() {
    let bench = Bench::new();
    assert_eq!(
        bench.get("/example.com/anything", &[]).await.status,
        http::StatusCode::NOT_FOUND
    );
    assert_eq!(bench.get("/", &[]).await.status, http::StatusCode::NOT_FOUND);
    assert_eq!(
        bench.control("/revoke", json!({ "platform": "nobody" })).await.status,
        404
    );
}
