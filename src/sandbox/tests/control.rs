//! The control API: what is ordered happens, once, and is seen in the log.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Bench, ML};
use crate::sandbox::server::{Options, serve};

#[actix_web::test]
async fn every_described_call_exists() {
    let bench = Bench::new();
    let description = bench.get("/_control/openapi.json", &[]).await.json();
    for (path, calls) in description["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            let method = actix_web::http::Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            let request = TestRequest::with_uri(&format!("/_control{path}")).method(method.clone());
            let status = bench.send(request).await.status;
            let expected: &[u16] = if method == "POST" && path != "/reset" {
                &[400]
            } else {
                &[200, 204]
            };
            assert!(expected.contains(&status), "{method} {path}: {status}");
        }
    }
    assert_eq!(
        bench
            .control("/revoke", json!({ "platform": "shopify", "shop": "typo" }))
            .await
            .status,
        400
    );
}

#[actix_web::test]
async fn tokens_can_be_expired_and_stores_revoked() {
    let bench = Bench::new();
    let (access, refresh) = bench.connect().await;
    let target = json!({ "platform": "mercado-libre", "store": "123456789" });
    assert_eq!(
        bench.control("/expire-access-tokens", target.clone()).await.json()["changed"],
        1
    );
    assert_eq!(bench.me(&access).await.status, 401);
    let next = bench.refresh(&refresh).await;
    assert_eq!(bench.me(&next.text_at("/access_token")).await.status, 200);
    assert_eq!(bench.control("/revoke", target).await.json()["changed"], 1);
    assert_eq!(bench.me(&next.text_at("/access_token")).await.status, 401);
    assert_eq!(
        bench.refresh(&next.text_at("/refresh_token")).await.text_at("/error"),
        "invalid_grant"
    );
}

#[actix_web::test]
async fn faults_strike_as_often_as_ordered_and_say_whether_they_were_processed() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let order = json!({
        "platform": "mercado-libre",
        "times": 2,
        "fault": { "calls": "token", "status": 429, "retry_after": 30 },
    });
    bench.control("/faults", order).await;
    for _ in 0..2 {
        let throttled = bench.refresh(&refresh).await;
        assert_eq!(
            (
                throttled.status,
                throttled.headers.get("retry-after").unwrap().to_str().unwrap()
            ),
            (429, "30")
        );
    }
    let after = bench.refresh(&refresh).await;
    assert_eq!(after.status, 200);

    let refresh = after.text_at("/refresh_token");
    let order = json!({ "platform": "mercado-libre", "fault": { "status": 502, "processed": true } });
    bench.control("/faults", order).await;
    assert_eq!(bench.refresh(&refresh).await.status, 502);
    assert_eq!(bench.refresh(&refresh).await.text_at("/error"), "invalid_grant");

    let log = bench.get("/_control/log?platform=mercado-libre", &[]).await.json();
    let processed: Vec<&Value> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["processed"])
        .collect();
    assert_eq!(json!(processed), json!([true, true, false, false, true, true, true]));
    assert_eq!(log["counts"]["token_calls"], 6);
    assert_eq!(log["data"][1]["form"][0], json!(["grant_type", "authorization_code"]));
}

#[actix_web::test]
async fn each_grace_answers_in_its_own_way() {
    let kinds = [
        ("none", false, false),
        ("same_pair", true, true),
        ("another_pair", true, true),
        ("replaces", true, false),
        ("until_first_use", true, true),
    ];
    for (kind, retry_works, first_answer_works) in kinds {
        let bench = Bench::new();
        let grace = if kind == "none" {
            json!({ "kind": kind })
        } else {
            json!({ "kind": kind, "seconds": 60 })
        };
        bench
            .control(
                "/settings",
                json!({ "platform": "mercado-libre", "settings": { "grace": grace } }),
            )
            .await;
        let (_, old) = bench.connect().await;
        let first = bench.refresh(&old).await;
        bench.pass(59);
        let retried = bench.refresh(&old).await;
        assert_eq!(retried.status == 200, retry_works, "{kind}");
        if retry_works {
            let same = retried.text_at("/refresh_token") == first.text_at("/refresh_token");
            assert_eq!(same, matches!(kind, "same_pair" | "until_first_use"), "{kind}");
            assert_eq!(
                bench.me(&first.text_at("/access_token")).await.status == 200,
                first_answer_works,
                "{kind}"
            );
        }
        bench.pass(1);
        assert_eq!(bench.refresh(&old).await.status, 400, "{kind}");
    }
}

