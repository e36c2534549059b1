//! The first axis: how a credential is obtained and renewed. One of four ways a method: `code` (the merchant approves at
//! the platform), `oauth1` (the same in three signed steps), `ask` (the store's own client asks for tokens), `given` (keys
//! are typed, or handed over by the store's server). All functions here build or read; what is sent, saved or shown is decided above.

mod ask;
mod code;
mod finish;
mod given;
mod grant;
mod oauth1;
mod token_call;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

pub use ask::Ask;
pub use code::{Code, InstallKind, StatePlace};
pub use finish::{Finish, Finishing, finish, forget_finish};
pub use given::{Given, Page};
pub(super) use grant::claims;
pub use grant::{Grant, GrantNames, Pointers};
pub use oauth1::Handshake;
pub use token_call::TokenCall;

use super::descriptor::{Method, Platform, Renewal};
use super::failure::{BuildError, Failure};
use super::field::Arriving;
use super::quirk::QuirkRef;
use super::sign::SignMoment;
use super::signature;
use super::template::Scope;
use super::transport::{PlatformAnswer, PlatformRequest};
use super::values::Values;
use token_call::GrantType;

/// How a method's credential is obtained.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obtain {
    Code(Box<Code>),
    Oauth1(Box<Handshake>),
    Ask(Box<Ask>),
    Given(Given),
}

impl Obtain {
    pub(super) fn renewal(&self) -> Renewal {
        match self {
            Self::Code(code) if code.refresh.is_some() => Renewal::RefreshToken,
            Self::Code(code) if code.asks_again => Renewal::AskAgain,
            Self::Ask(ask) if ask.refresh.is_some() => Renewal::RefreshToken,
            Self::Ask(_) => Renewal::AskAgain,
            Self::Code(_) | Self::Oauth1(_) | Self::Given(_) => Renewal::Never,
        }
    }
}

/// What comes first when a store is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The browser goes to the platform.
    Redirect { url: Url },
    /// Nothing to redirect to: go on with `exchange`, or keep what was given.
    Direct,
}

/// What a callback brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackAnswer {
    /// Values to go on with, such as `code`.
    Approved(Values),
    /// The merchant, or the platform, said no.
    Denied { code: String, description: Option<String> },
}

/// A connection that started at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Install {
    /// The store is named; the merchant has yet to approve.
    Begin(Values),
    /// The store is named by nobody knows whom: what the form is filled in with, for the merchant to confirm.
    Named(Values),
    /// The merchant has approved: what a callback would have brought.
    Approved(Values),
}

/// A callback or delivery that is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefusal {
    #[error("the parameter `{0}` is missing or repeated")]
    MissingParameter(String),
    #[error("the platform's signature does not hold")]
    BadSignature,
    #[error("the callback is too old, or from the future")]
    StaleTimestamp,
    #[error("the callback is about another store")]
    OtherStore,
    #[error("the callback answers another request")]
    OtherRequest,
    #[error("the callback comes from another issuer")]
    Issuer,
    /// The value would lead a request to a place that the catalogue does not allow.
    #[error("the value `{0}` may not be used")]
    UnsafeValue(String),
}

/// Whether something has to be asked before the browser can be sent anywhere.
pub fn asks_first(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Oauth1(_))
}

/// What has to be asked before the browser is sent anywhere: a request token, which takes `state` and `redirect_uri`.
/// `None` where nothing has to be.
pub fn first(method: &Method, values: &Values, moment: &SignMoment) -> Result<Option<PlatformRequest>, BuildError> {
    let scope = Scope::new(method, values, moment);
    match &method.obtain {
        Obtain::Oauth1(handshake) => handshake.request_token(&scope).map(Some),
        Obtain::Code(_) | Obtain::Ask(_) | Obtain::Given(_) => Ok(None),
    }
}

/// Reads the answer of `first`: values that `start`, the callback and `exchange` need.
pub fn read_first(method: &Method, answer: &PlatformAnswer) -> Result<Values, Failure> {
    match &method.obtain {
        Obtain::Oauth1(_) => oauth1::read_request_token(method, answer),
        Obtain::Code(_) | Obtain::Ask(_) | Obtain::Given(_) => Ok(Values::new()),
    }
}

/// Values of one attempt that are no part of a credential.
pub const PASSING: [&str; 9] = [
    "state",
    "code",
    "code_verifier",
    "redirect_uri",
    oauth1::TOKEN,
    oauth1::TOKEN_SECRET,
    oauth1::VERIFIER,
    START_URL,
    START_STATE,
];

/// Where a platform wants the browser back that it began with, and its own state.
pub const START_URL: &str = "start_url";
pub const START_STATE: &str = "start_state";

