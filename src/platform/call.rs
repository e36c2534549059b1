//! A call that the catalogue describes, below the store's root: the verify call, the revoke call. Built, then signed like
//! any forwarded call, so that what proves a credential is what callers will use.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method as HttpMethod};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::descriptor::{Pair, When};
use super::failure::BuildError;
use super::host;
use super::sign;
use super::signature;
use super::template::{Scope, Template, UrlTemplate};
use super::transport::{PlatformRequest, is_of_connection};

/// A header that is set on requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    #[serde(deserialize_with = "header_name")]
    pub name: HeaderName,
    /// The value that names the header, where there is one: for platforms whose header nobody has documented.
    #[serde(default)]
    pub named: Option<String>,
    #[serde(default)]
    pub value: Option<Template>,
    /// Instead of `value`: HTTP Basic of these two values; an empty name is an empty password.
    #[serde(default)]
    pub basic: Option<(String, String)>,
    #[serde(default)]
    pub when: Option<When>,
    /// Left out where one of its values is not there, or all are empty.
    #[serde(default)]
    pub optional: bool,
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
        if !holds(rule.when.as_ref(), scope)? {
            continue;
        }
        if rule.if_absent && request.headers.contains_key(&rule.name) {
            continue;
        }
        let text = match (&rule.value, &rule.basic) {
            (Some(template), _) => template.fill(scope),
            (None, Some((user, password))) => basic(scope, user, password),
            (None, None) => continue,
        };
        let text = match text {
            Err(BuildError::MissingValue(_)) if rule.optional => continue,
            Ok(text) if rule.optional && text.is_empty() => continue,
            text => text?,
        };
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| BuildError::UnsafeHeader(rule.name.as_str().to_owned()))?;
        value.set_sensitive(true);
        request.headers.insert(header_of(rule, scope)?, value);
    }
    Ok(())
}

fn header_of(rule: &HeaderRule, scope: &Scope<'_>) -> Result<HeaderName, BuildError> {
    let Some(named) = &rule.named else {
        return Ok(rule.name.clone());
    };
    match scope.get(named) {
        Ok(name) => name
            .parse()
            .ok()
            .filter(|name| !is_of_connection(name))
            .ok_or_else(|| BuildError::UnsafeValue(named.clone())),
        Err(BuildError::MissingValue(_)) => Ok(rule.name.clone()),
        Err(error) => Err(error),
    }
}

fn basic(scope: &Scope<'_>, user: &str, password: &str) -> Result<String, BuildError> {
    let password = if password.is_empty() {
        Cow::Borrowed("")
    } else {
        scope.get(password)?
    };
    Ok(signature::basic(&scope.get(user)?, &password))
}

/// Whether a condition holds; a value that is not there is none of those listed.
fn holds(when: Option<&When>, scope: &Scope<'_>) -> Result<bool, BuildError> {
    let Some(when) = when else { return Ok(true) };
    match scope.get(&when.value) {
        Ok(value) => Ok(when.is.iter().any(|listed| *listed == value)),
        Err(BuildError::MissingValue(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Names and filled values.
pub(super) fn fill_pairs(pairs: &[Pair], scope: &Scope<'_>) -> Result<Vec<(String, String)>, BuildError> {
    let mut filled = Vec::new();
    for pair in pairs {
        if !holds(pair.when.as_ref(), scope)? {
            continue;
        }
        match (pair.value.fill(scope), &pair.each) {
            (Err(BuildError::MissingValue(_)), _) if pair.optional => {}
            (Ok(list), Some(separator)) => filled.extend(
                list.split(separator.as_str())
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| (pair.name.clone(), item.to_owned())),
            ),
            (value, _) => filled.push((pair.name.clone(), value?)),
        }
    }
    Ok(filled)
}

/// Places parameters in a query: what stands there under the same name goes first, unless it is the caller's to choose.
/// The rest of the query keeps its very bytes.
pub(super) fn set_query(url: &mut Url, set: &[Pair], if_absent: &[Pair], scope: &Scope<'_>) -> Result<(), BuildError> {
    let given = |url: &Url, name: &str| {
        signature::pairs(url.query().unwrap_or_default())
            .iter()
            .any(|(known, _)| known == name)
    };
    let mut add = fill_pairs(set, scope)?;
    add.extend(
        fill_pairs(if_absent, scope)?
            .into_iter()
            .filter(|(name, _)| !given(url, name)),
    );
    if !add.is_empty() {
        let own = url.query().filter(|query| !query.is_empty());
        let query = own.map(str::to_owned).into_iter().chain([signature::join(&add)]);
        url.set_query(Some(&query.collect::<Vec<_>>().join("&")));
    }
    Ok(())
}

/// One call below the store's root.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    #[serde(default = "get", deserialize_with = "http_method")]
    pub method: HttpMethod,
    /// Instead of the store's root.
    #[serde(default)]
    pub root: Option<UrlTemplate>,
    pub path: Template,
    #[serde(default)]
    pub query: Vec<Pair>,
    /// A form-encoded body.
    #[serde(default)]
    pub form: Vec<Pair>,
    /// A JSON body, sent as it stands.
    #[serde(default)]
    pub json: Option<String>,
    /// A JSON body of texts.
    #[serde(default)]
    pub json_fields: Vec<Pair>,
    /// What it says itself authenticates it.
    #[serde(default)]
    pub unsigned: bool,
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
}

impl Call {
    /// The signed request.
    pub fn build(&self, scope: &Scope<'_>) -> Result<PlatformRequest, BuildError> {
        let root = self.root.as_ref().unwrap_or(&scope.method.base_url).fill(scope)?;
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
        } else if !self.json_fields.is_empty() {
            request.headers.insert(http::header::CONTENT_TYPE, accept);
            request.body = json_object(fill_pairs(&self.json_fields, scope)?).into();
        } else if !self.form.is_empty() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.insert(http::header::CONTENT_TYPE, form);
            request.body = signature::join(&fill_pairs(&self.form, scope)?).into();
        }
        set_headers(&self.headers, scope, &mut request)?;
        if !self.unsigned {
            sign::sign_in(scope, &mut request)?;
        }
        Ok(request)
    }
}

/// A JSON object of texts.
pub(super) fn json_object(pairs: Vec<(String, String)>) -> String {
    let object = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
    serde_json::Value::Object(object).to_string()
}

fn get() -> HttpMethod {
    HttpMethod::GET
}

pub(super) fn http_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HttpMethod, D::Error> {
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
