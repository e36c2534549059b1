//! A request as it goes over the wire, held against the one that the documentation wants.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use llavero::platform::PlatformRequest;

use super::difference::{Differences, fits};
use super::expected::{ExpectedRequest, ExpectedUrl, Scalar};

/// The address is text: what is signed and sent are its very bytes.
pub struct Sent {
    pub method: String,
    pub url: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl From<PlatformRequest> for Sent {
    fn from(request: PlatformRequest) -> Self {
        Self {
            method: request.method.to_string(),
            url: request.url.to_string(),
            headers: request.headers,
            body: String::from_utf8(request.body.to_vec()).unwrap(),
        }
    }
}

impl Sent {
    pub fn compare(&self, expected: &ExpectedRequest, differences: &mut Differences) {
        if let Some(method) = &expected.method {
            differences.equal("method", method, &self.method);
        }
        compare_url(&self.url, &expected.address(), differences);
        for (name, pattern) in &expected.headers {
            let got: Vec<&str> = self.headers.get_all(name).iter().map(text).collect();
            if got.len() != 1 || !fits(pattern, got[0]) {
                differences.add(&format!("header {name}"), pattern, got);
            }
        }
        for name in &expected.absent_headers {
            if let Some(value) = self.headers.get(name) {
                differences.add(&format!("header {name}"), "not there", text(value));
            }
        }
        if let Some(form) = &expected.form {
            let got: Vec<_> = url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
            differences.pairs("form field", form, &got, &[]);
        }
        if let Some(json) = &expected.json {
            self.compare_json(json, differences);
        }
        if let Some(body) = &expected.body {
            differences.equal("body", body, &self.body);
        }
        for secret in &expected.never {
            for (place, whole) in self.places() {
                if whole.contains(secret.as_str()) {
                    differences.add(&place, format!("without {secret}"), whole);
                }
            }
        }
    }

    fn compare_json(&self, expected: &BTreeMap<String, Scalar>, differences: &mut Differences) {
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.body) {
            Ok(object) => {
                let plain = |value: serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
                let got: Vec<_> = object.into_iter().map(|(name, value)| (name, plain(value))).collect();
                differences.pairs("JSON field", expected, &got, &[]);
            }
            Err(_) => differences.add("body", "a JSON object", &self.body),
        }
    }

    fn places(&self) -> Vec<(String, &str)> {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (format!("header {name}"), text(value)));
        headers
            .chain([
                ("URL".to_owned(), self.url.as_str()),
                ("body".to_owned(), self.body.as_str()),
            ])
            .collect()
    }
}

fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap()
}

pub fn compare_url(got: &str, expected: &ExpectedUrl, differences: &mut Differences) {
    let (base, query) = got.split_once('?').unwrap_or((got, ""));
    let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if let Some(url) = &expected.url {
        differences.equal("URL", url.as_str(), got);
    }
    if let Some(pattern) = &expected.base
        && !fits(pattern, base)
    {
        differences.add("URL without its query", pattern, base);
    }
    if let Some(query) = &expected.query {
        differences.pairs("parameter", query, &parameters, &expected.optional);
    }
    for name in &expected.absent {
        if let Some((_, value)) = parameters.iter().find(|(n, _)| n == name) {
            differences.add(&format!("parameter `{name}`"), "not there", value);
        }
    }
}
