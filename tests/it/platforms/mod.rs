//! What each platform's catalogue file makes of real-looking input: requests as they go over the wire, answers as the
//! platforms document them. No network: the platform layer builds and reads.

mod falabella;
mod hosts;
mod hybris;
mod magento;
mod mercado_libre;
mod oauth;
mod pasted;
mod shopify;
mod tiny;
mod walmart;
mod woocommerce;
mod zoho;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, TimeZone, Utc};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use llavero::domain::refresh::FailureKind;
use llavero::platform::obtain::{self, Grant};
use llavero::platform::transport::PlatformRequest;
use llavero::platform::{Catalogue, Failure, Method, PlatformAnswer, SignMoment, Values};

/// Read once: all its patterns take their time.
pub fn catalogue() -> Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| Catalogue::embedded().unwrap_or_else(|errors| panic!("{errors:#?}")))
        .clone()
}

pub fn method(slug: &str, id: &str) -> Method {
    catalogue().platform(slug).unwrap().method(id).unwrap().clone()
}

pub fn at(unix: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(unix, 0).unwrap()
}

pub fn moment() -> SignMoment {
    SignMoment {
        now: at(1_700_000_000),
        nonce: [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
        ],
        request_id: uuid::Uuid::from_u128(7),
    }
}

pub fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| (*name, *value)).collect()
}

pub fn answer(status: u16, body: &str) -> PlatformAnswer {
    let mut headers = HeaderMap::new();
    let kind = if body.starts_with('<') {
        "text/html; charset=utf-8"
    } else {
        "application/json"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
    PlatformAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.to_owned().into(),
    }
}

/// What the method makes of a token call's answer.
pub fn grant(method: &Method, answer: &PlatformAnswer) -> Result<Grant, Failure> {
    obtain::read_grant(method, &Values::new(), answer, moment().now)
}

pub fn form(request: &PlatformRequest) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

pub fn query(url: &url::Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

pub fn header<'a>(request: &'a PlatformRequest, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}

/// Each row: status, body, class.
pub fn assert_kinds(judge: impl Fn(&PlatformAnswer) -> Failure, rows: &[(u16, &str, FailureKind)]) {
    for (status, body, kind) in rows {
        let failure = judge(&answer(*status, body));
        assert_eq!(failure.kind, *kind, "{status} {body}: {failure:?}");
        assert_eq!(failure.status, Some(*status));
        assert_eq!(failure.retry_after.map(|d| d.as_secs()), Some(7));
    }
}

/// Answers that mean the same everywhere.
pub fn assert_outages_kill_nobody(judge: impl Fn(&PlatformAnswer) -> Failure) {
    use FailureKind::{Down, Throttled, Unknown};
    assert_kinds(
        judge,
        &[
            (429, "{}", Throttled),
            (500, r#"{"error":"invalid_grant"}"#, Down),
            (502, "<html>bad gateway</html>", Down),
            (503, "", Down),
            (200, "<!DOCTYPE html><p>maintenance", Down),
            (403, "<html>blocked</html>", Down),
            (401, "<html>invalid_grant</html>", Down),
            (400, "", Unknown),
            (401, "", Unknown),
            (401, "{}", Unknown),
            (403, r#"{"error":"something_new"}"#, Unknown),
            (200, "{}", Unknown),
            (302, "", Unknown),
        ],
    );
}
