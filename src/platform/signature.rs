//! The few primitives that signatures are made of: keyed hashes, encodings, and names and values percent-encoded by
//! RFC 3986. Form encoding is never used for signing: it differs for a space, `*` and `~`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// All but the unreserved characters of RFC 3986.
pub const RFC3986: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encoded by RFC 3986.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RFC3986).to_string()
}

/// `name=value` joined by `&`, both encoded.
pub fn join<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> String {
    let mut joined = String::new();
    for (name, value) in pairs {
        if !joined.is_empty() {
            joined.push('&');
        }
        joined.push_str(&encode(name));
        joined.push('=');
        joined.push_str(&encode(value));
    }
    joined
}

/// The decoded names and values of a query, in their order.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Hash {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
}

impl Hash {
    pub fn of(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha256 => mac::<Hmac<Sha256>>(key, message),
            Self::HmacSha1 => mac::<Hmac<Sha1>>(key, message),
        }
    }

    /// The name that OAuth 1.0a gives it.
    pub fn oauth1_name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "HMAC-SHA256",
            Self::HmacSha1 => "HMAC-SHA1",
        }
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// How a hash is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writing {
    /// Lower-case hexadecimal.
    Hex,
    UpperHex,
    Base64,
}

impl Writing {
    pub fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::UpperHex => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
            Self::Base64 => BASE64_STANDARD.encode(bytes),
        }
    }
}

/// Whether two texts are equal, in a time that does not tell where they differ.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn raw(pairs: &[(String, String)]) -> String {
    let pieces: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pieces.join("&")
}

/// The value of an `Authorization: Basic` header.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// How a platform proves that a callback's query is its own: a keyed hash over the other parameters, sorted by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryProof {
    pub hash: Hash,
    pub writing: Writing,
    /// The value that is the key; its `<name>_standby`, where there is one, is tried too.
    pub key: String,
    /// The parameter that holds the proof.
    pub parameter: String,
    /// Further parameters that are not covered.
    #[serde(default)]
    pub except: Vec<String>,
    /// The hash may as well be over names and values as they are.
    #[serde(default)]
    pub or_raw: bool,
}

impl QueryProof {
    /// The text that is hashed: names and values encoded again, values of a repeated name joined by commas.
    pub fn text(&self, query: &str) -> String {
        join(&self.covered(query))
    }

    fn covered(&self, query: &str) -> Vec<(String, String)> {
        let mut merged: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        for (name, value) in pairs(query) {
            if name == self.parameter || self.except.contains(&name) {
                continue;
            }
            merged
                .entry(name)
                .and_modify(|all| {
                    all.push(',');
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        merged.into_iter().collect()
    }

    pub fn holds(&self, query: &str, given: &str, keys: &[&str]) -> bool {
        let mut texts = vec![self.text(query)];
        if self.or_raw {
            texts.push(raw(&self.covered(query)));
        }
        let right = |key: &&str, text: &String| self.writing.write(&self.hash.of(key.as_bytes(), text.as_bytes()));
        keys.iter()
            .any(|key| texts.iter().any(|text| same(&right(key, text), given)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> QueryProof {
        QueryProof {
            hash: Hash::HmacSha256,
            writing: Writing::Hex,
            key: "client_secret".into(),
            parameter: "hmac".into(),
            except: vec!["signature".into()],
            or_raw: false,
        }
    }

    #[test]
    fn the_order_of_a_query_does_not_matter_and_repeated_names_are_joined() {
        assert_eq!(proof().text("b=2&a=1&b=3&hmac=x"), "a=1&b=2%2C3");
        assert_eq!(proof().text("b=+%2B%3D&a"), "a=&b=%20%2B%3D");
    }

    #[test]
    fn values_as_they_are_prove_only_where_the_platform_is_said_to_do_so() {
        let query = "code=a%2Fb";
        let hmac = Writing::Hex.write(&Hash::HmacSha256.of(b"key", b"code=a/b"));
        assert!(!proof().holds(query, &hmac, &["key"]));
        let either = QueryProof {
            or_raw: true,
            ..proof()
        };
        assert!(either.holds(query, &hmac, &["key"]));
        assert!(!either.holds("code=a", &hmac, &["key"]));
    }

    #[test]
    fn either_of_two_keys_proves_and_a_changed_query_does_not() {
        let query = "a=1&signature=x";
        let hmac = Writing::Hex.write(&Hash::HmacSha256.of(b"new", b"a=1"));
        assert!(proof().holds(query, &hmac, &["old", "new"]));
        assert!(!proof().holds(query, &hmac, &["old"]));
        assert!(!proof().holds("a=2", &hmac, &["new"]));
        assert!(!proof().holds(query, "", &[]));
    }
}
