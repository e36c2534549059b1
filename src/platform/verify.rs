//! The verify call: a harmless read that tells whether a credential works, and which store it belongs to. Its answer
//! decides over life and death of keys that cannot be refreshed, so success needs more than a status.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::answer::{self, found_at};
use super::call::Call;
use super::descriptor::Method;
use super::failure::{BuildError, Failure};
use super::field::Pattern;
use super::obtain::{self, Pointers};
use super::sign::SignMoment;
use super::template::{Scope, Template};
use super::transport::{PlatformAnswer, PlatformRequest};
use super::values::Values;

/// What to ask, and where the answer holds what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Without it the token call itself is the proof.
    #[serde(default)]
    pub call: Option<Call>,
    /// Asked where the first call's path is not found: editions and releases differ.
    #[serde(default)]
    pub otherwise: Option<Call>,
    /// A value that must not be made up: with another one in its place the call must fail, or else the answer is one that
    /// anybody gets.
    #[serde(default)]
    pub proves: Option<String>,
    /// The shops that one authorization covers.
    #[serde(default)]
    pub shops: Option<Shops>,
    /// JSON pointers that a good answer has, whatever its status; of several in one place, one will do.
    #[serde(default)]
    pub needs: Vec<Pointers>,
    /// A value that is one more such pointer, where the path of the call is a value as well.
    #[serde(default)]
    pub needs_at: Option<String>,
    /// JSON pointers that only a failure has, whatever its status.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Statuses of refusals that only an accepted credential gets, such as one for a missing scope.
    #[serde(default)]
    pub accepted_by: Vec<u16>,
    /// A list in the answer must hold a value that was typed.
    #[serde(default)]
    pub lists: Option<Lists>,
    /// What else the answer must say.
    #[serde(default)]
    pub says: Vec<Lists>,
    #[serde(default)]
    pub store_id: Option<Pointers>,
    #[serde(default)]
    pub store_name: Option<Pointers>,
    #[serde(default)]
    pub store_url: Option<Pointers>,
    /// The store's address where the answer does not tell.
    #[serde(default)]
    pub url: Option<Template>,
    /// When keys that were given end, in Unix seconds: a JSON pointer into the answer, or `jwt:` and one into the claims
    /// of the access token.
    #[serde(default)]
    pub ends: Option<String>,
}

/// A list of shops in the answer; pointers below `at` are relative to each of its items.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shops {
    pub at: String,
    pub id: String,
    /// Whose they are, where many sellers have a shop of the same id: comes before the id, with a slash between.
    #[serde(default)]
    pub of: Option<Template>,
    /// Items that are no shops lack one of these.
    #[serde(default)]
    pub only: Vec<Only>,
    #[serde(default)]
    pub name: Option<String>,
    /// What together tells shops apart that have no name.
    #[serde(default)]
    pub called: Vec<String>,
    /// Values of the shop that its calls need.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// What stands at a pointer, truth values included.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    pub at: String,
    pub pattern: Pattern,
}

impl Only {
    fn holds(&self, item: &serde_json::Value) -> bool {
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            other => answer::as_text(other),
        };
        let mut texts = found_at(item, &self.at).into_iter().filter_map(text);
        texts.any(|text| self.pattern.is_match(&text))
    }
}

impl Shops {
    fn read(&self, body: &serde_json::Value, scope: &Scope<'_>) -> Result<Vec<Shop>, BuildError> {
        let of = self.of.as_ref().map(|of| of.fill(scope)).transpose()?;
        let plain = |text: &String| !text.chars().any(char::is_control);
        let called = |item: &serde_json::Value| {
            let texts: Vec<_> = self.called.iter().filter_map(|at| answer::text_at(item, at)).collect();
            (!texts.is_empty()).then(|| texts.join(" "))
        };
        let shop = |item: &serde_json::Value| {
            let kept = self.keep.iter();
            let id = answer::text_at(item, &self.id).filter(plain)?;
            Some(Shop {
                platform_store_id: of.as_ref().map_or_else(|| id.clone(), |of| format!("{of}/{id}")),
                name: self
                    .name
                    .as_ref()
                    .and_then(|at| answer::text_at(item, at))
                    .or_else(|| called(item))
                    .filter(plain),
                values: kept
                    .filter_map(|(name, at)| Some((name.clone(), answer::text_at(item, at).filter(plain)?)))
                    .collect(),
            })
        };
        let items = found_at(body, &self.at).into_iter();
        let items = items.filter(|item| self.only.iter().all(|only| only.holds(item)));
        Ok(items.filter_map(shop).collect())
    }
}

/// The address of one shop of several, where it follows from its values.
pub fn url_of(method: &Method, values: &Values) -> Option<String> {
    let template = method.verify.url.as_ref()?;
    template.fill(&Scope::timeless(method, values)).ok()
}

/// One shop of an authorization that covers several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    pub platform_store_id: String,
    pub name: Option<String>,
    /// What its calls need beside the credential that all share.
    pub values: Values,
}

/// Where a list stands, and what must be in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    pub at: Pointers,
    /// What stands there is a JWT, and this points into its claims.
    #[serde(default)]
    pub claim: Option<String>,
    pub value: Template,
    /// Our code for its absence.
    pub code: String,
}

impl Lists {
    fn hold(&self, body: &serde_json::Value, wanted: &str) -> bool {
        let found = self.at.all().iter().flat_map(|at| found_at(body, at));
        let mut texts = found.filter_map(answer::as_text);
        match &self.claim {
            None => texts.any(|text| text == wanted),
            Some(at) => texts
                .filter_map(|jwt| obtain::claims(&jwt))
                .any(|claims| answer::text_at(&claims, at).as_deref() == Some(wanted)),
        }
    }
}

