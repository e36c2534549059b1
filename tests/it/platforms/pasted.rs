//! Pasted keys with something of their own: a part of the platform that is theirs, a second address to ask, a header that
//! a partner names, an answer that must say more than yes.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use llavero::platform::{sign, verify};

use super::*;

#[test]
fn a_users_keys_open_the_one_store_that_was_connected() {
    let method = method("yampi", "keys");
    let all = values(&[("alias", "minha-loja")]);
    let within = |path: &str| {
        let url = url::Url::parse(&format!("https://api.dooki.com.br{path}")).unwrap();
        method.is_within(&all, &url).unwrap()
    };
    assert!(within("/v2/minha-loja") && within("/v2/minha-loja/orders?x=1"));
    for other in [
        "/",
        "/v2",
        "/v2/other/orders",
        "/v2/minha-loja2/orders",
        "/v2//minha-loja/orders",
        "/V2/minha-loja/orders",
        "/v2/auth/me",
    ] {
        assert!(!within(other), "{other}");
    }
}

#[test]
fn the_store_must_be_among_those_of_the_user() {
    let method = method("yampi", "keys");
    let body = r#"{"data":{"id":1,"merchants":{"data":[{"alias":"a"},{"alias":"minha-loja"}]}}}"#;
    let read = |alias: &str| verify::read(&method, &answer(200, body), &values(&[("alias", alias)]));
    assert_eq!(
        read("minha-loja").unwrap().platform_store_id.as_deref(),
        Some("minha-loja")
    );
    let failure = read("other").unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Unknown, Some("alias_not_listed"))
    );
}

#[test]
fn another_address_is_asked_where_the_first_is_not_there() {
    let method = method("cs-cart", "keys");
    let all = values(&[
        ("store_url", "https://shop.example.com/x"),
        ("email", "a@b.example"),
        ("api_key", "k1234567"),
    ]);
    let other = |status| verify::otherwise(&method, &all, &moment(), &answer(status, "{}")).unwrap();
    let url = other(404).unwrap().url;
    assert_eq!(
        url.as_str(),
        "https://shop.example.com/x/api/2.0/vendors?items_per_page=1"
    );
    assert!(other(200).is_none() && other(401).is_none() && other(500).is_none());
    let vendors = r#"{"vendors":[{"company":"Acme"}]}"#;
    assert_eq!(
        verify::read(&method, &answer(200, vendors), &all)
            .unwrap()
            .name
            .as_deref(),
        Some("Acme")
    );
    assert!(verify::read(&method, &answer(200, r#"{"products":[]}"#), &all).is_err());
}

#[test]
fn a_partner_names_header_word_and_path_where_nobody_documents_them() {
    let method = method("verskis", "token");
    let all = values(&[("shop", "acme.lt"), ("token", "k1234567")]);
    let sent = |all: &Values| verify::request(&method, all, &moment()).unwrap().unwrap();
    let usual = sent(&all);
    assert_eq!(usual.url.as_str(), "https://acme.lt/api/");
    assert_eq!(header(&usual, "authorization"), Some("Bearer k1234567"));
    let own = all
        .clone()
        .with("auth_header", "X-Api-Key")
        .with("auth_scheme", "none")
        .with("verify_path", "v1/me");
    let other = sent(&own);
    assert_eq!(other.url.as_str(), "https://acme.lt/v1/me");
    assert_eq!(header(&other, "x-api-key"), Some("k1234567"));
    assert_eq!(header(&other, "authorization"), None);
    for path in ["../x", "a/../../x", "/x", "a?b", "a#b", "a%2fb"] {
        assert!(
            verify::request(&method, &all.clone().with("verify_path", path), &moment()).is_err(),
            "{path}"
        );
    }
}

#[test]
fn a_given_host_wins_over_the_countrys_and_is_checked() {
    let method = method("linio", "keys");
    let root = |all: &[(&str, &str)]| method.root(&values(all)).map(|url| url.to_string());
    assert_eq!(
        root(&[("country", "pe")]).unwrap(),
        "https://sellercenter-api.linio.com.pe/"
    );
    let given = root(&[("country", "pe"), ("api_host", "api.example.com")]);
    assert_eq!(given.unwrap(), "https://api.example.com/");
    assert!(root(&[("country", "pe"), ("api_host", "api.example.com@evil.example")]).is_err());
}

#[test]
fn a_label_of_digits_is_a_store_as_well() {
    let method = method("kometia", "keys");
    let field = method.field("store").unwrap();
    assert_eq!(field.check("365", false).as_deref(), Ok("365"));
    assert_eq!(field.check("ACME", false).as_deref(), Ok("acme"));
    assert!(field.check("acme.evil", false).is_err() && field.check("a:1", false).is_err());
}

#[test]
fn a_pair_is_good_only_for_the_account_that_the_answer_names() {
    let method = method("vtex", "keys");
    let all = values(&[("account_name", "acmestore"), ("app_key", "k"), ("app_token", "t")]);
    let body = |status: &str, account: &str| {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"account":"{account}"}}"#));
        format!(r#"{{"authStatus":"{status}","token":"e30.{claims}.x","expires":1}}"#)
    };
    let read = |body: &str| verify::read(&method, &answer(200, body), &all).map_err(|failure| failure.code);
    assert!(read(&body("Success", "acmestore")).is_ok());
    assert_eq!(
        read(&body("Success", "other")),
        Err(Some("account_not_named".to_owned()))
    );
    assert_eq!(
        read(&body("WrongCredentials", "acmestore")),
        Err(Some("auth_status_not_success".to_owned()))
    );
    let asked = verify::request(&method, &all, &moment()).unwrap().unwrap();
    assert_eq!(asked.body, r#"{"appkey":"k","apptoken":"t"}"#);
    assert!(header(&asked, "x-vtex-api-apptoken").is_none());
}

#[test]
fn a_shop_of_several_is_named_on_each_call_and_no_other() {
    let method = method("liverpool", "keys");
    let sent = |all: &Values| {
        let url = url::Url::parse("https://liverpool-prod.mirakl.net/api/orders?max=1&shop_id=9").unwrap();
        let mut request = PlatformRequest::new(http::Method::GET, url);
        sign::sign(&method, all, &mut request, &moment()).unwrap();
        request
    };
    let all = values(&[("api_key", "00000000-0000-0000-0000-000000000000")]);
    assert_eq!(sent(&all).url.query(), Some("max=1"));
    assert_eq!(
        sent(&all.clone().with("shop_id", "2045")).url.query(),
        Some("max=1&shop_id=2045")
    );
    assert_eq!(header(&sent(&all), "authorization"), all.get("api_key"));
}

#[test]
fn an_access_token_is_not_taken_for_a_refresh_token() {
    let field = method("shiphero", "token").field("refresh_token").unwrap().clone();
    assert!(
        field
            .check("EXAMPLE_refresh-token_0123456789abcdefghijk", false)
            .is_ok()
    );
    assert!(
        field
            .check("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", false)
            .is_err()
    );
}
