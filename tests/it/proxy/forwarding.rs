//! The caller's request arrives as it was sent: method, path, query and body, as a stream in both directions.

use futures_util::StreamExt as _;
use serde_json::json;

use super::{header, received_since, with_store};
use crate::support::raw;

#[tokio::test]
async fn every_method_is_forwarded() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"] {
        let before = app.received("mercado-libre").await.len();
        let answer = app.call(&store.access_token, method, "/items/1").await;
        assert_eq!(
            (answer.status, answer.header("llavero-source")),
            (200, "platform"),
            "{method}: {}",
            answer.body
        );
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}");
        let got = received_since(&app, "mercado-libre", before).await;
        assert_eq!(got.len(), 1, "{method}");
        assert_eq!(
            (&got[0]["method"], &got[0]["url"]),
            (&json!(method), &json!("https://api.mercadolibre.com/items/1"))
        );
    }
}

#[tokio::test]
async fn path_and_query_arrive_byte_for_byte() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let bearer = format!("Bearer {}", store.access_token);
    for target in [
        "/items/a%2Fb%20c;x=1,2/%E2%82%AC/%7euser",
        "/items?b=2&a=%2f+x&&=&empty&include[]=1&c=%27",
        "/items//double///slash/",
        "/items/x%252e%252e",
        "/items/a:b@c!$&'()*+,=~-._",
        "/items/...",
        "/items/.hidden/..file",
    ] {
        let before = app.received("mercado-libre").await.len();
        let answer = raw::send(
            &app.url,
            "GET",
            &format!("/v1/proxy{target}"),
            &[("authorization", &bearer)],
            b"",
        )
        .await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        let got = received_since(&app, "mercado-libre", before).await;
        assert_eq!(got[0]["url"], format!("https://api.mercadolibre.com{target}"));
    }
}

#[tokio::test]
async fn an_apostrophe_in_a_query_stays_as_it_was_written() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let bearer = format!("Bearer {}", store.access_token);
    let target = "/v1/proxy/items?name='x'&other=%27";
    let answer = raw::send(&app.url, "GET", target, &[("authorization", &bearer)], b"").await;
    assert!(answer.body.contains("name='x'&other=%27"), "{}", answer.body);
}

#[tokio::test]
async fn a_shop_in_a_folder_keeps_its_folder() {
    let app = crate::support::connecting::start().await;
    let way = crate::support::connecting::Way::good("woocommerce", "keys")
        .but("store_url", "https://shop.example.com/tienda");
    let store = crate::support::connecting::connect_for(&app, "c", &way).await;
    let before = app.received("woocommerce").await.len();
    app.call(&store.access_token, "GET", "/wp-json/wc/v3/orders?page=2")
        .await;
    let got = received_since(&app, "woocommerce", before).await;
    assert_eq!(
        got[0]["url"],
        "https://shop.example.com/tienda/wp-json/wc/v3/orders?page=2"
    );
}

#[tokio::test]
async fn a_body_arrives_with_its_type_and_length() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let body = "{\"title\":\"café\",\"n\":1.0}";
    let request = app.request(&store.access_token, "POST", "/v1/proxy/items");
    let answer = request
        .header("content-type", "application/json; charset=utf-8")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let got = app.received("mercado-libre").await.pop().unwrap();
    assert_eq!(got["body"], body);
    assert_eq!(header(&got, "content-type"), ["application/json; charset=utf-8"]);
    assert_eq!(header(&got, "content-length"), [body.len().to_string()]);
}

#[tokio::test]
async fn an_answer_is_relayed_while_it_still_comes() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let path = "/v1/proxy/_stream?chunks=2&bytes=10&pause_ms=3600000";
    let answer = app.request(&store.access_token, "GET", path).send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    let first = chunks.next().await.unwrap().unwrap();
    assert_eq!(first.len(), 10, "the second chunk is an hour away");
}

#[tokio::test]
async fn a_body_is_forwarded_while_it_still_comes() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<&'static str, std::io::Error>>(4);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    sender.send(Ok("first ")).await.unwrap();
    let request = app.request(&store.access_token, "POST", "/v1/proxy/_echo").body(body);
    let answer = request.send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "first ");
    sender.send(Ok("second")).await.unwrap();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "second");
    drop(sender);
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn a_large_body_goes_both_ways_unchanged() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let body: Vec<u8> = (0..5_000_000u32)
        .map(|number| u8::try_from(number % 251).unwrap())
        .collect();
    let request = app
        .request(&store.access_token, "POST", "/v1/proxy/_echo")
        .body(body.clone());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.bytes().await.unwrap() == body,
        "five megabytes came back changed"
    );
}

#[tokio::test]
async fn the_root_of_a_platform_can_be_called() {
    let (app, store) = with_store("falabella", "keys").await;
    let answer = app
        .call(&store.access_token, "GET", "/?Action=GetProducts&Limit=1")
        .await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("SuccessResponse"), "{}", answer.body);
}
