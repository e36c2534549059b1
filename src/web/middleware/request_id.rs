//! `X-Request-Id`: the caller's, if it is harmless to print, else one of ours; it names the request in logs and errors.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::web::Site;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// The id of the request at hand; in the request's extensions.
#[derive(Clone, Debug)]
pub struct RequestId(String);

impl RequestId {
    pub fn of(site: &Site, headers: &HeaderMap) -> Self {
        let sent = headers.get(HEADER).and_then(|value| value.to_str().ok());
        match sent.filter(|text| is_harmless(text)) {
            Some(text) => Self(text.to_owned()),
            None => Self(
                (site.options.make_key)()
                    .iter()
                    .take(16)
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            ),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn add(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(HEADER, value);
        }
    }
}

/// Nothing that could break a log line, and none of our own secrets sent by mistake.
fn is_harmless(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with("llv_")
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
