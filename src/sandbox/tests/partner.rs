//! What the platforms do of their own accord: installations that begin in their stores, messages that a store is gone,
//! handshakes of OAuth 1.0a, and signed token calls.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use actix_web::test::TestRequest;
use serde_json::json;

use super::{Bench, START};
use crate::sandbox::signature::{base64, concatenated, encode, hex, hmac_sha1, hmac_sha256, sorted_query};

fn query_of(address: &str) -> Vec<(String, String)> {
    url::Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

fn take(pairs: &mut Vec<(String, String)>, name: &str) -> String {
    let at = pairs.iter().position(|(known, _)| known == name).unwrap();
    pairs.remove(at).1
}

#[actix_web::test]
async fn installations_begin_with_the_platforms_own_proof() {
    let bench = Bench::new();
    let order = |platform: &str, store: Option<&str>| json!({ "platform": platform, "client_id": "sandbox-app", "url": "http://localhost/install", "store": store });
    let address = async |platform: &str, store: Option<&str>| {
        bench.control("/install", order(platform, store)).await.text_at("/url")
    };
    for (platform, store) in [("shopify", "acme.myshopify.com"), ("shoplazza", "acme.myshoplaza.com")] {
        let mut pairs = query_of(&address(platform, Some(store)).await);
        let proof = take(&mut pairs, "hmac");
        assert_eq!(
            proof,
            hex(&hmac_sha256(b"sandbox-secret", sorted_query(&pairs).as_bytes())),
            "{platform}"
        );
    }
    let mut pairs = query_of(&address("weebly", None).await);
    let text = format!("user_id=123456&timestamp={START}&site_id=987654321");
    assert_eq!(
        take(&mut pairs, "hmac"),
        hex(&hmac_sha256(b"sandbox-secret", text.as_bytes()))
    );
    for platform in ["bigcommerce", "ecwid", "tiktok-shop", "temu"] {
        let mut pairs = query_of(&address(platform, None).await);
        assert!(!take(&mut pairs, "code").is_empty(), "{platform}");
    }
    let mut pairs = query_of(&address("wix", None).await);
    let proof = take(&mut pairs, "signedInstance");
    let info = TestRequest::post()
        .uri("/www.wixapis.com/oauth2/token-info")
        .set_json(json!({ "token": proof }));
    assert_eq!(
        bench.send(info).await.text_at("/instanceId"),
        take(&mut pairs, "instanceId")
    );
    assert_eq!(bench.get("/_control/install", &[]).await.status, 200);
}

#[actix_web::test]
async fn a_removed_wix_app_is_given_no_token() {
    let bench = Bench::new();
    let instance = "0f5e1a2b-0000-4000-8000-000000000001";
    let ask = || {
        let body = json!({ "grant_type": "client_credentials", "client_id": "sandbox-app", "client_secret": "sandbox-secret", "instance_id": instance });
        bench.send(TestRequest::post().uri("/www.wixapis.com/oauth2/token").set_json(body))
    };
    assert_eq!(ask().await.json()["expires_in"], 14_400);
    bench
        .control("/revoke", json!({ "platform": "wix", "store": instance }))
        .await;
    assert_eq!(ask().await.status, 400);
    let uri =
        "/www.wix.com/app-installer?appId=sandbox-app&postInstallationUrl=http%3A%2F%2Flocalhost%2Fback%3Fstate%3Ds1";
    let back = bench.form(uri, &[("outcome", "approve")], &[]).await;
    assert_eq!(back.sent_back("state").as_deref(), Some("s1"));
    assert_eq!(ask().await.status, 200);
}

#[actix_web::test]
async fn messages_that_a_store_is_gone_are_signed() {
    let bench = Bench::new();
    for (platform, store, header) in [
        ("shopify", "acme.myshopify.com", "x-shopify-hmac-sha256"),
        ("tienda-nube", "1001", "x-linkedstore-hmac-sha256"),
        ("tiktok-shop", "7010736057180325637", "authorization"),
        ("ecwid", "1003", "x-ecwid-webhook-signature"),
        ("weebly", "987654321", "content-type"),
        ("wix", "0f5e1a2b-0000-4000-8000-000000000001", "content-type"),
        ("bigcommerce", "g5cd38", "content-type"),
        ("shoplazza", "acme.myshoplaza.com", "x-shoplazza-hmac-sha256"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            String::from_utf8_lossy(&head[..read]).into_owned()
        });
        let order = json!({ "platform": platform, "client_id": "sandbox-app", "store": store, "url": url });
        let told = bench.control("/hooks", order).await.json();
        assert_eq!(told["answer"]["status"], 200, "{platform}: {told}");
        let received = receiver.join().unwrap();
        assert!(received.to_ascii_lowercase().contains(header), "{platform}: {received}");
        let body = told["sent"]["body"].as_str().unwrap();
        if platform == "tienda-nube" {
            assert!(received.contains(&hex(&hmac_sha256(b"sandbox-secret", body.as_bytes()))));
        }
        if platform == "tiktok-shop" {
            assert!(received.contains(&hex(&hmac_sha256(
                b"sandbox-secret",
                format!("sandbox-app{body}").as_bytes()
            ))));
        }
        if platform == "wix" {
            assert_eq!(body.split('.').count(), 3);
        }
        if platform == "bigcommerce" {
            assert!(received.starts_with("GET /hook?signed_payload_jwt=ey"), "{received}");
        }
    }
}

