//! Codes, tokens and their ends: Mercado Libre, Shopify, Hybris and Walmart.

use actix_web::test::TestRequest;
use serde_json::json;

use super::{Bench, ML, START};
use crate::sandbox::signature::{challenge, hex, hmac_sha256, sorted_query};

#[actix_web::test]
async fn a_code_is_exchanged_once_for_a_pair_that_works() {
    let bench = Bench::new();
    let page = bench.get("/auth.mercadolibre.com.ar/authorization?response_type=code&client_id=sandbox-client&redirect_uri=http%3A%2F%2Flocalhost%2Fback", &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Simulated Mercado Libre"));
    let back = bench.approve("", "approve").await;
    assert_eq!((back.status, back.sent_back("state").as_deref()), (303, Some("s1")));
    let code = back.sent_back("code").unwrap();
    let pair = bench.exchange(&code, &[]).await;
    assert_eq!(pair.json()["user_id"], 123_456_789);
    assert_eq!(pair.json()["expires_in"], 21_600);
    let me = bench.me(&pair.text_at("/access_token")).await;
    assert_eq!((me.status, &me.json()["nickname"]), (200, &json!("TESTUSER123456789")));
    let again = bench.exchange(&code, &[]).await;
    assert_eq!((again.status, again.text_at("/error")), (400, "invalid_grant".into()));
}

#[actix_web::test]
async fn a_refusal_and_another_account_come_back_as_such() {
    let bench = Bench::new();
    assert_eq!(
        bench.approve("", "deny").await.sent_back("error").as_deref(),
        Some("access_denied")
    );
    let code = bench.approve("", "other").await.sent_back("code").unwrap();
    assert_eq!(bench.exchange(&code, &[]).await.json()["user_id"], 987_654_321);
}

#[actix_web::test]
async fn a_used_refresh_token_is_refused_and_the_newest_lives_on() {
    let bench = Bench::new();
    let (_, first) = bench.connect().await;
    let second = bench.refresh(&first).await.text_at("/refresh_token");
    assert_ne!(first, second);
    let reused = bench.refresh(&first).await;
    assert_eq!((reused.status, reused.text_at("/error")), (400, "invalid_grant".into()));
    assert_eq!(bench.refresh(&second).await.status, 200);
}

#[actix_web::test]
async fn reuse_ends_the_grant_where_that_is_switched_on() {
    let bench = Bench::new();
    let order = json!({ "platform": "mercado-libre", "settings": { "reuse_revokes": true } });
    assert_eq!(bench.control("/settings", order).await.status, 200);
    let (access, first) = bench.connect().await;
    let second = bench.refresh(&first).await.text_at("/refresh_token");
    assert_eq!(bench.refresh(&first).await.status, 400);
    assert_eq!(bench.refresh(&second).await.status, 400);
    assert_eq!(bench.me(&access).await.status, 401);
}

#[actix_web::test]
async fn tokens_expire_and_say_so() {
    let bench = Bench::new();
    let (access, refresh) = bench.connect().await;
    bench.pass(21_599);
    assert_eq!(bench.me(&access).await.status, 200);
    bench.pass(1);
    assert_eq!(bench.me(&access).await.text_at("/message"), "expired_token");
    bench.pass(15_552_000);
    assert_eq!(bench.refresh(&refresh).await.status, 400);
}

#[actix_web::test]
async fn pkce_is_checked_when_a_challenge_was_sent() {
    let bench = Bench::new();
    let sent = format!(
        "&code_challenge_method=S256&code_challenge={}",
        challenge("S256", "verifier").unwrap()
    );
    let code = bench.approve(&sent, "approve").await.sent_back("code").unwrap();
    assert_eq!(bench.exchange(&code, &[]).await.text_at("/error"), "invalid_request");
    assert_eq!(
        bench
            .exchange(&code, &[("code_verifier", "wrong")])
            .await
            .text_at("/error"),
        "invalid_grant"
    );
    assert_eq!(
        bench.exchange(&code, &[("code_verifier", "verifier")]).await.status,
        200
    );
}

#[actix_web::test]
async fn secrets_and_redirect_uris_are_checked() {
    let bench = Bench::new();
    let code = bench.approve("", "approve").await.sent_back("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "sandbox-client"),
        ("client_secret", "wrong"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost/back"),
    ];
    let wrong = bench.form(&format!("{ML}/oauth/token"), &form, &[]).await;
    assert_eq!((wrong.status, wrong.text_at("/error")), (400, "invalid_client".into()));
    let mut form = form;
    form[2].1 = "sandbox-secret";
    form[4].1 = "http://localhost/elsewhere";
    assert_eq!(
        bench
            .form(&format!("{ML}/oauth/token"), &form, &[])
            .await
            .text_at("/error"),
        "invalid_grant"
    );

    let client = json!({ "platform": "mercado-libre", "id": "77", "secrets": ["s"], "redirect_uris": ["https://a/b"] });
    assert_eq!(bench.control("/clients", client).await.status, 201);
    let uri = "/auth.mercadolibre.com.ar/authorization?response_type=code&client_id=77&redirect_uri=";
    assert_eq!(bench.get(&format!("{uri}https%3A%2F%2Fa%2Fb"), &[]).await.status, 200);
    assert_eq!(
        bench.get(&format!("{uri}https%3A%2F%2Fa%2Fb%3Fx"), &[]).await.status,
        400
    );
    assert_eq!(bench.get(&uri.replace("77", "78"), &[]).await.status, 400);
}

#[actix_web::test]
async fn a_client_may_revoke_its_grant() {
    let bench = Bench::new();
    let (access, refresh) = bench.connect().await;
    let request = TestRequest::delete()
        .uri(&format!("{ML}/users/123456789/applications/sandbox-client"))
        .insert_header(("Authorization", format!("Bearer {access}")));
    assert_eq!(bench.send(request).await.status, 200);
    assert_eq!(bench.me(&access).await.status, 401);
    assert_eq!(bench.refresh(&refresh).await.status, 400);
}

async fn shopify_code(bench: &Bench) -> String {
    let uri = "/acme.myshopify.com/admin/oauth/authorize?client_id=sandbox-client&scope=read_orders&\
               redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=s1";
    let back = bench.form(uri, &[("outcome", "approve")], &[]).await;
    let (signature, rest): (Vec<_>, Vec<_>) = back
        .location()
        .query_pairs()
        .into_owned()
        .partition(|(name, _)| name == "hmac");
    assert_eq!(
        signature[0].1,
        hex(&hmac_sha256(b"sandbox-secret", sorted_query(&rest).as_bytes()))
    );
    let names: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "shop", "state", "timestamp", "host"]);
    assert_eq!(back.sent_back("timestamp"), Some(START.to_string()));
    back.sent_back("code").unwrap()
}

