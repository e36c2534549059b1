//! Reading a token answer. The standard form is read by `oauth2`; where that does not fit (other names, a number written
//! as text) every value is looked up by itself. Strictness would be a loss here: an answer that was refused for its
//! `expires_in` may hold the only refresh token that still works.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use oauth2::basic::BasicTokenType;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::secret::Secret;
use crate::platform::answer::{judge_token, text_at};
use crate::platform::descriptor::Method;
use crate::platform::failure::Failure;
use crate::platform::field::Pattern;
use crate::platform::transport::PlatformAnswer;
use crate::platform::values::Values;

/// JSON pointers into a token answer. `jwt:` before one leads into the claims of the access token, `epoch:` says that the
/// end of a life stands there in Unix seconds, whatever the unit of the others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantNames {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in: Pointers,
    pub expires_unit: Unit,
    /// Not part of the standard.
    pub refresh_expires_in: Option<String>,
    pub refresh_expires_unit: Unit,
    pub scope: String,
    pub scope_separator: String,
    pub store_id: Option<Kept>,
    /// When refreshing, too, comes to an end: in seconds.
    pub authorization_expires_in: Option<String>,
    /// Further values that later calls need.
    pub keep: BTreeMap<String, Kept>,
}

/// JSON pointers, of which the first that leads somewhere counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Pointers {
    One(String),
    Several(Vec<String>),
}

impl Pointers {
    pub(in crate::platform) fn all(&self) -> &[String] {
        match self {
            Self::One(at) => std::slice::from_ref(at),
            Self::Several(all) => all,
        }
    }
}

/// How the end of a life is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// How long it lasts.
    #[default]
    Seconds,
    /// The point in time, with or without a fraction.
    EpochSeconds,
    EpochMillis,
    Rfc3339,
}

/// Where a value stands that is kept, and what of it: the pattern's first group.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Spelled")]
pub struct Kept {
    at: Pointers,
    pattern: Option<Pattern>,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.pattern.as_ref().map(Pattern::as_str) == other.pattern.as_ref().map(Pattern::as_str)
    }
}

impl Eq for Kept {}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    At(Pointers),
    Part { at: Pointers, pattern: Pattern },
}

impl From<Spelled> for Kept {
    fn from(spelled: Spelled) -> Self {
        match spelled {
            Spelled::At(at) => Self { at, pattern: None },
            Spelled::Part { at, pattern } => Self {
                at,
                pattern: Some(pattern),
            },
        }
    }
}

impl Kept {
    fn find(&self, found: &Found<'_>) -> Option<String> {
        let text = found.first(&self.at)?;
        match &self.pattern {
            Some(pattern) => pattern.first_group(&text),
            None => Some(text),
        }
    }
}

/// A token answer, and the claims of its access token where that is a JWT. Claims are read, never believed: they only
/// tell what the platform's own answer leaves out.
struct Found<'a> {
    json: &'a Value,
    claims: Option<Value>,
}

impl<'a> Found<'a> {
    fn new(json: &'a Value, access_token: &str) -> Self {
        Self {
            json,
            claims: claims(access_token),
        }
    }

    /// A JSON pointer into the answer, or `jwt:` and one into the claims.
    fn text(&self, at: &str) -> Option<String> {
        match at.strip_prefix("jwt:") {
            Some(at) => text_at(self.claims.as_ref()?, at),
            None => text_at(self.json, at),
        }
    }

    /// The first of several.
    fn first(&self, at: &Pointers) -> Option<String> {
        at.all().iter().find_map(|at| self.text(at))
    }

    fn life(&self, at: &str, unit: Unit, now: DateTime<Utc>) -> Option<Duration> {
        let (at, unit) = match at.strip_prefix("epoch:") {
            Some(at) => (at, Unit::EpochSeconds),
            None => (at, unit),
        };
        let text = self.text(at)?;
        let text = text.trim();
        let number = || text.parse::<f64>().ok();
        let until =
            |end: f64| Duration::try_from_secs_f64((end - now.timestamp_millis() as f64 / 1000.0).max(0.0)).ok();
        match unit {
            // A JWT's claim is always a point in time.
            Unit::Seconds if !at.starts_with("jwt:") => Duration::try_from_secs_f64(number()?).ok(),
            Unit::Seconds | Unit::EpochSeconds => until(number()?),
            Unit::EpochMillis => until(number()? / 1000.0),
            Unit::Rfc3339 => {
                let end = DateTime::parse_from_rfc3339(text).ok()?;
                Some((end.to_utc() - now).to_std().unwrap_or_default())
            }
        }
    }
}

