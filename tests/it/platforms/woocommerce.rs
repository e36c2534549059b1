//! Keys typed or handed over; Basic over https, OAuth 1.0a over http.

use llavero::domain::refresh::FailureKind::{Dead, Unknown};
use llavero::platform::obtain::{self, CallbackAnswer, CallbackRefusal, Start};
use llavero::platform::{BuildError, FieldProblem, Method, Values, sign, verify};

use super::*;

fn keys() -> Method {
    method("woocommerce", "keys")
}

fn all(store_url: &str) -> Values {
    values(&[
        ("store_url", store_url),
        ("consumer_key", "ck_0123456789abcdef0123456789abcdef01234567"),
        ("consumer_secret", "cs_0123456789abcdef0123456789abcdef01234567"),
        ("app_name", "Acme & Co"),
        ("state", "st-1_x"),
        ("redirect_uri", "https://llavero.example/connect/callback/woocommerce"),
        ("deliver_url", "https://llavero.example/connect/deliver/llv_cs_1"),
    ])
}

fn signed(url: &str, store_url: &str) -> PlatformRequest {
    let mut request = PlatformRequest::new(http::Method::GET, url.parse().unwrap());
    sign::sign(&keys(), &all(store_url), &mut request, &moment()).unwrap();
    request
}

#[test]
fn over_https_the_keys_go_as_basic_and_the_query_stays_untouched() {
    let request = signed(
        "https://shop.example.com/wp-json/wc/v3/products?include[]=1&b=%7e+x",
        "https://shop.example.com",
    );
    assert_eq!(request.url.query(), Some("include[]=1&b=%7e+x"));
    let expected = "Basic Y2tfMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzpjc18wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
    assert_eq!(header(&request, "authorization"), Some(expected));
    let request = signed(
        "https://shop.example.com/x?a=1&Consumer_Key=ck_x&oauth_nonce=y&%63onsumer_secret=z",
        "https://shop.example.com",
    );
    assert_eq!(request.url.query(), Some("a=1"));
}

#[test]
fn over_http_the_documented_signatures_go_over_the_wire() {
    let request = signed(
        "http://shop.example.com/wp-json/wc/v3/products?per_page=1&_fields=id&oauth_timestamp=1&consumer_secret=x",
        "http://shop.example.com",
    );
    assert_eq!(header(&request, "authorization"), None);
    assert_eq!(
        request.url.query(),
        Some(
            "_fields=id&oauth_consumer_key=ck_0123456789abcdef0123456789abcdef01234567&oauth_nonce=0123456789abcdef0123456789abcdef&oauth_signature_method=HMAC-SHA256&oauth_timestamp=1700000000&per_page=1&oauth_signature=1Ue41Ql7flUaGciK2OhlkrLwxjSHh4qJYAgQ%2FFALMCE%3D"
        )
    );
    let request = signed(
        "http://shop.example.com/store/wp-json/wc/v3/products?search=blue+shirt+%26+~tie%2B1&include[]=11&include[]=12",
        "http://shop.example.com/store",
    );
    let sent = query(&request.url);
    assert_eq!(
        sent.get("oauth_signature").map(String::as_str),
        Some("+3F+NZt0+jBQ+XgpRqo3XHsvhAsT1ufQC93IyMRbeOI=")
    );
    assert_eq!(sent.get("include[1]").map(String::as_str), Some("12"));
}

