//! A call that the catalogue describes, below the store's root: the verify call, the revoke call. Built, then signed like
//! any forwarded call, so that what proves a credential is what callers will use.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method as HttpMethod};
use serde::{Deserialize, Deserializer};

use super::descriptor::{Pair, When};
use super::failure::BuildError;
use super::host;
use super::sign;
use super::signature;
use super::template::{Scope, Template};
use super::transport::PlatformRequest;

/// A header that is set on requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    #[serde(deserialize_with = "header_name")]
    pub name: HeaderName,
    #[serde(default)]
    pub value: Option<Template>,
    /// Instead of `value`: HTTP Basic of these two values.
    #[serde(default)]
    pub basic: Option<(String, String)>,
    #[serde(default)]
    pub when: Option<When>,
    /// The caller's own header wins.
    #[serde(default)]
    pub if_absent: bool,
}

/// Sets the headers that apply.
pub(super) fn set_headers(
    rules: &[HeaderRule],
    scope: &Scope<'_>,
    request: &mut PlatformRequest,
) -> Result<(), BuildError> {
    for rule in rules {
        if let Some(when) = &rule.when {
            let value = scope.get(&when.value)?;
            if !when.is.iter().any(|listed| *listed == value) {
                continue;
            }
        }
        if rule.if_absent && request.headers.contains_key(&rule.name) {
            continue;
        }
        let text = match (&rule.value, &rule.basic) {
            (Some(template), _) => template.fill(scope)?,
            (None, Some((user, password))) => signature::basic(&scope.get(user)?, &scope.get(password)?),
            (None, None) => continue,
        };
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| BuildError::UnsafeHeader(rule.name.as_str().to_owned()))?;
        value.set_sensitive(true);
        request.headers.insert(rule.name.clone(), value);
    }
    Ok(())
}

/// Names and filled values.
pub(super) fn fill_pairs(pairs: &[Pair], scope: &Scope<'_>) -> Result<Vec<(String, String)>, BuildError> {
    pairs
        .iter()
        .map(|pair| Ok((pair.name.clone(), pair.value.fill(scope)?)))
        .collect()
}

/// One call below the store's root.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    #[serde(default = "get", deserialize_with = "http_method")]
    pub method: HttpMethod,
    pub path: Template,
    #[serde(default)]
    pub query: Vec<Pair>,
    /// A form-encoded body.
    #[serde(default)]
    pub form: Vec<Pair>,
    /// A JSON body, sent as it stands.
    #[serde(default)]
    pub json: Option<String>,
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
}

impl Call {
    /// The signed request.
    pub fn build(&self, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let root = scope.method.base_url.fill(scope)?;
        let path = self.path.fill_path(scope)?;
        let query = signature::join(&fill_pairs(&self.query, scope)?);
        let url =
            host::below(&root, &path, Some(&query)).map_err(|_| BuildError::BadUrl("the path leaves its root"))?;
        let mut request = PlatformRequest::new(self.method.clone(), url);
        let accept = HeaderValue::from_static("application/json");
        request.headers.insert(http::header::ACCEPT, accept.clone());
        if let Some(json) = &self.json {
            request.headers.insert(http::header::CONTENT_TYPE, accept);
            request.body = Bytes::from(json.clone());
        } else if !self.form.is_empty() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.insert(http::header::CONTENT_TYPE, form);
            request.body = signature::join(&fill_pairs(&self.form, scope)?).into();
        }
        set_headers(&self.headers, scope, &mut request)?;
        sign::sign_in(scope, &mut request)?;
        Ok(request)
    }
}

fn get() -> HttpMethod {
    HttpMethod::GET
}

fn http_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HttpMethod, D::Error> {
    let text = String::deserialize(deserializer)?;
    [HttpMethod::GET, HttpMethod::POST, HttpMethod::PUT, HttpMethod::DELETE]
        .into_iter()
        .find(|method| method.as_str() == text)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not GET, POST, PUT or DELETE")))
}

pub(super) fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderName, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a header's name")))
}
