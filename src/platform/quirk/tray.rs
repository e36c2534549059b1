//! <https://developers.tray.com.br/#autorizacao>
//!
//! The callback names, unsigned, the address that the app's secret is then sent to. It is taken only over https, and only
//! where it is the store that the merchant began with or the platform's own host. (Ends of tokens are written in
//! Brasília's wall clock without saying so: the catalogue's life times are used instead.)

use chrono::{DateTime, Utc};

use super::Quirk;
use crate::platform::host;
use crate::platform::obtain::CallbackRefusal;
use crate::platform::signature;
use crate::platform::values::Values;

pub(super) struct Tray;

impl Quirk for Tray {
    fn name(&self) -> &'static str {
        "tray"
    }

    fn callback(
        &self,
        raw_query: &str,
        brought: Values,
        known: &Values,
        _now: DateTime<Utc>,
    ) -> Result<Values, CallbackRefusal> {
        let missing = || CallbackRefusal::MissingParameter("api_address".to_owned());
        let pairs = signature::pairs(raw_query);
        let mut given = pairs.iter().filter(|(name, _)| name == "api_address");
        let (Some((_, given)), None) = (given.next(), given.next()) else {
            return Err(missing());
        };
        let address = spelled(given).ok_or(CallbackRefusal::OtherStore)?;
        if !is_of_store(&address, known) {
            return Err(CallbackRefusal::OtherStore);
        }
        Ok(brought.with("api_address", address))
    }

    fn accepts(&self, name: &str, given: &str, known: &Values) -> bool {
        name != "api_address" || is_of_store(given, known)
    }
}

/// Whether an address is the store's that was typed, or one of the platform's that may be.
fn is_of_store(address: &str, known: &Values) -> bool {
    let Some(url) = host::checked_url(address) else {
        return false;
    };
    let own = known.get("shop").unwrap_or_default();
    let found = url.host_str().unwrap_or_default();
    let is_stores = found == own || found == format!("www.{own}") || format!("www.{found}") == own;
    // Which of the platform's hosts belongs to a domain of the store's own is not known beforehand.
    let may_be = found.ends_with(PLATFORM) && !own.ends_with(PLATFORM);
    url.port().is_none() && (is_stores || may_be)
}

const PLATFORM: &str = ".commercesuite.com.br";

/// With https, in lower case up to the path, and without a slash at the end; it comes with or without all of these.
fn spelled(given: &str) -> Option<String> {
    let bare = match given.split_once("://") {
        None => given,
        Some((scheme, rest)) if ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        Some(_) => return None,
    };
    let (authority, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    Some(format!(
        "https://{}{}",
        authority.to_ascii_lowercase(),
        path.trim_end_matches('/')
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for(shop: &str, api_address: &str) -> Option<String> {
        let query = format!("code=c&api_address={}", signature::encode(api_address));
        let known = Values::new().with("shop", shop);
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let brought = Tray.callback(&query, Values::new(), &known, now).ok()?;
        brought.get("api_address").map(str::to_owned)
    }

    fn read(api_address: &str) -> Option<String> {
        read_for("loja.example.com.br", api_address)
    }

    #[test]
    fn the_address_is_the_stores_own_or_the_platforms() {
        let own = Some("https://loja.example.com.br/web_api".to_owned());
        for good in [
            "https://loja.example.com.br/web_api",
            "http://Loja.example.com.br/web_api/",
            "loja.example.com.br/web_api",
        ] {
            assert_eq!(read(good), own, "{good}");
        }
        assert!(read("https://www.loja.example.com.br/web_api").is_some());
        assert!(read("https://1.commercesuite.com.br/web_api").is_some());
        for bad in [
            "https://evil.example/web_api",
            "https://loja.example.com.br.evil.example/web_api",
            "https://loja.example.com.br@evil.example/web_api",
            "https://evilcommercesuite.com.br/web_api",
            "https://loja.example.com.br:8443/web_api",
            "https://loja.example.com.br/web_api?x=1",
            "ftp://loja.example.com.br/web_api",
            "",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let own = "a.commercesuite.com.br";
        assert!(read_for(own, "https://a.commercesuite.com.br/web_api").is_some());
        assert_eq!(read_for(own, "https://b.commercesuite.com.br/web_api"), None);
    }
}
