//! Keys that sign: what is right is taken, what is stale or wrong is refused as documented.

use serde_json::json;

use super::credentials::{LONG, call};
use super::{Bench, START};
use crate::sandbox::signature::{base64, hex, hmac_sha1, hmac_sha256, md5, sha256};

#[actix_web::test]
async fn signed_keys_are_checked() {
    let bench = Bench::new();
    // 1760000000 is 2025-10-09T08:53:20Z.
    let claro = |time: &str| {
        let signature = hex(&sha256(format!("sandboxpub{time}sandbox-secret").as_bytes()));
        format!("/selfservice.claroshop.com/apicm/v1/sandboxpub/{signature}/{time}/producto?page=1")
    };
    assert_eq!(
        bench.get(&claro("2025-10-09T02:53:20"), &[]).await.json()["totalpaginas"],
        1
    );
    assert_eq!(bench.get(&claro("2025-10-09T08:53:20"), &[]).await.status, 401);

    let opencart = |time: i64| {
        let body = hex(&md5(b""));
        let text = format!("api/order\nping\nsandbox\nshop.acme.com\n/\n0\nen-gb\nUSD\n{body}\n{time}\n");
        let signature = base64(&hmac_sha1(LONG.as_bytes(), text.as_bytes()));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let time = time.to_string();
        let pairs = [
            ("route", "api/order"),
            ("call", "ping"),
            ("username", "sandbox"),
            ("store_id", "0"),
            ("language", "en-gb"),
            ("currency", "USD"),
            ("time", time.as_str()),
            ("signature", signature.as_str()),
        ];
        format!("/shop.acme.com/index.php?{}", query.extend_pairs(pairs).finish())
    };
    assert_eq!(bench.get(&opencart(START), &[]).await.status, 200);
    assert_eq!(bench.get(&opencart(START - 451), &[]).await.status, 403);
    for (route, dead) in [("api/account/login", 404), ("api/login", 200)] {
        let uri = format!("/shop.acme.com/index.php?route={route}");
        let token = bench
            .form(&uri, &[("username", "sandbox"), ("key", LONG)], &[])
            .await
            .text_at("/api_token");
        let orders = format!("/shop.acme.com/index.php?route=api/order&api_token={token}");
        assert_eq!(bench.get(&orders, &[]).await.status, 200, "{route}");
        let gone = bench
            .get("/shop.acme.com/index.php?route=api/order&api_token=no", &[])
            .await;
        assert_eq!(gone.status, dead, "{route}");
    }

    let shein = |key: &str| {
        let text = format!("SANDBOX00001&{START}000&/open-api/openapi-business-backend/query-store-info");
        let code = hex(&hmac_sha256(format!("{key}abcde").as_bytes(), text.as_bytes()));
        format!(
            "x-lt-openKeyId: SANDBOX00001|x-lt-timestamp: {START}000|x-lt-signature: abcde{}",
            base64(code.as_bytes())
        )
    };
    let uri = "/openapi.sheincorp.com/open-api/openapi-business-backend/query-store-info";
    let good = call(
        &bench,
        "POST",
        uri,
        &shein("5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A"),
        json!({}),
    )
    .await;
    assert_eq!(
        good.json()["info"]["storeInfo"]["supplierId"],
        5_001_234,
        "{}",
        good.text
    );
    assert_eq!(
        call(&bench, "POST", uri, &shein("no"), json!({}))
            .await
            .text_at("/code"),
        "openapi00001"
    );

    let temu = |token: &str| {
        let text = format!(
            "access_token{token}app_keysandbox-appdata_typeJSONtimestamp{START}typebg.open.accesstoken.info.get"
        );
        let sign = hex(&md5(format!("sandbox-secret{text}sandbox-secret").as_bytes())).to_ascii_uppercase();
        json!({ "type": "bg.open.accesstoken.info.get", "app_key": "sandbox-app", "access_token": token, "timestamp": START, "data_type": "JSON", "sign": sign })
    };
    let uri = "/openapi-b-us.temu.com/openapi/router";
    let token = format!("sandbox{}", "0".repeat(33));
    let good = call(&bench, "POST", uri, "", temu(&token)).await;
    assert_eq!(
        good.json()["result"]["mallId"],
        634_418_213_712_345_i64,
        "{}",
        good.text
    );
    assert_eq!(
        call(&bench, "POST", uri, "", temu("no")).await.json()["errorCode"],
        3_000_031
    );
}
