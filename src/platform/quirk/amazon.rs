//! <https://developer-docs.amazon.com/sp-api/docs/authorization-with-the-restricted-data-token>
//! <https://developer-docs.amazon.com/sp-api/docs/selling-partner-appstore-authorization-workflow>
//!
//! Restricted operations want a token of their own, which the partner fetches through the proxy and sends in the header
//! that otherwise carries ours. It is bound to one seller and a few paths, so it is passed on.
//! A connection that starts in the app store brings no proof, only the address that the browser is to be sent to: taken
//! where it is the platform's own page for this very app. The seller who is named there must be the one who approves.

use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue};
use url::Url;

use super::Quirk;
use crate::platform::failure::BuildError;
use crate::platform::host;
use crate::platform::obtain::{CallbackRefusal, START_STATE, START_URL, once};
use crate::platform::signature;
use crate::platform::template::Scope;
use crate::platform::transport::PlatformRequest;
use crate::platform::values::Values;

const HEADER: HeaderName = HeaderName::from_static("x-amz-access-token");
const SELLER: &str = "selling_partner_id";
const CONFIRM: &str = "/apps/authorize/confirm/";

/// Sites, and the marketplace whose Seller Central they are; that of a whole region stands for one of it.
const SITES: [(&str, &str); 24] = [
    ("sellercentral-europe.amazon.com", "UK"),
    ("sellercentral.amazon.com", "US"),
    ("sellercentral.amazon.ca", "CA"),
    ("sellercentral.amazon.com.mx", "MX"),
    ("sellercentral.amazon.com.br", "BR"),
    ("sellercentral.amazon.co.uk", "UK"),
    ("sellercentral.amazon.ie", "IE"),
    ("sellercentral.amazon.de", "DE"),
    ("sellercentral.amazon.fr", "FR"),
    ("sellercentral.amazon.it", "IT"),
    ("sellercentral.amazon.es", "ES"),
    ("sellercentral.amazon.nl", "NL"),
    ("sellercentral.amazon.com.be", "BE"),
    ("sellercentral.amazon.se", "SE"),
    ("sellercentral.amazon.pl", "PL"),
    ("sellercentral.amazon.com.tr", "TR"),
    ("sellercentral.amazon.ae", "AE"),
    ("sellercentral.amazon.sa", "SA"),
    ("sellercentral.amazon.eg", "EG"),
    ("sellercentral.amazon.co.za", "ZA"),
    ("sellercentral.amazon.in", "IN"),
    ("sellercentral.amazon.co.jp", "JP"),
    ("sellercentral.amazon.com.au", "AU"),
    ("sellercentral.amazon.sg", "SG"),
];

/// The page of all marketplaces, as the documentation's example has it: which one is meant has to be asked.
const ANYWHERE: [&str; 2] = ["amazon.com", "www.amazon.com"];

pub(super) struct Amazon;

impl Quirk for Amazon {
    fn name(&self) -> &'static str {
        "amazon"
    }

    fn install(&self, raw_query: &str, app: &Values, _now: DateTime<Utc>) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        let unsafe_value = |name: &str| CallbackRefusal::UnsafeValue(name.to_owned());
        let address = once(&pairs, "amazon_callback_uri")?;
        let (state, seller) = (once(&pairs, "amazon_state")?, once(&pairs, SELLER)?);
        let application = app.get("application_id").unwrap_or_default();
        let marketplace = confirms(&address, application).ok_or_else(|| unsafe_value("amazon_callback_uri"))?;
        if !seller.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(unsafe_value(SELLER));
        }
        if state.chars().any(char::is_control) {
            return Err(unsafe_value("amazon_state"));
        }
        let named = Values::new()
            .with(START_URL, address)
            .with(START_STATE, state)
            .with(SELLER, seller);
        Ok(match marketplace {
            Some(marketplace) => named.with("marketplace", marketplace),
            None => named,
        })
    }

    fn authorize(&self, scope: &Scope<'_>, url: Url) -> Result<Url, BuildError> {
        let (Ok(begun), Ok(theirs)) = (scope.get(START_URL), scope.get(START_STATE)) else {
            return Ok(url);
        };
        let mut confirm = host::checked_url(&begun).ok_or(BuildError::BadUrl(START_URL))?;
        // The app is named in the path.
        let mut pairs = signature::pairs(url.query().unwrap_or_default());
        pairs.retain(|(name, _)| name != "application_id");
        pairs.push(("amazon_state".to_owned(), theirs.into_owned()));
        confirm.set_query(Some(&signature::join(&pairs)));
        Ok(confirm)
    }

    fn callback(
        &self,
        _raw_query: &str,
        brought: Values,
        known: &Values,
        _now: DateTime<Utc>,
    ) -> Result<Values, CallbackRefusal> {
        match (known.get(SELLER), brought.get(SELLER)) {
            (Some(named), Some(approves)) if named != approves => Err(CallbackRefusal::OtherStore),
            _ => Ok(brought),
        }
    }

    fn keeps(&self, request: &PlatformRequest) -> Vec<(HeaderName, HeaderValue)> {
        let given = request.headers.get(&HEADER);
        given
            .filter(|token| token.as_bytes().starts_with(b"Atz.sprdt|"))
            .map(|token| (HEADER, token.clone()))
            .into_iter()
            .collect()
    }
}

/// Whether an address is the page that confirms this app, and of which marketplace.
fn confirms(address: &str, application: &str) -> Option<Option<&'static str>> {
    let url = host::checked_url(address)?;
    let is_plain = url.scheme() == "https" && url.port().is_none() && url.query().is_none();
    if !is_plain || application.is_empty() || url.path().strip_prefix(CONFIRM) != Some(application) {
        return None;
    }
    let host = url.host_str()?;
    if ANYWHERE.contains(&host) {
        return Some(None);
    }
    let mut sites = SITES.iter();
    sites
        .find(|(site, _)| *site == host)
        .map(|(_, marketplace)| Some(*marketplace))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "amzn1.sp.solution.0001";

    #[test]
    fn only_the_page_that_confirms_this_app_is_followed() {
        let of = |address: &str| confirms(address, APP);
        let page = |host: &str| of(&format!("https://{host}/apps/authorize/confirm/{APP}"));
        assert_eq!(page("amazon.com"), Some(None));
        assert_eq!(page("sellercentral.amazon.com.mx"), Some(Some("MX")));
        assert_eq!(page("sellercentral-europe.amazon.com"), Some(Some("UK")));
        for stranger in [
            "evil.example",
            "sellercentral.amazon.com.evil.example",
            "evilamazon.com",
            "sellercentral.amazon.com:8443",
            "sellercentral.amazon.com@evil.example",
        ] {
            assert_eq!(page(stranger), None, "{stranger}");
        }
        for bad in [
            "http://amazon.com/apps/authorize/confirm/amzn1.sp.solution.0001",
            "https://amazon.com/apps/authorize/confirm/amzn1.sp.solution.0002",
            "https://amazon.com/gp/redirect?to=https://evil.example",
            "",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(confirms("https://amazon.com/apps/authorize/confirm/", ""), None);
    }
}
