//! The three steps of OAuth 1.0a (RFC 5849, 2): a signed request brings a request token, the merchant approves it on a page
//! of the store, a signed request with the verifier brings token and secret. All requests are signed as calls are, so the
//! method's signer says which client signs, and what the token is called that comes in the end.

use serde::Deserialize;
use url::Url;

use super::{CallbackAnswer, CallbackRefusal, Grant, once};
use crate::platform::answer::judge_token;
use crate::platform::descriptor::Method;
use crate::platform::failure::{BuildError, Failure};
use crate::platform::sign::{OAuth1, Signer};
use crate::platform::signature;
use crate::platform::template::{Scope, UrlTemplate};
use crate::platform::transport::{PlatformAnswer, PlatformRequest};
use crate::platform::values::Values;

/// The request token and its secret, among the values of an attempt.
pub(super) const TOKEN: &str = "request_token";
pub(super) const TOKEN_SECRET: &str = "request_token_secret";
/// What the approval brings.
pub(super) const VERIFIER: &str = "oauth_verifier";

/// The addresses of the three steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    pub request_token: UrlTemplate,
    pub authorize: UrlTemplate,
    pub token: UrlTemplate,
    /// The callback's parameter that says no.
    #[serde(default)]
    pub refused_by: Option<String>,
}

impl Handshake {
    /// The standard knows no state: it stands in the address that the platform sends the browser back to.
    pub(super) fn request_token(&self, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let redirect_uri = scope.get("redirect_uri")?;
        let mut callback = Url::parse(&redirect_uri).map_err(|_| BuildError::BadUrl("redirect_uri"))?;
        callback.query_pairs_mut().append_pair("state", &scope.get("state")?);
        let signer = Signer {
            token: None,
            token_secret: "",
            says: Some(("oauth_callback", callback.as_str())),
        };
        signed(&self.request_token, signer, scope)
    }

    pub(super) fn authorize_url(&self, scope: &Scope<'_>) -> Result<Url, BuildError> {
        let mut url = self.authorize.fill(scope)?;
        let token = ("oauth_token".to_owned(), scope.get(TOKEN)?.into_owned());
        url.set_query(Some(&signature::join(&[token])));
        Ok(url)
    }

    pub(super) fn exchange(&self, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let (token, secret, verifier) = (scope.get(TOKEN)?, scope.get(TOKEN_SECRET)?, scope.get(VERIFIER)?);
        let signer = Signer {
            token: Some(&token),
            token_secret: &secret,
            says: Some(("oauth_verifier", &verifier)),
        };
        signed(&self.token, signer, scope)
    }

    pub(super) fn read_callback(&self, raw_query: &str, values: &Values) -> Result<CallbackAnswer, CallbackRefusal> {
        let pairs = signature::pairs(raw_query);
        // A refusal needs no proof: believed wrongly, it ends one attempt and nothing else.
        if self.refused_by.iter().any(|name| once(&pairs, name).is_ok()) {
            return Ok(CallbackAnswer::Denied {
                code: "access_denied".to_owned(),
                description: None,
            });
        }
        let (token, verifier) = (once(&pairs, "oauth_token")?, once(&pairs, "oauth_verifier")?);
        if !values.get(TOKEN).is_some_and(|asked| signature::same(asked, &token)) {
            return Err(CallbackRefusal::OtherRequest);
        }
        Ok(CallbackAnswer::Approved(Values::new().with(VERIFIER, verifier)))
    }
}

fn signed(url: &UrlTemplate, signer: Signer<'_>, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
    let mut request = PlatformRequest::new(http::Method::POST, url.fill(scope)?);
    signs(scope.method)
        .ok_or(BuildError::NoSuchCall)?
        .sign_as(signer, scope, &mut request)?;
    Ok(request)
}

fn signs(method: &Method) -> Option<&OAuth1> {
    method.sign.oauth1.as_ref()
}

pub(super) fn read_request_token(method: &Method, answer: &PlatformAnswer) -> Result<Values, Failure> {
    let (token, secret) = token_pair(method, answer)?;
    // A server of the first edition, which would approve for whoever comes first.
    if once(&said(answer), "oauth_callback_confirmed").as_deref() != Ok("true") {
        return Err(Failure::unknown("the store does not know OAuth 1.0a"));
    }
    Ok(Values::new().with(TOKEN, token).with(TOKEN_SECRET, secret))
}

/// Such tokens have no end that an answer could tell.
pub(super) fn read_grant(method: &Method, answer: &PlatformAnswer) -> Result<Grant, Failure> {
    let names = signs(method).and_then(|signs| signs.token.as_ref().zip(signs.token_secret.as_ref()));
    let (token_name, secret_name) = names.ok_or_else(|| Failure::unknown("calls are not signed with a token"))?;
    let (token, secret) = token_pair(method, answer)?;
    Ok(Grant {
        values: Values::new()
            .with(token_name.as_str(), token)
            .with(secret_name.as_str(), secret),
        access_expires_in: None,
        refresh_expires_in: None,
        scopes: None,
        platform_store_id: None,
        authorization_expires_in: None,
    })
}

fn said(answer: &PlatformAnswer) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&answer.body).into_owned().collect()
}

fn token_pair(method: &Method, answer: &PlatformAnswer) -> Result<(String, String), Failure> {
    let pairs = said(answer);
    let plain = |name: &str| {
        let value = once(&pairs, name).ok()?;
        (!value.chars().any(char::is_control)).then_some(value)
    };
    let found = plain("oauth_token").zip(plain("oauth_token_secret"));
    found
        .filter(|_| answer.status.is_success())
        .ok_or_else(|| judge_token(method, &readable(answer)))
}

/// Problems are form-encoded; as JSON the catalogue can point at them.
fn readable(answer: &PlatformAnswer) -> PlatformAnswer {
    let mut answer = answer.clone();
    if let Ok(problem) = once(&said(&answer), "oauth_problem") {
        answer.body = serde_json::json!({ "oauth_problem": problem }).to_string().into();
    }
    answer
}
