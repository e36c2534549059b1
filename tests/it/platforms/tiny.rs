//! A token that is a field of every form, and errors that come with HTTP 200.

use llavero::domain::refresh::FailureKind::{Dead, Down, Throttled, Unknown};
use llavero::platform::answer::{CallAnswer, judge_call};
use llavero::platform::{BuildError, sign, verify};

use super::*;

fn the_method() -> Method {
    method("tiny", "keys")
}

fn all() -> Values {
    values(&[("token", "0123456789abcdef0123456789abcdef01234567")])
}

fn sent(
    verb: http::Method,
    query: &str,
    kind: Option<&'static str>,
    body: &'static str,
) -> Result<PlatformRequest, BuildError> {
    let url = url::Url::parse(&format!("https://api.tiny.com.br/api2/pedido.obter.php{query}")).unwrap();
    let mut request = PlatformRequest::new(verb, url);
    request.body = body.into();
    if let Some(kind) = kind {
        request
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    sign::sign(&the_method(), &all(), &mut request, &moment()).map(|()| request)
}

#[test]
fn the_token_goes_into_the_form_and_the_callers_own_is_dropped() {
    let kind = Some("application/x-www-form-urlencoded; charset=utf-8");
    let request = sent(
        http::Method::POST,
        "?TOKEN=theirs&x=1",
        kind,
        "id=7&token=theirs&Formato=xml&nome=a+b",
    )
    .unwrap();
    assert_eq!(request.url.query(), Some("x=1"));
    let fields = form(&request);
    assert_eq!(fields["token"], all().get("token").unwrap());
    assert_eq!((fields["formato"].as_str(), fields["nome"].as_str()), ("json", "a b"));
    assert_eq!(fields.len(), 4);
    let bare = sent(http::Method::POST, "", None, "").unwrap();
    assert_eq!(header(&bare, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(form(&bare).len(), 2);
}

#[test]
fn a_request_without_a_body_has_it_in_the_query() {
    let request = sent(http::Method::GET, "?id=7&token=theirs", None, "").unwrap();
    let query = query(&request.url);
    assert_eq!((query["id"].as_str(), query["formato"].as_str()), ("7", "json"));
    assert_eq!(query["token"], all().get("token").unwrap());
    assert!(request.body.is_empty());
}

#[test]
fn a_body_that_would_not_be_read_is_refused() {
    let refused = sent(http::Method::POST, "", Some("application/json"), "{}");
    assert!(matches!(refused, Err(BuildError::CannotSign(_))));
}

#[test]
fn codes_decide_whether_they_are_numbers_or_texts() {
    for (code, kind) in [
        ("1", Dead),
        ("2", Dead),
        ("6", Throttled),
        ("11", Throttled),
        ("8", Down),
        ("99", Down),
        ("20", Unknown),
    ] {
        for code in [code.to_owned(), format!("\"{code}\"")] {
            let body = format!(r#"{{"retorno":{{"status":"Erro","codigo_erro":{code}}}}}"#);
            let answer = answer(200, &body);
            let failure = verify::read(&the_method(), &answer, &all()).unwrap_err();
            assert_eq!(failure.kind, kind, "{body}");
            let call = judge_call(&the_method(), answer.status, &answer.headers, body.as_bytes());
            assert_eq!(call == CallAnswer::Unauthorized, kind == Dead, "{body}");
        }
    }
}

#[test]
fn the_company_is_the_store() {
    let body = r#"{"retorno":{"status":"OK","conta":{"razao_social":"Acme Ltda","cnpj_cpf":"00.000.000/0001-91","fantasia":""}}}"#;
    let facts = verify::read(&the_method(), &answer(200, body), &all()).unwrap();
    assert_eq!(facts.platform_store_id.as_deref(), Some("00.000.000/0001-91"));
    assert_eq!(facts.name.as_deref(), Some("Acme Ltda"));
}
