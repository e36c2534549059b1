//! Parameters but `sign` and `access_token`, sorted by name and run together between path and body, wrapped in the secret,
//! which is the key too. Bodies of uploads do not count.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const VALUES: [(&str, &str); 4] = [
    ("app_key", "appkey0001"),
    ("app_secret", "appsecret0001"),
    ("access_token", "token"),
    ("shop_cipher", "cipher+/0001="),
];
const OWNED: &[&str] = &["app_key", "timestamp", "sign", "access_token", "shop_cipher"];

/// Checks a request as the platform does; the caller's parameters.
fn accepted(request: &PlatformRequest, cipher: Option<&str>) -> Pairs {
    let mut query = query_of(request);
    let sign = take(&mut query, "sign");
    let is_upload = header(request, "content-type").starts_with("multipart/form-data");
    let body: &[u8] = if is_upload { b"" } else { &request.body };
    let start = format!(
        "appsecret0001{}{}",
        request.url.path(),
        run_together(&sorted(query.clone()))
    );
    let text = [start.as_bytes(), body, b"appsecret0001"].concat();
    assert_eq!(
        sign,
        hex(&hmac_sha256("appsecret0001", &text)),
        "{}",
        String::from_utf8_lossy(&text)
    );
    assert_eq!(take(&mut query, "app_key"), "appkey0001");
    assert_eq!(take(&mut query, "timestamp"), SECONDS.to_string());
    if let Some(cipher) = cipher {
        assert_eq!(take(&mut query, "shop_cipher"), cipher);
    }
    assert_eq!(header(request, "x-tts-access-token"), "token");
    query
}

proptest! {
    #[test]
    fn the_platform_accepts_any_query_and_body(
        query in written(OWNED),
        body in proptest::collection::vec(any::<u8>(), 0..40),
        upload in any::<bool>(),
    ) {
        let kind = if upload { "multipart/form-data; boundary=b" } else { "application/json" };
        for (path, cipher) in [
            ("/order/202309/orders/search", Some("cipher+/0001=")),
            ("/product/202309/products/caf%C3%A9%20", Some("cipher+/0001=")),
            ("/authorization/202309/shops", None),
            ("/product/202309/images/upload", None),
        ] {
            let url = format!("https://open-api.tiktokglobalshop.com{path}");
            let mut asked = with_body(request("POST", &url, &query), kind, "");
            asked.body = body.clone().into();
            let sent = signed(("tiktok-shop", "authorization"), &VALUES, asked, [0; 16]).unwrap();
            prop_assert!(sent.body == body);
            prop_assert_eq!(accepted(&sent, cipher), without(read(&query), OWNED));
        }
    }

    #[test]
    fn the_order_of_parameters_is_all_the_same(query in written(&["sign"])) {
        let url = "https://open-api.tiktokglobalshop.com/order/202309/orders";
        let turned: Vec<&str> = query.rsplit('&').collect();
        let sign = |query: &str| {
            let sent = signed(("tiktok-shop", "authorization"), &VALUES, request("GET", url, query), [0; 16]).unwrap();
            accepted(&sent, Some("cipher+/0001="));
            take(&mut query_of(&sent), "sign")
        };
        prop_assert_eq!(sign(&turned.join("&")), sign(&query));
    }
}