fn oauth_header(method: &str, address: &str, more: &[(&str, &str)], key: &str, nonce: &str) -> String {
    let timestamp = START.to_string();
    let mut pairs: Vec<(String, String)> = [
        ("oauth_consumer_key", "sandbox0000000000000000000000001"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", timestamp.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
    ]
    .iter()
    .chain(more)
    .map(|(name, text)| (encode(name), encode(text)))
    .collect();
    pairs.sort();
    let joined: Vec<String> = pairs.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let base = format!("{method}&{}&{}", encode(address), encode(&joined.join("&")));
    pairs.push((
        "oauth_signature".into(),
        encode(&base64(&hmac_sha1(key.as_bytes(), base.as_bytes()))),
    ));
    let parts: Vec<String> = pairs.iter().map(|(name, text)| format!("{name}=\"{text}\"")).collect();
    format!("OAuth {}", parts.join(", "))
}

#[actix_web::test]
async fn magento_1_hands_a_token_over_in_three_steps() {
    let bench = Bench::new();
    let secret = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let post = async |path: &str, more: &[(&str, &str)], key: String, nonce: &str| {
        let header = oauth_header("POST", &format!("https://m1.acme.com{path}"), more, &key, nonce);
        bench
            .send(
                TestRequest::post()
                    .uri(&format!("/m1.acme.com{path}"))
                    .insert_header(("Authorization", header)),
            )
            .await
    };
    let read =
        |text: &str| -> Vec<(String, String)> { url::form_urlencoded::parse(text.as_bytes()).into_owned().collect() };
    let callback = [("oauth_callback", "http://localhost/back?state=s1")];
    let bad = post("/oauth/initiate", &callback, "no&".into(), "n0").await;
    assert_eq!(
        (bad.status, bad.text.as_str()),
        (401, "oauth_problem=signature_invalid")
    );
    let mut first = read(
        &post("/oauth/initiate", &callback, format!("{secret}&"), "n1")
            .await
            .text,
    );
    let (request, request_secret) = (take(&mut first, "oauth_token"), take(&mut first, "oauth_token_secret"));
    let page = format!("/m1.acme.com/admin/oauth_authorize?oauth_token={request}");
    let back = bench.form(&page, &[("outcome", "approve")], &[]).await;
    let verifier = back.sent_back("oauth_verifier").unwrap();
    let more = [("oauth_token", request.as_str()), ("oauth_verifier", verifier.as_str())];
    let mut last = read(
        &post("/oauth/token", &more, format!("{secret}&{request_secret}"), "n2")
            .await
            .text,
    );
    let (token, token_secret) = (take(&mut last, "oauth_token"), take(&mut last, "oauth_token_secret"));
    let products = "m1.acme.com/api/rest/products";
    for (nonce, key, status) in [
        ("n3", token_secret.as_str(), 200),
        ("n3", token_secret.as_str(), 401),
        ("n4", "no", 401),
    ] {
        let header = oauth_header(
            "GET",
            &format!("https://{products}"),
            &[("oauth_token", &token)],
            &format!("{secret}&{key}"),
            nonce,
        );
        let told = bench.get(&format!("/{products}"), &[("Authorization", &header)]).await;
        assert_eq!(told.status, status, "{}", told.text);
    }
}

#[actix_web::test]
async fn alibaba_signs_token_calls_and_answers_errors_at_200() {
    for (authorize, api, verify) in [
        (
            "/api-sg.aliexpress.com/oauth/authorize",
            "/api-sg.aliexpress.com",
            ("/sync", ""),
        ),
        (
            "/auth.miravia.com/apps/oauth/authorize",
            "/api.miravia.es",
            ("/rest/seller/get", "/seller/get"),
        ),
    ] {
        let bench = Bench::new();
        let page = format!(
            "{authorize}?response_type=code&client_id=sandbox-app&redirect_uri=http%3A%2F%2Flocalhost%2Fback&state=s1"
        );
        let code = bench
            .form(&page, &[("outcome", "approve")], &[])
            .await
            .sent_back("code")
            .unwrap();
        let signed = |path: &str, more: &[(&str, &str)], secret: &str| {
            let mut pairs: Vec<(String, String)> = [("app_key", "sandbox-app"), ("sign_method", "sha256")]
                .iter()
                .chain(more)
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect();
            pairs.push(("timestamp".into(), format!("{START}000")));
            let text = format!("{path}{}", concatenated(&pairs));
            pairs.push((
                "sign".into(),
                hex(&hmac_sha256(secret.as_bytes(), text.as_bytes())).to_ascii_uppercase(),
            ));
            pairs
        };
        let post = async |path: &str, pairs: Vec<(String, String)>| {
            bench
                .send(TestRequest::post().uri(&format!("{api}{path}")).set_form(pairs))
                .await
        };
        let create = "/auth/token/create";
        let bad = post("/rest/auth/token/create", signed(create, &[("code", &code)], "no")).await;
        assert_eq!((bad.status, bad.text_at("/code")), (200, "IncompleteSignature".into()));
        let pair = post(
            "/rest/auth/token/create",
            signed(create, &[("code", &code)], "sandbox-secret"),
        )
        .await;
        let (access, refresh) = (pair.text_at("/access_token"), pair.text_at("/refresh_token"));
        assert!(!access.is_empty(), "{}", pair.text);
        bench.pass(60);
        let token = [("refresh_token", refresh.as_str())];
        let renewed = post(
            "/rest/auth/token/refresh",
            signed("/auth/token/refresh", &token, "sandbox-secret"),
        )
        .await;
        assert_eq!(renewed.json()["refresh_expires_in"], 5_184_000 - 60, "{}", renewed.text);
        let dead = post(
            "/rest/auth/token/refresh",
            signed("/auth/token/refresh", &token, "sandbox-secret"),
        )
        .await;
        assert_eq!(dead.text_at("/code"), "IllegalRefreshToken");
        for (text, good) in [(access.as_str(), true), ("no", false)] {
            let more = [
                ("access_token", text),
                ("method", "aliexpress.solution.merchant.profile.get"),
            ];
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(signed(verify.1, &more, "sandbox-secret"))
                .finish();
            let told = bench.get(&format!("{api}{}?{query}", verify.0), &[]).await;
            assert_eq!(told.text.contains("Simulated seller one"), good, "{}", told.text);
            assert_eq!(told.text.contains("IllegalAccessToken"), !good, "{}", told.text);
        }
    }
}
