//! The code grant (RFC 6749, RFC 7636): authorize address, callback and its proof. `oauth2` makes what is standard; the
//! catalogue's deviations are laid over it. The callback is read by a ladder of checks in fixed order, and nothing of it
//! is used before the platform's own signature holds.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use serde::Deserialize;
use url::Url;

use super::{CallbackAnswer, CallbackRefusal, Finish, GrantNames, Install, TokenCall, once};
use crate::platform::call::fill_pairs;
use crate::platform::descriptor::{Method, Pair, duration, yes};
use crate::platform::failure::BuildError;
use crate::platform::hook::keys;
use crate::platform::signature::{self, QueryProof};
use crate::platform::template::{Scope, UrlTemplate};
use crate::platform::values::Values;

/// The code grant of one platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    pub authorize: UrlTemplate,
    /// Where the browser goes while the address of `authorize` is not known yet: the platform tells it when it opens the
    /// app's address for installations.
    #[serde(default)]
    pub entrance: Option<UrlTemplate>,
    #[serde(default)]
    pub entrance_query: Vec<Pair>,
    /// Parameters beside the standard ones.
    #[serde(default)]
    pub parameters: Vec<Pair>,
    /// Standard parameters that this platform does not take.
    #[serde(default)]
    pub omit: Vec<String>,
    #[serde(default)]
    pub pkce: bool,
    #[serde(default = "space")]
    pub scope_separator: String,
    #[serde(default = "yes")]
    pub scopes_in_url: bool,
    /// A granted `write_x` covers an asked `read_x`.
    #[serde(default)]
    pub write_implies_read: bool,
    /// What `iss` in a callback must be (RFC 9207).
    #[serde(default)]
    pub issuer: Option<String>,
    #[serde(default)]
    pub proof: Option<QueryProof>,
    #[serde(default)]
    pub fresh: Option<Fresh>,
    /// Callback parameters that must say what the session began with.
    #[serde(default)]
    pub same: Vec<String>,
    /// Where our state comes back.
    #[serde(default)]
    pub state: StatePlace,
    /// The callback's parameter that holds the code.
    #[serde(default = "code")]
    pub code_parameter: String,
    /// How a connection that starts at the platform arrives.
    #[serde(default)]
    pub install: Option<InstallKind>,
    /// With `install = "named"`: the parameters that name the store, and the connect fields that they fill in. With
    /// `entrance`: what the platform's own page wants back.
    #[serde(default)]
    pub named: Vec<Brought>,
    /// The platform knows one address of a client only, wherever a connection began.
    #[serde(default)]
    pub one_address: bool,
    /// Origins whose pages open the install address in a frame.
    #[serde(default)]
    pub framed_by: Vec<String>,
    /// Further parameters of the callback that are kept.
    #[serde(default)]
    pub brings: Vec<Brought>,
    pub token: TokenCall,
    /// Without it the token does not expire, or is asked for again.
    #[serde(default)]
    pub refresh: Option<TokenCall>,
    /// What the callback brings stays good: the app's own client asks with it, as often as needed.
    #[serde(default)]
    pub asks_again: bool,
    #[serde(default)]
    pub grant: GrantNames,
    #[serde(default)]
    pub finish: Option<Finish>,
}

/// Where a platform brings our state back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatePlace {
    /// As the parameter `state`.
    #[default]
    Query,
    /// As the last segment of the redirect URI, for platforms that know no state.
    Path,
    /// Nowhere, or not surely: the browser's own session tells.
    Browser,
}

/// What arrives when a connection starts at the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallKind {
    /// A query with the callback's proof that names the store (`same`): the merchant has yet to approve.
    Proof,
    /// A callback without a state: the merchant has approved, and the code proves it.
    Code,
    /// A query without a proof that names the store (`named`): the merchant confirms it in the form.
    Named,
    /// A query with what the page of `authorize` needs (`named`), and which is of use there alone.
    Handle,
    /// As the platform's quirk reads it.
    Quirk,
}

/// A parameter of a callback that later requests need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    pub parameter: String,
    /// What the value is called here.
    pub name: String,
    #[serde(default = "yes")]
    pub required: bool,
}

/// A callback's time, in Unix seconds, and how far off it may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    pub parameter: String,
    #[serde(deserialize_with = "duration")]
    pub within: Duration,
}

fn space() -> String {
    " ".to_owned()
}