#[test]
fn a_form_body_cannot_be_signed_over_http() {
    let mut request = PlatformRequest::new(http::Method::POST, "http://shop.example.com/x".parse().unwrap());
    request.headers.insert(
        "content-type",
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let error = sign::sign(&keys(), &all("http://shop.example.com"), &mut request, &moment()).unwrap_err();
    assert!(matches!(error, BuildError::CannotSign(_)));
}

#[test]
fn a_store_may_live_in_a_folder_and_has_one_spelling() {
    let method = keys();
    let field = method.field("store_url").unwrap();
    assert_eq!(
        field.check("https://Shop.Example.com/blog/", false).as_deref(),
        Ok("https://shop.example.com/blog")
    );
    let values = all("https://shop.example.com/blog");
    assert_eq!(
        method.typed_identity(&values).unwrap().as_deref(),
        Some("https://shop.example.com/blog")
    );
    let request = verify::request(&method, &values, &moment()).unwrap().unwrap();
    assert_eq!(
        request.url.as_str(),
        "https://shop.example.com/blog/wp-json/wc/v3/products?per_page=1&_fields=id"
    );
    for bad in [
        "shop.example.com",
        "http://shop.example.com",
        "https://u:p@shop.example.com",
        "https://shop.example.com/a/../b",
        "https://shop.example.com/%2e%2e",
        "https://shop.example.com/?x",
        "https://shop.example.com\\@evil.example",
        "https://tienda-\u{f1}.example",
        "https://127.1",
    ] {
        assert_eq!(field.check(bad, false), Err(FieldProblem::Pattern), "{bad}");
    }
    for bad in [
        "https://shop.example.com/a/../b",
        "https://a@b.example",
        "https://shop.example.com/?x=",
        "ftp://x",
    ] {
        assert_eq!(
            method.root(&all(bad)),
            Err(BuildError::UnsafeValue("store_url".into())),
            "{bad}"
        );
    }
}

#[test]
fn one_click_sends_the_browser_to_the_store_and_takes_keys_from_its_server() {
    let method = method("woocommerce", "one-click");
    assert!(obtain::is_delivered(&method));
    let Start::Redirect { url } = obtain::start(&method, &all("https://shop.example.com/blog")).unwrap() else {
        panic!()
    };
    assert_eq!(url.path(), "/blog/wc-auth/v1/authorize");
    let sent = query(&url);
    let expected = [
        ("app_name", "Acme & Co"),
        ("scope", "read_write"),
        ("user_id", "st-1_x"),
        ("return_url", "https://llavero.example/connect/callback/woocommerce"),
        ("callback_url", "https://llavero.example/connect/deliver/llv_cs_1"),
    ];
    assert_eq!(sent, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());

    let body = br#"{"key_id":1,"user_id":"st-1_x","consumer_key":"ck_1","consumer_secret":"cs_1","key_permissions":"read_write"}"#;
    let expected = values(&[("consumer_key", "ck_1"), ("consumer_secret", "cs_1")]);
    assert_eq!(
        obtain::read_delivery(&method, body),
        Ok(("st-1_x".to_owned(), expected))
    );
    for body in [
        "",
        "{}",
        r#"{"user_id":"x","consumer_key":"ck_1"}"#,
        r#"{"consumer_key":"a","consumer_secret":"b"}"#,
    ] {
        assert!(matches!(
            obtain::read_delivery(&method, body.as_bytes()),
            Err(CallbackRefusal::MissingParameter(_))
        ));
    }
    let read = |query: &str| obtain::read_callback(&method, query, &Values::new(), at(0));
    assert_eq!(
        read("success=1&user_id=st-1_x"),
        Ok(CallbackAnswer::Approved(Values::new()))
    );
    assert!(matches!(
        read("success=0&user_id=st-1_x"),
        Ok(CallbackAnswer::Denied { .. })
    ));
    assert!(read("user_id=st-1_x").is_err());
    let platform = catalogue().platform("woocommerce").unwrap().clone();
    assert_eq!(
        obtain::callback_state(&platform, "success=1&user_id=st-1_x").as_deref(),
        Some("st-1_x")
    );
}

#[test]
fn an_unknown_key_is_dead_and_a_missing_permission_is_not() {
    let method = keys();
    let judge = |answer: &PlatformAnswer| verify::read(&method, answer, &all("https://shop.example.com")).unwrap_err();
    assert_kinds(
        judge,
        &[
            (
                401,
                r#"{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot list resources.","data":{"status":401}}"#,
                Dead,
            ),
            (
                401,
                r#"{"code":"woocommerce_rest_authentication_error","message":"Consumer secret is invalid."}"#,
                Dead,
            ),
            (
                401,
                r#"{"code":"woocommerce_rest_authentication_error","message":"The API key provided does not have read permissions."}"#,
                Unknown,
            ),
            (
                401,
                r#"{"code":"woocommerce_rest_authentication_error","message":"A chave n\u00e3o tem permiss\u00e3o de leitura."}"#,
                Unknown,
            ),
            (
                401,
                r#"{"code":"woocommerce_rest_authentication_error","message":"Invalid timestamp."}"#,
                Unknown,
            ),
            (403, r#"{"code":"woocommerce_rest_cannot_view","message":"x"}"#, Unknown),
            (404, r#"{"code":"rest_no_route"}"#, Unknown),
        ],
    );
    for (status, body) in [
        (429, "{}"),
        (503, "<html>"),
        (403, "<html>bot?</html>"),
        (200, "<html>soon</html>"),
        (401, "<html>x</html>"),
    ] {
        assert_ne!(judge(&answer(status, body)).kind, Dead);
    }
    assert!(verify::read(&method, &answer(200, r#"[{"id":1}]"#), &all("https://shop.example.com")).is_ok());
    assert!(verify::read(&method, &answer(200, "[]"), &all("https://shop.example.com")).is_ok());
}
