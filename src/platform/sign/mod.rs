//! The second axis: how a forwarded call is authenticated. Values are placed in headers, or the query is signed by
//! OAuth 1.0a or by a recipe of the platform's own; all three compose. Whatever a signer sets is its own: the same name
//! from a caller is dropped.

mod natural;
mod oauth1;
pub(super) mod php;
mod place;
mod recipe;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::HeaderName;
use serde::Deserialize;
use uuid::Uuid;

pub use oauth1::OAuth1;
pub(super) use oauth1::Signer;
pub use recipe::Recipe;

use super::call::{HeaderRule, set_headers, set_query};
use super::descriptor::{Method, Pair};
use super::failure::BuildError;
use super::signature;
use super::template::Scope;
use super::transport::PlatformRequest;
use super::values::Values;

/// How calls are authenticated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
    /// Parameters that the signer sets, whatever the caller sent.
    #[serde(default)]
    pub query: Vec<Pair>,
    /// Parameters that are added where the caller gave none.
    #[serde(default)]
    pub query_if_absent: Vec<Pair>,
    /// Fields that the signer sets in a form body, or in the query of a request without one.
    #[serde(default)]
    pub form: Vec<Pair>,
    /// Further query parameters that callers may not set.
    #[serde(default)]
    pub forbidden_query: Vec<String>,
    #[serde(default)]
    pub oauth1: Option<OAuth1>,
    #[serde(default)]
    pub recipe: Option<Recipe>,
}

/// What a signature may take from this moment: handed in, for this layer asks neither clock nor dice.
#[derive(Debug, Clone, Copy)]
pub struct SignMoment {
    pub now: DateTime<Utc>,
    pub nonce: [u8; 16],
    pub request_id: Uuid,
}

impl SignMoment {
    /// Names that templates can use.
    pub(super) const NAMES: [&'static str; 7] = [
        "now_unix",
        "now_millis",
        "now_iso",
        "now_basic",
        "in_90_days",
        "nonce",
        "request_id",
    ];

    pub(super) fn value(&self, name: &str) -> Option<String> {
        match name {
            "now_unix" => Some(self.now.timestamp().to_string()),
            "now_millis" => Some(self.now.timestamp_millis().to_string()),
            // ISO 8601 without separators.
            "now_basic" => Some(self.now.format("%Y%m%dT%H%M%SZ").to_string()),
            // The date alone: what is asked for until its midnight is asked for no longer than that.
            "in_90_days" => {
                let then = self.now.checked_add_signed(TimeDelta::days(90))?;
                Some(then.format("%Y-%m-%d").to_string())
            }
            // Always written +00:00, never Z.
            "now_iso" => Some(self.now.fixed_offset().to_rfc3339_opts(SecondsFormat::Secs, false)),
            "nonce" => Some(signature::Writing::Hex.write(&self.nonce)),
            "request_id" => Some(self.request_id.to_string()),
            _ => None,
        }
    }
}

/// Names that the signer sets, to be stripped from callers' requests. Query names count in whatever case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    pub headers: Vec<HeaderName>,
    pub query: Vec<String>,
}

impl Owned {
    pub fn has_query(&self, name: &str) -> bool {
        self.query.iter().any(|owned| owned.eq_ignore_ascii_case(name))
    }
}

/// What the method's signers set, over https and http alike.
pub fn owned(method: &Method) -> Owned {
    let mut owned = Owned::default();
    for sign in std::iter::once(&method.sign).chain(&method.sign_plain_http) {
        owned.headers.extend(
            sign.headers
                .iter()
                .filter(|rule| !rule.if_absent)
                .map(|rule| rule.name.clone()),
        );
        owned.query.extend(sign.query.iter().map(|pair| pair.name.clone()));
        owned.query.extend(sign.form.iter().map(|pair| pair.name.clone()));
        owned.query.extend(sign.forbidden_query.iter().cloned());
        if let Some(oauth1) = &sign.oauth1 {
            owned.query.extend(oauth1::NAMES.map(str::to_owned));
            owned.headers.extend(oauth1.header());
        }
        if let Some(recipe) = &sign.recipe {
            owned.query.extend(recipe.owned().map(str::to_owned));
        }
    }
    if let Some(quirk) = &method.quirk {
        quirk.owned(&mut owned);
    }
    owned
}

/// Authenticates a request as the platform wants it. The request's own query stays as it is, unless the query is signed.
pub fn sign(
    method: &Method,
    values: &Values,
    request: &mut PlatformRequest,
    moment: &SignMoment,
) -> Result<(), BuildError> {
    sign_in(&Scope::new(method, values, moment), request)
}

/// Which part of a request takes what a recipe adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Query,
    Form,
}

pub(super) fn sign_in(scope: &Scope<'_>, request: &mut PlatformRequest) -> Result<(), BuildError> {
    sign_part(scope, request, Part::Query)
}

/// As [`sign_in`]; a recipe's parameters go where told.
pub(super) fn sign_part(scope: &Scope<'_>, request: &mut PlatformRequest, part: Part) -> Result<(), BuildError> {
    let method = scope.method;
    let quirk = method.quirk.as_ref();
    let kept = quirk.map(|quirk| quirk.keeps(request)).unwrap_or_default();
    let plain_http = method
        .sign_plain_http
        .as_ref()
        .filter(|_| request.url.scheme() == "http");
    let sign = plain_http.unwrap_or(&method.sign);
    place::strip(&owned(method), request);
    set_headers(&sign.headers, scope, request)?;
    set_query(&mut request.url, &sign.query, &sign.query_if_absent, scope)?;
    place::place_form(&sign.form, scope, request)?;
    if let Some(oauth1) = &sign.oauth1 {
        oauth1.sign(scope, request)?;
    }
    if let Some(recipe) = &sign.recipe {
        recipe.sign(scope, request, part)?;
    }
    if let Some(quirk) = quirk {
        quirk.sign(scope, request)?;
    }
    // `extend` would add a second value beside the signer's.
    for (name, value) in kept {
        request.headers.insert(name, value);
    }
    Ok(())
}
