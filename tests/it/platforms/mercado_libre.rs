//! The code grant with PKCE, refresh tokens that work once.

use llavero::domain::refresh::FailureKind::{AppBroken, Dead, Throttled, Unknown};
use llavero::platform::answer::{CallAnswer, judge_call, judge_token, peeks_body};
use llavero::platform::descriptor::{Grace, Renewal};
use llavero::platform::obtain::{self, CallbackAnswer, CallbackRefusal, Start};
use llavero::platform::{BuildError, Method, Values, revoke, sign, verify};

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn the_method() -> Method {
    method("mercado-libre", "authorization")
}

fn all() -> Values {
    values(&[
        ("client_id", "123"),
        ("client_secret", "s3cret/+="),
        ("country", "BR"),
        ("state", "st ate"),
        ("redirect_uri", "https://llavero.example/connect/callback/mercado-libre"),
        ("code_verifier", VERIFIER),
        ("code", "TG-1"),
        ("access_token", "APP_USR-1"),
        ("refresh_token", "TG-r"),
        ("user_id", "42"),
    ])
}

#[test]
fn the_country_chooses_the_login_host_and_nothing_else() {
    let Start::Redirect { url } = obtain::start(&the_method(), &all()).unwrap() else {
        panic!()
    };
    assert_eq!(
        url.as_str().split('?').next(),
        Some("https://auth.mercadolivre.com.br/authorization")
    );
    let query = query(&url);
    let get = |name: &str| query.get(name).map(String::as_str);
    assert_eq!(get("response_type"), Some("code"));
    assert_eq!(get("client_id"), Some("123"));
    assert_eq!(get("state"), Some("st ate"));
    assert_eq!(
        get("redirect_uri"),
        Some("https://llavero.example/connect/callback/mercado-libre")
    );
    // RFC 7636, appendix B.
    assert_eq!(
        get("code_challenge"),
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    );
    assert_eq!(get("code_challenge_method"), Some("S256"));
    assert_eq!(get("scope"), None);
    let nowhere = all().with("country", "evil.example/");
    assert_eq!(
        obtain::start(&the_method(), &nowhere),
        Err(BuildError::MissingValue("auth_host".into()))
    );
}

