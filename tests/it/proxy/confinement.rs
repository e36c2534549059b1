//! A call stays at the store's own host, whatever is written in its path.

use serde_json::Value;

use super::with_store;
use crate::support::raw::{self, RawAnswer};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn no_path_leaves_the_stores_host() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let bearer = format!("Bearer {}", store.access_token);
    for target in [
        "/v1/proxy//evil.example/x",
        "/v1/proxy///evil.example/x",
        "/v1/proxy/\\evil.example/x",
        "/v1/proxy/\\\\evil.example/x",
        "/v1/proxy/%5c%5cevil.example/x",
        "/v1/proxy/%2f%2fevil.example/x",
        "/v1/proxy/https://evil.example/x",
        "/v1/proxy/https:/evil.example/x",
        "/v1/proxy/http:%2f%2fevil.example/x",
        "/v1/proxy@evil.example/x",
        "/v1/proxy/@evil.example/x",
        "/v1/proxy/:80@evil.example/x",
        "/v1/proxy/.evil.example/x",
        "/v1/proxy.evil.example/x",
        "/v1/proxy/%00/x",
        "/v1/proxy/%0d%0aHost:%20evil.example/x",
        "/v1/proxy/x?url=https://evil.example",
        "/v1/proxy/x#@evil.example",
    ] {
        let answer = raw::send(&app.url, "GET", target, &[("authorization", &bearer)], b"").await;
        assert!(
            matches!(answer.status, 200 | 400 | 404),
            "{target}: {} {}",
            answer.status,
            answer.body
        );
    }
    let log = Visitor::new()
        .get(&format!("{}/_control/log", app.sandbox))
        .await
        .json();
    for entry in log["data"].as_array().unwrap() {
        let url = entry["url"].as_str().unwrap();
        let own =
            url.starts_with("https://api.mercadolibre.com/") || url.starts_with("https://auth.mercadolibre.com.ar/");
        assert!(own, "{url}");
        let authority = url["https://".len()..].split('/').next().unwrap();
        assert!(!authority.contains("evil"), "{url}");
    }
}

#[tokio::test]
async fn steps_upwards_are_refused_and_not_sent() {
    let (app, store) = with_store("woocommerce", "keys").await;
    let bearer = format!("Bearer {}", store.access_token);
    let before = app.received("woocommerce").await.len();
    for path in [
        "/..",
        "/../x",
        "/a/../b",
        "/a/..",
        "/.",
        "/./a",
        "/a/./b",
        "/%2e%2e/x",
        "/%2E%2e",
        "/.%2e/x",
        "/%2e/x",
        "/a/%2e%2e/b",
        "/..%2fx",
        "/..%5cx",
        "/..\\x",
    ] {
        let target = format!("/v1/proxy{path}");
        let answer = raw::send(&app.url, "GET", &target, &[("authorization", &bearer)], b"").await;
        assert_refused(&answer, path);
    }
    assert_eq!(app.received("woocommerce").await.len(), before);
}

fn assert_refused(answer: &RawAnswer, path: &str) {
    assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    assert!(
        answer.head.to_lowercase().contains("llavero-source: llavero"),
        "{path}: {}",
        answer.head
    );
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    assert_eq!(problem["code"], "invalid_request", "{path}");
}

#[tokio::test]
async fn another_host_is_called_only_if_the_platform_documents_it() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let before = app.received("mercado-libre").await.len();
    for host in [
        "evil.example",
        "api.mercadolibre.com.evil.example",
        "evil.example/api.mercadolibre.com",
        "127.0.0.1",
        "api.mercadolibre.com@evil.example",
        "evil.example#api.mercadolibre.com",
        "api.mercadolibre.com:8443",
        "",
    ] {
        let answer = app
            .request(&store.access_token, "GET", "/v1/proxy/users/me")
            .header("llavero-host", host)
            .send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 400, "{host}");
        assert_eq!(answer.headers()["llavero-source"], "llavero");
    }
    assert_eq!(app.received("mercado-libre").await.len(), before);
    let own = app
        .request(&store.access_token, "GET", "/v1/proxy/users/me")
        .header("llavero-host", "api.mercadolibre.com");
    assert_eq!(own.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_trace_that_would_repeat_the_platforms_credentials_is_not_sent() {
    let (app, store) = with_store("woocommerce", "keys").await;
    let bearer = format!("Bearer {}", store.access_token);
    let before = app.received("woocommerce").await.len();
    let headers = [("authorization", bearer.as_str())];
    let answer = raw::send(&app.url, "TRACE", "/v1/proxy/wp-json/wc/v3/products", &headers, b"").await;
    assert_eq!(answer.status, 405, "{}", answer.body);
    assert!(answer.head.to_lowercase().contains("allow: get"), "{}", answer.head);
    assert_eq!(app.received("woocommerce").await.len(), before);
}
