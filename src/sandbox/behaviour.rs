//! What a platform's server accepts and answers, as data: one `behaviour/<slug>.toml` each, read strictly (an unknown key
//! or an unknown word is refused), so that a further plain OAuth platform is one more file. Facts come from the
//! platforms' documentation; what is only assumed stands in `assumed`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::place::Place;
use super::problem::{ErrorShape, Problem};
use super::rules::{Authorize, CallRules, ClientAuth, Hook, Install, TokenRules};
use super::settings::Grace;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/sandbox/behaviour");

/// The files are compiled in, so they are read once: some hundred regular expressions are slow to build for each server.
static READ: LazyLock<Result<Vec<Behaviour>, BehaviourError>> = LazyLock::new(Behaviour::read_all);

/// Why a behaviour file cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct BehaviourError {
    pub file: String,
    pub why: String,
}

/// A regular expression that must match the whole text.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&format!("^(?:{text})$")).map(Self)
    }
}

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// `template` with `$1` ... replaced by what `text` matched.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.0.captures(text)?;
        let mut expanded = String::new();
        captures.expand(template, &mut expanded);
        Some(expanded)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    pub slug: String,
    pub name: String,
    pub documentation: String,
    #[serde(default)]
    pub assumed: Vec<String>,
    /// Hosts (without port) that this platform answers at.
    pub hosts: Vec<Pattern>,
    /// For platforms that live on any host: the paths that tell them. Fixed hosts are looked for first.
    pub paths: Option<Pattern>,
    /// Beside the path: what else tells a platform that shares its paths with another.
    pub mark: Option<Place>,
    pub identity: Identity,
    pub quirk: Option<QuirkName>,
    #[serde(default)]
    pub accounts: Vec<ListedAccount>,
    pub clients: ClientRules,
    pub authorize: Option<Authorize>,
    pub token: Option<TokenRules>,
    /// Further token endpoints.
    #[serde(default)]
    pub more_tokens: Vec<TokenRules>,
    #[serde(default)]
    pub refresh: RefreshRules,
    #[serde(default)]
    pub call: CallRules,
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// How the platform's app store begins a connection.
    pub install: Option<Install>,
    pub hook: Option<Hook>,
    #[serde(default)]
    pub errors: BTreeMap<Problem, ErrorShape>,
    /// Where a platform has several APIs: what differs below some paths.
    #[serde(default)]
    pub errors_at: Vec<ErrorsAt>,
}

/// Shapes of errors below some paths.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorsAt {
    pub paths: Pattern,
    pub errors: BTreeMap<Problem, ErrorShape>,
}

