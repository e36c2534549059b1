//! Two platforms of one family: all parameters sorted by name and encoded by RFC 3986 are the very query that is sent, and
//! its HMAC-SHA256 comes last.

use proptest::prelude::{prop_assert_eq, proptest};

use super::*;

const VALUES: [(&str, &str); 6] = [
    ("user_id", "look+1@me.com"),
    ("api_key", "b1bdb357ced10fe4e9a69840cdd4f0e9c03d77fe"),
    ("seller_id", "SC12345"),
    ("country", "CL"),
    ("integrator_name", "Llavero"),
    ("business_unit", "FACL"),
];
const OWNED: &[&str] = &["Timestamp", "UserID", "Version", "Signature"];

/// Checks a request as the platform does; the caller's parameters.
fn accepted(request: &PlatformRequest) -> Pairs {
    let query = request.url.query().unwrap();
    let (text, signature) = query.rsplit_once("&Signature=").unwrap();
    assert_eq!(signature, hex(&hmac_sha256(VALUES[1].1, text.as_bytes())));
    let mut pairs = read(text);
    let names: Vec<&[u8]> = pairs.iter().map(|(name, _)| name.as_bytes()).collect();
    assert!(names.is_sorted(), "{text}");
    let again: Vec<_> = pairs
        .iter()
        .map(|(n, v)| format!("{}={}", encoded(n), encoded(v)))
        .collect();
    assert_eq!(text, again.join("&"));
    assert_eq!(take(&mut pairs, "Timestamp"), "2025-10-09T08:53:20+00:00");
    assert_eq!(take(&mut pairs, "UserID"), "look+1@me.com");
    assert_eq!(take(&mut pairs, "Version"), "1.0");
    pairs
}

proptest! {
    #[test]
    fn the_family_accepts_any_query(query in written(OWNED), turned_too in proptest::bool::ANY) {
        for (platform, url) in [
            ("falabella", "https://sellercenter-api.falabella.com/"),
            ("linio", "https://sellercenter-api.linio.com.mx/"),
        ] {
            let sent = signed((platform, "keys"), &VALUES, request("GET", url, &query), [0; 16]).unwrap();
            let found = accepted(&sent);
            let mut wanted = without(read(&query), OWNED);
            // Unless the caller chose another one.
            wanted.push(("Format".to_owned(), "JSON".to_owned()));
            prop_assert_eq!(sorted(found), sorted(wanted));
            if turned_too {
                let turned: Vec<&str> = query.rsplit('&').collect();
                let again = request("GET", url, &turned.join("&"));
                let again = signed((platform, "keys"), &VALUES, again, [0; 16]).unwrap();
                prop_assert_eq!(again.url, sent.url);
            }
        }
    }
}
