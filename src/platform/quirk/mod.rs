//! What the catalogue's words cannot say of one platform: pure functions at a few fixed places, each doing nothing unless a
//! platform's own file says otherwise. A quirk fills one or two of these places; what three platforms need belongs in
//! the vocabulary.

mod allegro;
mod amazon;
mod bigcommerce;
mod claro_shop;
mod opencart;
mod shein;
mod temu;
mod tiktok_shop;
mod tray;
mod weebly;
mod wix;

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::answer::CallAnswer;
use super::failure::BuildError;
use super::hook::{Hook, HookRefusal, Received};
use super::obtain::CallbackRefusal;
use super::sign::Owned;
use super::template::Scope;
use super::transport::{PlatformAnswer, PlatformRequest};
use super::values::Values;

/// The places where a platform may differ from what data can say.
pub trait Quirk: Sync {
    /// The catalogue's name for it.
    fn name(&self) -> &'static str;

    /// Changes the address that the merchant's browser is sent to.
    fn authorize(&self, _scope: &Scope<'_>, url: Url) -> Result<Url, BuildError> {
        Ok(url)
    }

    /// Looks at a callback that has been read: `brought` goes on, `known` is what the session and the app hold.
    fn callback(
        &self,
        _raw_query: &str,
        brought: Values,
        _known: &Values,
        _now: DateTime<Utc>,
    ) -> Result<Values, CallbackRefusal> {
        Ok(brought)
    }

    /// Looks at a value that came by another way than a callback, once it has passed the catalogue's check: whether it
    /// may be used beside those that are known.
    fn accepts(&self, _name: &str, _given: &str, _known: &Values) -> bool {
        true
    }

    /// Reads the query of a connection that starts at the platform: the values that it proves. `app` are the platform
    /// app's.
    fn install(&self, _raw_query: &str, _app: &Values, _now: DateTime<Utc>) -> Result<Values, CallbackRefusal> {
        Err(CallbackRefusal::BadSignature)
    }

    /// Reads a webhook, its proof first.
    fn hook(&self, _received: &Received<'_>, _app: &Values, _now: DateTime<Utc>) -> Result<Hook, HookRefusal> {
        Err(HookRefusal::NoHooks)
    }

    /// Changes the request of a token call, once it is built.
    fn token_request(&self, _scope: &Scope<'_>, _request: &mut PlatformRequest) -> Result<(), BuildError> {
        Ok(())
    }

    /// Brings the answer of a token call into a form that the catalogue can point into.
    fn token_answer(&self, answer: PlatformAnswer, _values: &Values) -> PlatformAnswer {
        answer
    }

    /// Headers of a caller that are passed on although the signer sets them otherwise.
    fn keeps(&self, _request: &PlatformRequest) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// Adds names that only the signer sets.
    fn owned(&self, _owned: &mut Owned) {}

    /// Signs a request, after everything that the catalogue says has been placed.
    fn sign(&self, _scope: &Scope<'_>, _request: &mut PlatformRequest) -> Result<(), BuildError> {
        Ok(())
    }

    /// Has the first word on a forwarded call's answer; `None` leaves it to the catalogue.
    fn judge_call(&self, _status: StatusCode, _headers: &HeaderMap, _body_start: &[u8]) -> Option<CallAnswer> {
        None
    }
}

/// All there are.
static QUIRKS: [&dyn Quirk; 12] = [
    &allegro::Allegro,
    &amazon::Amazon,
    &bigcommerce::BigCommerce,
    &claro_shop::ClaroShop,
    &opencart::OpenCart,
    &opencart::OpenCartLogin,
    &shein::Shein,
    &temu::Temu,
    &tiktok_shop::TiktokShop,
    &tray::Tray,
    &weebly::Weebly,
    &wix::Wix,
];

/// A quirk by its name in the catalogue.
#[derive(Clone, Copy)]
pub struct QuirkRef(&'static dyn Quirk);

impl Deref for QuirkRef {
    type Target = dyn Quirk;
    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl fmt::Debug for QuirkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for QuirkRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = QUIRKS.iter().find(|quirk| quirk.name() == name);
        found
            .map(|quirk| Self(*quirk))
            .ok_or_else(|| serde::de::Error::custom(format!("there is no quirk `{name}`")))
    }
}
