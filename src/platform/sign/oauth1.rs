//! OAuth 1.0a (RFC 5849) with one leg, its parameters in the query. The base string covers the request's own query, so
//! the query is sent in the very order and encoding in which it was signed.

use serde::Deserialize;

use crate::platform::failure::BuildError;
use crate::platform::signature::{self, Hash, Writing};
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;

/// What the signer sets.
pub(super) const NAMES: [&str; 7] = [
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
];

/// Which values sign, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth1 {
    pub consumer_key: String,
    pub consumer_secret: String,
    pub hash: Hash,
    /// The server reads queries as PHP does: `a[]` gets an index, and of a repeated name the last counts.
    #[serde(default)]
    pub php_query: bool,
}

impl OAuth1 {
    pub(super) fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let form = request
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        if form.is_some_and(|v| v.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")) {
            // The server would count the body's fields in, which a streamed body does not show.
            return Err(BuildError::CannotSign(
                "form-encoded bodies cannot be signed here; send JSON",
            ));
        }
        let mut pairs = signature::pairs(request.url.query().unwrap_or_default());
        if self.php_query {
            pairs = as_php_reads(pairs);
        }
        pairs.push(("oauth_consumer_key".into(), scope.get(&self.consumer_key)?.into_owned()));
        pairs.push(("oauth_nonce".into(), scope.get("nonce")?.into_owned()));
        pairs.push(("oauth_signature_method".into(), self.hash.oauth1_name().into()));
        pairs.push(("oauth_timestamp".into(), scope.get("now_unix")?.into_owned()));
        request.url.set_query(None);
        let secret = scope.get(&self.consumer_secret)?;
        let query = self.signed_query(request.method.as_str(), request.url.as_str(), &pairs, &secret);
        request.url.set_query(Some(&query));
        Ok(())
    }

    fn signed_query(&self, method: &str, url: &str, pairs: &[(String, String)], secret: &str) -> String {
        let parameters = normalised(pairs);
        let base = base_string(method, url, &parameters);
        let key = format!("{}&", signature::encode(secret));
        let signed = Writing::Base64.write(&self.hash.of(key.as_bytes(), base.as_bytes()));
        format!("{parameters}&oauth_signature={}", signature::encode(&signed))
    }
}

/// Encoded, then sorted by encoded name and value in byte order.
fn normalised(pairs: &[(String, String)]) -> String {
    let mut encoded: Vec<_> = pairs
        .iter()
        .map(|(n, v)| (signature::encode(n), signature::encode(v)))
        .collect();
    encoded.sort();
    encoded
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

fn base_string(method: &str, url: &str, parameters: &str) -> String {
    [method, url, parameters].map(signature::encode).join("&")
}

fn as_php_reads(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut read: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs {
        let name = match name.strip_suffix("[]") {
            Some(list) => {
                let indices = read.iter().filter_map(|(known, _)| {
                    known
                        .strip_prefix(list)?
                        .strip_prefix('[')?
                        .strip_suffix(']')?
                        .parse::<u32>()
                        .ok()
                });
                let index = indices.max().map_or(0, |last| u64::from(last) + 1);
                format!("{list}[{index}]")
            }
            None => name,
        };
        read.retain(|(known, _)| *known != name);
        read.push((name, value));
    }
    read
}

#[cfg(test)]
mod tests {
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
        let query = signer(hash).signed_query("GET", url, &pairs, SECRET);
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
                &normalised(&pairs)
            ),
            "GET&http%3A%2F%2Fwww.example.com%2Fwp-json%2Fwc%2Fv3%2Forders&oauth_consumer_key%3Dabc123%26oauth_signature_method%3DHMAC-SHA1"
        );
    }

    #[test]
    fn lists_get_the_index_that_php_gives_them_and_the_last_of_a_name_counts() {
        let pairs = signature::pairs("a[]=1&b=1&a[]=2&b=2&c=&a[5]=x&a[]=3");
        let read = as_php_reads(pairs);
        let text: Vec<_> = read.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(text, ["a[0]=1", "a[1]=2", "b=2", "c=", "a[5]=x", "a[6]=3"]);
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
            let sign = |pairs: &[(String, String)]| signer(Hash::HmacSha256).signed_query("GET", url, pairs, SECRET);
            let query = sign(&pairs);
            // Through the parser of addresses, as it is sent: it may change nothing.
            let sent = url::Url::parse(&format!("{url}?{query}")).map(|u| u.query().map(str::to_owned));
            proptest::prop_assert_eq!(sent, Ok(Some(query.clone())));
            if !pairs.is_empty() {
                proptest::prop_assert!(checked_by_a_server(url, &query));
                let len = pairs.len();
                pairs.rotate_left(shuffle % len);
                pairs.push(pairs[0].clone());
                pairs.remove(0);
                proptest::prop_assert_eq!(sign(&pairs), query);
            }
        }
    }
}
