//! OAuth 1.0a (RFC 5849), with a token or without, its parameters in the query or in the `Authorization` header. The base
//! string covers the request's own query, so the query is sent in the very order and encoding in which it was signed.

use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;

use super::{natural, php};
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
    /// The server splits queries itself: a name stays as it is, but none may come twice.
    #[serde(default)]
    pub raw_query: bool,
    /// The value that is the token, and its secret; without them the client alone signs.
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub token_secret: Option<String>,
    #[serde(default)]
    pub place: Place,
    #[serde(default)]
    pub order: Order,
    /// Says `oauth_version=1.0`.
    #[serde(default)]
    pub version: bool,
}

/// What signs one request beside the client, and what the signature covers in addition.
pub(in crate::platform) struct Signer<'a> {
    pub token: Option<&'a str>,
    pub token_secret: &'a str,
    /// `oauth_callback` or `oauth_verifier`.
    pub says: Option<(&'static str, &'a str)>,
}

/// Where the signer's parameters go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    #[default]
    Query,
    Header,
}

/// How the names of parameters are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By bytes, as the standard has it.
    #[default]
    Bytes,
    /// As PHP's `strnatcmp` has it.
    Natural,
}

impl OAuth1 {
    /// The header that the signer sets.
    pub(super) fn header(&self) -> Option<HeaderName> {
        (self.place == Place::Header).then_some(header::AUTHORIZATION)
    }

    pub(super) fn sign(&self, scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
        let value = |name: &Option<String>| name.as_ref().map(|name| scope.get(name)).transpose();
        let (token, secret) = (value(&self.token)?, value(&self.token_secret)?);
        let signer = Signer {
            token: token.as_deref(),
            token_secret: secret.as_deref().unwrap_or_default(),
            says: None,
        };
        self.sign_as(signer, scope, request)
    }

    /// As [`sign`](Self::sign), with another token than that of calls.
    pub(in crate::platform) fn sign_as(
        &self,
        signer: Signer<'_>,
        scope: &Scope<'_>,
        request: &mut PlatformRequest,
    ) -> Result<(), BuildError> {
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
            let read = php::read(pairs.into_iter());
            pairs = read
                .into_iter()
                .map(|(keys, value)| (php::name(&keys), value))
                .collect();
        } else if self.raw_query {
            pairs = without_repeats(pairs);
        }
        let mut own: Vec<(String, String)> = vec![
            ("oauth_consumer_key".into(), scope.get(&self.consumer_key)?.into_owned()),
            ("oauth_nonce".into(), scope.get("nonce")?.into_owned()),
            ("oauth_signature_method".into(), self.hash.oauth1_name().into()),
            ("oauth_timestamp".into(), scope.get("now_unix")?.into_owned()),
        ];
        if let Some(token) = signer.token {
            own.push(("oauth_token".into(), token.into()));
        }
        if let Some((name, value)) = signer.says {
            own.push((name.into(), value.into()));
        }
        if self.version {
            own.push(("oauth_version".into(), "1.0".into()));
        }
        request.url.set_query(None);
        let secret = scope.get(&self.consumer_secret)?;
        let key = signing_key(&secret, signer.token_secret);
        let (method, url) = (request.method.as_str().to_owned(), request.url.as_str().to_owned());
        if self.place == Place::Query {
            pairs.extend(own);
            let query = self.signed_query(&method, &url, &pairs, &key);
            request.url.set_query(Some(&query));
            return Ok(());
        }
        let query = self.normalised(&pairs);
        // A server that looks for its own parameters in the header takes what looks like them out of the query.
        pairs.retain(|(name, _)| !name.contains("oauth_"));
        pairs.extend(own.iter().cloned());
        let signature = self.signature(&method, &url, &self.normalised(&pairs), &key);
        own.push(("oauth_signature".into(), signature));
        let listed: Vec<_> = own
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", signature::encode(value)))
            .collect();
        let mut value = HeaderValue::from_str(&format!("OAuth {}", listed.join(", ")))
            .map_err(|_| BuildError::UnsafeHeader("authorization".into()))?;
        value.set_sensitive(true);
        request.headers.insert(header::AUTHORIZATION, value);
        request
            .url
            .set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        Ok(())
    }

    fn signed_query(&self, method: &str, url: &str, pairs: &[(String, String)], key: &str) -> String {
        let parameters = self.normalised(pairs);
        let signed = self.signature(method, url, &parameters, key);
        format!("{parameters}&oauth_signature={}", signature::encode(&signed))
    }

    fn signature(&self, method: &str, url: &str, parameters: &str, key: &str) -> String {
        let base = base_string(method, url, parameters);
        Writing::Base64.write(&self.hash.of(key.as_bytes(), base.as_bytes()))
    }

    /// Encoded, then sorted by encoded name and value.
    fn normalised(&self, pairs: &[(String, String)]) -> String {
        let mut encoded: Vec<_> = pairs
            .iter()
            .map(|(n, v)| (signature::encode(n), signature::encode(v)))
            .collect();
        encoded.sort();
        if self.order == Order::Natural {
            encoded.sort_by(|(a, _), (b, _)| natural::compare(a, b));
        }
        joined(&encoded)
    }
}

fn signing_key(secret: &str, token_secret: &str) -> String {
    format!("{}&{}", signature::encode(secret), signature::encode(token_secret))
}

fn joined(encoded: &[(String, String)]) -> String {
    encoded
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

fn base_string(method: &str, url: &str, parameters: &str) -> String {
    [method, url, parameters].map(signature::encode).join("&")
}

/// No name twice: of those that are, an `a[]` gets the index that PHP gives it, and of any other the last counts.
fn without_repeats(given: Vec<(String, String)>) -> Vec<(String, String)> {
    let is_repeated = |name: &str| given.iter().filter(|(other, _)| other == name).count() > 1;
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in given.iter().cloned() {
        let name = match name.strip_suffix("[]").filter(|_| is_repeated(&name)) {
            Some(list) => {
                let indices = kept.iter().filter_map(|(known, _)| {
                    let index = known.strip_prefix(list)?.strip_prefix('[')?.strip_suffix(']')?;
                    index.parse::<u32>().ok()
                });
                let index = indices.max().map_or(0, |last| u64::from(last) + 1);
                format!("{list}[{index}]")
            }
            None => name,
        };
        kept.retain(|(known, _)| *known != name);
        kept.push((name, value));
    }
    kept
}

#[cfg(test)]
#[path = "oauth1_tests.rs"]
mod tests;