async fn shopify_token(bench: &Bench, extra: serde_json::Value) -> super::Reply {
    let mut body = json!({ "client_id": "sandbox-client", "client_secret": "sandbox-secret" });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    bench
        .send(
            TestRequest::post()
                .uri("/acme.myshopify.com/admin/oauth/access_token")
                .set_json(body),
        )
        .await
}

#[actix_web::test]
async fn shopify_gives_a_pair_only_when_an_expiring_token_is_asked_for() {
    let bench = Bench::new();
    let code = shopify_code(&bench).await;
    let fixed = shopify_token(&bench, json!({ "code": code })).await;
    let names: Vec<String> = fixed.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["access_token", "scope"]);
    let code = shopify_code(&bench).await;
    let pair = shopify_token(&bench, json!({ "code": code, "expiring": "1" }))
        .await
        .json();
    assert_eq!(
        (&pair["expires_in"], &pair["refresh_token_expires_in"]),
        (&json!(3600), &json!(7_776_000))
    );
    let headers = [("X-Shopify-Access-Token", pair["access_token"].as_str().unwrap())];
    let query = TestRequest::post()
        .uri("/acme.myshopify.com/admin/api/2026-10/graphql.json")
        .insert_header(headers[0])
        .set_json(json!({ "query": "{ shop { id name myshopifyDomain } }" }));
    assert_eq!(
        bench.send(query).await.text_at("/data/shop/myshopifyDomain"),
        "acme.myshopify.com"
    );
    let other = bench
        .get("/other.myshopify.com/admin/api/2026-10/shop.json", &headers)
        .await;
    assert_eq!(other.status, 401);
}