/// Where to begin. For `code` the values need `state`, `redirect_uri` and, with PKCE, `code_verifier`; for `oauth1` what
/// `read_first` has read.
pub fn start(method: &Method, values: &Values) -> Result<Start, BuildError> {
    let scope = Scope::timeless(method, values);
    match &method.obtain {
        Obtain::Code(code) => code.authorize_url(&scope).map(|url| Start::Redirect { url }),
        Obtain::Oauth1(handshake) => handshake.authorize_url(&scope).map(|url| Start::Redirect { url }),
        Obtain::Given(Given { page: Some(page) }) => page.url(&scope).map(|url| Start::Redirect { url }),
        Obtain::Ask(_) | Obtain::Given(_) => Ok(Start::Direct),
    }
}

pub fn uses_pkce(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.pkce)
}

/// Whether keys come by a server-to-server POST (`read_delivery`) before the browser returns.
pub fn is_delivered(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Given(Given { page: Some(_) }))
}

/// The `state` in a callback's query, wherever one of the platform's methods keeps it: for finding the session. Proves
/// nothing.
pub fn callback_state(platform: &Platform, raw_query: &str) -> Option<String> {
    let names = platform.methods.iter().filter_map(|method| match &method.obtain {
        Obtain::Code(_) | Obtain::Oauth1(_) => Some("state"),
        Obtain::Given(Given { page: Some(page) }) => Some(page.state_parameter.as_str()),
        Obtain::Ask(_) | Obtain::Given(_) => None,
    });
    let pairs = signature::pairs(raw_query);
    names.into_iter().find_map(|name| once(&pairs, name).ok())
}

/// Reads a callback whose session has been found; `values` are those of the app and of the session (what was typed).
pub fn read_callback(
    method: &Method,
    raw_query: &str,
    values: &Values,
    now: DateTime<Utc>,
) -> Result<CallbackAnswer, CallbackRefusal> {
    match &method.obtain {
        Obtain::Code(code) => code.read_callback(method, raw_query, values, now),
        Obtain::Oauth1(handshake) => handshake.read_callback(raw_query, values),
        Obtain::Given(Given { page: Some(page) }) => page.read_callback(raw_query),
        Obtain::Ask(_) | Obtain::Given(_) => Err(CallbackRefusal::MissingParameter("state".to_owned())),
    }
}

/// Reads the query of a connection that starts at the platform, without a session (`values` are the app's). `None` where
/// a method's connections never start there.
pub fn read_install(
    method: &Method,
    raw_query: &str,
    values: &Values,
    now: DateTime<Utc>,
) -> Result<Option<Install>, CallbackRefusal> {
    match &method.obtain {
        Obtain::Code(code) => code.read_install(method, raw_query, values, now),
        Obtain::Oauth1(_) | Obtain::Ask(_) | Obtain::Given(_) => Ok(None),
    }
}

/// Reads keys that a store's server posts: the state that they belong to, and the values.
pub fn read_delivery(method: &Method, body: &[u8]) -> Result<(String, Values), CallbackRefusal> {
    match &method.obtain {
        Obtain::Given(Given { page: Some(page) }) => page.read_delivery(body),
        _ => Err(CallbackRefusal::MissingParameter("state".to_owned())),
    }
}

/// The request that turns what is at hand into a credential; `None` where keys are given and there is nothing to ask.
pub fn exchange(method: &Method, values: &Values, moment: &SignMoment) -> Result<Option<PlatformRequest>, BuildError> {
    let scope = Scope::new(method, values, moment);
    match &method.obtain {
        Obtain::Code(code) if code.asks_again => code.token.build(GrantType::Client, &scope).map(Some),
        Obtain::Code(code) => code.token.build(GrantType::Code { pkce: code.pkce }, &scope).map(Some),
        Obtain::Oauth1(handshake) => handshake.exchange(&scope).map(Some),
        Obtain::Ask(ask) => ask.token.build(GrantType::Client, &scope).map(Some),
        Obtain::Given(_) => Ok(None),
    }
}

/// The request that renews a credential.
pub fn refresh(method: &Method, values: &Values, moment: &SignMoment) -> Result<PlatformRequest, BuildError> {
    let scope = Scope::new(method, values, moment);
    match &method.obtain {
        Obtain::Code(code) if code.asks_again => code.token.build(GrantType::Client, &scope),
        Obtain::Code(code) => {
            let call = code.refresh.as_ref().ok_or(BuildError::NoSuchCall)?;
            call.build(GrantType::Refresh, &scope)
        }
        Obtain::Ask(ask) => match &ask.refresh {
            Some(call) => call.build(GrantType::Refresh, &scope),
            None => ask.token.build(GrantType::Client, &scope),
        },
        Obtain::Oauth1(_) | Obtain::Given(_) => Err(BuildError::NoSuchCall),
    }
}

