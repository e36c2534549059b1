//! JSON Web Tokens as the simulated platforms give them out: header and claims in base64url, signed with HMAC-SHA256.
//! Clients read claims of some access tokens; the platform itself looks its tokens up and never reads them back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::signature::hmac_sha256;

/// Signs claims with `key`.
pub fn hs256(claims: &str, key: &[u8]) -> String {
    let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// The token of a platform that signs for itself.
pub fn own(claims: &Value) -> String {
    hs256(&claims.to_string(), b"simulated")
}

/// Encodes as the parts of a token are.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs claims with the platform's own RSA key (`platform-key.b64`, a PKCS #8 key made for this purpose alone; its
/// public half is `platform-key.pub.pem`). Empty if the key cannot be read.
pub fn rs256(claims: &str) -> String {
    use base64::engine::general_purpose::STANDARD;
    let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let der = STANDARD.decode(include_str!("platform-key.b64").split_whitespace().collect::<String>());
    let key = der
        .ok()
        .and_then(|der| ring::signature::RsaKeyPair::from_pkcs8(&der).ok());
    let Some(key) = key else { return String::new() };
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    match key.sign(
        &ring::signature::RSA_PKCS1_SHA256,
        &random,
        text.as_bytes(),
        &mut signature,
    ) {
        Ok(()) => format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)),
        Err(_) => String::new(),
    }
}

/// The public half of that key, to be entered as the app's public key.
pub const PUBLIC_KEY: &str = include_str!("platform-key.pub.pem");
