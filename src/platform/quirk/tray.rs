//! <https://developers.tray.com.br/#autorizacao>
//!
//! The callback names, unsigned, the address that the app's secret is then sent to. It is taken only over https, and only
//! where it is the store that the merchant began with, below the platform's own domain: what answers at any other host
//! could call itself any store. (Ends of tokens are written in Brasília's wall clock without saying so: the catalogue's
//! life times are used instead.)

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

/// Whether an address is the store's that was typed, and the platform's.
fn is_of_store(address: &str, known: &Values) -> bool {
    let Some(url) = host::checked_url(address) else {
        return false;
    };
    let own = known.get("shop").unwrap_or_default();
    let found = url.host_str().unwrap_or_default();
    let is_stores = found == own || found == format!("www.{own}") || format!("www.{found}") == own;
    url.port().is_none() && is_stores && found.ends_with(PLATFORM)
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
        read_for("loja.commercesuite.com.br", api_address)
    }

    #[test]
    fn the_address_is_the_stores_own_below_the_platforms_domain() {
        let own = Some("https://loja.commercesuite.com.br/web_api".to_owned());
        for good in [
            "https://loja.commercesuite.com.br/web_api",
            "http://Loja.commercesuite.com.br/web_api/",
            "loja.commercesuite.com.br/web_api",
        ] {
            assert_eq!(read(good), own, "{good}");
        }
        assert!(read("https://www.loja.commercesuite.com.br/web_api").is_some());
        for bad in [
            "https://outra.commercesuite.com.br/web_api",
            "https://www.loja.example/web_api",
            "https://evil.example/web_api",
            "https://loja.commercesuite.com.br.evil.example/web_api",
            "https://loja.commercesuite.com.br@evil.example/web_api",
            "https://evilcommercesuite.com.br/web_api",
            "https://loja.commercesuite.com.br:8443/web_api",
            "https://loja.commercesuite.com.br/web_api?x=1",
            "ftp://loja.commercesuite.com.br/web_api",
            "",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        for typed in ["evil.example", "evilcommercesuite.com.br", ""] {
            assert_eq!(read_for(typed, &format!("https://{typed}/web_api")), None, "{typed}");
        }
    }
}
