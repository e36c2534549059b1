//! Published and computed signatures, and what shops written in PHP make of a query.

use super::*;

const SECRET: &str = "cs_0123456789abcdef0123456789abcdef01234567";

fn signed(hash: Hash, query: &[(&str, &str)], url: &str) -> (String, String) {
    let mut pairs: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    pairs.extend([
        (
            "oauth_consumer_key".into(),
            "ck_0123456789abcdef0123456789abcdef01234567".into(),
        ),
        ("oauth_timestamp".into(), "1700000000".into()),
        ("oauth_nonce".into(), "0123456789abcdef0123456789abcdef".into()),
        ("oauth_signature_method".into(), hash.oauth1_name().into()),
    ]);
    let query = signer(hash).signed_query("GET", url, &pairs, &signing_key(SECRET, ""));
    let (parameters, signature) = query.rsplit_once("&oauth_signature=").unwrap_or_default();
    let signature = percent_encoding::percent_decode_str(signature)
        .decode_utf8_lossy()
        .into_owned();
    (base_string("GET", url, parameters), signature)
}

fn signer(hash: Hash) -> OAuth1 {
    OAuth1 {
        consumer_key: "k".into(),
        consumer_secret: "s".into(),
        hash,
        php_query: false,
        raw_query: false,
        token: None,
        token_secret: None,
        place: Place::Query,
        order: Order::Bytes,
        version: false,
    }
}

#[test]
fn documented_signatures_are_reproduced() {
    let query = [("per_page", "1"), ("_fields", "id")];
    let url = "http://shop.example.com/wp-json/wc/v3/products";
    let (base, signature) = signed(Hash::HmacSha256, &query, url);
    assert_eq!(
        base,
        "GET&http%3A%2F%2Fshop.example.com%2Fwp-json%2Fwc%2Fv3%2Fproducts&_fields%3Did%26oauth_consumer_key%3Dck_0123456789abcdef0123456789abcdef01234567%26oauth_nonce%3D0123456789abcdef0123456789abcdef%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1700000000%26per_page%3D1"
    );
    assert_eq!(signature, "1Ue41Ql7flUaGciK2OhlkrLwxjSHh4qJYAgQ/FALMCE=");
    assert_eq!(signed(Hash::HmacSha1, &query, url).1, "EK+EtOpVuHGT6qx5nwetgOHW/hw=");

    let query = [
        ("search", "blue shirt & ~tie+1"),
        ("include[0]", "11"),
        ("include[1]", "12"),
    ];
    let (base, signature) = signed(
        Hash::HmacSha256,
        &query,
        "http://shop.example.com/store/wp-json/wc/v3/products",
    );
    assert_eq!(
        base,
        "GET&http%3A%2F%2Fshop.example.com%2Fstore%2Fwp-json%2Fwc%2Fv3%2Fproducts&include%255B0%255D%3D11%26include%255B1%255D%3D12%26oauth_consumer_key%3Dck_0123456789abcdef0123456789abcdef01234567%26oauth_nonce%3D0123456789abcdef0123456789abcdef%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1700000000%26search%3Dblue%2520shirt%2520%2526%2520~tie%252B1"
    );
    assert_eq!(signature, "+3F+NZt0+jBQ+XgpRqo3XHsvhAsT1ufQC93IyMRbeOI=");
}

/// A signature with all that it covers given.
fn of_all(method: &str, url: &str, pairs: &[(&str, &str)], key: &str) -> String {
    let mut pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    pairs.push(("oauth_signature_method".to_owned(), "HMAC-SHA1".to_owned()));
    let signer = signer(Hash::HmacSha1);
    signer.signature(method, url, &signer.normalised(&pairs), key)
}