#[actix_web::test]
async fn shopify_answers_the_same_pair_until_the_replacement_is_used() {
    let bench = Bench::new();
    let code = shopify_code(&bench).await;
    let first = shopify_token(&bench, json!({ "code": code, "expiring": "1" }))
        .await
        .text_at("/refresh_token");
    let ask = |token: &str| json!({ "grant_type": "refresh_token", "refresh_token": token });
    let second = shopify_token(&bench, ask(&first)).await;
    bench.pass(86_400);
    let retried = shopify_token(&bench, ask(&first)).await;
    assert_eq!(second.text_at("/refresh_token"), retried.text_at("/refresh_token"));
    assert_eq!(retried.json()["expires_in"], 3600);
    assert_eq!(
        shopify_token(&bench, ask(&second.text_at("/refresh_token")))
            .await
            .status,
        200
    );
    let late = shopify_token(&bench, ask(&first)).await;
    assert_eq!((late.status, late.text_at("/error")), (400, "invalid_grant".into()));
}

#[actix_web::test]
async fn shopify_exchanges_a_fixed_token_for_a_pair_and_repeats_the_answer() {
    let bench = Bench::new();
    let code = shopify_code(&bench).await;
    let old = shopify_token(&bench, json!({ "code": code }))
        .await
        .text_at("/access_token");
    let ask = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": old,
        "expiring": "1",
    });
    let first = shopify_token(&bench, ask.clone()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(shopify_token(&bench, ask.clone()).await.text, first.text);
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": first.text_at("/refresh_token") });
    assert_eq!(shopify_token(&bench, refresh).await.status, 200);
    assert_eq!(
        shopify_token(&bench, ask).await.text_at("/error"),
        "invalid_subject_token"
    );
    let gone = bench
        .get(
            "/acme.myshopify.com/admin/api/2026-10/shop.json",
            &[("X-Shopify-Access-Token", old.as_str())],
        )
        .await;
    assert_eq!(gone.status, 401);
}

#[actix_web::test]
async fn hybris_hands_the_same_unexpired_token_back() {
    let bench = Bench::new();
    let uri = "/shop.acme.com:9002/authorizationserver/oauth/token";
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "acme_partner"),
        ("client_secret", "sandbox-secret"),
    ];
    let first = bench.form(uri, &form, &[]).await;
    bench.pass(100);
    let second = bench.form(uri, &form, &[]).await;
    assert_eq!(first.text_at("/access_token"), second.text_at("/access_token"));
    assert_eq!(second.json()["expires_in"], 43_100);
    bench.pass(43_100);
    let bearer = format!("Bearer {}", first.text_at("/access_token"));
    let expired = bench
        .get(
            "/shop.acme.com:9002/occ/v2/electronics/orders",
            &[("Authorization", &bearer)],
        )
        .await;
    assert_eq!(expired.text_at("/errors/0/type"), "InvalidTokenError");
    assert_ne!(
        bench.form(uri, &form, &[]).await.text_at("/access_token"),
        first.text_at("/access_token")
    );
    let sites = bench.get("/shop.acme.com:9002/occ/v2/basesites", &[]).await;
    assert_eq!(sites.text_at("/baseSites/0/uid"), "electronics");
}

