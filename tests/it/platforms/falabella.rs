//! A signed query, and errors that come with HTTP 200.

use llavero::domain::refresh::FailureKind::{Dead, Down, Throttled, Unknown};
use llavero::platform::answer::{CallAnswer, judge_call, peeks_body};
use llavero::platform::{Method, Values, sign, verify};

use super::*;

fn the_method() -> Method {
    method("falabella", "keys")
}

fn all() -> Values {
    values(&[
        ("user_id", "look@me.com"),
        ("api_key", "b1bdb357ced10fe4e9a69840cdd4f0e9c03d77fe"),
        ("seller_id", "SC12345"),
        ("country", "PE"),
    ])
}

fn signed(query: &str) -> PlatformRequest {
    let url = format!("https://sellercenter-api.falabella.com/?{query}");
    let mut request = PlatformRequest::new(http::Method::GET, url.parse().unwrap());
    // 2015-07-01T11:11:11 UTC, as in the documented signatures.
    let moment = SignMoment {
        now: at(1_435_749_071),
        ..moment()
    };
    sign::sign(&the_method(), &all(), &mut request, &moment).unwrap();
    request
}

#[test]
fn documented_signatures_go_over_the_wire() {
    let query = signed("Action=FeedList&Format=XML").url.query().unwrap().to_owned();
    assert_eq!(
        query,
        "Action=FeedList&Format=XML&Timestamp=2015-07-01T11%3A11%3A11%2B00%3A00&UserID=look%40me.com&Version=1.0&Signature=3ceb8ed91049dfc718b0d2d176fb2ed0e5fd74f76c5971f34cdab48412476041"
    );
    let query = signed("Action=Feedlist").url.query().unwrap().to_owned();
    assert!(query.contains("&Format=JSON&"));
    assert!(query.ends_with("&Signature=0b5bbfd36b672577e04c5b0f1b33c70ac10c585d8c08339f782fcb501b529d68"));
    let query = signed("Search=Taza+~+d'%C3%A9t%C3%A9+*%C3%B1*+(1)&Action=GetProducts")
        .url
        .query()
        .unwrap()
        .to_owned();
    assert!(query.contains("Search=Taza%20~%20d%27%C3%A9t%C3%A9%20%2A%C3%B1%2A%20%281%29"));
    assert!(query.ends_with("&Signature=0ab538cc7fdaa4559e3267e78c3a1491aefd3422797c0068cbeb5e6b88fbc7d7"));
}

#[test]
fn what_a_caller_sends_in_the_signers_place_is_dropped() {
    let plain = signed("Action=FeedList&Format=XML").url;
    let meddled = "UserID=evil&userid=evil&Version=9&Timestamp=1&Signature=x&signature=y&Action=FeedList&Format=XML";
    assert_eq!(signed(meddled).url, plain);
    let request = signed("Action=FeedList");
    assert_eq!(header(&request, "user-agent"), Some("SC12345/Rust/1.95/Llavero/FAPE"));
    assert!(!request.url.as_str().contains("b1bdb357"));
}

#[test]
fn the_body_decides_not_the_status() {
    let method = the_method();
    let error = |code: &str, kind: &str| {
        format!(
            r#"{{"ErrorResponse":{{"Head":{{"RequestAction":"GetProducts","ErrorType":"{kind}","ErrorCode":"{code}","ErrorMessage":"E: x"}}}}}}"#
        )
    };
    assert_kinds(
        |answer| verify::read(&method, answer, &all()).unwrap_err(),
        &[
            (200, &error("7", "Sender"), Dead),
            (403, &error("7", "Sender"), Dead),
            (500, &error("7", "Sender"), Down),
            (200, &error("9", "Sender"), Unknown),
            (200, &error("3", "Sender"), Unknown),
            (200, &error("6", "Sender"), Down),
            (200, &error("1000", "Platform"), Down),
            (200, &error("77", "Platform"), Down),
            (200, &error("429", "Sender"), Throttled),
            (200, "{}", Unknown),
            (401, "", Unknown),
        ],
    );
    let facts = verify::read(
        &method,
        &answer(200, r#"{"SuccessResponse":{"Head":{},"Body":{}}}"#),
        &all(),
    )
    .unwrap();
    assert_eq!(facts.platform_store_id.as_deref(), Some("look@me.com"));

    let judge = |status: u16, body: &str| {
        judge_call(
            &method,
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
        )
    };
    assert_eq!(judge(200, &error("7", "Sender")), CallAnswer::Unauthorized);
    assert_eq!(
        judge(
            200,
            "<ErrorResponse><Head><ErrorCode>7</ErrorCode></Head></ErrorResponse>"
        ),
        CallAnswer::Unauthorized
    );
    // A role that lacks the action: no lost key, but the verify call has to say so.
    assert_eq!(judge(200, &error("9", "Sender")), CallAnswer::Unauthorized);
    assert_eq!(judge(200, &error("3", "Sender")), CallAnswer::Passed);
    assert_eq!(
        judge(200, r#"{"SuccessResponse":{"Body":{"ErrorCode":"7"}}}"#),
        CallAnswer::Passed
    );
    assert!(peeks_body(&method, StatusCode::OK) > 0);
}

#[test]
fn verify_asks_for_products() {
    let request = verify::request(&the_method(), &all(), &moment()).unwrap().unwrap();
    let sent = query(&request.url);
    assert_eq!(sent.get("Action").map(String::as_str), Some("GetProducts"));
    assert_eq!(
        sent.get("Timestamp").map(String::as_str),
        Some("2023-11-14T22:13:20+00:00")
    );
    assert_eq!(request.url.host_str(), Some("sellercenter-api.falabella.com"));
}
