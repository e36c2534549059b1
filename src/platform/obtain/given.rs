//! Keys that need no exchange: typed in a form, or handed over. For the latter the browser visits a page of the store,
//! the store's SERVER posts the keys to us, and only then the browser returns. That post is not signed: its state, which
//! nobody can guess, is all that ties it to a session.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::{CallbackAnswer, CallbackRefusal, once};
use crate::platform::answer::text_at;
use crate::platform::call::fill_pairs;
use crate::platform::descriptor::Pair;
use crate::platform::failure::BuildError;
use crate::platform::signature;
use crate::platform::template::{Scope, UrlTemplate};
use crate::platform::values::Values;

/// Keys as they are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The page of the store that hands the keys over; without it they are typed.
    #[serde(default)]
    pub page: Option<Page>,
}

/// A page of the store where the merchant agrees to hand keys over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    pub url: UrlTemplate,
    pub query: Vec<Pair>,
    /// The callback's parameter that brings our state back.
    pub state_parameter: String,
    /// The callback's parameter that tells the outcome, and its value for yes.
    pub outcome_parameter: String,
    pub approved: String,
    /// JSON pointer to our state in the delivery.
    pub delivered_state: String,
    /// Values in the delivery, by JSON pointer.
    pub delivered: BTreeMap<String, String>,
}

impl Page {
    pub(super) fn url(&self, scope: &Scope<'_>) -> Result<Url, BuildError> {
        let mut url = self.url.fill(scope)?;
        url.set_query(Some(&signature::join(&fill_pairs(&self.query, scope)?)));
        Ok(url)
    }

    pub(super) fn read_callback(&self, raw_query: &str) -> Result<CallbackAnswer, CallbackRefusal> {
        let outcome = once(&signature::pairs(raw_query), &self.outcome_parameter)?;
        Ok(if outcome == self.approved {
            CallbackAnswer::Approved(Values::new())
        } else {
            CallbackAnswer::Denied {
                code: "access_denied".to_owned(),
                description: None,
            }
        })
    }

    pub(super) fn read_delivery(&self, body: &[u8]) -> Result<(String, Values), CallbackRefusal> {
        let missing = |name: &str| CallbackRefusal::MissingParameter(name.to_owned());
        let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| missing("state"))?;
        let state = text_at(&json, &self.delivered_state).ok_or_else(|| missing("state"))?;
        let mut values = Values::new();
        for (name, at) in &self.delivered {
            let value = text_at(&json, at)
                .filter(|v| !v.chars().any(char::is_control))
                .ok_or_else(|| missing(name))?;
            values.set(name.as_str(), value);
        }
        Ok((state, values))
    }
}
