//! One request of the demo partner, its answer, and how both are shown: the API key by the name that `dev.env` gives it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::whole;
use crate::app::App;
use crate::domain::problem::Problem;
use crate::domain::secret::Secret;
use crate::platform::transport::{PlatformRequest, Route, SendOptions, Transport};
use crate::platform::{Platform, SignMoment, Values, sign, verify};
use crate::web::{Error, Site};

const SHOWN: usize = 6_000;
const SOURCE: HeaderName = HeaderName::from_static("llavero-source");

/// A request to be made.
pub struct Asked {
    method: Method,
    address: String,
    bearer: Option<(Secret, String)>,
    body: Bytes,
    content_type: Option<String>,
}

/// A request and its answer, for showing.
pub struct Line {
    pub title: String,
    pub request: String,
    pub body: String,
    pub status: String,
    pub good: bool,
    pub answer: String,
    pub curl: String,
}

pub struct Answered {
    pub line: Line,
    pub json: Option<Value>,
}

impl Asked {
    pub fn get(address: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            address: address.into(),
            bearer: None,
            body: Bytes::new(),
            content_type: None,
        }
    }

    pub fn post(address: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Bytes::from(body.to_string()),
            content_type: Some("application/json".to_owned()),
            ..Self::get(address)
        }
    }

    pub fn with_key(self, key: &Secret) -> Self {
        Self {
            bearer: Some((key.clone(), "$LLAVERO_API_KEY".to_owned())),
            ..self
        }
    }

    /// The store's token is shown as it is: the line has to work when it is pasted, and it is the demo's own.
    pub fn with_token(self, token: &str) -> Self {
        Self {
            bearer: Some((Secret::new(token), token.to_owned())),
            ..self
        }
    }

    fn curl(&self, address: &str) -> String {
        let mut line = "curl -sS".to_owned();
        if self.method != Method::GET {
            line.push_str(&format!(" -X {}", self.method));
        }
        line.push_str(&format!(" {}", quoted(address)));
        if let Some((_, shown)) = &self.bearer {
            line.push_str(&format!(" -H \"Authorization: Bearer {shown}\""));
        }
        if let Some(kind) = &self.content_type {
            line.push_str(&format!(" -H {}", quoted(&format!("Content-Type: {kind}"))));
        }
        if !self.body.is_empty() {
            line.push_str(&format!(" -d {}", quoted(&String::from_utf8_lossy(&self.body))));
        }
        line
    }
}

/// For a shell, in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Sends it as a partner's back end would.
pub async fn send(app: &App, site: &Site, asked: Asked, title: &str) -> Result<Answered, Error> {
    let url = whole(site, &asked.address)?;
    let curl = asked.curl(url.as_str());
    let mut request = PlatformRequest::new(asked.method.clone(), url.clone());
    if let Some((secret, _)) = &asked.bearer {
        let value = HeaderValue::from_str(&format!("Bearer {}", secret.expose()));
        let mut value = value.map_err(|_| Error::of(Problem::InvalidRequest))?;
        value.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, value);
    }
    if let Some(kind) = asked
        .content_type
        .as_deref()
        .and_then(|kind| HeaderValue::from_str(kind).ok())
    {
        request.headers.insert(CONTENT_TYPE, kind);
    }
    request.body = asked.body.clone();
    let options = SendOptions::new(Route::Live, Duration::from_secs(60));
    let line = Line {
        title: title.to_owned(),
        request: format!("{} {}", asked.method, &url[url::Position::BeforePath..]),
        body: String::from_utf8_lossy(&asked.body).into_owned(),
        status: String::new(),
        good: false,
        answer: String::new(),
        curl,
    };
    Ok(match app.outbound.send(request, &options).await {
        Ok(answer) => {
            let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
            let pretty = json.as_ref().and_then(|json| serde_json::to_string_pretty(json).ok());
            let text = pretty.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
            let source = answer.headers.get(SOURCE).and_then(|value| value.to_str().ok());
            let source = source
                .map(|source| format!(", Llavero-Source: {source}"))
                .unwrap_or_default();
            let line = Line {
                status: format!("{}{source}", answer.status),
                good: answer.status.is_success(),
                answer: text.chars().take(SHOWN).collect(),
                ..line
            };
            Answered { line, json }
        }
        Err(error) => Answered {
            line: Line {
                status: error.to_string(),
                ..line
            },
            json: None,
        },
    })
}

/// The platform's own harmless read as a call through the proxy: built from the catalogue's examples, then without what
/// signing adds.
pub fn harmless_call(app: &App, platform: &Platform, method: &str) -> Option<Asked> {
    let method = platform.method(method)?;
    let mut values = Values::new().with("access_token", "example");
    for field in method.fields.iter().chain(&method.app_fields) {
        let value = field.default.as_deref().unwrap_or(&field.example);
        values.set(field.name.as_str(), if value.is_empty() { "example" } else { value });
    }
    let moment = SignMoment {
        now: app.now(),
        nonce: app.random.bytes(),
        request_id: uuid::Builder::from_random_bytes(app.random.bytes()).into_uuid(),
    };
    let request = verify::request(method, &values, &moment).ok()??;
    let root = method.root(&values).ok()?;
    let path = request.url.path().strip_prefix(root.path().trim_end_matches('/'))?;
    let owned = sign::owned(method);
    let kept: Vec<(String, String)> = request
        .url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| !owned.has_query(name))
        .collect();
    let mut address = format!("/v1/proxy/{}", path.trim_start_matches('/'));
    if !kept.is_empty() {
        address.push('?');
        address.push_str(
            &url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(kept)
                .finish(),
        );
    }
    let content_type = request
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    Some(Asked {
        method: request.method.clone(),
        body: request.body.clone(),
        content_type: content_type.filter(|_| !request.body.is_empty()),
        ..Asked::get(address)
    })
}
