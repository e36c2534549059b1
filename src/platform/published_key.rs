//! Webhooks that are signed with a key of the platform's own, which it publishes under a name: a header holds that name
//! and the signature, the key is asked for with a token of the app's. ECDSA on P-256 over SHA-1, the only such signature
//! in use. Here requests are built and answers read; who asks, and how long a key is kept, is decided above.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use super::answer::text_at;
use super::call::Call;
use super::descriptor::Platform;
use super::failure::BuildError;
use super::hook::{HookRefusal, Received};
use super::sign::SignMoment;
use super::template::Scope;
use super::transport::{PlatformAnswer, PlatformRequest};
use super::values::Values;

/// Where the name of the key, the signature and the key itself are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedKey {
    /// Holds JSON in base64.
    #[serde(deserialize_with = "super::call::header_name")]
    pub header: HeaderName,
    /// JSON pointers into that.
    pub key_id: String,
    pub signature: String,
    /// Asks for a token of the app's own, which stands at `token_at` of the answer.
    pub token: Call,
    pub token_at: String,
    /// Asks for the key, with `{key_id}` and `{application_token}`.
    pub key: Call,
    pub key_at: String,
}

/// What a webhook says of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Nobody has vouched for it yet.
    pub key_id: String,
    signature: Vec<u8>,
}

/// What came of asking for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    Found(T),
    /// The platform knows none of that name.
    Unknown,
    /// It says neither.
    NoAnswer,
}

impl PublishedKey {
    /// Reads the header; nothing is proven by it.
    pub fn read(&self, received: &Received<'_>) -> Result<Signed, HookRefusal> {
        let text = received.headers.get(&self.header).ok_or(HookRefusal::Missing)?;
        let json = BASE64_STANDARD.decode(text).map_err(|_| HookRefusal::BadProof)?;
        let json: serde_json::Value = serde_json::from_slice(&json).map_err(|_| HookRefusal::BadProof)?;
        let key_id = text_at(&json, &self.key_id).ok_or(HookRefusal::Missing)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=100).contains(&key_id.len()) || !key_id.chars().all(plain) {
            return Err(HookRefusal::BadProof);
        }
        let signature = text_at(&json, &self.signature).ok_or(HookRefusal::Missing)?;
        let signature = BASE64_STANDARD.decode(signature).map_err(|_| HookRefusal::BadProof)?;
        Ok(Signed { key_id, signature })
    }

    /// The request for a token of the app's own.
    pub fn token_request(
        &self,
        platform: &Platform,
        app: &Values,
        moment: &SignMoment,
    ) -> Result<PlatformRequest, BuildError> {
        self.token.build(&Scope::new(platform.default_method(), app, moment))
    }

    /// The request for the key, once there is that token.
    pub fn key_request(
        &self,
        platform: &Platform,
        application_token: &str,
        key_id: &str,
        moment: &SignMoment,
    ) -> Result<PlatformRequest, BuildError> {
        let values = Values::new()
            .with("application_token", application_token)
            .with("key_id", key_id);
        self.key.build(&Scope::new(platform.default_method(), &values, moment))
    }

    pub fn read_token(&self, answer: &PlatformAnswer) -> Option<String> {
        found(answer, &self.token_at)
    }

    pub fn read_key(&self, answer: &PlatformAnswer) -> Asked<String> {
        match found(answer, &self.key_at) {
            Some(key) => Asked::Found(key),
            None if matches!(answer.status.as_u16(), 400 | 404) => Asked::Unknown,
            None => Asked::NoAnswer,
        }
    }
}

fn found(answer: &PlatformAnswer, at: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    text_at(&json, at).filter(|text| answer.status.is_success() && !text.is_empty())
}

impl Signed {
    /// Whether this key (a PEM, with or without line breaks) has signed the message.
    pub fn holds(&self, pem: &str, message: &[u8]) -> Result<(), HookRefusal> {
        let key = verifying_key(pem).ok_or(HookRefusal::BadKey)?;
        let signature = Signature::from_der(&self.signature).map_err(|_| HookRefusal::BadProof)?;
        key.verify_prehash(&Sha1::digest(message), &signature)
            .map_err(|_| HookRefusal::BadProof)
    }
}

/// What stands before the point in a public key for P-256 (RFC 5480).
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn verifying_key(pem: &str) -> Option<VerifyingKey> {
    let inner = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?;
    let inner: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    let der = BASE64_STANDARD.decode(inner).ok()?;
    VerifyingKey::from_sec1_bytes(der.strip_prefix(&P256_HEAD)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with OpenSSL: `openssl dgst -sha1 -sign`, for this test alone.
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwIGeFodGLblxRTJnXndR8ZNsYCmX\n2WxAwYPrA5HuBuRRCqpinzl+3yuyGXYA35u+Mu5SQnL+6Bu5hUrlqvRi2g==\n-----END PUBLIC KEY-----";
    const SIGNATURE: &str =
        "MEUCIFIaWVOjiBTlgCAKBTHs1X64USSzr4Kv5g8q27hhTwbmAiEAoHUKqYMQqOrBzsYXUUpEG4vryCOp+AWU5J6QxY2Ro8U=";
    const MESSAGE: &[u8] = br#"{"metadata":{"topic":"T"}}"#;

    fn signed() -> Signed {
        Signed {
            key_id: "k".to_owned(),
            signature: BASE64_STANDARD.decode(SIGNATURE).unwrap_or_default(),
        }
    }

    #[test]
    fn a_signature_holds_for_its_key_and_message_alone() {
        assert_eq!(signed().holds(KEY, MESSAGE), Ok(()));
        assert_eq!(signed().holds(&KEY.replace('\n', ""), MESSAGE), Ok(()));
        assert_eq!(signed().holds(KEY, b"{}"), Err(HookRefusal::BadProof));
        let other = KEY.replacen("MFkw", "MFkx", 1);
        assert_eq!(signed().holds(&other, MESSAGE), Err(HookRefusal::BadKey));
        for broken in ["", "no der", "AAAA"] {
            let signed = Signed {
                signature: BASE64_STANDARD.decode(broken).unwrap_or_default(),
                ..signed()
            };
            assert_eq!(signed.holds(KEY, MESSAGE), Err(HookRefusal::BadProof), "{broken}");
        }
    }
}
