//! Platforms with keys: WooCommerce over https, over http and by its key page, and Falabella's signed URL.

use serde_json::json;

use super::{Bench, START};
use crate::sandbox::signature::{base64, encode, hex, hmac_sha256, oauth1_base, sorted_query};

const KEY: &str = "ck_0123456789abcdef0123456789abcdef01234567";
const SECRET: &str = "cs_0123456789abcdef0123456789abcdef01234567";
const PRODUCTS: &str = "/shop.example.com/wp-json/wc/v3/products";

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", base64(format!("{id}:{secret}").as_bytes()))
}

#[actix_web::test]
async fn a_shop_on_https_takes_basic_or_query_keys() {
    let bench = Bench::new();
    let good = basic(KEY, SECRET);
    let found = bench
        .get(&format!("{PRODUCTS}?_fields=id"), &[("Authorization", &good)])
        .await;
    assert_eq!(found.json(), json!([{ "id": 11 }]));
    let query = format!("{PRODUCTS}?consumer_key={KEY}&consumer_secret={SECRET}");
    assert_eq!(bench.get(&query, &[]).await.status, 200);
    let wrong = bench.get(PRODUCTS, &[("Authorization", &basic(KEY, "cs_wrong"))]).await;
    assert_eq!(
        (wrong.status, wrong.text_at("/code")),
        (401, "woocommerce_rest_authentication_error".into())
    );
    let unknown = bench
        .get(PRODUCTS, &[("Authorization", &basic("ck_none", SECRET))])
        .await;
    assert_eq!(
        (unknown.status, unknown.text_at("/code")),
        (401, "woocommerce_rest_cannot_view".into())
    );
    let index = bench
        .get("/shop.example.com/store/wp-json/?_fields=name,url,home", &[])
        .await
        .json();
    assert_eq!(index["url"], "https://shop.example.com/store");
    assert!(index.get("namespaces").is_none());
}

#[actix_web::test]
async fn a_key_that_only_reads_is_refused_for_writing() {
    let bench = Bench::new();
    let reader = basic(
        "ck_00000000000000000000000000000000000000aa",
        "cs_00000000000000000000000000000000000000aa",
    );
    assert_eq!(bench.get(PRODUCTS, &[("Authorization", &reader)]).await.status, 200);
    let write = bench
        .form(PRODUCTS, &[("name", "x")], &[("Authorization", &reader)])
        .await;
    assert_eq!(
        (write.status, write.text_at("/code")),
        (401, "woocommerce_rest_authentication_error".into())
    );
}

fn signed(nonce: &str, timestamp: i64) -> String {
    let mut pairs: Vec<(String, String)> = [
        ("oauth_consumer_key", KEY),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", &timestamp.to_string()),
        ("include[0]", "11"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let base = oauth1_base("GET", "http://shop.example.com/wp-json/wc/v3/products", &pairs);
    let signature = base64(&hmac_sha256(format!("{SECRET}&").as_bytes(), base.as_bytes()));
    pairs.push(("oauth_signature".to_owned(), signature));
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{PRODUCTS}?{}", query.join("&"))
}

#[actix_web::test]
async fn a_shop_on_http_takes_each_signed_call_once() {
    let bench = Bench::new();
    let http = [("X-Sandbox-Scheme", "http")];
    let uri = signed("n1", START);
    assert_eq!(bench.get(&uri, &http).await.status, 200);
    let reused = bench.get(&uri, &http).await;
    assert_eq!(
        (reused.status, reused.text_at("/code")),
        (401, "woocommerce_rest_authentication_error".into())
    );
    assert_eq!(
        bench
            .get(&format!("{}&X-Sandbox-Scheme=http", signed("n2", START)), &[])
            .await
            .status,
        200
    );
    assert_eq!(bench.get(&signed("n3", START - 901), &http).await.status, 401);
    assert_eq!(bench.get(&uri.replace("=11", "=12"), &http).await.status, 401);
    let partial = bench.get(&format!("{PRODUCTS}?oauth_consumer_key={KEY}"), &http).await;
    assert_eq!(
        partial.text_at("/code"),
        "woocommerce_rest_authentication_missing_parameter"
    );
    assert_eq!(
        bench
            .get(PRODUCTS, &[http[0], ("Authorization", &basic(KEY, SECRET))])
            .await
            .status,
        401
    );
}

/// A server that answers one request with `status`, and what it was sent.
async fn receiver(status: u16) -> (u16, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        let mut piece = [0; 1024];
        while !text.ends_with('}') {
            let read = stream.read(&mut piece).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        stream
            .write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())
            .await
            .unwrap();
        text
    });
    (port, task)
}

async fn key_page(bench: &Bench, port: u16, outcome: &str) -> super::Reply {
    let uri = format!(
        "/shop.example.com/wc-auth/v1/authorize?app_name=Acme&scope=read_write&user_id=one-time&\
         return_url=http%3A%2F%2Flocalhost%2Fback&callback_url=http%3A%2F%2F127.0.0.1%3A{port}%2Fdeliver"
    );
    assert!(bench.get(&uri, &[]).await.text.contains("Simulated WooCommerce"));
    bench.form(&uri, &[("outcome", outcome)], &[]).await
}

