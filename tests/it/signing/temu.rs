//! Every member of the body but `sign`, sorted by name: name and compact JSON text, the outer quotes of a text cut off,
//! wrapped in the secret; MD5 in upper-case hexadecimal. Null members are not sent.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::*;

const VALUES: [(&str, &str); 5] = [
    ("app_key", "appkey0001"),
    ("app_secret", "appsecret0001"),
    ("access_token", "token0001"),
    ("region", "us"),
    ("api_host", "openapi-b-us.temu.com"),
];
const OWNED: [&str; 5] = ["app_key", "access_token", "data_type", "timestamp", "sign"];

/// Checks a body as the platform does; the caller's members.
fn accepted(body: &[u8]) -> Map<String, Value> {
    let text = std::str::from_utf8(body).unwrap();
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
    let sign: String = serde_json::from_str(members.remove("sign").unwrap().get()).unwrap();
    let mut signed = String::from("appsecret0001");
    for (name, value) in &members {
        let value = value.get();
        let is_text = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        signed.push_str(name);
        signed.push_str(if is_text { &value[1..value.len() - 1] } else { value });
    }
    signed.push_str("appsecret0001");
    assert_eq!(sign, hex(&Md5::digest(&signed)).to_uppercase(), "{signed}");
    let mut all: Map<String, Value> = serde_json::from_str(text).unwrap();
    let count = text.matches("\"sign\":").count();
    assert_eq!(count, 1, "{text}");
    assert_eq!(all.remove("app_key"), Some(json!("appkey0001")));
    assert_eq!(all.remove("access_token"), Some(json!("token0001")));
    assert_eq!(all.remove("data_type"), Some(json!("JSON")));
    assert_eq!(all.remove("timestamp"), Some(json!(SECONDS)));
    all.remove("sign");
    all
}

/// Outside texts no white space, inside no needless escape.
fn is_compact(body: &str) -> bool {
    let mut in_text = false;
    let mut rest = body.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' if in_text => {
                let escaped = rest.next().unwrap();
                if !r#""\nrtbfu"#.contains(escaped) {
                    return false;
                }
            }
            '"' => in_text = !in_text,
            other if !in_text && other.is_whitespace() => return false,
            _ => {}
        }
    }
    true
}

fn texts() -> impl Strategy<Value = String> {
    // One that begins or ends with a quote is not to be sent at all.
    value().prop_map(|text| text.trim_matches('"').to_owned())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000..1_000_000i32).prop_map(|cents| Value::from(f64::from(cents) / 100.0)),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// As some client libraries write it: spread over lines, everything but ASCII escaped.
fn escaped(json: &Value) -> String {
    let pretty = serde_json::to_string_pretty(json).unwrap();
    let mut units = [0; 2];
    let written = pretty.chars().map(|c| match c.is_ascii() {
        true => c.to_string(),
        false => c
            .encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect(),
    });
    written.collect()
}

fn post(body: String) -> Result<PlatformRequest, BuildError> {
    let asked = request("POST", "https://openapi-b-us.temu.com/openapi/router", "");
    signed(
        ("temu", "token"),
        &VALUES,
        with_body(asked, "application/json", body),
        [0; 16],
    )
}

proptest! {
    #[test]
    fn the_platform_accepts_any_members(
        given in proptest::collection::btree_map(name(), any_json(), 0..6),
        forged in proptest::sample::select(&OWNED[..]),
        spread in any::<bool>(),
    ) {
        let mut asked: Map<String, Value> = given.clone().into_iter().collect();
        asked.insert(forged.to_owned(), json!("forged"));
        let asked = Value::Object(asked);
        let sent = post(if spread { escaped(&asked) } else { asked.to_string() }).unwrap();
        let found = accepted(&sent.body);
        let wanted: Map<String, Value> = given.into_iter().filter(|(_, value)| !value.is_null()).collect();
        prop_assert_eq!(Value::Object(found), Value::Object(wanted));
        prop_assert!(is_compact(std::str::from_utf8(&sent.body).unwrap()));
    }

    #[test]
    fn the_order_of_members_is_all_the_same_and_of_a_name_the_last_counts(one in texts(), other in texts()) {
        let (one, other) = (json!(one), json!(other));
        let first = post(format!(r#"{{"a":{one},"b":{other}}}"#)).unwrap();
        let turned = post(format!(r#"{{ "a" : 7, "b":{other} , "a":{one}}}"#)).unwrap();
        prop_assert_eq!(&first.body, &turned.body);
        accepted(&turned.body);
    }
}

#[test]
fn numbers_keep_their_digits() {
    let body = post(r#"{"type":"t","price":1.10,"id":12345678901234567890123,"e":[1E+2, -0.0]}"#.to_owned());
    let body = body.unwrap().body;
    accepted(&body);
    let text = std::str::from_utf8(&body).unwrap();
    for kept in [
        r#""price":1.10"#,
        r#""id":12345678901234567890123"#,
        r#""e":[1E+2,-0.0]"#,
    ] {
        assert!(text.contains(kept), "{text}");
    }
}

#[test]
fn what_is_no_object_cannot_be_signed() {
    for body in ["", "[]", "null", "type=x", r#"{"type":"#] {
        assert!(
            matches!(post(body.to_owned()), Err(BuildError::CannotSign(_))),
            "{body}"
        );
    }
}