#[test]
fn secrets_go_in_the_body_and_never_in_the_query() {
    let request = obtain::exchange(&the_method(), &all(), &moment()).unwrap().unwrap();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.mercadolibre.com/oauth/token")
    );
    assert_eq!(
        header(&request, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header(&request, "accept"), Some("application/json"));
    assert_eq!(header(&request, "authorization"), None);
    let sent = form(&request);
    let expected = [
        ("grant_type", "authorization_code"),
        ("client_id", "123"),
        ("client_secret", "s3cret/+="),
        ("code", "TG-1"),
        ("redirect_uri", "https://llavero.example/connect/callback/mercado-libre"),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(sent, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());

    let sent = form(&obtain::refresh(&the_method(), &all(), &moment()).unwrap());
    let expected = [
        ("grant_type", "refresh_token"),
        ("client_id", "123"),
        ("client_secret", "s3cret/+="),
        ("refresh_token", "TG-r"),
    ];
    assert_eq!(sent, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
}

#[test]
fn a_grant_names_its_store_and_survives_a_number_written_as_text() {
    let body = r#"{"access_token":"APP_USR-1","token_type":"Bearer","expires_in":21600,"scope":"offline_access read write","user_id":8035443,"refresh_token":"TG-2"}"#;
    for body in [
        body.to_owned(),
        body.replace("21600", "\"21600\""),
        body.replace("\"token_type\":\"Bearer\",", ""),
    ] {
        let grant = super::grant(&the_method(), &answer(200, &body)).unwrap();
        assert_eq!(grant.values.get("access_token"), Some("APP_USR-1"));
        assert_eq!(grant.values.get("refresh_token"), Some("TG-2"));
        assert_eq!(grant.values.get("user_id"), Some("8035443"));
        assert_eq!(grant.platform_store_id.as_deref(), Some("8035443"));
        assert_eq!(grant.access_expires_in.map(|d| d.as_secs()), Some(21600));
        assert_eq!(grant.scopes.as_ref().map(Vec::len), Some(3));
    }
    let bare = grant(&the_method(), &answer(200, r#"{"access_token":"a"}"#)).unwrap();
    assert!(!bare.has_refresh_token());
    assert!(grant(&the_method(), &answer(200, r#"{"access_token":""}"#)).is_err());
    assert!(grant(&the_method(), &answer(400, body)).is_err());
}

#[test]
fn only_a_refused_grant_is_dead_and_a_refused_client_is_the_apps_trouble() {
    let method = the_method();
    assert_kinds(
        |answer| judge_token(&method, answer),
        &[
            (
                400,
                r#"{"error":"invalid_grant","error_description":"Error validating grant"}"#,
                Dead,
            ),
            (
                400,
                r#"{"message":"Error validating grant","error":"invalid_grant","status":400,"cause":[]}"#,
                Dead,
            ),
            (403, r#"{"error":"invalid_operator_user_id"}"#, Dead),
            (400, r#"{"error":"invalid_client"}"#, AppBroken),
            (401, r#"{"error":"unauthorized_client"}"#, AppBroken),
            (403, r#"{"error":"unauthorized_application"}"#, AppBroken),
            (
                400,
                r#"{"error":"invalid_request","error_description":"code_verifier is a required parameter"}"#,
                Unknown,
            ),
            (403, r#"{"error":"forbidden"}"#, Unknown),
            (429, r#"{"error":"local_rate_limited"}"#, Throttled),
            (400, "local_rate_limited", Throttled),
        ],
    );
    assert_outages_kill_nobody(|answer| judge_token(&method, answer));
}

#[test]
fn a_callback_brings_a_code_or_a_refusal() {
    let read = |query: &str| obtain::read_callback(&the_method(), query, &all(), at(0));
    assert_eq!(
        read("code=TG-9&state=x"),
        Ok(CallbackAnswer::Approved(values(&[("code", "TG-9")])))
    );
    assert!(
        matches!(read("error=access_denied&state=x"), Ok(CallbackAnswer::Denied { code, .. }) if code == "access_denied")
    );
    for query in ["state=x", "code=&state=x", "code=a&code=b&state=x"] {
        assert_eq!(read(query), Err(CallbackRefusal::MissingParameter("code".into())));
    }
    let platform = catalogue().platform("mercado-libre").unwrap().clone();
    assert_eq!(
        obtain::callback_state(&platform, "code=a&state=x%20y").as_deref(),
        Some("x y")
    );
    assert_eq!(obtain::callback_state(&platform, "code=a&state=x&state=y"), None);
}

#[test]
fn calls_are_signed_verified_and_revoked_with_the_token() {
    let method = the_method();
    let mut request = PlatformRequest::new(
        http::Method::GET,
        "https://api.mercadolibre.com/a?b=%20c".parse().unwrap(),
    );
    sign::sign(&method, &all(), &mut request, &moment()).unwrap();
    assert_eq!(header(&request, "authorization"), Some("Bearer APP_USR-1"));
    assert_eq!(request.url.query(), Some("b=%20c"));
    assert_eq!(format!("{request:?}"), "PlatformRequest(GET api.mercadolibre.com)");

    let request = verify::request(&method, &all(), &moment()).unwrap().unwrap();
    assert_eq!(request.url.as_str(), "https://api.mercadolibre.com/users/me");
    let facts = verify::read(
        &method,
        &answer(200, r#"{"id":42,"nickname":"ACME","site_id":"MLB"}"#),
        &all(),
    )
    .unwrap();
    assert_eq!(
        (facts.platform_store_id.as_deref(), facts.name.as_deref()),
        (Some("42"), Some("ACME"))
    );
    let refused = |status, body: &str| verify::read(&method, &answer(status, body), &all()).unwrap_err().kind;
    assert_eq!(
        refused(
            401,
            r#"{"message":"invalid access token","error":"not_found","status":401}"#
        ),
        Dead
    );
    assert_eq!(refused(401, r#"{"message":"expired_token","status":401}"#), Unknown);
    assert_eq!(
        refused(403, r#"{"code":"FORBIDDEN","error":"access_denied","status":403}"#),
        Unknown
    );

    let request = revoke::request(&method, &all(), &moment()).unwrap().unwrap();
    assert_eq!(request.method, http::Method::DELETE);
    assert_eq!(
        request.url.as_str(),
        "https://api.mercadolibre.com/users/42/applications/123"
    );
    assert_eq!(header(&request, "authorization"), Some("Bearer APP_USR-1"));
    let odd = revoke::request(&method, &all().with("user_id", "4/../5?x"), &moment());
    assert!(odd.is_err());
}

#[test]
fn a_403_is_passed_on_and_a_401_is_not() {
    let method = the_method();
    let judge = |status: u16| judge_call(&method, StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"");
    assert_eq!(
        (judge(200), judge(403), judge(401)),
        (CallAnswer::Passed, CallAnswer::Passed, CallAnswer::Unauthorized)
    );
    assert_eq!(peeks_body(&method, StatusCode::OK), 0);
    assert_eq!((method.renewal, method.grace), (Renewal::RefreshToken, Grace::None));
    assert!(obtain::uses_pkce(&method) && method.lifetimes.refresh_moves);
}