#[test]
fn the_standards_own_signatures_are_reproduced() {
    let token = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "hh5s93j4hdidpola"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "walatlh"),
        ("oauth_verifier", "hfdp7dh39dks9884"),
    ];
    let key = signing_key("kd94hf93k423kf44", "hdhd0244k9j7ao03");
    assert_eq!(
        of_all("POST", "https://photos.example.net/token", &token, &key),
        "gKgrFCywp7rO0OXSjdot/IHF7IU="
    );
    let call = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
        ("file", "vacation.jpg"),
        ("size", "original"),
    ];
    let key = signing_key("kd94hf93k423kf44", "pfkkdhi9sl3r4s00");
    assert_eq!(
        of_all("GET", "http://photos.example.net/photos", &call, &key),
        "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    );
    // Of the edition before it, with its version among the parameters.
    let call = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_timestamp", "1191242096"),
        ("oauth_nonce", "kllo9940pd9333jh"),
        ("oauth_version", "1.0"),
        ("file", "vacation.jpg"),
        ("size", "original"),
    ];
    let key = signing_key("kd94hf93k423kf44", "pfkkdhi9sl3r4s00");
    assert_eq!(
        of_all("GET", "http://photos.example.net/photos", &call, &key),
        "tR3+Ty81lMeYAr/Fid0kMTYa/WM="
    );
}

#[test]
fn a_request_token_is_asked_for_with_the_clients_secret_alone() {
    let consumer = "a".repeat(31) + "1";
    let asked = [
        ("oauth_consumer_key", consumer.as_str()),
        ("oauth_timestamp", "1500000000"),
        ("oauth_nonce", "0123456789abcdef"),
        ("oauth_version", "1.0"),
        ("oauth_callback", "https://broker.example.com/cb?state=xyz"),
    ];
    let key = signing_key(&("b".repeat(31) + "2"), "");
    assert_eq!(
        of_all("POST", "https://shop.example.com/oauth/initiate", &asked, &key),
        "f51Gz/7M+FGW0DuFVPatmai2lqI="
    );
}

#[test]
fn the_documentations_own_base_string_is_reproduced() {
    let pairs = [
        ("oauth_consumer_key".to_owned(), "abc123".to_owned()),
        ("oauth_signature_method".to_owned(), "HMAC-SHA1".to_owned()),
    ];
    assert_eq!(
        base_string(
            "GET",
            "http://www.example.com/wp-json/wc/v3/orders",
            &signer(Hash::HmacSha1).normalised(&pairs)
        ),
        "GET&http%3A%2F%2Fwww.example.com%2Fwp-json%2Fwc%2Fv3%2Forders&oauth_consumer_key%3Dabc123%26oauth_signature_method%3DHMAC-SHA1"
    );
}

struct Shared {
    key: String,
    own: Vec<(String, String)>,
}

/// Keys, tokens, time and nonce of the sheets' examples.
fn shared(hash: Hash) -> Shared {
    let of = |letter: &str, digit: &str| letter.repeat(31) + digit;
    let own = [
        ("oauth_consumer_key", of("a", "1")),
        ("oauth_token", of("c", "3")),
        ("oauth_signature_method", hash.oauth1_name().to_owned()),
        ("oauth_timestamp", "1500000000".to_owned()),
        ("oauth_nonce", "0123456789abcdef".to_owned()),
        ("oauth_version", "1.0".to_owned()),
    ];
    Shared {
        key: signing_key(&of("b", "2"), &of("d", "4")),
        own: own.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    }
}

fn with_token(hash: Hash, order: Order, url: &str, query: &[(&str, &str)]) -> String {
    let Shared { key, own } = shared(hash);
    let given = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let pairs: Vec<_> = given.chain(own).collect();
    let signer = OAuth1 { order, ..signer(hash) };
    signer.signature("GET", url, &signer.normalised(&pairs), &key)
}

#[test]
fn a_token_signs_with_its_secret() {
    let url = "https://shop.example.com/rest/default/V1/products";
    let query = [
        ("searchCriteria[filter_groups][0][filters][0][field]", "name"),
        ("searchCriteria[filter_groups][0][filters][0][value]", "%a b+c=d%"),
        ("searchCriteria[pageSize]", "1"),
    ];
    assert_eq!(
        with_token(Hash::HmacSha256, Order::Natural, url, &query),
        "KRsrAt88v0J8VIEMUt3hgks381v0lASTZqgjtHojekk="
    );
    let query = [
        ("limit", "1"),
        ("filter[1][attribute]", "name"),
        ("filter[1][in][]", "a b"),
    ];
    let url = "https://shop.example.com/api/rest/products";
    assert_eq!(
        with_token(Hash::HmacSha1, Order::Natural, url, &query),
        "/cYz9/eV/6sl2gxCEwIvdoI3cLA="
    );
}

