//! What the browser brings back to the partner, and the signature that proves it, checked here with an HMAC written from
//! the contract alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use llavero::domain::store::Mode;
use serde_json::json;
use sha2::Sha256;
use url::Url;

use crate::support::connecting::{DENY, RETURN_URL, Returned, Way, begin, fill_in, start, walk, walk_to_end, way_back};
use crate::support::partners::{LIVE_RETURN_URL, other_app, signing_secret};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

/// RFC 3986: everything but unreserved characters, upper-case digits.
fn encoded(text: &str) -> String {
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let write = |byte: u8| {
        if unreserved(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(write).collect()
}

pub(super) fn signature(values: &[(String, String)], secret: &str) -> String {
    let mut signed: Vec<&(String, String)> = values.iter().filter(|pair| pair.0 != "signature").collect();
    signed.sort();
    let text: Vec<String> = signed
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.join("&").as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// `own` are parameters of the partner's return URL itself, which are not signed.
async fn assert_signed(app: &TestApp, returned: &Returned, own: &[&str]) {
    let added: Vec<(String, String)> = returned
        .values
        .clone()
        .into_iter()
        .filter(|pair| !own.contains(&pair.0.as_str()))
        .collect();
    let expected = signature(&added, &signing_secret(app).await);
    assert_eq!(returned.values["signature"], expected, "{}", returned.url);
}

fn names(url: &Url) -> Vec<String> {
    let mut names: Vec<String> = url.query_pairs().map(|pair| pair.0.into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn success_brings_a_code_and_a_signature_that_holds() {
    let app = start().await;
    let state = "a b+c&d=é/~%41";
    let session = begin(&app, json!({ "platform": "mercado-libre", "state": state })).await;
    let returned = walk(
        &app,
        &Visitor::new(),
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let expected = [
        "code",
        "platform",
        "session_id",
        "signature",
        "state",
        "store_id",
        "timestamp",
    ];
    assert_eq!(names(&returned.url), expected, "{}", returned.url);
    assert!(returned.code().starts_with("llv_cd_"));
    assert_eq!(returned.values["state"], state);
    assert_eq!(returned.values["session_id"], session.id);
    assert_eq!(returned.values["platform"], "mercado-libre");
    let seconds: i64 = returned.values["timestamp"].parse().unwrap();
    assert_eq!(seconds, app.clock.now().timestamp());
    assert_signed(&app, &returned, &[]).await;
}

#[tokio::test]
async fn without_a_state_none_is_made_up() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "woocommerce" })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    assert!(!returned.values.contains_key("state"), "{}", returned.url);
    assert_signed(&app, &returned, &[]).await;
}

#[tokio::test]
async fn a_failure_is_signed_too() {
    let app = start().await;
    let session = begin(&app, json!({ "platform": "mercado-libre", "state": "s" })).await;
    let visitor = Visitor::new();
    let way = Way::good("mercado-libre", "authorization");
    let login = fill_in(&app, &visitor, &session.url, &way).await;
    let ended = crate::support::connecting::press(&app, &visitor, &login, DENY).await;
    let returned = way_back(&ended);
    let told = names(&returned.url);
    for name in [
        "error",
        "error_description",
        "session_id",
        "signature",
        "state",
        "timestamp",
    ] {
        assert_eq!(
            told.iter().filter(|there| *there == name).count(),
            1,
            "{name}: {}",
            returned.url
        );
    }
    assert!(
        !told.iter().any(|name| name == "code" || name == "store_id"),
        "{}",
        returned.url
    );
    assert_signed(&app, &returned, &[]).await;
}

#[tokio::test]
async fn parameters_of_the_return_url_itself_stay_and_are_not_signed() {
    let app = start().await;
    let own = format!("{RETURN_URL}?shop=7&next=%2Fhome");
    let session = begin(&app, json!({ "platform": "woocommerce", "return_url": own })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &Way::good("woocommerce", "keys")).await;
    assert!(
        returned.url.as_str().starts_with(&format!("{own}&")),
        "{}",
        returned.url
    );
    assert_signed(&app, &returned, &["shop", "next"]).await;
}

#[tokio::test]
async fn a_sandbox_app_returns_to_loopback_only() {
    let app = start().await;
    for good in ["http://127.0.0.1:1/x", "http://localhost:5173/cb", "http://[::1]:9/"] {
        let body = json!({ "customer_id": "c", "return_url": good });
        assert_eq!(
            app.api("POST", "/v1/connect-sessions", Some(body)).await.status,
            201,
            "{good}"
        );
    }
    for bad in [
        "https://evil.example/cb",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://localhost.evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//127.0.0.1/",
        "/relative",
        "",
    ] {
        let body = json!({ "customer_id": "c", "return_url": bad });
        let answer = app.api("POST", "/v1/connect-sessions", Some(body)).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
        assert_eq!(answer.json()["errors"][0]["field"], "return_url", "{bad}");
    }
}

#[tokio::test]
async fn a_live_app_returns_exactly_where_it_registered() {
    let app = start().await;
    let live = other_app(&app, Mode::Live).await;
    for (url, status) in [
        (LIVE_RETURN_URL.to_owned(), 201),
        (format!("{LIVE_RETURN_URL}/"), 400),
        (format!("{LIVE_RETURN_URL}?x=1"), 400),
        (format!("{LIVE_RETURN_URL}/../other"), 400),
        (LIVE_RETURN_URL.replace(".example", ".example:8443"), 400),
        (LIVE_RETURN_URL.replace("https", "http"), 400),
        (LIVE_RETURN_URL.to_uppercase(), 400),
        (RETURN_URL.to_owned(), 400),
    ] {
        let body = json!({ "customer_id": "c", "return_url": url });
        let answer = app.api_as(&live.key, "POST", "/v1/connect-sessions", Some(body)).await;
        assert_eq!(answer.status, status, "{url}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_refused_store_tells_why_and_is_signed() {
    let app = start().await;
    let way = Way::good("mercado-libre", "authorization");
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    walk(&app, &Visitor::new(), &session.url, &way).await;
    let session = begin(
        &app,
        json!({ "platform": "mercado-libre", "customer_id": "customer-2" }),
    )
    .await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
    let returned = way_back(&page);
    assert_eq!(returned.error(), "store_already_connected");
    assert_signed(&app, &returned, &[]).await;
}
