//! Weebly: the flow begins at Weebly, which opens the app's callback with a proof over user, time and site, in this order
//! and no other, and with the address to go on at, which the proof does not cover.
//! <https://dev.weebly.com/pf_apps_authorize_and_install.html>

use crate::sandbox::call::{Pairs, value};
use crate::sandbox::signature::{hex, hmac_sha256};

/// Adds `hmac`.
pub fn sign_install(secret: &str, pairs: &mut Pairs) {
    let part = |name: &str| value(pairs, name).map(|text| format!("{name}={text}"));
    let parts: Vec<String> = ["user_id", "timestamp", "site_id"]
        .iter()
        .filter_map(|name| part(name))
        .collect();
    let signature = hex(&hmac_sha256(secret.as_bytes(), parts.join("&").as_bytes()));
    pairs.push(("hmac".to_owned(), signature));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documented_proof_is_made() {
        let pairs = [
            ("site_id", "987654321"),
            ("user_id", "123456"),
            ("timestamp", "1700000000"),
        ];
        let mut pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        super::sign_install("weebly-test-secret-not-real", &mut pairs);
        let proof = pairs.last().map(|(_, text)| text.as_str());
        assert_eq!(
            proof,
            Some("22e8f9e3fcdb2f80946d6c76f26cd9727dfc7fc343b9884aae44ec5928faa764")
        );
    }
}
