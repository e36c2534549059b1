//! A received request and the answer to it, free of the web server's types, so that the behaviours can be read and tested
//! as plain functions. The URL is the ORIGINAL one, before it was rewritten to reach this server.

use bytes::Bytes;
use serde_json::Value;

/// Names and values, decoded, in the order received.
pub type Pairs = Vec<(String, String)>;

/// A request as the platform would have received it.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub https: bool,
    /// Lower case, with `:port` if the URL had one.
    pub host: String,
    /// Still percent-encoded.
    pub path: String,
    /// Still percent-encoded, without the parameter that names the scheme.
    pub query: String,
    /// Names in lower case.
    pub headers: Pairs,
    /// The first part of the body, at most `gateway::KEPT_BODY` bytes.
    pub body: Bytes,
    pub body_bytes: u64,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// The URL up to the query.
    pub fn address(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.host, self.path)
    }

    pub fn url(&self) -> String {
        if self.query.is_empty() {
            self.address()
        } else {
            format!("{}?{}", self.address(), self.query)
        }
    }

    pub fn query_pairs(&self) -> Pairs {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    pub fn query_value(&self, name: &str) -> Option<String> {
        value(&self.query_pairs(), name).map(str::to_owned)
    }

    /// Query and form body together.
    pub fn sent_pairs(&self) -> Pairs {
        let mut pairs = self.query_pairs();
        if self.has_form_body() {
            pairs.extend(self.form_pairs());
        }
        pairs
    }

    /// A parameter of the query or of the form body.
    pub fn sent(&self, name: &str) -> Option<String> {
        value(&self.sent_pairs(), name).map(str::to_owned)
    }

    pub fn has_form_body(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }

    pub fn has_json_body(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.contains("json"))
    }

    pub fn form_pairs(&self) -> Pairs {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The members of a JSON object body; numbers and booleans as text.
    pub fn json_pairs(&self) -> Pairs {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(members)) => members
                .into_iter()
                .map(|(name, member)| match member {
                    Value::String(text) => (name, text),
                    other => (name, other.to_string()),
                })
                .collect(),
            _ => Pairs::new(),
        }
    }

    /// User and password of an `Authorization: Basic` header.
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = super::signature::from_base64(encoded.trim())?;
        text.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

/// The first value of a name.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// What a simulated platform answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Pairs,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Json(Value),
    /// Content type and text.
    Text(&'static str, String),
    /// As `Text`, of a kind that a behaviour file names.
    Typed(String, String),
    /// So many chunks of so many bytes each, with a pause in milliseconds between two.
    Chunks {
        count: u32,
        bytes: usize,
        pause_ms: u64,
    },
    Empty,
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Pairs::new(),
            content: Content::Json(body),
        }
    }

    pub fn html(status: u16, page: String) -> Self {
        Self {
            status,
            headers: Pairs::new(),
            content: Content::Text("text/html; charset=utf-8", page),
        }
    }

    /// Sends the browser on with a GET.
    pub fn see_other(location: String) -> Self {
        Self {
            status: 303,
            headers: vec![("location".into(), location)],
            content: Content::Empty,
        }
    }

    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
