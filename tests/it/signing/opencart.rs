//! Route, call, user, host, folder, store, language, currency, the MD5 of the form as the shop writes it out again, and the
//! time, a line each; HMAC-SHA1 with the key, in base64.

use md5::{Digest, Md5};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
const OWNED: &[&str] = &["username", "store_id", "language", "currency", "time", "signature"];

fn values(store_url: &str) -> [(&str, &str); 6] {
    [
        ("store_url", store_url),
        ("api_username", "Default"),
        ("api_key", KEY),
        ("store_id", "0"),
        ("language", "en-gb"),
        ("currency", "USD"),
    ]
}

fn cleaned(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        other => other.to_string(),
    });
    let escaped: String = escaped.collect();
    escaped.trim_matches(|c| " \t\n\r\0\u{b}".contains(c)).to_owned()
}

/// All but letters, digits and `-_.` percent-encoded, a space as a plus.
fn as_php_encodes(text: &str) -> String {
    encoded(text).replace('~', "%7E").replace("%20", "+")
}

fn rebuilt(form: &Pairs) -> String {
    let fields = php::fields(form).into_iter().map(|(keys, value)| {
        let keys: Vec<String> = keys.iter().map(|key| cleaned(key)).collect();
        format!(
            "{}={}",
            as_php_encodes(&php::name(&keys)),
            as_php_encodes(&cleaned(&value))
        )
    });
    fields.collect::<Vec<_>>().join("&")
}

/// Checks a request as the shop does; the caller's parameters.
fn accepted(request: &PlatformRequest, form: &Pairs) -> Pairs {
    let mut query = query_of(request);
    let given = take(&mut query, "signature");
    let last = |name: &str| {
        let found = query.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| cleaned(value)).unwrap_or_default()
    };
    let (host, path) = (request.url.host_str().unwrap(), request.url.path());
    let host = request
        .url
        .port()
        .map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let folder = &path[..=path.rfind('/').unwrap()];
    let body = hex(&Md5::digest(rebuilt(form)));
    // The user is compared as it is typed; the rest is taken from the query, cleaned.
    let user = query.iter().find(|(name, _)| name == "username").unwrap().1.clone();
    let lines = [
        last("route"),
        last("call"),
        user,
        host,
        folder.to_owned(),
        last("store_id"),
        last("language"),
        last("currency"),
        body,
        last("time"),
        String::new(),
    ];
    let right = base64(hmac_sha1(KEY, &lines.join("\n")));
    assert_eq!(given, right, "{lines:?}");
    let raw = request.url.query().unwrap();
    assert!(raw.ends_with(&format!("signature={}", encoded(&right))), "{raw}");
    for (name, value) in [
        ("username", "Default"),
        ("store_id", "0"),
        ("language", "en-gb"),
        ("currency", "USD"),
        ("time", SECONDS.to_string().as_str()),
    ] {
        assert_eq!(take(&mut query, name), value);
    }
    query
}

/// Names of fields as forms of the shop have them, lists within lists, with what PHP changes.
fn field_name() -> impl Strategy<Value = String> {
    let top = prop_oneof![4 => "[ab]", 1 => "(a[.]b| a|a b |é&<|x~*)"];
    let key = prop_oneof![2 => "", 2 => "[k0-2]", 1 => "(07|k[.]l|k l|é|\"k\")"];
    (top, proptest::collection::vec(key, 0..3)).prop_map(|(top, keys)| {
        let below: String = keys.iter().map(|key| format!("[{key}]")).collect();
        format!("{top}{below}")
    })
}

fn form() -> impl Strategy<Value = Pairs> {
    proptest::collection::vec((field_name(), value()), 0..8)
}

fn post(query: &str, kind: &str, body: String) -> PlatformRequest {
    let store = "https://shop.example.com:8443/store";
    let asked = request("POST", &format!("{store}/index.php"), query);
    signed(
        ("opencart", "keys"),
        &values(store),
        with_body(asked, kind, body),
        [0; 16],
    )
    .unwrap()
}

proptest! {
    #[test]
    fn the_shop_accepts_any_query(query in written(OWNED), route in "api/(order|subscription)", call in value()) {
        let query = format!("{query}&route=first&call=first&route={route}&call={}", encoded(&call));
        for store in ["https://shop.example.com", "https://shop.example.com/a/caf%C3%A9"] {
            let asked = request("GET", &format!("{store}/index.php"), &query);
            let sent = signed(("opencart", "keys"), &values(store), asked, [0; 16]).unwrap();
            prop_assert_eq!(accepted(&sent, &Pairs::new()), without(read(&query), OWNED));
        }
    }

    #[test]
    fn the_shop_accepts_any_form(form in form(), bare in any::<bool>()) {
        let body = match bare {
            true => form.iter().map(|(n, v)| format!("{n}={}", encoded(v)).replace('&', "%26")).collect::<Vec<_>>().join("&"),
            false => form.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect::<Vec<_>>().join("&"),
        };
        let sent = post("route=api/order&call=cart", "application/x-www-form-urlencoded; charset=UTF-8", body.clone());
        accepted(&sent, &read(&body));
        prop_assert!(sent.body == body.as_bytes(), "the body goes out as it came");
    }

    #[test]
    fn fields_of_a_multipart_body_count_and_files_do_not(form in form()) {
        let mut body = String::new();
        let mut fields = Pairs::new();
        for (name, value) in form {
            // A quote in a name, or a line break in a value, is written otherwise by each client.
            let (name, value) = (name.replace('"', ""), value.replace(['\r', '\n'], ""));
            body.push_str(&format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
            fields.push((name, value));
        }
        body.push_str("--b0\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nfile\r\n--b0--\r\n");
        let sent = post("route=api/order", "multipart/form-data; boundary=b0", body.clone());
        accepted(&sent, &fields);
        prop_assert!(sent.body == body.as_bytes());
    }

    #[test]
    fn of_other_bodies_nothing_is_signed(body in ".*") {
        let sent = post("route=api/order", "application/json", body);
        accepted(&sent, &Pairs::new());
    }
}