/// Which store a request is about.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// One of `accounts`, chosen at the log-in page.
    Listed,
    /// The host of the URL.
    Host,
    /// The client or user id of the keys.
    Client,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QuirkName {
    Amazon,
    Shopify,
    Walmart,
    Woocommerce,
    Falabella,
    Alibaba,
    ClaroShop,
    Magento1,
    Magento2,
    Opencart,
    Prestashop,
    Shein,
    Temu,
    TiktokShop,
    Weebly,
    Wix,
    Odoo,
    Vtex,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedAccount {
    pub id: String,
    pub name: String,
    /// Further values that answers and callbacks can name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// OAuth clients of partners (`owner = "app"`), or the keys of stores (`owner = "account"`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRules {
    pub owner: Owner,
    #[serde(default)]
    pub demo: Vec<DemoClient>,
    /// Ids that are registered by their first use, with the secret that follows from them (`$1` = first group).
    #[serde(default)]
    pub on_first_use: Vec<FirstUse>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    App,
    Account,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoClient {
    pub id: String,
    pub secret: String,
    pub permission: Option<String>,
    /// The account whose key it is, where the call does not tell.
    pub account: Option<String>,
    pub note: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstUse {
    pub id: Pattern,
    pub secret: String,
    pub permission: Option<String>,
    /// The account whose key it is, where the call does not tell.
    pub account: Option<String>,
    pub note: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRules {
    #[serde(default)]
    pub grace: Grace,
    /// A retired refresh token ends the whole grant.
    #[serde(default)]
    pub reuse_revokes: bool,
    /// A refresh ends the earlier access token at once.
    #[serde(default)]
    pub retires_access: bool,
    /// Refresh answers carry no refresh token; the one used stays good.
    #[serde(default)]
    pub omits_token: bool,
    /// The replacement keeps the first refresh token's deadline.
    #[serde(default)]
    pub keeps_deadline: bool,
}

/// A path with an answer of its own; any other path echoes the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    pub method: String,
    pub path: Pattern,
    /// Query parameters that the request must have, beside the path.
    #[serde(default)]
    pub query: BTreeMap<String, Pattern>,
    #[serde(default)]
    pub anonymous: bool,
    /// Judged without a scope, where calls need one.
    #[serde(default)]
    pub any_scope: bool,
    #[serde(default)]
    pub effect: Effect,
    /// With `effect = "revoke_token"`: where the token stands, and how the client says who it is.
    pub token: Option<Place>,
    #[serde(default)]
    pub client_auth: Vec<ClientAuth>,
    #[serde(default = "ok")]
    pub status: u16,
    pub body: Value,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    #[default]
    None,
    /// Ends the grant of the token that was sent.
    Revoke,
    /// Ends the grant of a token, access or refresh, that is named in the request.
    RevokeToken,
}

impl Behaviour {
    pub fn parse(file: &str, text: &str) -> Result<Self, BehaviourError> {
        toml::from_str(text).map_err(|error| BehaviourError {
            file: file.to_owned(),
            why: error.to_string(),
        })
    }

    /// All that are built in, sorted by slug.
    pub fn embedded() -> Result<Vec<Self>, BehaviourError> {
        READ.clone()
    }

    fn read_all() -> Result<Vec<Self>, BehaviourError> {
        let mut all = Vec::new();
        for file in FILES.files() {
            let name = file.path().display().to_string();
            let text = file.contents_utf8().unwrap_or_default();
            all.push(Self::parse(&name, text)?);
        }
        all.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(all)
    }

    /// The token endpoint at this path.
    pub fn token_at(&self, path: &str) -> Option<&TokenRules> {
        self.token
            .iter()
            .chain(&self.more_tokens)
            .find(|rules| rules.path.matches(path))
    }

    pub fn serves_host(&self, host: &str) -> bool {
        let bare = host.split(':').next().unwrap_or_default();
        self.hosts.iter().any(|pattern| pattern.matches(bare))
    }

    /// Status, headers and body with which a problem is answered at this path.
    pub fn shape(&self, problem: Problem, path: &str) -> ErrorShape {
        let here = self.errors_at.iter().find(|at| at.paths.matches(path));
        let mut asked = Some(problem);
        while let Some(candidate) = asked {
            let own = here.and_then(|at| at.errors.get(&candidate));
            if let Some(shape) = own.or_else(|| self.errors.get(&candidate)) {
                return shape.clone();
            }
            asked = candidate.general();
        }
        let (status, code) = problem.standard();
        let body = serde_json::json!({ "error": code, "error_description": "{detail}" });
        ErrorShape {
            status,
            headers: BTreeMap::new(),
            content_type: None,
            body,
        }
    }
}

fn ok() -> u16 {
    200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_file_is_read_and_named_after_its_platform() {
        let all = Behaviour::embedded().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(all.len(), FILES.files().count());
        for behaviour in all {
            assert!(
                FILES.get_file(format!("{}.toml", behaviour.slug)).is_some(),
                "{}",
                behaviour.slug
            );
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = FILES
            .get_file("hybris.toml")
            .and_then(|file| file.contents_utf8())
            .unwrap_or_default();
        assert!(Behaviour::parse("x", text).is_ok());
        assert!(Behaviour::parse("x", &format!("surprise = 1\n{text}")).is_err());
    }
}
