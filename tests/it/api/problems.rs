//! How errors look: problem+json with a stable code, the request's id, and the header that RFC 6750 asks for.

use serde_json::{Value, json};

use crate::support::connecting::{RETURN_URL, start};
use crate::support::raw;
use crate::support::visitor::Answer;

fn assert_problem(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(
        answer.header("content-type").starts_with("application/problem+json"),
        "{:?}",
        answer.headers
    );
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    for name in ["type", "title", "detail", "request_id"] {
        assert!(
            problem[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {problem}"
        );
    }
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert_eq!(
        answer.header("www-authenticate").starts_with("Bearer"),
        status == 401,
        "{:?}",
        answer.headers
    );
    problem
}

#[tokio::test]
async fn each_401_is_a_problem_that_names_the_scheme() {
    let app = start().await;
    let typo = {
        let mut key = app.demo.api_key.expose().to_owned();
        key.pop();
        key
    };
    let unknown = format!("llv_sk_{}", "A".repeat(49));
    for path in [
        "/v1/app",
        "/v1/stores",
        "/v1/platforms",
        "/v1/access",
        "/v1/proxy/x",
        "/v1/connect-sessions/cs_1",
    ] {
        for bearer in ["", "x", typo.as_str(), unknown.as_str(), "llv_st_x"] {
            assert_problem(&app.api_as(bearer, "GET", path, None).await, 401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn other_schemes_and_missing_headers_are_refused() {
    let app = start().await;
    let key = app.demo.api_key.expose();
    let basic = format!("Basic {key}");
    let bare = key.to_owned();
    for headers in [
        vec![],
        vec![("authorization", basic.as_str())],
        vec![("authorization", bare.as_str())],
    ] {
        let answer = raw::send(&app.url, "GET", "/v1/app", &headers, b"").await;
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(
            answer.head.to_lowercase().contains("www-authenticate: bearer"),
            "{}",
            answer.head
        );
    }
    let in_query = raw::send(&app.url, "GET", &format!("/v1/app?access_token={key}"), &[], b"").await;
    assert_eq!(in_query.status, 401, "a key in an address is no key");
    let lower = format!("bearer {key}");
    let answer = raw::send(&app.url, "GET", "/v1/app", &[("authorization", lower.as_str())], b"").await;
    assert_eq!(answer.status, 200, "the scheme's case does not matter");
}

#[tokio::test]
async fn a_request_id_is_made_or_echoed_and_never_a_way_in() {
    let app = start().await;
    let made = app.api("GET", "/v1/app", None).await;
    assert!(!made.header("x-request-id").is_empty());
    let own = app
        .request(app.demo.api_key.expose(), "GET", "/v1/stores/x")
        .header("x-request-id", "abc-123")
        .send();
    let own = own.await.unwrap();
    assert_eq!(own.headers()["x-request-id"], "abc-123");
    let problem: Value = own.json().await.unwrap();
    assert_eq!(problem["request_id"], "abc-123");
    let long = "x".repeat(500);
    for bad in [long.as_str(), "a b<script>", "\"quoted\""] {
        let answer = app
            .request(app.demo.api_key.expose(), "GET", "/v1/app")
            .header("x-request-id", bad)
            .send();
        let answer = answer.await.unwrap();
        assert_ne!(answer.headers()["x-request-id"], bad);
    }
}

#[tokio::test]
async fn an_unknown_route_or_method_is_a_problem_too() {
    let app = start().await;
    assert_problem(&app.api("GET", "/v1/no-such", None).await, 404, "not_found");
    let answer = app.api("DELETE", "/v1/app", None).await;
    assert!(matches!(answer.status, 404 | 405), "{}", answer.status);
    assert!(
        answer.header("content-type").starts_with("application/problem+json"),
        "{:?}",
        answer.headers
    );
}

#[tokio::test]
async fn json_that_cannot_be_read_is_refused_in_words() {
    let app = start().await;
    for body in ["", "{", "[]", "null", "\"x\"", "{\"customer_id\": }"] {
        let request = app.request(app.demo.api_key.expose(), "POST", "/v1/connect-sessions");
        let answer = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let answer = crate::support::test_app::read(answer).await;
        assert_problem(&answer, 400, "invalid_request");
    }
}

#[tokio::test]
async fn wrong_fields_are_listed_by_name() {
    let app = start().await;
    let good = json!({ "customer_id": "c", "return_url": RETURN_URL });
    for (field, value) in [
        ("customer_id", json!(7)),
        ("customer_id", json!("")),
        ("return_url", json!("nonsense")),
        ("platform", json!("no-such")),
        ("platforms", json!(["shopify", "no-such"])),
        ("expires_in", json!(-5)),
        ("expires_in", json!("x")),
        ("merchant.email", json!("no address")),
        ("merchant.locale", json!("xx")),
        ("colour", json!("red")),
    ] {
        let mut body = good.clone();
        match field.split_once('.') {
            Some((outer, inner)) => body[outer] = json!({ inner: value }),
            None => body[field] = value,
        }
        let answer = app.api("POST", "/v1/connect-sessions", Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        let problem = assert_problem(&answer, 400, "invalid_request");
        let told = problem["errors"][0].clone();
        let name = told["field"].as_str().unwrap_or_default();
        assert!(name.starts_with(field), "{field}: {problem}");
        assert!(
            told["message"].as_str().is_some_and(|text| !text.is_empty()),
            "{problem}"
        );
    }
    let problem = assert_problem(
        &app.api("POST", "/v1/connect-sessions", Some(json!({}))).await,
        400,
        "invalid_request",
    );
    assert_eq!(problem["errors"][0]["field"], "customer_id", "{problem}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let app = start().await;
    let body = json!({ "customer_id": "c".repeat(3 << 20), "return_url": RETURN_URL });
    assert_problem(
        &app.api("POST", "/v1/connect-sessions", Some(body)).await,
        413,
        "too_large",
    );
}

#[tokio::test]
async fn a_nul_or_an_endless_word_is_refused_and_never_an_internal_error() {
    let app = start().await;
    for customer in ["a\u{0}b".to_owned(), "x".repeat(10_000)] {
        let body = json!({ "customer_id": customer, "return_url": RETURN_URL });
        assert_problem(
            &app.api("POST", "/v1/connect-sessions", Some(body)).await,
            400,
            "invalid_request",
        );
    }
    for query in ["?q=%00", "?customer_id=%00", "?q=%FF"] {
        let answer = app.api("GET", &format!("/v1/stores{query}"), None).await;
        assert!(
            answer.status == 200 || answer.status == 400,
            "{query}: {} {}",
            answer.status,
            answer.body
        );
    }
    let answer = app.api("DELETE", "/v1/customers/%00", None).await;
    assert!(answer.status < 500, "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn control_characters_are_refused_with_the_field_and_never_reach_the_database() {
    let app = start().await;
    let session = json!({ "customer_id": "c", "return_url": RETURN_URL });
    let store = json!({ "platform": "mercado-libre", "customer_id": "c", "fields": { "country": "AR" },
                        "tokens": { "access_token": "t" } });
    let with = |body: &Value, pointer: &str, value: Value| {
        let (mut changed, names) = (body.clone(), pointer.split('.'));
        let mut place = &mut changed;
        for name in names {
            place = &mut place[name];
        }
        *place = value;
        changed
    };
    for (path, body, field, value, told) in [
        (
            "/v1/connect-sessions",
            &session,
            "return_url",
            json!("http://127.0.0.1:1/\0"),
            "return_url",
        ),
        ("/v1/connect-sessions", &session, "state", json!("a\0b"), "state"),
        (
            "/v1/connect-sessions",
            &session,
            "customer_id",
            json!("a\u{7}"),
            "customer_id",
        ),
        (
            "/v1/connect-sessions",
            &session,
            "fields",
            json!({ "a\0": "b" }),
            "fields",
        ),
        (
            "/v1/connect-sessions",
            &session,
            "platforms",
            json!(["\0"]),
            "platforms.0",
        ),
        (
            "/v1/stores",
            &store,
            "tokens.scopes",
            json!(["read", "a\0"]),
            "tokens.scopes.1",
        ),
        (
            "/v1/stores",
            &store,
            "tokens.access_token",
            json!("a\0"),
            "tokens.access_token",
        ),
        ("/v1/stores", &store, "fields.country", json!("A\0"), "fields.country"),
    ] {
        let answer = app.api("POST", path, Some(with(body, field, value))).await;
        let problem = assert_problem(&answer, 400, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], told, "{problem}");
    }
}

#[tokio::test]
async fn an_encoded_path_meets_the_rules_of_the_route_it_reaches() {
    let app = start().await;
    let visitor = crate::support::visitor::Visitor::new();
    let (plain, encoded) = (
        visitor.get(&format!("{}/admin/stores", app.url)).await,
        visitor.get(&format!("{}/%61dmin/stores", app.url)).await,
    );
    assert_eq!((plain.status, encoded.status), (303, 303), "{}", encoded.text());
    for header in ["content-security-policy", "cache-control"] {
        assert_eq!(plain.header(header), encoded.header(header), "{header}");
    }
    assert!(encoded.location.unwrap().path().starts_with("/admin/sign-in"));
    assert_problem(&app.api_as("x", "GET", "/%761/app", None).await, 401, "unauthenticated");
}