/// What the verify call told about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFacts {
    pub platform_store_id: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
    /// All shops that the authorization covers, where the platform lists them.
    pub shops: Vec<Shop>,
    /// When the credential itself says that it ends.
    pub ends_at: Option<DateTime<Utc>>,
}

/// The verify call, signed; `None` where the platform has no harmless read.
pub fn request(method: &Method, values: &Values, moment: &SignMoment) -> Result<Option<PlatformRequest>, BuildError> {
    let call = method.verify.call.as_ref();
    call.map(|call| call.build(&Scope::new(method, values, moment)))
        .transpose()
}

/// What to ask instead after an answer to `request` that tells of no such path.
pub fn otherwise(
    method: &Method,
    values: &Values,
    moment: &SignMoment,
    answer: &PlatformAnswer,
) -> Result<Option<PlatformRequest>, BuildError> {
    let call = method.verify.otherwise.as_ref();
    call.filter(|_| answer.status == http::StatusCode::NOT_FOUND)
        .map(|call| call.build(&Scope::new(method, values, moment)))
        .transpose()
}

/// The verify call with one value made up, which must not succeed; `None` where such an answer would prove nothing new.
pub fn counterproof(
    method: &Method,
    values: &Values,
    moment: &SignMoment,
) -> Result<Option<PlatformRequest>, BuildError> {
    let Some(name) = &method.verify.proves else {
        return Ok(None);
    };
    // Of the same length and alphabet, so that it is looked up like a real one.
    let turned = |c: char| match c {
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(u32::from(c) + 1).unwrap_or(c),
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        other => other,
    };
    let value = values.get(name).ok_or_else(|| BuildError::MissingValue(name.clone()))?;
    let made_up: String = value.chars().map(turned).collect();
    request(method, &Values::new().with(name.as_str(), made_up).over(values), moment)
}

/// What the answer tells. `Dead` only where the platform documents it as the end of these credentials; an access token
/// that can be renewed must be fresh, for many platforms let an expired one look like a revoked one.
pub fn read(method: &Method, answer: &PlatformAnswer, values: &Values) -> Result<StoreFacts, Failure> {
    let verify = &method.verify;
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let scope = Scope::timeless(method, values);
    let named = verify.needs_at.as_ref().map(|name| scope.get(name)).transpose();
    let named = named.map_err(|error| Failure::unknown(error.to_string()))?;
    let good = answer.status.is_success()
        && body.as_ref().is_some_and(|body| {
            let has = |at: &String| found_at(body, at).iter().any(|value| !value.is_null());
            let needed = |either: &Pointers| either.all().iter().any(has);
            let named = named.iter().all(|at| has(&at.as_ref().to_owned()));
            named && verify.needs.iter().all(needed) && !verify.lacks.iter().any(has)
        });
    let body = match body {
        Some(body) if good => body,
        // Nothing of a refusal is read: what it says is not about the store.
        Some(_) if verify.accepted_by.contains(&answer.status.as_u16()) => serde_json::Value::Null,
        _ => return Err(answer::judge(method, &method.answer.verify, answer)),
    };
    let filled = |template: &Template| match template.fill(&scope) {
        Ok(text) => Ok(Some(text)),
        // Which of the shops it is has yet to be said.
        Err(BuildError::MissingValue(_)) if verify.shops.is_some() => Ok(None),
        Err(error) => Err(Failure::unknown(error.to_string())),
    };
    for lists in verify.lists.iter().chain(&verify.says) {
        if let Some(wanted) = filled(&lists.value)?
            && !lists.hold(&body, &wanted)
        {
            return Err(Failure::unknown(format!("the answer does not list {}", lists.code)).with_code(&lists.code));
        }
    }
    // What a shop calls itself may hold anything; a name with control characters is none.
    let plain = |text: &String| !text.chars().any(char::is_control);
    let text = |at: &Option<Pointers>| {
        let mut all = at.iter().flat_map(Pointers::all);
        all.find_map(|at| answer::text_at(&body, at)).filter(plain)
    };
    let platform_store_id = match &method.identity_template {
        Some(template) => filled(template)?,
        None => text(&verify.store_id),
    };
    let url = text(&verify.store_url).or_else(|| verify.url.as_ref().and_then(|t| t.fill(&scope).ok()));
    let shops = verify.shops.as_ref().map(|shops| shops.read(&body, &scope)).transpose();
    let shops = shops
        .map_err(|error| Failure::unknown(error.to_string()))?
        .unwrap_or_default();
    let own = |shop: &&Shop| Some(&shop.platform_store_id) == platform_store_id.as_ref();
    let own_name = shops.iter().find(own).and_then(|shop| shop.name.clone());
    Ok(StoreFacts {
        name: text(&verify.store_name).or(own_name),
        platform_store_id,
        url,
        shops,
        ends_at: verify.ends.as_ref().and_then(|at| ends_at(at, &body, values)),
    })
}

/// A point in Unix seconds; zero, and what is no time, tells of no end.
fn ends_at(at: &str, body: &serde_json::Value, values: &Values) -> Option<DateTime<Utc>> {
    let text = match at.strip_prefix("jwt:") {
        Some(at) => answer::text_at(&obtain::claims(values.get("access_token")?)?, at)?,
        None => answer::text_at(body, at)?,
    };
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| *seconds >= 1.0)?;
    DateTime::from_timestamp(seconds as i64, 0)
}
