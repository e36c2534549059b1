//! What a platform's server accepts and answers, as data: one `behaviour/<slug>.toml` each, read strictly (an unknown key
//! or an unknown word is refused), so that a further plain OAuth platform is one more file. Facts come from the
//! platforms' documentation; what is only assumed stands in `assumed`.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::problem::{ErrorShape, Problem};
use super::settings::Grace;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/sandbox/behaviour");

/// Why a behaviour file cannot be used.
#[derive(Debug, thiserror::Error)]
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
    pub identity: Identity,
    pub quirk: Option<QuirkName>,
    #[serde(default)]
    pub accounts: Vec<ListedAccount>,
    pub clients: ClientRules,
    pub authorize: Option<Authorize>,
    pub token: Option<TokenRules>,
    #[serde(default)]
    pub refresh: RefreshRules,
    #[serde(default)]
    pub call: CallRules,
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    #[serde(default)]
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
    Shopify,
    Walmart,
    Woocommerce,
    Falabella,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedAccount {
    pub id: String,
    pub name: String,
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
    pub note: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstUse {
    pub id: Pattern,
    pub secret: String,
    pub permission: Option<String>,
    pub note: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    pub path: Pattern,
    #[serde(default)]
    pub pkce: Pkce,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default = "ten_minutes")]
    pub code_seconds: u64,
    /// Parameters of the redirect back; those without a value are left out.
    pub approved: BTreeMap<String, String>,
    pub denied: BTreeMap<String, String>,
    /// Authorizing again ends the earlier grant of the same client and account.
    #[serde(default)]
    pub replaces_grant: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    #[default]
    None,
    /// Checked when a challenge was sent.
    Supported,
    Required,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRules {
    pub path: Pattern,
    #[serde(default = "post")]
    pub methods: Vec<String>,
    pub encodings: Vec<Encoding>,
    pub client_auth: Vec<ClientAuth>,
    pub grants: Vec<String>,
    /// The grant meant by a request that names none.
    pub default_grant: Option<String>,
    /// Whether the exchange must repeat the redirect URI of the authorization.
    #[serde(default)]
    pub repeats_redirect_uri: bool,
    #[serde(default)]
    pub required_headers: Vec<String>,
    #[serde(default = "random")]
    pub access_format: String,
    #[serde(default = "random")]
    pub refresh_format: String,
    /// Seconds; none = no expiry.
    pub access_seconds: Option<u64>,
    pub refresh_seconds: Option<u64>,
    pub client_credentials_seconds: Option<u64>,
    /// Parameter and value without which the token neither expires nor can be refreshed.
    pub expires_only_with: Option<(String, String)>,
    /// Client credentials: hands the same unexpired token back.
    #[serde(default)]
    pub hands_back_unexpired: bool,
    pub answer: Value,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    Form,
    Json,
    Query,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    Body,
    Basic,
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
    /// The replacement keeps the first refresh token's deadline.
    #[serde(default)]
    pub keeps_deadline: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRules {
    /// Where the access token may be; the first present one counts.
    #[serde(default)]
    pub token_in: Vec<TokenPlace>,
    #[serde(default)]
    pub required_headers: Vec<String>,
    /// Tokens that a merchant pasted; valid for every account until revoked there.
    #[serde(default)]
    pub fixed_tokens: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenPlace {
    Header(String),
    /// A header whose value begins with `Bearer `.
    BearerHeader(String),
    Query(String),
}

/// A path with an answer of its own; any other path echoes the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    pub method: String,
    pub path: Pattern,
    #[serde(default)]
    pub anonymous: bool,
    #[serde(default)]
    pub effect: Effect,
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
        let mut all = Vec::new();
        for file in FILES.files() {
            let name = file.path().display().to_string();
            let text = file.contents_utf8().unwrap_or_default();
            all.push(Self::parse(&name, text)?);
        }
        all.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(all)
    }

    pub fn serves_host(&self, host: &str) -> bool {
        let bare = host.split(':').next().unwrap_or_default();
        self.hosts.iter().any(|pattern| pattern.matches(bare))
    }

    /// Status, headers and body with which a problem is answered here.
    pub fn shape(&self, problem: Problem) -> ErrorShape {
        let mut asked = Some(problem);
        while let Some(candidate) = asked {
            if let Some(shape) = self.errors.get(&candidate) {
                return shape.clone();
            }
            asked = candidate.general();
        }
        let (status, code) = problem.standard();
        let body = serde_json::json!({ "error": code, "error_description": "{detail}" });
        ErrorShape {
            status,
            headers: BTreeMap::new(),
            body,
        }
    }
}

fn ten_minutes() -> u64 {
    600
}

fn post() -> Vec<String> {
    vec!["POST".to_owned()]
}

fn random() -> String {
    "{random}".to_owned()
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
