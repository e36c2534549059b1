//! What a case can expect, in the words of the README. All of it is optional but the comparing: `file` sees to it that a
//! case expects something that its kind looks at.

use std::collections::BTreeMap;

use llavero::domain::refresh::FailureKind;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    #[serde(default)]
    pub nothing: bool,
    pub url: Option<ExpectedUrl>,
    /// What the answer brings for the way on.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    pub request: Option<ExpectedRequest>,
    pub callback: Option<ExpectedCallback>,
    pub delivery: Option<ExpectedDelivery>,
    pub grant: Option<ExpectedGrant>,
    pub failure: Option<ExpectedFailure>,
    pub verdict: Option<Verdict>,
    pub store: Option<ExpectedStore>,
    pub shops: Option<Vec<ExpectedShop>>,
    pub install: Option<ExpectedInstall>,
    pub hook: Option<ExpectedHook>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedUrl {
    pub url: Option<String>,
    pub base: Option<String>,
    pub query: Option<BTreeMap<String, Scalar>>,
    #[serde(default)]
    pub optional: Vec<String>,
    #[serde(default)]
    pub absent: Vec<String>,
}

// The keys of `ExpectedUrl` once more: serde cannot flatten and refuse unknown keys at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRequest {
    pub method: Option<String>,
    url: Option<String>,
    base: Option<String>,
    query: Option<BTreeMap<String, Scalar>>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub absent_headers: Vec<String>,
    pub form: Option<BTreeMap<String, Scalar>>,
    pub json: Option<BTreeMap<String, Scalar>>,
    pub body: Option<String>,
    #[serde(default)]
    pub never: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedCallback {
    pub outcome: Option<Outcome>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    pub code: Option<String>,
    pub reason: Option<String>,
    #[serde(default)]
    pub any_reason: Vec<String>,
    #[serde(default)]
    pub not_refused_for: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedDelivery {
    pub outcome: Outcome,
    pub state: Option<String>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Approved,
    Denied,
    Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedGrant {
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    pub access_expires_in: Option<u64>,
    pub refresh_expires_in: Option<u64>,
    pub platform_store_id: Option<String>,
    /// Further values that are kept.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    #[serde(default)]
    pub absent: Vec<Absent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    AccessExpiresIn,
    RefreshExpiresIn,
    PlatformStoreId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFailure {
    pub kind: Option<FailureKind>,
    #[serde(default)]
    pub any_of: Vec<FailureKind>,
    pub code: Option<String>,
    pub retry_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Unauthorized,
    Unclear,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedStore {
    pub platform_store_id: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedShop {
    pub platform_store_id: String,
    pub name: Option<String>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedInstall {
    pub outcome: InstallOutcome,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// A refusal is expected, for whatever reason.
    #[serde(default, rename = "any_reason")]
    _any_reason: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallOutcome {
    Proven,
    /// Nothing proves who names the store: the merchant confirms it.
    Named,
    Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedHook {
    pub outcome: HookOutcome,
    pub platform_store_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookOutcome {
    /// The credential has ended.
    Uninstalled,
    /// The proof does not cover the store's name, so the store is asked first.
    MaybeUninstalled,
    Ignored,
    Refused,
}

/// A value that compares by its text.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Scalar {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

impl ExpectedRequest {
    pub fn address(&self) -> ExpectedUrl {
        let query = self.query.as_ref().map(|query| {
            query
                .iter()
                .map(|(name, value)| (name.clone(), Scalar::Text(value.text())))
                .collect()
        });
        ExpectedUrl {
            url: self.url.clone(),
            base: self.base.clone(),
            query,
            optional: self.optional.clone(),
            absent: self.absent.clone(),
        }
    }
}
