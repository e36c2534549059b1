//! The store's own client at a host that the merchant names.

use llavero::domain::refresh::FailureKind::{Dead, Unknown};
use llavero::platform::answer::judge_token;
use llavero::platform::obtain;
use llavero::platform::{BuildError, FieldProblem, Method, Values, host, revoke, verify};

use super::*;

fn the_method() -> Method {
    method("hybris", "client")
}

fn all() -> Values {
    values(&[
        ("base_url", "https://api.acme.example:9002"),
        ("base_site", "electronics"),
        ("client_id", "partner"),
        ("client_secret", "pa&ss=word"),
        ("access_token", "tok"),
    ])
}

#[test]
fn the_token_is_asked_for_at_the_stores_own_host() {
    let request = obtain::exchange(&the_method(), &all(), &moment()).unwrap().unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://api.acme.example:9002/authorizationserver/oauth/token"
    );
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "partner"),
        ("client_secret", "pa&ss=word"),
    ];
    assert_eq!(
        form(&request),
        expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into()
    );
}

#[test]
fn no_value_moves_the_request_to_another_host() {
    for bad in [
        "https://api.acme.example@evil.example",
        "https://api.acme.example/../x",
        "https://api.acme.example/x",
        "https://api.acme.example\\.evil.example",
        "https://api.acme.example#",
        "https://api.acme.example?",
        "https://api.ac\nme.example",
        "https://caf\u{e9}.example",
        "file:///etc",
        "https://..",
    ] {
        let error = obtain::exchange(&the_method(), &all().with("base_url", bad), &moment()).unwrap_err();
        assert_eq!(error, BuildError::UnsafeValue("base_url".into()), "{bad}");
        let field = the_method().field("base_url").unwrap().clone();
        assert_eq!(field.check(bad, true).ok().filter(|v| v == bad), None, "{bad}");
    }
    let field = the_method().field("base_url").unwrap().clone();
    assert_eq!(
        field.check("http://api.acme.example", false),
        Err(FieldProblem::Pattern)
    );
    assert_eq!(
        field.check("http://127.0.0.1:9001/", true).as_deref(),
        Ok("http://127.0.0.1:9001")
    );
}

#[test]
fn the_base_site_must_be_among_those_listed() {
    let method = the_method();
    let request = verify::request(&method, &all(), &moment()).unwrap().unwrap();
    assert_eq!(request.url.as_str(), "https://api.acme.example:9002/occ/v2/basesites");
    assert_eq!(header(&request, "authorization"), Some("Bearer tok"));
    let good = answer(200, r#"{"baseSites":[{"uid":"powertools"},{"uid":"electronics"}]}"#);
    let facts = verify::read(&method, &good, &all()).unwrap();
    assert_eq!(
        facts.platform_store_id.as_deref(),
        Some("https://api.acme.example:9002/electronics")
    );
    let failure = verify::read(&method, &answer(200, r#"{"baseSites":[{"uid":"powertools"}]}"#), &all()).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (Unknown, Some("base_site_not_listed"))
    );
    let failure = verify::read(
        &method,
        &answer(401, r#"{"errors":[{"type":"InvalidTokenError","message":"x"}]}"#),
        &all(),
    );
    assert_eq!(failure.unwrap_err().code.as_deref(), Some("InvalidTokenError"));
}

#[test]
fn a_refused_client_is_the_end_of_the_stores_credential() {
    let method = the_method();
    assert_kinds(
        |answer| judge_token(&method, answer),
        &[
            (
                401,
                r#"{"error":"invalid_client","error_description":"Bad client credentials"}"#,
                Dead,
            ),
            (400, r#"{"error":"unauthorized_client"}"#, Dead),
            (400, r#"{"error":"invalid_scope"}"#, Dead),
            (400, r#"{"error":"unsupported_grant_type"}"#, Dead),
            (400, r#"{"error":"invalid_request"}"#, Unknown),
        ],
    );
    assert_outages_kill_nobody(|answer| judge_token(&method, answer));
}

#[test]
fn the_token_itself_is_revoked_and_other_hosts_are_not_reached() {
    let method = the_method();
    let request = revoke::request(&method, &all(), &moment()).unwrap().unwrap();
    assert_eq!(request.url.path(), "/authorizationserver/oauth/revoke");
    assert_eq!(form(&request).get("token").map(String::as_str), Some("tok"));
    let platform = catalogue().platform("hybris").unwrap().clone();
    assert!(host::allowed(&platform, &method, &all(), "api.acme.example:9002").is_some());
    assert!(host::allowed(&platform, &method, &all(), "evil.example").is_none());
}
