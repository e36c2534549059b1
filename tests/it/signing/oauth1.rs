//! OAuth 1.0a (RFC 5849) as shops check it: one reads the query as PHP does and finds the OAuth parameters in it, two take
//! them from the header, split the query themselves and sort encoded names in PHP's natural order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;

fn base(method: &str, url: &Url, parameters: &[String]) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    [method, plain.as_str(), &parameters.join("&")].map(encoded).join("&")
}

/// Names that PHP keeps apart, and values of any characters.
fn query(names: &'static str) -> impl Strategy<Value = String> {
    let pair = (names, value()).prop_map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value)));
    proptest::collection::vec(pair, 0..8).prop_map(|pairs| pairs.join("&"))
}

proptest! {
    #[test]
    fn a_shop_that_reads_as_php_does_accepts_any_query(
        query in query(r"([abé]|a[.]b|a b|x&y)(\[[k0-2]?\]){0,2}"),
        nonce in proptest::prelude::any::<[u8; 16]>(),
    ) {
        let values = [("store_url", "http://shop.example.com:8080/folder"), ("consumer_key", "ck_1"), ("consumer_secret", "cs_2 &")];
        let url = "http://shop.example.com:8080/folder/wp-json/wc/v3/products";
        let forged = format!("{query}&oauth_nonce=mine&OAUTH_SIGNATURE=x");
        let sent = signed(("woocommerce", "keys"), &values, request("GET", url, &forged), nonce).unwrap();
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for (keys, value) in php::fields(&query_of(&sent)) {
            found.insert(php::name(&keys), value);
        }
        let signature = found.remove("oauth_signature").unwrap();
        let mut parameters: Vec<(String, String)> = found.iter().map(|(n, v)| (encoded(n), encoded(v))).collect();
        parameters.sort();
        let parameters: Vec<String> = parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let base = base("GET", &sent.url, &parameters);
        prop_assert_eq!(signature, base64(hmac_sha256("cs_2%20%26&", base.as_bytes())));
        for (name, wanted) in [
            ("oauth_consumer_key", "ck_1"),
            ("oauth_nonce", hex(&nonce).as_str()),
            ("oauth_signature_method", "HMAC-SHA256"),
            ("oauth_timestamp", SECONDS.to_string().as_str()),
        ] {
            prop_assert_eq!(found.remove(name).unwrap(), wanted);
        }
        let meant = php::fields(&read(&query)).into_iter().map(|(keys, value)| (php::name(&keys), value));
        prop_assert_eq!(found, meant.collect::<BTreeMap<_, _>>());
    }

    #[test]
    fn shops_that_split_the_query_themselves_accept_any_query(
        query in query(r"([abA_]|é|a b|x&y)(\[[1-9k][0-9]?\]|\[[a-c]\]){0,2}"),
        forged in proptest::prelude::any::<bool>(),
    ) {
        let values = [
            ("base_url", "https://shop.example.com"),
            ("consumer_key", "key"),
            ("consumer_secret", "sec ret"),
            ("access_token", "token"),
            ("access_token_secret", "other+secret"),
        ];
        let asked = if forged { format!("{query}&oauth_token=mine&my_oauth_x=1") } else { query.clone() };
        for (platform, path, name) in [("magento-1", "/api/rest/products", "HMAC-SHA1"), ("magento-2", "/rest/V1/products", "HMAC-SHA256")] {
            let url = format!("https://shop.example.com{path}");
            let mut caller = request("GET", &url, &asked);
            caller.headers.insert("authorization", "Bearer mine".parse().unwrap());
            let sent = signed((platform, "keys"), &values, caller, [7; 16]).unwrap();
            let mut oauth = authorization(&sent);
            let signature = oauth.remove("oauth_signature").unwrap();
            prop_assert_eq!(oauth.get("oauth_signature_method").map(String::as_str), Some(name));
            prop_assert_eq!(oauth.get("oauth_token").map(String::as_str), Some("token"));
            prop_assert_eq!(oauth.get("oauth_version").map(String::as_str), Some("1.0"));
            let raw = sent.url.query().unwrap_or_default();
            let mut pairs: Vec<(String, String)> = Vec::new();
            for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
                prop_assert_eq!(piece.matches('=').count(), 1, "{}", raw);
                prop_assert!(!piece.contains('+'), "{}", raw);
                let (name, value) = read(piece).remove(0);
                prop_assert!(!pairs.iter().any(|(known, _)| *known == name), "twice in {}", raw);
                pairs.push((name, value));
            }
            let mut found: BTreeMap<String, String> = pairs.iter().cloned().collect();
            found.remove("my_oauth_x");
            let meant: BTreeMap<String, String> = read(&query).into_iter().collect();
            prop_assert_eq!(found, meant);
            pairs.retain(|(name, _)| !name.contains("oauth_"));
            pairs.extend(oauth);
            let mut encoded: Vec<(String, String)> = pairs.iter().map(|(n, v)| (encoded(n), encoded(v))).collect();
            encoded.sort_by(|one, other| natural(&one.0, &other.0));
            let parameters: Vec<String> = encoded.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let base = base("GET", &sent.url, &parameters);
            let key = "sec%20ret&other%2Bsecret";
            let right = match platform {
                "magento-1" => hmac_sha1(key, &base),
                _ => hmac_sha256(key, base.as_bytes()),
            };
            prop_assert_eq!(signature, base64(right), "{}", base);
        }
    }
}

/// The parameters of an `Authorization: OAuth` header.
fn authorization(request: &PlatformRequest) -> BTreeMap<String, String> {
    let listed = header(request, "authorization").strip_prefix("OAuth ").unwrap();
    let pair = |piece: &str| {
        let (name, value) = piece.split_once('=').unwrap();
        let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        read(&format!("{name}={value}")).remove(0)
    };
    listed.split(", ").map(pair).collect()
}

/// Numbers within names compare as numbers; none begins with a zero here.
fn natural(one: &str, other: &str) -> Ordering {
    let chunks = |text: &str| {
        let mut chunks: Vec<(bool, u64, String)> = Vec::new();
        for c in text.chars() {
            match chunks.last_mut() {
                Some((true, _, digits)) if c.is_ascii_digit() => digits.push(c),
                _ => chunks.push((c.is_ascii_digit(), 0, c.to_string())),
            }
        }
        for (is_number, number, digits) in &mut chunks {
            *number = if *is_number { digits.parse().unwrap() } else { 0 };
        }
        chunks
    };
    let (one, other) = (chunks(one), chunks(other));
    for (a, b) in one.iter().zip(&other) {
        let order = if a.0 && b.0 { a.1.cmp(&b.1) } else { a.2.cmp(&b.2) };
        if order != Ordering::Equal {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

#[test]
fn a_form_cannot_be_signed_and_is_not_sent() {
    let values = [
        ("store_url", "http://shop.example.com"),
        ("consumer_key", "ck_1"),
        ("consumer_secret", "cs_2"),
    ];
    let asked = request("POST", "http://shop.example.com/wp-json/wc/v3/products", "");
    let refused = signed(("woocommerce", "keys"), &values, with_body(asked, FORM, "a=b"), [0; 16]);
    assert!(matches!(refused, Err(BuildError::CannotSign(_))));
}