/// Where that request goes, as `host` or `host:port`; `None` where it cannot be told.
pub fn refresh_host(method: &Method, values: &Values) -> Option<String> {
    let call = match &method.obtain {
        Obtain::Code(code) if code.asks_again => &code.token,
        Obtain::Code(code) => code.refresh.as_ref()?,
        Obtain::Ask(ask) => ask.refresh.as_ref().unwrap_or(&ask.token),
        Obtain::Oauth1(_) | Obtain::Given(_) => return None,
    };
    let url = call.url.fill(&Scope::timeless(method, values)).ok()?;
    Some(url[url::Position::BeforeHost..url::Position::AfterPort].to_owned())
}

/// Reads the answer of `exchange` or `refresh`. `values` are those of the request, `now` is when it was sent: a life that
/// the answer tells as a point in time is counted from there.
pub fn read_grant(
    method: &Method,
    values: &Values,
    answer: &PlatformAnswer,
    now: DateTime<Utc>,
) -> Result<Grant, Failure> {
    let names = match &method.obtain {
        Obtain::Code(code) => &code.grant,
        Obtain::Ask(ask) => &ask.grant,
        Obtain::Oauth1(_) => return oauth1::read_grant(method, answer),
        Obtain::Given(_) => return Err(Failure::unknown("this connect method has no token call")),
    };
    match &method.quirk {
        Some(quirk) => grant::read(method, names, &quirk.token_answer(answer.clone(), values), now),
        None => grant::read(method, names, answer, now),
    }
}

/// The redirect URI of one attempt: the registered one, or that with the state as its last segment.
pub fn redirect_uri(method: &Method, registered: &str, state: &str) -> String {
    match &method.obtain {
        Obtain::Code(code) if code.state == StatePlace::Path => format!("{registered}/{state}"),
        _ => registered.to_owned(),
    }
}

/// A value that a partner names beside tokens, in its one spelling; `None` where it is not one that may be used with
/// those that are `known`.
pub fn imported(method: &Method, name: &str, check: &Arriving, given: &str, known: &Values) -> Option<String> {
    let value = check.check(given)?;
    let accepted = |quirk: &QuirkRef| quirk.accepts(name, &value, known);
    method.quirk.as_ref().is_none_or(accepted).then_some(value)
}

/// Whether the merchant approves on a page of the platform, which sends the browser back with what can be exchanged.
pub fn is_approved_there(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(_) | Obtain::Oauth1(_))
}

/// Whether the redirect URI is called with the state as one more segment.
pub fn state_in_path(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.state == StatePlace::Path)
}

/// Whether connections may begin at the platform.
pub fn starts_at_platform(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.install.is_some())
}

/// Whether a callback without a state may be matched by the browser that brings it.
pub fn state_by_browser(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.state == StatePlace::Browser)
}

/// Whether a client there has one address for what comes back and for what begins there.
pub fn knows_one_address(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.one_address)
}

/// Origins of the platform whose pages open the install address in a frame.
pub fn framed_by(platform: &Platform) -> Vec<&str> {
    let codes = platform.methods.iter().filter_map(|method| match &method.obtain {
        Obtain::Code(code) => Some(&code.framed_by),
        Obtain::Ask(_) | Obtain::Oauth1(_) | Obtain::Given(_) => None,
    });
    codes.flatten().map(String::as_str).collect()
}

/// Whether a connection that began here goes on as an installation, which the browser that brings it tells apart.
pub fn goes_on_as_installation(method: &Method) -> bool {
    matches!(&method.obtain, Obtain::Code(code) if code.entrance.is_some())
}

/// The scopes that the merchant is asked for: the platform app's own list (`scopes`), else the catalogue's. Empty where
/// they are not part of the question.
pub fn asked_scopes(method: &Method, values: &Values) -> Vec<String> {
    match &method.obtain {
        Obtain::Code(code) if code.scopes_in_url => code.scopes(method, values),
        _ => Vec::new(),
    }
}

/// What was asked and not granted.
pub fn missing_scopes(method: &Method, values: &Values, granted: &[String]) -> Vec<String> {
    let implies = matches!(&method.obtain, Obtain::Code(code) if code.write_implies_read);
    let has = |scope: &String| {
        granted.contains(scope)
            || (implies && scope.contains("read_") && granted.contains(&scope.replacen("read_", "write_", 1)))
    };
    asked_scopes(method, values)
        .into_iter()
        .filter(|scope| !has(scope))
        .collect()
}

/// The value of a parameter that comes exactly once.
pub(super) fn once(pairs: &[(String, String)], name: &str) -> Result<String, CallbackRefusal> {
    let mut found = pairs.iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) if !value.is_empty() => Ok(value.clone()),
        _ => Err(CallbackRefusal::MissingParameter(name.to_owned())),
    }
}
