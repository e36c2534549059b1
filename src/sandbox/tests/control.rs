//! The control API: what is ordered happens, once, and is seen in the log.

use std::sync::Arc;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Bench, ML};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::server::{Options, State};

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
    let hostile = bench
        .get(
            &format!("{ML}/x?_status=302&_header=Set-Cookie:a%3Db&_header=Location:/y"),
            &headers,
        )
        .await;
    assert_eq!(
        (
            hostile.status,
            hostile.headers.get("set-cookie").unwrap().to_str().unwrap()
        ),
        (302, "a=b")
    );
    let posted = TestRequest::post()
        .uri(&format!("{ML}/x/_echo"))
        .insert_header(headers[0])
        .set_payload("as it was");
    assert_eq!(bench.send(posted).await.text, "as it was");
    assert_eq!(bench.get(&format!("{ML}/x/_echo"), &[]).await.status, 401);
}

#[actix_web::test]
async fn time_passes_by_order_and_a_reset_forgets_everything() {
    let bench = Bench::new();
    let (access, _) = bench.connect().await;
    bench.control("/advance", json!({ "seconds": 21_600 })).await;
    assert_eq!(bench.me(&access).await.text_at("/message"), "expired_token");
    assert_eq!(bench.control("/reset", json!({})).await.status, 204);
    assert_eq!(bench.me(&access).await.text_at("/message"), "invalid access token");
    assert_ne!(bench.connect().await.0, access);
}

#[actix_web::test]
async fn a_shop_that_removed_its_keys_takes_new_ones() {
    let bench = Bench::new();
    let uri = "/shop.example.com/wp-json/wc/v3/orders?consumer_key=";
    let first = format!(
        "{uri}ck_0123456789abcdef0123456789abcdef01234567&consumer_secret=cs_0123456789abcdef0123456789abcdef01234567"
    );
    let digits = "5a00000000000000000000000000000000000001";
    let second = format!("{uri}ck_{digits}&consumer_secret=cs_{digits}");
    assert_eq!(bench.get(&first, &[]).await.status, 200);
    bench
        .control(
            "/revoke",
            json!({ "platform": "woocommerce", "store": "shop.example.com" }),
        )
        .await;
    assert_eq!(bench.get(&first, &[]).await.status, 401);
    assert_eq!(bench.get(&second, &[]).await.status, 200);
    assert_eq!(bench.get(&first.replace("shop.", "other."), &[]).await.status, 200);
}

#[actix_web::test]
async fn a_further_platform_is_one_file() {
    let text = r#"
        slug = "plain"
        name = "Plain"
        documentation = "https://plain.example/docs"
        hosts = ['plain\.example']
        identity = "listed"
        accounts = [{ id = "a1", name = "One" }, { id = "a2", name = "Two" }]
        [clients]
        owner = "app"
        on_first_use = [{ id = 'sandbox-.+', secret = "sandbox-secret", note = "any" }]
        [authorize]
        path = '/authorize'
        approved = { code = "{code}", state = "{state}" }
        denied = { error = "access_denied", state = "{state}" }
        [token]
        path = '/token'
        encodings = ["form"]
        client_auth = ["basic", "body"]
        grants = ["authorization_code", "refresh_token"]
        access_seconds = 60
        answer = { access_token = "{access_token}", refresh_token = "{refresh_token}", expires_in = "{expires_in}" }
        [call]
        token_in = [{ query = "key" }]
    "#;
    let behaviours = vec![Behaviour::parse("plain.toml", text).unwrap()];
    let now = Arc::new(|| chrono::DateTime::UNIX_EPOCH);
    let bench = Bench {
        state: State::with(behaviours, &Options { clock: now, seed: 1 }),
        seconds: Arc::default(),
    };
    let uri = "/plain.example/authorize?client_id=sandbox-x&redirect_uri=http%3A%2F%2Flocalhost%2F";
    let code = bench
        .form(uri, &[("outcome", "approve")], &[])
        .await
        .sent_back("code")
        .unwrap();
    let form = [("grant_type", "authorization_code"), ("code", code.as_str())];
    let basic = [("Authorization", "Basic c2FuZGJveC14OnNhbmRib3gtc2VjcmV0")];
    let pair = bench.form("/plain.example/token", &form, &basic).await;
    assert_eq!(
        (pair.status, &pair.json()["expires_in"]),
        (200, &json!(60)),
        "{}",
        pair.text
    );
    let call = format!("/plain.example/anything?key={}", pair.text_at("/access_token"));
    assert_eq!(bench.get(&call, &[]).await.text_at("/account"), "a1");
    assert_eq!(
        bench.get("/plain.example/anything?key=no", &[]).await.text_at("/error"),
        "invalid_token"
    );
}
