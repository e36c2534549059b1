//! How connections of a platform stand in an export of Nango: its name of the provider, and where the fields of one of our
//! connect methods are found in a connection. Catalogue data, so that a platform is added without code.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::descriptor::{Method, Platform};
use super::failure::BuildError;
use super::obtain::Obtain;
use super::template::Template;
use super::values::Values;

/// Type of a connection's credentials, in Nango's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum NangoCredentials {
    #[serde(rename = "OAUTH2")]
    OAuth2,
    #[serde(rename = "API_KEY")]
    ApiKey,
    #[serde(rename = "BASIC")]
    Basic,
}

/// One kind of connection, and what it is here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NangoConnection {
    pub provider: String,
    pub credentials: NangoCredentials,
    /// Only connections with a refresh token, or only those without.
    #[serde(default)]
    pub renewable: Option<bool>,
    pub method: String,
    /// Fields of the method, filled from `api_key`, `username`, `password` and the connection's own configuration,
    /// whose names are written in snake case here.
    #[serde(default)]
    pub fields: BTreeMap<String, Template>,
}

impl NangoConnection {
    pub fn is_of(&self, provider: &str, credentials: NangoCredentials, renewable: bool) -> bool {
        self.provider == provider
            && self.credentials == credentials
            && self.renewable.is_none_or(|wanted| wanted == renewable)
    }

    /// The method's fields from what a connection holds; a field that may be left empty is left out where nothing is held
    /// for it. `MissingValue`: it lacks one.
    pub fn fields(&self, method: &Method, held: &Values) -> Result<Values, BuildError> {
        let mut filled = Values::new();
        for (name, template) in &self.fields {
            let optional = method
                .field(name)
                .is_some_and(|field| !field.required || field.default.is_some());
            match template.fill_from(held) {
                Err(BuildError::MissingValue(_)) if optional => {}
                value => filled.set(name.as_str(), value?),
            }
        }
        Ok(filled)
    }
}

/// What cannot be meant, with its key.
pub(super) fn faults(platform: &Platform) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (at, connection) in platform.nango.iter().enumerate() {
        let mut fault = |key: &str, message: String| faults.push((format!("nango[{at}].{key}"), message));
        let twice = platform.nango[..at].iter().any(|other| {
            other.provider == connection.provider
                && other.credentials == connection.credentials
                && (other.renewable.is_none() || other.renewable == connection.renewable)
        });
        if twice {
            fault("provider", "an earlier entry takes the same connections".to_owned());
        }
        let Some(method) = platform.method(&connection.method) else {
            fault(
                "method",
                format!("`{}` is no method of this platform", connection.method),
            );
            continue;
        };
        let by_tokens = connection.credentials == NangoCredentials::OAuth2;
        if by_tokens && !(method.importable && matches!(method.obtain, Obtain::Code(_))) {
            fault("method", "tokens cannot be brought to it".to_owned());
        }
        for name in connection.fields.keys().filter(|name| !takes(method, name)) {
            fault(&format!("fields.{name}"), "no field of the method".to_owned());
        }
        for field in &method.fields {
            if field.required && field.default.is_none() && !connection.fields.contains_key(&field.name) {
                fault("fields", format!("`{}` is needed by the method", field.name));
            }
        }
    }
    faults
}

fn takes(method: &Method, name: &str) -> bool {
    method.field(name).is_some() || method.imports().any(|(import, ..)| import == name)
}
