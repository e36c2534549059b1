//! Key id, time and path are signed with the secret and five characters, which stand in front of the signature: the
//! hexadecimal text in base64. Query and body are not signed, and stay as they are.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const VALUES: [(&str, &str); 3] = [
    ("open_key_id", "OPENKEY"),
    ("secret_key", "SECRET"),
    ("api_host", "openapi.sheincorp.com"),
];
const HEADERS: [&str; 4] = ["x-lt-openkeyid", "x-lt-appid", "x-lt-timestamp", "x-lt-signature"];

fn accepted(request: &PlatformRequest) {
    let given = header(request, "x-lt-signature");
    let (random, signature) = given.split_at(5);
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{random}");
    let time = header(request, "x-lt-timestamp");
    assert_eq!(time, MILLIS.to_string());
    let text = format!("{}&{time}&{}", header(request, "x-lt-openkeyid"), request.url.path());
    let right = base64(hex(&hmac_sha256(&format!("SECRET{random}"), text.as_bytes())));
    assert_eq!(signature, right);
    assert_eq!(header(request, "x-lt-openkeyid"), "OPENKEY");
    assert!(!request.headers.contains_key("x-lt-appid"));
}

proptest! {
    #[test]
    fn the_platform_accepts_any_path_query_and_body(
        path in r"(/\PC{1,8}){1,3}",
        query in written(&["sign"]),
        body in proptest::collection::vec(any::<u8>(), 0..40),
        nonce in any::<[u8; 16]>(),
        forged in "[a-z]{1,8}",
    ) {
        let mut asked = request("POST", "https://openapi.sheincorp.com", &query);
        asked.url.set_path(&path);
        asked.body = body.clone().into();
        // What a caller sends under the signer's names is not sent on.
        for name in HEADERS {
            asked.headers.append(name, forged.parse().unwrap());
            asked.headers.append(name, forged.parse().unwrap());
        }
        let before = asked.url.clone();
        let sent = signed(("shein", "keys"), &VALUES, asked, nonce).unwrap();
        accepted(&sent);
        prop_assert_eq!(&sent.url, &before);
        prop_assert!(sent.body == body);
        prop_assert_eq!(header(&sent, "content-type"), "application/json;charset=UTF-8");
    }
}

#[test]
fn no_five_characters_come_for_two_requests() {
    let sign = |nonce| {
        let asked = request("POST", "https://openapi.sheincorp.com/open-api/x", "");
        let sent = signed(("shein", "keys"), &VALUES, asked, nonce).unwrap();
        header(&sent, "x-lt-signature").to_owned()
    };
    assert_ne!(sign([1; 16]), sign([2; 16]));
}
