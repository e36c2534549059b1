//! eBay signs its notifications with a key of its own: ECDSA on P-256 over SHA-1, in a header of base64 and JSON that names
//! the key. The key here is no secret: the simulated platform's notifications are nobody's.
//! <https://developer.ebay.com/develop/guides-v2/marketplace-user-account-deletion>

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sha1::{Digest as _, Sha1};

use crate::sandbox::signature::base64;

const KEY: [u8; 32] = [0x11; 32];
const KEY_ID: &str = "sandbox-ebay-key-1";

/// The value of `X-EBAY-SIGNATURE` for this body.
pub fn signed(body: &str) -> String {
    let key = SigningKey::from_slice(&KEY).ok();
    let signature: Option<Signature> = key.and_then(|key| key.sign_prehash(&Sha1::digest(body)).ok());
    let der = signature.map(|signature| base64(signature.to_der().as_bytes()));
    let header = json!({ "alg": "ecdsa", "kid": KEY_ID, "signature": der, "digest": "SHA1" });
    base64(header.to_string().as_bytes())
}
