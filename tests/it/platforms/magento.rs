//! Calls signed with a consumer and a token, for shops that read queries as PHP does.

use llavero::platform::answer::{CallAnswer, judge_call};
use llavero::platform::{BuildError, sign, verify};

use super::*;

const SHOP: &str = "https://shop.example.com";

fn all() -> Values {
    let of = |letter: &str, digit: &str| letter.repeat(31) + digit;
    values(&[
        ("base_url", SHOP),
        ("consumer_key", &of("a", "1")),
        ("consumer_secret", &of("b", "2")),
        ("access_token", &of("c", "3")),
        ("access_token_secret", &of("d", "4")),
    ])
}

fn call(slug: &str, verb: http::Method, below: &str) -> PlatformRequest {
    let url = url::Url::parse(&format!("{SHOP}{below}")).unwrap();
    let mut request = PlatformRequest::new(verb, url);
    sign::sign(&method(slug, "keys"), &all(), &mut request, &moment()).unwrap();
    request
}

fn signature(request: &PlatformRequest) -> String {
    let header = header(request, "authorization").unwrap();
    let (_, rest) = header.split_once("oauth_signature=\"").unwrap();
    rest.trim_end_matches('"').to_owned()
}

#[test]
fn the_signature_stands_in_the_header_and_the_query_is_written_as_it_was_signed() {
    let request = call(
        "magento-2",
        http::Method::GET,
        "/rest/V1/orders?fields=a+b&searchCriteria[pageSize]=1&empty",
    );
    assert_eq!(
        request.url.query(),
        Some("empty=&fields=a%20b&searchCriteria%5BpageSize%5D=1")
    );
    let header = header(&request, "authorization").unwrap();
    assert!(header.starts_with("OAuth oauth_consumer_key=\"aaaa"), "{header}");
    for part in [
        "oauth_signature_method=\"HMAC-SHA256\"",
        "oauth_version=\"1.0\"",
        "oauth_timestamp=\"1700000000\"",
        "oauth_nonce=\"0123456789abcdef0123456789abcdef\"",
        "oauth_token=\"cccc",
    ] {
        assert!(header.contains(part), "{part} in {header}");
    }
    assert!(!header.contains("bbbb") && !header.contains("dddd"));
    let older = call("magento-1", http::Method::GET, "/api/rest/products");
    assert!(
        older.headers["authorization"]
            .to_str()
            .unwrap()
            .contains("\"HMAC-SHA1\"")
    );
    assert_eq!(older.url.query(), None);
}

#[test]
fn what_the_shop_takes_out_of_the_query_is_not_signed() {
    let plain = call("magento-2", http::Method::GET, "/rest/V1/orders?a=1");
    let disguised = call(
        "magento-2",
        http::Method::GET,
        "/rest/V1/orders?a=1&x_oauth_y=2&oauth_token=mine",
    );
    assert_eq!(signature(&plain), signature(&disguised));
    assert_eq!(disguised.url.query(), Some("a=1&x_oauth_y=2"));
    // Of a repeated name the last counts.
    let repeated = call("magento-2", http::Method::GET, "/rest/V1/orders?a=2&a=1");
    assert_eq!(signature(&plain), signature(&repeated));
    assert_eq!(repeated.url.query(), Some("a=1"));
}

#[test]
fn a_form_is_not_signed() {
    let url = url::Url::parse(&format!("{SHOP}/rest/V1/orders")).unwrap();
    let mut request = PlatformRequest::new(http::Method::POST, url);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(header::CONTENT_TYPE, form);
    let signed = sign::sign(&method("magento-2", "keys"), &all(), &mut request, &moment());
    assert!(matches!(signed, Err(BuildError::CannotSign(_))));
}

#[test]
fn a_shop_that_serves_guests_proves_nothing_without_a_counterproof() {
    let older = method("magento-1", "keys");
    let real = verify::request(&older, &all(), &moment()).unwrap().unwrap();
    let made_up = verify::counterproof(&older, &all(), &moment()).unwrap().unwrap();
    assert_eq!(real.url, made_up.url);
    assert_ne!(signature(&real), signature(&made_up));
    let newer = method("magento-2", "keys");
    assert!(verify::counterproof(&newer, &all(), &moment()).unwrap().is_none());
}

#[test]
fn only_three_problems_end_the_token_of_an_older_shop() {
    let older = method("magento-1", "keys");
    let judge = |problem: &str| {
        let body = format!(r#"{{"messages":{{"error":[{{"code":401,"message":"oauth_problem={problem}"}}]}}}}"#);
        let answer = answer(401, &body);
        let read = verify::read(&older, &answer, &all()).unwrap_err().kind;
        (
            judge_call(&older, answer.status, &answer.headers, body.as_bytes()),
            read,
        )
    };
    for problem in ["token_rejected", "token_revoked", "consumer_key_rejected"] {
        assert_eq!(
            judge(problem),
            (CallAnswer::Unauthorized, FailureKind::Dead),
            "{problem}"
        );
    }
    for problem in ["nonce_used", "timestamp_refused", "signature_invalid"] {
        assert_eq!(judge(problem), (CallAnswer::Passed, FailureKind::Unknown), "{problem}");
    }
}

#[test]
fn the_newer_shop_is_asked_about_all_of_its_views() {
    let newer = method("magento-2", "token");
    let url = verify::request(&newer, &all(), &moment()).unwrap().unwrap().url;
    assert_eq!(url.path(), "/rest/V1/store/storeConfigs");
}
