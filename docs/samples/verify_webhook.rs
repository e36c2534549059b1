//! The signature of a webhook, as `docs/signatures.md` shows it.

/// Whether Llavero signed this body. `id`, `timestamp` and `signature` are the headers `webhook-...`; `now` in seconds.
pub fn is_event(body: &[u8], id: &str, timestamp: &str, signature: &str, secret: &str, now: i64) -> bool {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use hmac::{Hmac, KeyInit, Mac};

    let in_time = timestamp.parse().is_ok_and(|then: i64| now.abs_diff(then) <= 300);
    let Ok(key) = BASE64_STANDARD.decode(secret.trim_start_matches("whsec_")) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(&key) else {
        return false;
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let mut given = signature
        .split(' ')
        .filter_map(|one| BASE64_STANDARD.decode(one.trim_start_matches("v1,")).ok());
    in_time && given.any(|given| mac.clone().verify_slice(&given).is_ok())
}