/// What a JWT says. Nobody checks its signature here: it comes straight from the platform.
pub(in crate::platform) fn claims(jwt: &str) -> Option<Value> {
    let payload = jwt.split('.').nth(1)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl Default for GrantNames {
    fn default() -> Self {
        Self {
            access_token: "/access_token".to_owned(),
            refresh_token: "/refresh_token".to_owned(),
            expires_in: Pointers::One("/expires_in".to_owned()),
            expires_unit: Unit::Seconds,
            refresh_expires_in: None,
            refresh_expires_unit: Unit::Seconds,
            scope: "/scope".to_owned(),
            scope_separator: " ".to_owned(),
            store_id: None,
            authorization_expires_in: None,
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
    /// How long refreshing goes on working, however often it is done.
    pub authorization_expires_in: Option<Duration>,
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

pub(super) fn read(
    method: &Method,
    names: &GrantNames,
    answer: &PlatformAnswer,
    now: DateTime<Utc>,
) -> Result<Grant, Failure> {
    let json: Option<Value> = serde_json::from_slice(&answer.body)
        .ok()
        .filter(|_| answer.status.is_success());
    let tokens = json
        .as_ref()
        .and_then(|json| standard(names, &answer.body).or_else(|| by_name(names, json, now)));
    let (Some(json), Some(tokens)) = (json, tokens) else {
        return Err(judge_token(method, answer));
    };
    let found = Found::new(&json, tokens.access.expose());
    let refresh_life = names.refresh_expires_in.as_ref();
    let refresh_life = refresh_life.and_then(|at| found.life(at, names.refresh_expires_unit, now));
    let mut values = Values::new();
    // A refresh token that ends as it begins is none.
    if let Some(refresh) = tokens.refresh.filter(|_| refresh_life != Some(Duration::ZERO)) {
        values.set("refresh_token", refresh);
    }
    for (name, kept) in &names.keep {
        let Some(value) = kept.find(&found) else { continue };
        // One that may not be used is left out, and what was kept before stays: the tokens beside it are not to be lost.
        match method.arriving.get(name).map(|check| check.check(&value)) {
            None => values.set(name.as_str(), value),
            Some(Some(checked)) => values.set(name.as_str(), checked),
            Some(None) => {}
        }
    }
    let platform_store_id = names.store_id.as_ref().and_then(|kept| kept.find(&found));
    let authorization = names.authorization_expires_in.as_ref();
    let authorization_expires_in = authorization.and_then(|at| found.life(at, Unit::Seconds, now));
    values.set("access_token", tokens.access);
    Ok(Grant {
        values,
        access_expires_in: tokens.expires_in,
        refresh_expires_in: refresh_life.filter(|life| *life != Duration::ZERO),
        scopes: tokens.scopes,
        platform_store_id,
        authorization_expires_in,
    })
}

fn standard(names: &GrantNames, body: &[u8]) -> Option<Tokens> {
    let usual = GrantNames::default();
    let fits = names.access_token == usual.access_token
        && names.refresh_token == usual.refresh_token
        && names.expires_in == usual.expires_in
        && names.expires_unit == usual.expires_unit
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

fn by_name(names: &GrantNames, json: &Value, now: DateTime<Utc>) -> Option<Tokens> {
    let split = |text: String| {
        text.split(names.scope_separator.as_str())
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let access = text_at(json, &names.access_token)?;
    let found = Found::new(json, &access);
    let mut ends = names.expires_in.all().iter();
    Some(Tokens {
        refresh: text_at(json, &names.refresh_token).map(Secret::from),
        expires_in: ends.find_map(|at| found.life(at, names.expires_unit, now)),
        scopes: text_at(json, &names.scope).map(split),
        access: access.into(),
    })
}