fn code() -> String {
    "code".to_owned()
}

impl Code {
    pub(super) fn authorize_url(&self, scope: &Scope<'_>) -> Result<Url, BuildError> {
        if let Some(entrance) = &self.entrance {
            let wanted = self.authorize.base_name().into_iter();
            let mut wanted = wanted.chain(self.named.iter().map(|named| named.name.as_str()));
            if wanted.any(|name| scope.get(name).is_err()) {
                let mut url = entrance.fill(scope)?;
                let pairs = fill_pairs(&self.entrance_query, scope)?;
                url.set_query(
                    Some(signature::join(&pairs))
                        .as_deref()
                        .filter(|query| !query.is_empty()),
                );
                return Ok(url);
            }
        }
        let address = AuthUrl::from_url(self.authorize.fill(scope)?);
        let client_id = if self.omits("client_id") {
            Cow::Borrowed("")
        } else {
            scope.get("client_id")?
        };
        let client = BasicClient::new(ClientId::new(client_id.into_owned())).set_auth_uri(address);
        let state = scope.get("state")?.into_owned();
        let mut question = client
            .authorize_url(|| CsrfToken::new(state))
            .set_redirect_uri(Cow::Owned(redirect_uri(scope)?));
        let scopes = self.scopes(scope.method, scope.values).join(&self.scope_separator);
        if self.scopes_in_url && !scopes.is_empty() {
            question = question.add_extra_param("scope", scopes);
        }
        if self.pkce {
            let verifier = scope.get("code_verifier")?;
            if !(43..=128).contains(&verifier.len()) {
                return Err(BuildError::UnsafeValue("code_verifier".to_owned()));
            }
            let verifier = PkceCodeVerifier::new(verifier.into_owned());
            question = question.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        let (mut url, _) = question.url();
        let mut pairs = signature::pairs(url.query().unwrap_or_default());
        pairs.retain(|(name, _)| !self.omits(name));
        pairs.extend(fill_pairs(&self.parameters, scope)?);
        let query = signature::join(&pairs);
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        match &scope.method.quirk {
            Some(quirk) => quirk.authorize(scope, url),
            None => Ok(url),
        }
    }

    pub(in crate::platform) fn omits(&self, name: &str) -> bool {
        self.omit.iter().any(|omitted| omitted == name)
    }

    pub(super) fn scopes(&self, method: &Method, values: &Values) -> Vec<String> {
        match values.get("scopes") {
            Some(own) if !own.trim().is_empty() => own
                .split([',', ' '])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            _ => method.scopes.clone(),
        }
    }

    pub(super) fn read_callback(
        &self,
        method: &Method,
        raw_query: &str,
        values: &Values,
        now: DateTime<Utc>,
    ) -> Result<CallbackAnswer, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        if let Some(issuer) = &self.issuer
            && pairs.iter().any(|(name, value)| name == "iss" && value != issuer)
        {
            return Err(CallbackRefusal::Issuer);
        }
        // A refusal needs no proof: believed wrongly, it ends one attempt and nothing else.
        if let Ok(error) = once(&pairs, "error") {
            return Ok(CallbackAnswer::Denied {
                code: error,
                description: once(&pairs, "error_description").ok(),
            });
        }
        let code = once(&pairs, &self.code_parameter)?;
        self.prove(&pairs, raw_query, values, now)?;
        for name in &self.same {
            let given = once(&pairs, name)?;
            if !values.get(name).is_some_and(|begun| begun.eq_ignore_ascii_case(&given)) {
                return Err(CallbackRefusal::OtherStore);
            }
        }
        let mut brought = Values::new().with("code", code);
        for parameter in &self.brings {
            match once(&pairs, &parameter.parameter) {
                Ok(given) => brought.set(parameter.name.as_str(), arrived(method, &parameter.name, given)?),
                Err(refusal) if parameter.required => return Err(refusal),
                Err(_) => {}
            }
        }
        let brought = match &method.quirk {
            Some(quirk) => quirk.callback(raw_query, brought, values, now)?,
            None => brought,
        };
        Ok(CallbackAnswer::Approved(brought))
    }

