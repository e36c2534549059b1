//! The signature of the return URL, as `docs/signatures.md` shows it.

/// Whether Llavero signed this return URL. `own`: names of the parameters of your return URL itself.
pub fn is_signed(url: &url::Url, secret: &str, own: &[&str]) -> bool {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let (mut pairs, mut signature) = (Vec::new(), String::new());
    for (name, value) in url.query_pairs().filter(|(name, _)| !own.contains(&name.as_ref())) {
        match name.as_ref() {
            "signature" => signature = value.into_owned(),
            name => pairs.push(format!("{}={}", encode(name), encode(&value))),
        }
    }
    pairs.sort();
    let (Ok(mut mac), Ok(given)) = (
        Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()),
        BASE64_URL_SAFE_NO_PAD.decode(signature),
    ) else {
        return false;
    };
    mac.update(pairs.join("&").as_bytes());
    mac.verify_slice(&given).is_ok()
}