#[test]
fn php_shops_sort_names_naturally() {
    let url = "https://shop.example.com/rest/default/V1/products";
    let query = [
        ("searchCriteria[filter_groups][2][filters][0][field]", "sku"),
        ("searchCriteria[filter_groups][10][filters][0][field]", "name"),
    ];
    assert_eq!(
        with_token(Hash::HmacSha256, Order::Natural, url, &query),
        "IX6Qlfxd4pfV5E2Wj8PYptYgUj8uL8FtIIL2+qlT6i8="
    );
    assert_eq!(
        with_token(Hash::HmacSha256, Order::Bytes, url, &query),
        "xYCsit4VMBFQeYi1lNyZ46RS6y4UvjTa+Y2OMyKiB4Q="
    );
}

#[test]
fn the_standards_own_example_is_reproduced() {
    let pairs = [
        ("file", "vacation.jpg"),
        ("size", "original"),
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_nonce", "chapoH"),
        ("oauth_timestamp", "137131202"),
        ("oauth_signature_method", "HMAC-SHA1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let signer = signer(Hash::HmacSha1);
    let key = signing_key("kd94hf93k423kf44", "pfkkdhi9sl3r4s00");
    let url = "http://photos.example.net/photos";
    assert_eq!(
        signer.signature("GET", url, &signer.normalised(&pairs), &key),
        "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    );
}

#[test]
fn where_the_server_splits_the_query_itself_no_name_comes_twice() {
    let read = |query: &str| {
        let read = without_repeats(signature::pairs(query));
        read.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>()
    };
    assert_eq!(read("f[in][]=a&b=1&b=2"), ["f[in][]=a", "b=2"]);
    assert_eq!(read("a[]=1&a[]=2"), ["a[0]=1", "a[1]=2"]);
}

/// What a server does with the query as it arrives, written without the signer's own pieces.
fn checked_by_a_server(url: &str, query: &str) -> bool {
    let unreserved = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| {
                if unreserved(&b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect()
    };
    let mut received: Vec<(String, String)> = signature::pairs(query);
    let given = received.pop().map(|(_, signature)| signature);
    received
        .iter_mut()
        .for_each(|(name, value)| (*name, *value) = (encode(name), encode(value)));
    received.sort();
    let text: Vec<_> = received.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = format!("GET&{}&{}", encode(url), encode(&text.join("&")));
    let right = Hash::HmacSha256.of(format!("{SECRET}&").as_bytes(), base.as_bytes());
    given == Some(Writing::Base64.write(&right))
}

proptest::proptest! {
    #[test]
    fn a_server_agrees_whatever_the_query_holds(
        mut pairs in proptest::collection::vec((".*", ".*"), 0..8),
        shuffle in proptest::num::usize::ANY,
    ) {
        let url = "http://shop.example.com:8080/folder/call";
        let key = signing_key(SECRET, "");
        let sign = |pairs: &[(String, String)]| signer(Hash::HmacSha256).signed_query("GET", url, pairs, &key);
        // A name that is there twice, with the same value and with another.
        if let Some((name, value)) = pairs.first().cloned() {
            pairs.push((name.clone(), value));
            pairs.push((name, String::new()));
        }
        let query = sign(&pairs);
        // Through the parser of addresses, as it is sent: it may change nothing.
        let sent = url::Url::parse(&format!("{url}?{query}")).map(|u| u.query().map(str::to_owned));
        proptest::prop_assert_eq!(sent, Ok(Some(query.clone())));
        if !pairs.is_empty() {
            proptest::prop_assert!(checked_by_a_server(url, &query));
            let len = pairs.len();
            pairs.rotate_left(shuffle % len);
            proptest::prop_assert_eq!(sign(&pairs), query);
        }
    }
}