#[actix_web::test]
async fn walmart_wants_its_headers_and_answers_xml_unless_asked() {
    let bench = Bench::new();
    let uri = "/marketplace.walmartapis.com/v3/token";
    let form = [("grant_type", "client_credentials")];
    let basic = ("Authorization", "Basic c2FuZGJveC1vbmU6c2FuZGJveC1zZWNyZXQ=");
    let json = ("Accept", "application/json");
    let headers = [
        basic,
        json,
        ("WM_SVC.NAME", "Walmart Marketplace"),
        ("WM_QOS.CORRELATION_ID", "1"),
    ];
    let missing = bench.form(uri, &form, &headers[..3]).await;
    assert_eq!(
        (missing.status, missing.text_at("/error/0/code")),
        (400, "MISSING_REQUEST_HEADER.GMP_GATEWAY_API".into())
    );
    let token = bench.form(uri, &form, &headers).await;
    assert_eq!((token.status, &token.json()["expires_in"]), (200, &json!(900)));
    let xml = bench.form(uri, &form, &[basic, headers[2], headers[3]]).await;
    assert!(xml.text.contains("<accessToken>"), "{}", xml.text);
    let wrong = [
        ("Authorization", "Basic c2FuZGJveC1vbmU6d3Jvbmc="),
        json,
        headers[2],
        headers[3],
    ];
    assert_eq!(bench.form(uri, &form, &wrong).await.status, 401);

    let call = "/marketplace.walmartapis.com/v3/token/detail";
    let text = token.text_at("/access_token");
    let good = [("WM_SEC.ACCESS_TOKEN", text.as_str()), headers[2], headers[3]];
    assert_eq!(bench.get(call, &good).await.status, 200);
    let bearer = format!("Bearer {text}");
    let bad = [("Authorization", bearer.as_str()), headers[2], headers[3]];
    assert_eq!(bench.get(call, &bad).await.status, 401);
    let mexico = [good[0], good[1], good[2], ("WM_MARKET", "mx")];
    assert_eq!(bench.get(call, &mexico).await.status, 401);
    let mexico = [good[0], good[1], good[2], ("WM_MARKET", "mx"), basic];
    assert_eq!(bench.get(call, &mexico).await.status, 200);
}

#[actix_web::test]
async fn walmarts_solution_providers_name_the_seller_in_token_calls() {
    let bench = Bench::new();
    let page = "/login.account.wal-mart.com/authorize?responseType=code&clientId=sandbox-one&clientType=seller\
                &redirectUri=http%3A%2F%2Flocalhost%2Fback&state=s1";
    let without = bench.form(page, &[("outcome", "approve")], &[]).await;
    assert_eq!(without.status, 400, "no nonce: {}", without.text);
    let back = bench
        .form(&format!("{page}&nonce=n1"), &[("outcome", "approve")], &[])
        .await;
    let sent = |name: &str| back.sent_back(name).unwrap();
    assert_eq!((sent("sellerId"), sent("type")), ("43423324".into(), "auth".into()));

    let ask = async |grant: &[(&str, &str)], seller: &str| {
        let headers = [
            ("Authorization", "Basic c2FuZGJveC1vbmU6c2FuZGJveC1zZWNyZXQ="),
            ("Accept", "application/json"),
            ("WM_SVC.NAME", "Walmart Marketplace"),
            ("WM_QOS.CORRELATION_ID", "1"),
            ("WM_PARTNER.ID", seller),
        ];
        bench
            .form("/marketplace.walmartapis.com/v3/token", grant, &headers)
            .await
    };
    let code = sent("code");
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost/back"),
    ];
    assert_eq!(ask(&exchange, "43423325").await.status, 401);
    let pair = ask(&exchange, "43423324").await;
    assert_eq!(pair.status, 200, "{}", pair.text);
    let token = pair.text_at("/refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(ask(&refresh, "43423325").await.status, 401);
    assert_eq!(ask(&refresh, "43423324").await.text_at("/refresh_token"), token);
}
