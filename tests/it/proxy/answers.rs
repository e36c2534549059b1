//! The platform's answer is relayed as it is: status, body, redirects, encodings.

use super::{received_since, with_store};

#[tokio::test]
async fn every_status_is_relayed_as_the_platforms() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    for status in [
        200, 201, 202, 204, 206, 304, 400, 403, 404, 409, 418, 422, 429, 500, 502, 503, 504,
    ] {
        let answer = app
            .call(&store.access_token, "GET", &format!("/items?_status={status}"))
            .await;
        assert_eq!(
            (answer.status, answer.header("llavero-source")),
            (status, "platform"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn redirects_are_relayed_and_not_followed() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    for (status, to) in [
        (301, "https://elsewhere.example/x?a=1"),
        (302, "/relative"),
        (307, "https://10.0.0.1/"),
    ] {
        let before = app.received("mercado-libre").await.len();
        let answer = app
            .call(
                &store.access_token,
                "GET",
                &format!("/items?_status={status}&_header=Location:{to}"),
            )
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.header("location"), to);
        assert_eq!(received_since(&app, "mercado-libre", before).await.len(), 1);
    }
}

#[tokio::test]
async fn an_address_in_the_sandbox_is_told_as_the_platforms_own() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let to = format!("{}/api.mercadolibre.com/other", app.sandbox);
    let answer = app
        .call(
            &store.access_token,
            "GET",
            &format!("/items?_status=302&_header=Location:{to}"),
        )
        .await;
    assert_eq!(answer.header("location"), "https://api.mercadolibre.com/other");
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let request = app
        .request(&store.access_token, "POST", "/v1/proxy/_echo")
        .header("accept-encoding", "gzip, br");
    let bytes: &[u8] = b"\x1f\x8b\x08\x00not really gzip";
    let answer = request.body(bytes).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), bytes);
    let answer = app
        .call(&store.access_token, "GET", "/items?_header=Content-Encoding:gzip")
        .await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(answer.body.contains("simulated"), "{}", answer.body);
}

#[tokio::test]
async fn an_answer_in_the_platforms_own_words_of_failure_is_relayed() {
    let (app, store) = with_store("mercado-libre", "authorization").await;
    let fault = serde_json::json!({
        "platform": "mercado-libre",
        "fault": { "calls": "api", "status": 503, "body": { "mine": true }, "retry_after": 7 },
    });
    app.control("faults", fault).await;
    let answer = app.call(&store.access_token, "GET", "/items").await;
    assert_eq!((answer.status, answer.header("llavero-source")), (503, "platform"));
    assert_eq!(answer.json(), serde_json::json!({ "mine": true }));
    assert_eq!(answer.header("retry-after"), "7");
}
