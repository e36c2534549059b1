//! Reading a token answer. The standard form is read by `oauth2`; where that does not fit (other names, a number written
//! as text) every value is looked up by itself. Strictness would be a loss here: an answer that was refused for its
//! `expires_in` may hold the only refresh token that still works.

use std::collections::BTreeMap;
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::secret::Secret;
use crate::platform::answer::{judge_token, text_at};
use crate::platform::descriptor::Method;
use crate::platform::failure::Failure;
use crate::platform::transport::PlatformAnswer;
use crate::platform::values::Values;

/// JSON pointers into a token answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantNames {
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds.
    pub expires_in: String,
    /// Seconds; not part of the standard.
    pub refresh_expires_in: Option<String>,
    pub scope: String,
    pub scope_separator: String,
    pub store_id: Option<String>,
    /// Further values that later calls need.
    pub keep: BTreeMap<String, String>,
}

impl Default for GrantNames {
    fn default() -> Self {
        Self {
            access_token: "/access_token".to_owned(),
            refresh_token: "/refresh_token".to_owned(),
            expires_in: "/expires_in".to_owned(),
            refresh_expires_in: None,
            scope: "/scope".to_owned(),
            scope_separator: " ".to_owned(),
            store_id: None,
            keep: BTreeMap::new(),
        }
    }
}

/// What a platform gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `access_token`, `refresh_token` if there is one, and what the catalogue keeps.
    pub values: Values,
    /// From the moment the request was sent.
    pub access_expires_in: Option<Duration>,
    pub refresh_expires_in: Option<Duration>,
    pub scopes: Option<Vec<String>>,
    pub platform_store_id: Option<String>,
}

impl Grant {
    pub fn has_refresh_token(&self) -> bool {
        self.values.get("refresh_token").is_some()
    }
}

/// Everything beside the standard fields is read from the JSON itself.
#[derive(Debug, Serialize, Deserialize)]
struct NoMore {}

impl ExtraTokenFields for NoMore {}

struct Tokens {
    access: Secret,
    refresh: Option<Secret>,
    expires_in: Option<Duration>,
    scopes: Option<Vec<String>>,
}

pub(super) fn read(method: &Method, names: &GrantNames, answer: &PlatformAnswer) -> Result<Grant, Failure> {
    let json: Option<Value> = serde_json::from_slice(&answer.body)
        .ok()
        .filter(|_| answer.status.is_success());
    let tokens = json
        .as_ref()
        .and_then(|json| standard(names, &answer.body).or_else(|| by_name(names, json)));
    let (Some(json), Some(tokens)) = (json, tokens) else {
        return Err(judge_token(method, answer));
    };
    let mut values = Values::new().with("access_token", tokens.access);
    if let Some(refresh) = tokens.refresh {
        values.set("refresh_token", refresh);
    }
    for (name, at) in &names.keep {
        if let Some(value) = text_at(&json, at) {
            values.set(name.as_str(), value);
        }
    }
    Ok(Grant {
        values,
        access_expires_in: tokens.expires_in,
        refresh_expires_in: names.refresh_expires_in.as_ref().and_then(|at| seconds(&json, at)),
        scopes: tokens.scopes,
        platform_store_id: names.store_id.as_ref().and_then(|at| text_at(&json, at)),
    })
}

fn standard(names: &GrantNames, body: &[u8]) -> Option<Tokens> {
    let usual = GrantNames::default();
    let fits = names.access_token == usual.access_token
        && names.refresh_token == usual.refresh_token
        && names.expires_in == usual.expires_in
        && names.scope == usual.scope
        && names.scope_separator == usual.scope_separator;
    if !fits {
        return None;
    }
    let read: StandardTokenResponse<NoMore, BasicTokenType> = serde_json::from_slice(body).ok()?;
    let access = read.access_token().secret();
    (!access.is_empty()).then(|| Tokens {
        access: access.as_str().into(),
        refresh: read
            .refresh_token()
            .map(|t| t.secret().as_str())
            .filter(|t| !t.is_empty())
            .map(Secret::from),
        expires_in: read.expires_in(),
        scopes: read
            .scopes()
            .map(|all| all.iter().map(|scope| scope.to_string()).collect()),
    })
}

fn by_name(names: &GrantNames, json: &Value) -> Option<Tokens> {
    let split = |text: String| {
        text.split(names.scope_separator.as_str())
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Some(Tokens {
        access: text_at(json, &names.access_token)?.into(),
        refresh: text_at(json, &names.refresh_token).map(Secret::from),
        expires_in: seconds(json, &names.expires_in),
        scopes: text_at(json, &names.scope).map(split),
    })
}

fn seconds(json: &Value, at: &str) -> Option<Duration> {
    let seconds: f64 = text_at(json, at)?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
