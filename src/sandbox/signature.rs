//! The signatures that the simulated platforms check and make, from the documented rules alone: HMAC over canonical
//! texts, RFC 3986 percent-encoding, the OAuth 1.0a base string and the S256 challenge.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes everything but `A-Z a-z 0-9 - . _ ~`, with upper-case hex.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        // An HMAC takes keys of any length; an empty answer equals no signature.
        Err(_) => Vec::new(),
    }
}

pub fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha1>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        Err(_) => Vec::new(),
    }
}

/// The hash alone, without a key.
pub fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

pub fn md5(message: &[u8]) -> Vec<u8> {
    md5::Md5::digest(message).to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The text of a standard base64 value, if it is one.
pub fn from_base64(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// The PKCE challenge that belongs to a verifier; `None` for a method other than `S256` and `plain`.
pub fn challenge(method: &str, verifier: &str) -> Option<String> {
    match method {
        "S256" => Some(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))),
        "plain" => Some(verifier.to_owned()),
        _ => None,
    }
}

/// `name=value` pairs, encoded, sorted by name in byte order and joined by `&`: what Falabella signs, and Shopify's
/// callback (where a repeated name is joined by commas).
pub fn sorted_query(pairs: &[(String, String)]) -> String {
    let mut joined: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in pairs {
        match joined.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => joined.push((name.clone(), vec![value])),
        }
    }
    joined.sort();
    let encoded: Vec<String> = joined
        .iter()
        .map(|(name, values)| format!("{}={}", encode(name), encode(&values.join(","))))
        .collect();
    encoded.join("&")
}

/// The OAuth 1.0a base string of a request: `url` without its query, `pairs` decoded and without `oauth_signature`.
pub fn oauth1_base(method: &str, url: &str, pairs: &[(String, String)]) -> String {
    let mut encoded: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    encoded.sort();
    let joined: Vec<String> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "{}&{}&{}",
        method.to_ascii_uppercase(),
        encode(url),
        encode(&joined.join("&"))
    )
}

/// Names and values, sorted by name in byte order, with nothing between them.
pub fn concatenated(pairs: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
    sorted.sort();
    sorted.iter().map(|(name, value)| format!("{name}{value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn falabella_signs_the_sorted_encoded_query() {
        let key = b"b1bdb357ced10fe4e9a69840cdd4f0e9c03d77fe";
        let time = ("Timestamp", "2015-07-01T11:11:11+00:00");
        let vectors = [
            (
                pairs(&[
                    ("Action", "FeedList"),
                    ("Format", "XML"),
                    time,
                    ("UserID", "look@me.com"),
                    ("Version", "1.0"),
                ]),
                "3ceb8ed91049dfc718b0d2d176fb2ed0e5fd74f76c5971f34cdab48412476041",
            ),
            (
                pairs(&[
                    ("Version", "1.0"),
                    ("Format", "JSON"),
                    time,
                    ("UserID", "look@me.com"),
                    ("Action", "Feedlist"),
                ]),
                "0b5bbfd36b672577e04c5b0f1b33c70ac10c585d8c08339f782fcb501b529d68",
            ),
            (
                pairs(&[
                    ("version", "1.0"),
                    ("Action", "FeedList"),
                    ("Format", "XML"),
                    time,
                    ("UserID", "look@me.com"),
                ]),
                "9cbcdf6a7d8f8229ec01f67268a1ed82b47f8f931a2990316fe83835441ebff3",
            ),
            (
                pairs(&[
                    ("Action", "GetProducts"),
                    ("Format", "JSON"),
                    ("Search", "Taza ~ d'été *ñ* (1)"),
                    time,
                    ("UserID", "look@me.com"),
                    ("Version", "1.0"),
                ]),
                "0ab538cc7fdaa4559e3267e78c3a1491aefd3422797c0068cbeb5e6b88fbc7d7",
            ),
        ];
        for (query, expected) in vectors {
            assert_eq!(hex(&hmac_sha256(key, sorted_query(&query).as_bytes())), expected);
        }
    }

    #[test]
    fn shopify_signs_the_callback() {
        let shop = ("shop", "acme.myshopify.com");
        let time = ("timestamp", "1760000000");
        let vectors = [
            (
                "shpss_secret0001",
                pairs(&[("code", "code0001"), shop, ("state", "state0001"), time]),
                "98289896fb98fc59ec7967fcc58eae6da2ab13c1372a457bc42f23f593d21eea",
            ),
            (
                "my super secret key",
                pairs(&[
                    ("code", "some code goes here"),
                    ("shop", "the shop URL"),
                    ("state", "some nonce passed from auth"),
                    time,
                ]),
                "7bc497b2be246d2cdc6f1629b8c51678cbc51b3613b1af3dec4467150d4958cb",
            ),
            (
                "shpss_secret0001",
                pairs(&[
                    ("state", "state0001"),
                    ("code", "code0001"),
                    ("host", "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYWNtZQ=="),
                    shop,
                    time,
                ]),
                "89f9ba06df92f777bd6a820c4e99d3484669d06ba1bca965bcdf3fe3a5f48e3d",
            ),
        ];
        for (secret, query, expected) in vectors {
            assert_eq!(
                hex(&hmac_sha256(secret.as_bytes(), sorted_query(&query).as_bytes())),
                expected
            );
        }
    }

    #[test]
    fn woocommerce_signs_oauth_1_base_strings() {
        let key = b"cs_0123456789abcdef0123456789abcdef01234567&";
        let mut query = pairs(&[
            ("per_page", "1"),
            ("_fields", "id"),
            ("oauth_consumer_key", "ck_0123456789abcdef0123456789abcdef01234567"),
            ("oauth_timestamp", "1700000000"),
            ("oauth_nonce", "0123456789abcdef0123456789abcdef"),
            ("oauth_signature_method", "HMAC-SHA256"),
        ]);
        let url = "http://shop.example.com/wp-json/wc/v3/products";
        let base = oauth1_base("GET", url, &query);
        assert_eq!(
            base64(&hmac_sha256(key, base.as_bytes())),
            "1Ue41Ql7flUaGciK2OhlkrLwxjSHh4qJYAgQ/FALMCE="
        );

        query[5].1 = "HMAC-SHA1".into();
        let base = oauth1_base("GET", url, &query);
        assert_eq!(base64(&hmac_sha1(key, base.as_bytes())), "EK+EtOpVuHGT6qx5nwetgOHW/hw=");

        query[5].1 = "HMAC-SHA256".into();
        query.splice(
            0..2,
            pairs(&[
                ("search", "blue shirt & ~tie+1"),
                ("include[0]", "11"),
                ("include[1]", "12"),
            ]),
        );
        let base = oauth1_base("GET", "http://shop.example.com/store/wp-json/wc/v3/products", &query);
        assert_eq!(
            base64(&hmac_sha256(key, base.as_bytes())),
            "+3F+NZt0+jBQ+XgpRqo3XHsvhAsT1ufQC93IyMRbeOI="
        );
    }

    #[test]
    fn the_documented_base_string_is_met() {
        let query = pairs(&[
            ("oauth_consumer_key", "abc123"),
            ("oauth_signature_method", "HMAC-SHA1"),
        ]);
        assert_eq!(
            oauth1_base("get", "http://www.example.com/wp-json/wc/v3/orders", &query),
            "GET&http%3A%2F%2Fwww.example.com%2Fwp-json%2Fwc%2Fv3%2Forders&oauth_consumer_key%3Dabc123%26\
             oauth_signature_method%3DHMAC-SHA1"
        );
    }
}
