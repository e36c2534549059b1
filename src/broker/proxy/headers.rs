//! Which headers pass, in both directions. To the platform goes what the caller wrote, less what speaks of the caller or
//! of the way; back comes what the platform wrote, less what a hostile shop could use against our own origin.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::platform::transport::HOP_BY_HOP;

/// `host` is the platform's own; `expect` was answered by our server already.
const NOT_FORWARDED: [&str; 5] = ["authorization", "cookie", "forwarded", "host", "expect"];
const NOT_FORWARDED_STARTS: [&str; 2] = ["x-forwarded-", "llavero-"];

/// The last four let a site speak for its whole origin from a single answer.
const NOT_RETURNED: [&str; 9] = [
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "alt-svc",
    "clear-site-data",
    "nel",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
];
const NOT_RETURNED_STARTS: [&str; 2] = ["access-control-", "llavero-"];

/// The caller's headers as the platform gets them; the signer takes its own out. Where the body of an answer has a say
/// (`reads_answers`), it must not come compressed: nothing is decompressed here, and uncompressed is always acceptable.
pub fn forwarded(from_caller: &HeaderMap, reads_answers: bool) -> HeaderMap {
    let mut headers = passing(from_caller, &NOT_FORWARDED, &NOT_FORWARDED_STARTS);
    if reads_answers {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    headers
}

/// The platform's headers as the caller gets them: its answer is named as the platform's, and no browser that is led here
/// runs it as ours.
pub fn returned(from_platform: &HeaderMap) -> HeaderMap {
    let mut headers = passing(from_platform, &NOT_RETURNED, &NOT_RETURNED_STARTS);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(SOURCE, HeaderValue::from_static("platform"));
    headers
}

/// Tells whose status and body an answer of the proxy has.
pub const SOURCE: HeaderName = HeaderName::from_static("llavero-source");
/// Another of the platform's documented API hosts.
pub const HOST: HeaderName = HeaderName::from_static("llavero-host");

fn passing(headers: &HeaderMap, names: &[&str], starts: &[&str]) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passes = |name: &HeaderName| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name)
            && !names.contains(&name)
            && !starts.iter().any(|start| name.starts_with(start))
            && !named.iter().any(|listed| listed == name)
    };
    let kept = headers.iter().filter(|(name, _)| passes(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_speaks_of_the_caller_or_the_way_is_not_forwarded() {
        let given = map(&[
            ("authorization", "Bearer llv_st_x"),
            ("cookie", "a=b"),
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-anything", "x"),
            ("llavero-host", "api.example"),
            ("llavero-whatever", "x"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("host", "llavero.example"),
            ("expect", "100-continue"),
            ("accept", "application/json"),
            ("accept-encoding", "gzip"),
            ("content-length", "3"),
            ("content-type", "application/json"),
            ("idempotency-key", "k"),
            ("if-none-match", "\"e\""),
            ("range", "bytes=0-9"),
            ("x-custom", "1"),
        ]);
        assert_eq!(
            names(&forwarded(&given, false)),
            [
                "accept",
                "accept-encoding",
                "content-length",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "range",
                "x-custom"
            ]
        );
    }

    #[test]
    fn an_answer_whose_body_is_looked_at_is_asked_for_uncompressed() {
        let given = map(&[
            ("accept-encoding", "gzip"),
            ("accept-encoding", "br;q=0.9"),
            ("accept", "*/*"),
        ]);
        let sent = |reads_answers| {
            let headers = forwarded(&given, reads_answers);
            let encodings = headers.get_all(header::ACCEPT_ENCODING).iter().cloned();
            (encodings.collect::<Vec<_>>(), names(&headers).len())
        };
        assert_eq!(sent(true), (vec![HeaderValue::from_static("identity")], 2));
        assert_eq!(sent(false).0, ["gzip", "br;q=0.9"]);
    }

    #[test]
    fn what_could_act_on_our_origin_is_not_returned() {
        let given = map(&[
            ("set-cookie", "a=b"),
            ("strict-transport-security", "max-age=1"),
            ("alt-svc", "h3=\":443\""),
            ("clear-site-data", "\"*\""),
            ("access-control-allow-origin", "*"),
            ("access-control-anything", "x"),
            ("nel", "{}"),
            ("service-worker-allowed", "/"),
            ("llavero-source", "llavero"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("content-security-policy", "default-src *"),
            ("content-encoding", "gzip"),
            ("content-type", "text/html"),
            ("location", "/elsewhere"),
            ("retry-after", "3"),
            ("www-authenticate", "Basic"),
            ("x-rate-limit", "1"),
        ]);
        let headers = returned(&given);
        assert_eq!(
            names(&headers),
            [
                "content-encoding",
                "content-security-policy",
                "content-type",
                "llavero-source",
                "location",
                "retry-after",
                "www-authenticate",
                "x-content-type-options",
                "x-rate-limit"
            ]
        );
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "sandbox");
        assert_eq!(headers[SOURCE], "platform");
    }

    #[test]
    fn repeated_headers_all_pass() {
        let headers = forwarded(
            &map(&[("accept", "a"), ("accept", "b"), ("x-a", "1"), ("x-a", "2")]),
            false,
        );
        assert_eq!(headers.get_all("x-a").iter().count(), 2);
        assert_eq!(headers.get_all("accept").iter().count(), 2);
    }
}
