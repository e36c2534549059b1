//! Which headers pass, which never do, and which are added, in both directions.

use super::{header, with_store};
use crate::support::raw;

#[tokio::test]
async fn what_is_the_callers_own_business_is_not_forwarded() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let bearer = format!("Bearer {}", store.access_token);
    let sent = [
        ("authorization", bearer.as_str()),
        ("cookie", "session=1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("llavero-anything", "x"),
        ("connection", "x-hop, keep-alive"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("proxy-authorization", "Basic eA=="),
        ("proxy-connection", "close"),
        ("upgrade", "h2c"),
        ("x-custom", "kept"),
        ("accept", "application/xml"),
        ("accept-language", "es"),
        ("user-agent", "Partner/1.0"),
        ("idempotency-key", "key-1"),
        ("if-none-match", "\"abc\""),
        ("range", "bytes=0-1"),
        ("content-type", "text/plain"),
    ];
    let answer = raw::send(&app.url, "GET", "/v1/proxy/items", &sent, b"").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let got = app.received("mercado-libre").await.pop().unwrap();
    for name in [
        "cookie",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "llavero-anything",
        "x-hop",
        "keep-alive",
        "te",
        "proxy-authorization",
        "proxy-connection",
        "upgrade",
    ] {
        assert_eq!(header(&got, name), Vec::<String>::new(), "{name}");
    }
    for (name, value) in &sent[14..] {
        assert_eq!(header(&got, name), [*value], "{name}");
    }
    let authorization = header(&got, "authorization");
    assert_eq!(authorization.len(), 1);
    assert!(authorization[0].starts_with("Bearer APP_USR-"), "{authorization:?}");
    assert!(!got.to_string().contains("llv_"), "{got}");
    assert!(
        !got.to_string().contains(&app.url["http://".len()..]),
        "our address is told to the platform: {got}"
    );
}

#[tokio::test]
async fn a_header_sent_twice_arrives_twice() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let bearer = format!("Bearer {}", store.access_token);
    let sent = [("authorization", bearer.as_str()), ("x-many", "1"), ("x-many", "2")];
    raw::send(&app.url, "GET", "/v1/proxy/items", &sent, b"").await;
    let got = app.received("mercado-libre").await.pop().unwrap();
    assert_eq!(header(&got, "x-many").join(", "), "1, 2");
}

#[tokio::test]
async fn what_the_signer_sets_cannot_be_set_by_the_caller() {
    for (platform, method, path, name) in [
        (
            "shopify",
            "expiring",
            "/admin/api/2026-10/shop.json",
            "x-shopify-access-token",
        ),
        ("walmart", "keys", "/v3/items", "wm_sec.access_token"),
    ] {
        let (app, store) = with_store(platform, method).await;
        let request = app
            .request(&store.access_token, "GET", &format!("/v1/proxy{path}"))
            .header(name, "callers own");
        assert_eq!(request.send().await.unwrap().status(), 200, "{platform}");
        let got = app.received(platform).await.pop().unwrap();
        let values = header(&got, name);
        assert_eq!(values.len(), 1, "{platform}: {values:?}");
        assert_ne!(values[0], "callers own");
    }
    let (app, store) = with_store("falabella", "keys").await;
    let path = "/?Action=GetProducts&UserID=evil%40example.com&Signature=x&Version=9&Timestamp=2001-01-01";
    assert_eq!(app.call(&store.access_token, "GET", path).await.status, 200);
    let got = app.received("falabella").await.pop().unwrap();
    assert!(!got["url"].as_str().unwrap().contains("evil"), "{got}");
    let (app, store) = with_store("woocommerce", "keys").await;
    let path = "/wp-json/wc/v3/products?consumer_key=ck_x&consumer_secret=cs_x&per_page=1";
    assert_eq!(app.call(&store.access_token, "GET", path).await.status, 200);
    let got = app.received("woocommerce").await.pop().unwrap();
    assert!(!got["url"].as_str().unwrap().contains("consumer_secret"), "{got}");
}

#[tokio::test]
async fn a_hostile_answer_cannot_act_on_our_origin() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let hostile = [
        "Set-Cookie:llavero=stolen",
        "Strict-Transport-Security:max-age=1",
        "Alt-Svc:h3%3D%22evil%3A443%22",
        "Clear-Site-Data:%22*%22",
        "Access-Control-Allow-Origin:*",
        "Access-Control-Allow-Credentials:true",
        "Content-Security-Policy:default-src%20*",
        "Llavero-Source:llavero",
        "Keep-Alive:timeout=5",
        "Service-Worker-Allowed:/",
        "X-Custom:kept",
        "ETag:%22abc%22",
        "Content-Disposition:inline",
    ];
    let query: Vec<String> = hostile.iter().map(|pair| format!("_header={pair}")).collect();
    let answer = app
        .call(&store.access_token, "GET", &format!("/items?{}", query.join("&")))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for name in [
        "set-cookie",
        "strict-transport-security",
        "alt-svc",
        "clear-site-data",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "keep-alive",
    ] {
        assert!(!answer.headers.contains_key(name), "{name}: {:?}", answer.headers);
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let policies: Vec<&str> = answer
        .headers
        .get_all("content-security-policy")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(policies.contains(&"sandbox"), "{policies:?}");
    let sources: Vec<_> = answer.headers.get_all("llavero-source").iter().collect();
    assert_eq!(sources, ["platform"]);
    assert_eq!((answer.header("x-custom"), answer.header("etag")), ("kept", "\"abc\""));
}

#[tokio::test]
async fn our_own_errors_on_the_proxy_say_that_they_are_ours() {
    let (app, _) = with_store("woocommerce", "keys").await;
    let answer = app.call("llv_st_nonsense", "GET", "/x").await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (401, "llavero"),
        "{}",
        answer.body
    );
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
}
