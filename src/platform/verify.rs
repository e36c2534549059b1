//! The verify call: a harmless read that tells whether a credential works, and which store it belongs to. Its answer
//! decides over life and death of keys that cannot be refreshed, so success needs more than a status.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::answer::{self, found_at};
use super::call::Call;
use super::descriptor::Method;
use super::failure::{BuildError, Failure};
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
    /// The shops that one authorization covers.
    #[serde(default)]
    pub shops: Option<Shops>,
    /// JSON pointers that a good answer has, whatever its status.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Statuses of refusals that only an accepted credential gets, such as one for a missing scope.
    #[serde(default)]
    pub accepted_by: Vec<u16>,
    /// A list in the answer must hold a value that was typed.
    #[serde(default)]
    pub lists: Option<Lists>,
    #[serde(default)]
    pub store_id: Option<String>,
    #[serde(default)]
    pub store_name: Option<String>,
    #[serde(default)]
    pub store_url: Option<String>,
    /// The store's address where the answer does not tell.
    #[serde(default)]
    pub url: Option<Template>,
}

/// A list of shops in the answer; pointers below `at` are relative to each of its items.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shops {
    pub at: String,
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    /// Values of the shop that its calls need.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

impl Shops {
    fn read(&self, body: &serde_json::Value) -> Vec<Shop> {
        let plain = |text: &String| !text.chars().any(char::is_control);
        let shop = |item: &serde_json::Value| {
            let kept = self.keep.iter();
            Some(Shop {
                platform_store_id: answer::text_at(item, &self.id).filter(plain)?,
                name: self
                    .name
                    .as_ref()
                    .and_then(|at| answer::text_at(item, at))
                    .filter(plain),
                values: kept
                    .filter_map(|(name, at)| Some((name.clone(), answer::text_at(item, at).filter(plain)?)))
                    .collect(),
            })
        };
        found_at(body, &self.at).into_iter().filter_map(shop).collect()
    }
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
    pub at: String,
    pub value: Template,
    /// Our code for its absence.
    pub code: String,
}

/// What the verify call told about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFacts {
    pub platform_store_id: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
    /// All shops that the authorization covers, where the platform lists them.
    pub shops: Vec<Shop>,
}

/// The verify call, signed; `None` where the platform has no harmless read.
pub fn request(method: &Method, values: &Values, moment: &SignMoment) -> Result<Option<PlatformRequest>, BuildError> {
    let call = method.verify.call.as_ref();
    call.map(|call| call.build(&Scope::new(method, values, moment)))
        .transpose()
}

/// What the answer tells. `Dead` only where the platform documents it as the end of these credentials; an access token
/// that can be renewed must be fresh, for many platforms let an expired one look like a revoked one.
pub fn read(method: &Method, answer: &PlatformAnswer, values: &Values) -> Result<StoreFacts, Failure> {
    let verify = &method.verify;
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let good = answer.status.is_success()
        && body.as_ref().is_some_and(|b| {
            verify
                .needs
                .iter()
                .all(|at| found_at(b, at).iter().any(|v| !v.is_null()))
        });
    let scope = Scope::timeless(method, values);
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
    if let Some(lists) = &verify.lists
        && let Some(wanted) = filled(&lists.value)?
        && !found_at(&body, &lists.at)
            .iter()
            .any(|v| v.as_str() == Some(wanted.as_str()))
    {
        return Err(Failure::unknown(format!("the answer does not list {}", lists.code)).with_code(&lists.code));
    }
    // What a shop calls itself may hold anything; a name with control characters is none.
    let plain = |text: &String| !text.chars().any(char::is_control);
    let text = |at: &Option<String>| at.as_ref().and_then(|at| answer::text_at(&body, at)).filter(plain);
    let platform_store_id = match &method.identity_template {
        Some(template) => filled(template)?,
        None => text(&verify.store_id),
    };
    let url = text(&verify.store_url).or_else(|| verify.url.as_ref().and_then(|t| t.fill(&scope).ok()));
    let shops = verify.shops.as_ref().map(|shops| shops.read(&body)).unwrap_or_default();
    let own = |shop: &&Shop| Some(&shop.platform_store_id) == platform_store_id.as_ref();
    let own_name = shops.iter().find(own).and_then(|shop| shop.name.clone());
    Ok(StoreFacts {
        name: text(&verify.store_name).or(own_name),
        platform_store_id,
        url,
        shops,
    })
}
