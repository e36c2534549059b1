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
use crate::platform::call::{HeaderRule, fill_pairs, http_method, json_object, set_headers};
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::sign;
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
    /// In the address; the request has no body.
    Query,
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
    /// The id alone: a public client.
    Public,
    /// No client, or one under other names: in `parameters`.
    None,
}

/// A call to a token endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCall {
    pub url: UrlTemplate,
    #[serde(default = "post", deserialize_with = "http_method")]
    pub method: http::Method,
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
    /// The query of the address, whatever the encoding.
    #[serde(default)]
    pub query: Vec<Pair>,
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
    /// Signed as calls are.
    #[serde(default)]
    pub signed: bool,
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

const CLIENT: [&str; 2] = ["client_id", "client_secret"];

impl TokenCall {
    /// Whether a standard value has no place in this call.
    pub(in crate::platform) fn leaves_out(&self, name: &str) -> bool {
        match name {
            "client_id" => self.client_auth == ClientAuth::None || self.omits(name),
            "client_secret" => matches!(self.client_auth, ClientAuth::None | ClientAuth::Public) || self.omits(name),
            _ => self.omits(name),
        }
    }

    fn omits(&self, name: &str) -> bool {
        self.omit.iter().any(|omitted| omitted == name)
    }

    pub(super) fn build(&self, grant_type: GrantType, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let standard = self.standard(grant_type, scope)?;
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(standard.body()).into_owned().collect();
        pairs.retain(|(name, _)| !self.omit.contains(name));
        let mut request = PlatformRequest::new(self.method.clone(), self.url.fill(scope)?);
        request.headers = standard.headers().clone();
        let in_body: &[&str] = match self.client_auth {
            ClientAuth::Body | ClientAuth::BasicEncoded => &["client_id", "client_secret"],
            ClientAuth::Public => &["client_id"],
            ClientAuth::Basic | ClientAuth::None => &[],
        };
        pairs.retain(|(name, _)| in_body.contains(&name.as_str()) || !CLIENT.contains(&name.as_str()));
        if self.client_auth == ClientAuth::Basic {
            let basic = signature::basic(&scope.get("client_id")?, &scope.get("client_secret")?);
            let basic = HeaderValue::from_str(&basic).map_err(|_| BuildError::UnsafeHeader("authorization".into()))?;
            request.headers.insert(header::AUTHORIZATION, basic);
        }
        pairs.extend(fill_pairs(&self.parameters, scope)?);
        let form = |pairs: &[(String, String)]| {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        };
        let mut query = fill_pairs(&self.query, scope)?;
        let (kind, body) = match self.encoding {
            Encoding::Form => (Some("application/x-www-form-urlencoded"), form(&pairs)),
            Encoding::Json => (Some("application/json"), json_object(pairs)),
            Encoding::Query => {
                query.append(&mut pairs);
                (None, String::new())
            }
        };
        if !query.is_empty() {
            request.url.set_query(Some(&signature::join(&query)));
        }
        request.headers.remove(header::CONTENT_TYPE);
        if let Some(kind) = kind {
            request
                .headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        request.body = Bytes::from(body);
        set_headers(&self.headers, scope, &mut request)?;
        if self.signed {
            let part = match self.encoding {
                Encoding::Form => sign::Part::Form,
                Encoding::Json | Encoding::Query => sign::Part::Query,
            };
            sign::sign_part(scope, &mut request, part)?;
        }
        if let Some(quirk) = &scope.method.quirk {
            quirk.token_request(scope, &mut request)?;
        }
        if let Some(value) = request.headers.get_mut(header::AUTHORIZATION) {
            value.set_sensitive(true);
        }
        Ok(request)
    }

    fn standard(&self, grant_type: GrantType, scope: &Scope<'_>) -> Result<HttpRequest, BuildError> {
        // What is left out of the request need not be there.
        let get = |name: &str| match self.leaves_out(name) {
            true => Ok(String::new()),
            false => scope.get(name).map(Cow::into_owned),
        };
        let auth_type = match self.client_auth {
            ClientAuth::BasicEncoded => AuthType::BasicAuth,
            _ => AuthType::RequestBody,
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

fn post() -> http::Method {
    http::Method::POST
}
