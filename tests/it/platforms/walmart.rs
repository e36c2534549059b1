//! The store's own client, asked again; a token in a header of its own.

use llavero::domain::refresh::FailureKind::{Dead, Throttled, Unknown};
use llavero::platform::answer::{CallAnswer, judge_call, judge_token, peeks_body};
use llavero::platform::descriptor::Renewal;
use llavero::platform::obtain::{self, Start};
use llavero::platform::{Method, Values, sign, verify};

use super::*;

fn the_method() -> Method {
    method("walmart", "keys")
}

fn all(market: &str) -> Values {
    values(&[
        ("client_id", "66874dfd-1d5a"),
        ("client_secret", "AO5w-q3+/=="),
        ("market", market),
        ("access_token", "eyJ"),
    ])
}

#[test]
fn a_token_is_asked_for_with_plain_basic_and_the_platforms_headers() {
    let method = the_method();
    assert_eq!(obtain::start(&method, &all("us")), Ok(Start::Direct));
    assert_eq!(method.renewal, Renewal::AskAgain);
    for request in [
        obtain::exchange(&method, &all("us"), &moment()).unwrap().unwrap(),
        obtain::refresh(&method, &all("us"), &moment()).unwrap(),
    ] {
        assert_eq!(request.url.as_str(), "https://marketplace.walmartapis.com/v3/token");
        assert_eq!(
            header(&request, "authorization"),
            Some("Basic NjY4NzRkZmQtMWQ1YTpBTzV3LXEzKy89PQ==")
        );
        assert_eq!(header(&request, "WM_SVC.NAME"), Some("Walmart Marketplace"));
        assert_eq!(
            header(&request, "WM_QOS.CORRELATION_ID"),
            Some("00000000-0000-0000-0000-000000000007")
        );
        assert_eq!(header(&request, "accept"), Some("application/json"));
        assert_eq!(header(&request, "WM_MARKET"), None);
        assert_eq!(&request.body[..], b"grant_type=client_credentials");
    }
    let request = obtain::exchange(&method, &all("cl"), &moment()).unwrap().unwrap();
    assert_eq!(
        (header(&request, "WM_MARKET"), header(&request, "WM_GLOBAL_VERSION")),
        (Some("cl"), Some("3.1"))
    );
}

#[test]
fn a_call_carries_the_token_in_its_own_header() {
    let method = the_method();
    let request = verify::request(&method, &all("us"), &moment()).unwrap().unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://marketplace.walmartapis.com/v3/token/detail"
    );
    assert_eq!(header(&request, "WM_SEC.ACCESS_TOKEN"), Some("eyJ"));
    assert_eq!(header(&request, "authorization"), None);

    let mut request = PlatformRequest::new(
        http::Method::GET,
        "https://marketplace.walmartapis.com/v3/items".parse().unwrap(),
    );
    request
        .headers
        .insert("wm_sec.access_token", HeaderValue::from_static("callers own"));
    request
        .headers
        .insert("accept", HeaderValue::from_static("application/xml"));
    sign::sign(&method, &all("mx"), &mut request, &moment()).unwrap();
    assert_eq!(header(&request, "wm_sec.access_token"), Some("eyJ"));
    assert_eq!(header(&request, "accept"), Some("application/xml"));
    assert_eq!(header(&request, "wm_market"), Some("mx"));
    assert!(header(&request, "authorization").unwrap().starts_with("Basic "));
    let owned = sign::owned(&method);
    assert!(owned.headers.iter().any(|name| name == "wm_sec.access_token"));
    assert!(!owned.headers.iter().any(|name| name == "accept"));
}

#[test]
fn errors_are_found_in_all_three_places_and_a_refused_client_is_the_end_of_the_stores_credential() {
    let method = the_method();
    let item = |code: &str| format!(r#"{{"code":"{code}","field":"","category":"DATA","severity":"ERROR"}}"#);
    let unauthorized = item("UNAUTHORIZED.GMP_GATEWAY_API");
    for body in [
        format!(r#"{{"error":[{unauthorized}]}}"#),
        format!(r#"{{"errors":[{unauthorized}]}}"#),
        format!(r#"{{"errors":{{"error":[{unauthorized}]}}}}"#),
    ] {
        let failure = judge_token(&method, &answer(401, &body));
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (Dead, Some("UNAUTHORIZED.GMP_GATEWAY_API"))
        );
    }
    assert_kinds(
        |answer| judge_token(&method, answer),
        &[
            (401, &format!(r#"{{"error":[{}]}}"#, item("UNAUTHORIZED")), Dead),
            (401, r#"{"error":"invalid_client"}"#, Dead),
            (
                400,
                &format!(r#"{{"error":[{}]}}"#, item("MISSING_REQUEST_HEADER")),
                Unknown,
            ),
            (400, &format!(r#"{{"error":[{}]}}"#, item("UNAUTHORIZED")), Unknown),
            (
                403,
                &format!(r#"{{"error":[{}]}}"#, item("FORBIDDEN.GMP_GATEWAY_API")),
                Unknown,
            ),
            (
                429,
                &format!(r#"{{"error":[{}]}}"#, item("REQUEST_THRESHOLD_VIOLATED")),
                Throttled,
            ),
        ],
    );
    assert_outages_kill_nobody(|answer| judge_token(&method, answer));
}

#[test]
fn an_expired_token_may_show_as_a_400() {
    let method = the_method();
    let judge = |status: u16, body: &str| {
        judge_call(
            &method,
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
        )
    };
    assert_eq!(judge(401, ""), CallAnswer::Unauthorized);
    assert_eq!(
        judge(400, r#"{"errors":[{"code":"INVALID_TOKEN.GMP_GATEWAY_API"}]}"#),
        CallAnswer::Unauthorized
    );
    assert_eq!(
        judge(400, r#"{"errors":[{"code":"INVALID_REQUEST"}]}"#),
        CallAnswer::Passed
    );
    assert_eq!(
        judge(403, r#"{"error":[{"code":"FORBIDDEN.GMP_GATEWAY_API"}]}"#),
        CallAnswer::Passed
    );
    assert!(peeks_body(&method, StatusCode::BAD_REQUEST) > 0);
    assert_eq!(peeks_body(&method, StatusCode::OK), 0);
}

#[test]
fn the_client_id_is_the_stores_identity() {
    let method = the_method();
    assert_eq!(
        method.typed_identity(&all("us")).unwrap().as_deref(),
        Some("66874dfd-1d5a")
    );
    let facts = verify::read(&method, &answer(200, r#"{"is_valid":true}"#), &all("us")).unwrap();
    assert_eq!(facts.platform_store_id.as_deref(), Some("66874dfd-1d5a"));
    let grant = super::grant(
        &method,
        &answer(200, r#"{"access_token":"eyJ","token_type":"Bearer","expires_in":900}"#),
    )
    .unwrap();
    assert_eq!(grant.access_expires_in.map(|d| d.as_secs()), Some(900));
}
