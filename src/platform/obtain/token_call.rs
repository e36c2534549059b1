//! One call to a token endpoint. `oauth2` prepares the standard request (it is handed a client that only catches what
//! would be sent); the platform's deviations are then applied to it: other parameters, JSON, plain Basic, headers.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, header};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, HttpRequest, HttpResponse, PkceCodeVerifier, RefreshToken,
    RequestTokenError, TokenUrl,
};
use serde::Deserialize;

use super::code::redirect_uri;
use crate::platform::call::{HeaderRule, fill_pairs, set_headers};
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::signature;
use crate::platform::template::{Scope, UrlTemplate};
use crate::platform::transport::PlatformRequest;

/// How parameters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Form,
    Json,
}

/// Where client id and secret go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    #[default]
    Body,
    /// HTTP Basic of id and secret as they are.
    Basic,
    /// HTTP Basic of id and secret, each form-encoded first as RFC 6749 has it.
    BasicEncoded,
}

/// A call to a token endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCall {
    pub url: UrlTemplate,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Parameters beside the standard ones.
    #[serde(default)]
    pub parameters: Vec<Pair>,
    /// Standard parameters that this platform does not take.
    #[serde(default)]
    pub omit: Vec<String>,
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantType {
    Code { pkce: bool },
    Refresh,
    Client,
}

#[derive(thiserror::Error)]
#[error("caught")]
struct Caught(Box<HttpRequest>);

impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caught")
    }
}

impl TokenCall {
    pub(super) fn build(&self, grant_type: GrantType, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let standard = self.standard(grant_type, scope)?;
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(standard.body()).into_owned().collect();
        pairs.retain(|(name, _)| !self.omit.contains(name));
        let mut request = PlatformRequest::new(standard.method().clone(), self.url.fill(scope)?);
        request.headers = standard.headers().clone();
        if self.client_auth == ClientAuth::Basic {
            pairs.retain(|(name, _)| name != "client_id" && name != "client_secret");
            let basic = signature::basic(&scope.get("client_id")?, &scope.get("client_secret")?);
            let basic = HeaderValue::from_str(&basic).map_err(|_| BuildError::UnsafeHeader("authorization".into()))?;
            request.headers.insert(header::AUTHORIZATION, basic);
        }
        pairs.extend(fill_pairs(&self.parameters, scope)?);
        let (kind, body) = match self.encoding {
            Encoding::Form => (
                "application/x-www-form-urlencoded",
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&pairs)
                    .finish(),
            ),
            Encoding::Json => {
                let object = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
                ("application/json", serde_json::Value::Object(object).to_string())
            }
        };
        request
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        request.body = Bytes::from(body);
        set_headers(&self.headers, scope, &mut request)?;
        if let Some(value) = request.headers.get_mut(header::AUTHORIZATION) {
            value.set_sensitive(true);
        }
        Ok(request)
    }

    fn standard(&self, grant_type: GrantType, scope: &Scope<'_>) -> Result<HttpRequest, BuildError> {
        let get = |name: &str| scope.get(name).map(Cow::into_owned);
        let auth_type = match self.client_auth {
            ClientAuth::Body | ClientAuth::Basic => AuthType::RequestBody,
            ClientAuth::BasicEncoded => AuthType::BasicAuth,
        };
        let client = BasicClient::new(ClientId::new(get("client_id")?))
            .set_client_secret(ClientSecret::new(get("client_secret")?))
            .set_auth_type(auth_type)
            .set_token_uri(TokenUrl::from_url(self.url.fill(scope)?));
        let catch = |request: HttpRequest| -> Result<HttpResponse, Caught> { Err(Caught(Box::new(request))) };
        let caught = match grant_type {
            GrantType::Code { pkce } => {
                let mut question = client
                    .exchange_code(AuthorizationCode::new(get("code")?))
                    .set_redirect_uri(Cow::Owned(redirect_uri(scope)?));
                if pkce {
                    question = question.set_pkce_verifier(PkceCodeVerifier::new(get("code_verifier")?));
                }
                question.request(&catch)
            }
            GrantType::Refresh => client
                .exchange_refresh_token(&RefreshToken::new(get("refresh_token")?))
                .request(&catch),
            GrantType::Client => client.exchange_client_credentials().request(&catch),
        };
        match caught {
            Err(RequestTokenError::Request(Caught(request))) => Ok(*request),
            _ => Err(BuildError::BadUrl("the token call cannot be written")),
        }
    }
}