#[actix_web::test]
async fn the_key_page_posts_keys_before_the_browser_goes_on() {
    let bench = Bench::new();
    let (port, received) = receiver(200).await;
    let back = key_page(&bench, port, "approve").await;
    assert_eq!(
        (
            back.sent_back("success").as_deref(),
            back.sent_back("user_id").as_deref()
        ),
        (Some("1"), Some("one-time"))
    );
    let request = received.await.unwrap();
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&body["user_id"], &body["key_permissions"]),
        (&json!("one-time"), &json!("read_write"))
    );
    let good = basic(
        body["consumer_key"].as_str().unwrap(),
        body["consumer_secret"].as_str().unwrap(),
    );
    assert_eq!(bench.get(PRODUCTS, &[("Authorization", &good)]).await.status, 200);
    let elsewhere = PRODUCTS.replace("shop.", "another.");
    assert_eq!(bench.get(&elsewhere, &[("Authorization", &good)]).await.status, 401);
    assert_eq!(
        key_page(&bench, port, "deny").await.sent_back("success").as_deref(),
        Some("0")
    );
}

#[actix_web::test]
async fn keys_that_are_not_taken_with_200_are_deleted() {
    let bench = Bench::new();
    let (port, received) = receiver(204).await;
    assert_eq!(key_page(&bench, port, "approve").await.status, 400);
    let request = received.await.unwrap();
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let key = basic(
        body["consumer_key"].as_str().unwrap(),
        body["consumer_secret"].as_str().unwrap(),
    );
    assert_eq!(bench.get(PRODUCTS, &[("Authorization", &key)]).await.status, 401);
}

fn falabella(secret: &str, timestamp: &str) -> String {
    let pairs = [
        ("Action", "GetProducts"),
        ("Format", "JSON"),
        ("Timestamp", timestamp),
        ("UserID", "seller@example.com"),
        ("Version", "1.0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = sorted_query(&pairs);
    let signature = hex(&hmac_sha256(secret.as_bytes(), query.as_bytes()));
    format!("/sellercenter-api.falabella.com/?{query}&Signature={signature}")
}

#[actix_web::test]
async fn falabella_answers_200_whatever_is_wrong() {
    let bench = Bench::new();
    let agent = [("User-Agent", "SC12345/Rust/1/Llavero/FACL")];
    let key = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let now = "2025-10-09T08:53:20+00:00";
    let good = bench.get(&falabella(key, now), &agent).await;
    assert!(
        good.json().pointer("/SuccessResponse/Body/Products").is_some(),
        "{}",
        good.text
    );
    let wrong = bench.get(&falabella("wrong", now), &agent).await;
    assert_eq!(wrong.status, 200);
    assert_eq!(wrong.text_at("/ErrorResponse/Head/ErrorCode"), "7");
    assert!(wrong.text.contains("E007: Login failed. Signature mismatch"));
    let late = bench.get(&falabella(key, "2025-10-09T08:43:19+00:00"), &agent).await;
    assert_eq!(
        (late.status, late.text_at("/ErrorResponse/Head/ErrorCode")),
        (200, "3".into())
    );
    let xml = bench
        .get(&falabella("wrong", now).replace("Format=JSON&", ""), &agent)
        .await;
    assert!(xml.text.contains("<ErrorResponse><Head>"), "{}", xml.text);
    let reported = falabella("wrong", now).replace("GetProducts", "GetBrands");
    assert!(bench.get(&reported, &agent).await.text.contains("SuccessResponse"));
}

#[actix_web::test]
async fn of_a_parameter_that_is_sent_twice_a_shop_signs_the_last() {
    let bench = Bench::new();
    let uri = format!("{}&include[0]=11", signed("n7", START));
    assert_eq!(bench.get(&uri, &[("X-Sandbox-Scheme", "http")]).await.status, 200);
    let other = format!("{}&include[0]=12", signed("n8", START));
    assert_eq!(bench.get(&other, &[("X-Sandbox-Scheme", "http")]).await.status, 401);
}

#[actix_web::test]
async fn prestashop_answers_in_xml_unless_json_is_asked_for() {
    let bench = Bench::new();
    let key = basic("5a5aAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "");
    let xml = bench.get("/shop.example.com/api/", &[("Authorization", &key)]).await;
    assert_eq!(xml.headers.get("content-type").unwrap(), "text/xml;charset=utf-8");
    assert!(xml.text.contains("<shopName><![CDATA["), "{}", xml.text);
    let refused = bench
        .get(
            "/shop.example.com/api/orders",
            &[("Authorization", &basic("wrong", ""))],
        )
        .await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text.contains("<errors><error><code><![CDATA[20]]></code>"),
        "{}",
        refused.text
    );
    for (uri, header) in [
        ("/shop.example.com/api/?output_format=JSON", "X-Any"),
        ("/shop.example.com/api/", "Io-Format"),
    ] {
        let json = bench.get(uri, &[("Authorization", &key), (header, "JSON")]).await;
        assert!(json.json()["shopName"].is_string());
    }
}