#[actix_web::test]
async fn a_platform_may_not_rotate_or_may_omit_the_refresh_token() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let set = |settings: Value| json!({ "platform": "mercado-libre", "settings": settings });
    bench
        .control("/settings", set(json!({ "grace": { "kind": "not_rotating" } })))
        .await;
    assert_eq!(bench.refresh(&refresh).await.text_at("/refresh_token"), refresh);
    bench
        .control(
            "/settings",
            set(json!({ "omit_refresh_token": true, "access_seconds": 60 })),
        )
        .await;
    let omitted = bench.refresh(&refresh).await;
    assert!(omitted.json().get("refresh_token").is_none());
    assert_eq!(omitted.json()["expires_in"], 60);
    assert_eq!(bench.refresh(&refresh).await.status, 200);
}

#[actix_web::test]
async fn another_account_can_be_stated_and_the_clock_skewed() {
    let bench = Bench::new();
    let settings = json!({ "account_id": "555", "clock_skew_seconds": -3600 });
    bench
        .control(
            "/settings",
            json!({ "platform": "mercado-libre", "settings": settings }),
        )
        .await;
    let (access, _) = bench.connect().await;
    let me = bench.me(&access).await;
    assert_eq!(me.json()["id"], 555);
    assert_eq!(
        me.headers.get("date").unwrap().to_str().unwrap(),
        "Thu, 09 Oct 2025 07:53:20 GMT"
    );
}

#[actix_web::test]
async fn secrets_are_rotated_and_clients_disabled() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let client = json!({ "platform": "mercado-libre", "id": "sandbox-client", "secret": "new", "keep": true });
    bench.control("/clients/rotate", client).await;
    let refresh = bench.refresh(&refresh).await.text_at("/refresh_token");
    bench
        .control(
            "/clients/disable",
            json!({ "platform": "mercado-libre", "id": "sandbox-client" }),
        )
        .await;
    assert_eq!(bench.refresh(&refresh).await.text_at("/error"), "invalid_client");
}

#[actix_web::test]
async fn other_calls_are_echoed_and_streamed() {
    let bench = Bench::new();
    let (access, _) = bench.connect().await;
    let bearer = format!("Bearer {access}");
    let headers = [("Authorization", bearer.as_str())];
    let echo = bench
        .form(&format!("{ML}/orders/1?a=b%2Fc"), &[("x", "y")], &headers)
        .await
        .json();
    assert_eq!(echo["query"], "a=b%2Fc");
    assert_eq!((&echo["method"], &echo["body_bytes"]), (&json!("POST"), &json!(3)));
    assert_eq!(
        bench
            .get(&format!("{ML}/_stream?chunks=3&bytes=5"), &headers)
            .await
            .text,
        ".".repeat(15)
    );
    let posted = TestRequest::post()
        .uri(&format!("{ML}/x/_echo"))
        .insert_header(headers[0])
        .set_payload("as it was");
    assert_eq!(bench.send(posted).await.text, "as it was");
    assert_eq!(bench.get(&format!("{ML}/x/_echo"), &[]).await.status, 401);
}

#[actix_web::test]
async fn a_lost_answer_closes_the_connection_after_the_token_was_rotated() {
    let bench = Bench::new();
    let (_, refresh) = bench.connect().await;
    let now = std::sync::Arc::new(|| chrono::DateTime::UNIX_EPOCH);
    let running = serve("127.0.0.1:0".parse().unwrap(), &Options::new(now, 1)).unwrap();
    // Both servers share nothing, so the fault is ordered at the running one, for any call.
    let ask = |head: &str, body: &str| {
        format!(
            "POST {head} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let order = json!({ "platform": "mercado-libre", "fault": { "effect": "lost_answer" } }).to_string();
    let mut stream = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    stream
        .write_all(ask("/_control/faults", &order).as_bytes())
        .await
        .unwrap();
    let mut piece = [0; 512];
    assert!(stream.read(&mut piece).await.unwrap() > 0);
    let mut stream = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    stream
        .write_all(ask(&format!("{ML}/oauth/token"), &form).as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    running.stop().await;

    bench
        .control(
            "/faults",
            json!({ "platform": "mercado-libre", "fault": { "effect": "lost_answer" } }),
        )
        .await;
    let state = bench.state.clone();
    assert_eq!(state.world().faults.list().count(), 1);
}
