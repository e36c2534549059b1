//! Back to the partner: the app's return URL with our parameters and a signature over them, so that nobody can make the
//! partner believe in a connection that we have not made. What the partner's own URL carries is left as it is and is not
//! signed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;

use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform::signature::{self, Hash};

/// `signature` over `parameters`: base64url (without padding) HMAC-SHA256 with the app's signing secret over the
/// parameters percent-encoded by RFC 3986, sorted by name, joined by `&`.
pub fn signature(parameters: &[(&str, String)], secret: &Secret) -> String {
    let mac = Hash::HmacSha256.of(secret.expose().as_bytes(), joined(parameters).as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(mac)
}

/// `return_url` with the parameters and their signature, its own query and fragment kept.
pub fn signed(return_url: &str, parameters: &[(&str, String)], secret: &Secret) -> String {
    let signature = ("signature", signature(parameters, secret));
    added(return_url, &format!("{}&{}", joined(parameters), joined(&[signature])))
}

/// `return_url` with the parameters alone, its own query and fragment kept.
pub fn with(return_url: &str, parameters: &[(&str, String)]) -> String {
    added(return_url, &joined(parameters))
}

fn added(return_url: &str, query: &str) -> String {
    let (address, fragment) = match return_url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (return_url, String::new()),
    };
    let mark = match address.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{mark}{query}{fragment}")
}

fn joined(parameters: &[(&str, String)]) -> String {
    let mut sorted: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    sorted.sort();
    signature::join(&sorted)
}

/// Whether the browser may be sent there: one of the app's own URLs to the letter; for sandbox apps any loopback address.
pub fn is_allowed(return_url: &str, registered: &[String], mode: Mode) -> bool {
    if registered.iter().any(|known| known == return_url) {
        return true;
    }
    mode == Mode::Sandbox && Url::parse(return_url).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    here && matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("llv_ss_0000000000000000000000000000000000000000000000000")
    }

    fn success() -> Vec<(&'static str, String)> {
        vec![
            ("code", "llv_cd_abc".to_owned()),
            ("state", "a b&c=d/é".to_owned()),
            ("session_id", "cs_0190".to_owned()),
            ("store_id", "store_0190".to_owned()),
            ("platform", "demo".to_owned()),
            ("timestamp", "1760000000".to_owned()),
        ]
    }

    #[test]
    fn the_signed_text_is_sorted_and_percent_encoded() {
        assert_eq!(
            joined(&success()),
            "code=llv_cd_abc&platform=demo&session_id=cs_0190&state=a%20b%26c%3Dd%2F%C3%A9&store_id=store_0190&timestamp=1760000000"
        );
    }

    #[test]
    fn the_signature_of_the_guide_is_reproduced() {
        assert_eq!(
            signature(&success(), &secret()),
            "Hz4sWejsXHeLrZrajTDKVIugkywX_QbTKpDi15doMoI"
        );
        let failure = [
            ("error", "access_denied".to_owned()),
            ("error_description", "The merchant declined.".to_owned()),
            ("session_id", "cs_0190".to_owned()),
            ("timestamp", "1760000000".to_owned()),
        ];
        assert_eq!(
            signature(&failure, &secret()),
            "50TpNrGSRcJ0v47MacE2ZorZBMiwB8_4YFxg6yeVrVs"
        );
    }

    #[test]
    fn the_order_given_does_not_change_the_signature_and_a_changed_value_does() {
        let mut turned = success();
        turned.reverse();
        assert_eq!(signature(&turned, &secret()), signature(&success(), &secret()));
        turned[0].1.push('1');
        assert_ne!(signature(&turned, &secret()), signature(&success(), &secret()));
    }

    #[test]
    fn the_partners_own_query_and_fragment_stay() {
        let one = [("code", "x".to_owned())];
        let end = format!("code=x&signature={}", signature(&one, &secret()));
        for (given, wanted) in [
            ("https://p.example/back", format!("https://p.example/back?{end}")),
            (
                "https://p.example/back?tenant=7",
                format!("https://p.example/back?tenant=7&{end}"),
            ),
            ("https://p.example/back?", format!("https://p.example/back?{end}")),
            ("https://p.example/#/back", format!("https://p.example/?{end}#/back")),
        ] {
            assert_eq!(signed(given, &one, &secret()), wanted);
        }
    }

    #[test]
    fn return_urls_are_compared_to_the_letter_and_loopback_is_for_sandbox_apps() {
        let registered = vec!["https://p.example/back".to_owned()];
        for (url, live, sandbox) in [
            ("https://p.example/back", true, true),
            ("https://p.example/back/", false, false),
            ("https://p.example/back?x=1", false, false),
            ("http://127.0.0.1:4000/x", false, true),
            ("http://localhost:1/", false, true),
            ("http://[::1]:9/x", false, true),
            ("http://127.0.0.1@evil.example/", false, false),
            ("http://localhost.evil.example/", false, false),
            ("javascript:alert(1)//localhost", false, false),
        ] {
            assert_eq!(is_allowed(url, &registered, Mode::Live), live, "{url}");
            assert_eq!(is_allowed(url, &registered, Mode::Sandbox), sandbox, "{url}");
        }
    }
}