    /// What a platform says when a connection starts there. `None` where none does.
    pub(super) fn read_install(
        &self,
        method: &Method,
        raw_query: &str,
        values: &Values,
        now: DateTime<Utc>,
    ) -> Result<Option<Install>, CallbackRefusal> {
        match self.install {
            None => Ok(None),
            Some(InstallKind::Proof) => self
                .proven(method, raw_query, values, now)
                .map(Install::Begin)
                .map(Some),
            Some(InstallKind::Named) => self.named(method, raw_query).map(Install::Named).map(Some),
            Some(InstallKind::Handle) => self.handed(method, raw_query).map(Install::Begin).map(Some),
            Some(InstallKind::Quirk) => match &method.quirk {
                Some(quirk) => quirk.install(raw_query, values, now).map(Install::Begin).map(Some),
                None => Ok(None),
            },
            Some(InstallKind::Code) => match self.read_callback(method, raw_query, values, now)? {
                CallbackAnswer::Approved(brought) => Ok(Some(Install::Approved(brought))),
                CallbackAnswer::Denied { .. } => Err(CallbackRefusal::MissingParameter(self.code_parameter.clone())),
            },
        }
    }

    fn proven(
        &self,
        method: &Method,
        raw_query: &str,
        values: &Values,
        now: DateTime<Utc>,
    ) -> Result<Values, CallbackRefusal> {
        if self.proof.is_none() || self.same.is_empty() {
            return Err(CallbackRefusal::BadSignature);
        }
        let pairs = signature::pairs(raw_query);
        self.prove(&pairs, raw_query, values, now)?;
        let mut named = Values::new();
        for name in &self.same {
            let given = once(&pairs, name)?;
            let checked = method.field(name).and_then(|field| field.check(&given, false).ok());
            named.set(name.as_str(), checked.ok_or(CallbackRefusal::OtherStore)?);
        }
        Ok(named)
    }

    /// Values of connect fields, each in its one spelling. A host that the field does not take is left to the merchant, who
    /// may know the store's other one.
    fn named(&self, method: &Method, raw_query: &str) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        let mut named = Values::new();
        for parameter in &self.named {
            let given = once(&pairs, &parameter.parameter)?;
            let unsafe_value = || CallbackRefusal::UnsafeValue(parameter.name.clone());
            let field = method.field(&parameter.name).ok_or_else(unsafe_value)?;
            match field.check(&given, false) {
                Ok(checked) => named.set(parameter.name.as_str(), checked),
                Err(_) if field.is_some_host(&given) => {}
                Err(_) => return Err(unsafe_value()),
            }
        }
        Ok(named)
    }

    fn handed(&self, method: &Method, raw_query: &str) -> Result<Values, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        let mut handed = Values::new();
        for parameter in &self.named {
            let given = once(&pairs, &parameter.parameter)?;
            handed.set(parameter.name.as_str(), arrived(method, &parameter.name, given)?);
        }
        Ok(handed)
    }

    /// The platform's signature over the query, and its time.
    fn prove(
        &self,
        pairs: &[(String, String)],
        raw_query: &str,
        values: &Values,
        now: DateTime<Utc>,
    ) -> Result<(), CallbackRefusal> {
        if let Some(proof) = &self.proof {
            let given = once(pairs, &proof.parameter)?;
            if !proof.holds(raw_query, &given, &keys(values, &proof.key).collect::<Vec<_>>()) {
                return Err(CallbackRefusal::BadSignature);
            }
        }
        if let Some(fresh) = &self.fresh {
            let at = once(pairs, &fresh.parameter)?;
            let at: i64 = at.parse().map_err(|_| CallbackRefusal::StaleTimestamp)?;
            if now.timestamp().abs_diff(at) > fresh.within.as_secs() {
                return Err(CallbackRefusal::StaleTimestamp);
            }
        }
        Ok(())
    }
}

/// A callback's value, in its one spelling where it decides over an address.
fn arrived(method: &Method, name: &str, given: String) -> Result<String, CallbackRefusal> {
    let refused = || CallbackRefusal::UnsafeValue(name.to_owned());
    if given.chars().any(char::is_control) {
        return Err(refused());
    }
    match method.arriving.get(name) {
        Some(check) => check.check(&given).ok_or_else(refused),
        None => Ok(given),
    }
}

pub(super) fn redirect_uri(scope: &Scope<'_>) -> Result<RedirectUrl, BuildError> {
    RedirectUrl::new(scope.get("redirect_uri")?.into_owned()).map_err(|_| BuildError::BadUrl("redirect_uri"))
}
