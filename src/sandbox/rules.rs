//! The parts of a behaviour file that tell how tokens are asked for and how calls are judged: names of parameters, who
//! the client is, what the answer says, which keys stand where, which store a call is about.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::behaviour::Pattern;
use super::call::Call;
use super::place::Place;
use super::problem::Problem;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    pub path: Pattern,
    /// Where the client's id stands, if not in the query parameter `client_id`.
    pub client: Option<Place>,
    /// Where the request names the account, if it does: approving then approves as that one.
    pub account: Option<Place>,
    /// Own names of `client_id`, `redirect_uri`, `state` and `scope`.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    #[serde(default)]
    pub redirect: Redirect,
    #[serde(default)]
    pub pkce: Pkce,
    #[serde(default)]
    pub required: Vec<String>,
    /// Shapes of parameters that must be sent.
    #[serde(default)]
    pub patterns: BTreeMap<String, Pattern>,
    #[serde(default = "ten_minutes")]
    pub code_seconds: u64,
    #[serde(default = "random")]
    pub code_format: String,
    /// Parameters of the redirect back; those without a value are left out.
    pub approved: BTreeMap<String, String>,
    pub denied: BTreeMap<String, String>,
    /// Authorizing again ends the earlier grant of the same client and account.
    #[serde(default)]
    pub replaces_grant: bool,
    /// So many grants of one client and account live at once; one more ends the oldest.
    pub most_grants: Option<usize>,
    /// A code that is sent again while it would still be good ends the grant made from it.
    #[serde(default)]
    pub reuse_revokes: bool,
    /// The page knows the app by another id than the token endpoint does.
    #[serde(default)]
    pub client_apart: bool,
}

/// Where the browser is sent back to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// The address that the request names.
    #[default]
    Sent,
    /// The address registered for the client; what the request names is only a word to repeat.
    Registered,
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
    /// The grant follows from what is sent: a code, a refresh token, a user name.
    #[serde(default)]
    pub infers_grant: bool,
    /// Own words for the standard grants.
    #[serde(default)]
    pub grant_names: BTreeMap<String, String>,
    /// Own names of standard parameters: `code`, `client_id`, `client_secret`, `redirect_uri`, `username` ...
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Grants for which the client does not say who it is.
    #[serde(default)]
    pub anonymous_grants: Vec<String>,
    /// Whether the exchange must repeat the redirect URI of the authorization.
    #[serde(default)]
    pub repeats_redirect_uri: bool,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default)]
    pub required_headers: Vec<String>,
    #[serde(default = "random")]
    pub access_format: String,
    #[serde(default = "random")]
    pub refresh_format: String,
    /// Claims of `{jwt}` in the formats.
    #[serde(default)]
    pub claims: Value,
    /// Seconds; none = no expiry.
    pub access_seconds: Option<u64>,
    pub refresh_seconds: Option<u64>,
    pub client_credentials_seconds: Option<u64>,
    /// No refresh token outlives its authorization by more than this.
    pub family_seconds: Option<u64>,
    /// Parameter and value without which the token neither expires nor can be refreshed.
    pub expires_only_with: Option<(String, String)>,
    /// Client credentials and passwords: hands the same unexpired token back.
    #[serde(default)]
    pub hands_back_unexpired: bool,
    /// Client credentials: the parameter that names the account, which must have installed the app.
    pub account_parameter: Option<String>,
    /// Refresh tokens that merchants paste, good from their first use.
    #[serde(default)]
    pub pasted: Vec<Pasted>,
    /// Codes that the platform's own pages make without sending anybody anywhere, good for one use.
    #[serde(default)]
    pub pasted_codes: Vec<Pasted>,
    /// Zone of the local times in the answer.
    #[serde(default)]
    pub utc_offset_hours: i32,
    #[serde(default = "ok")]
    pub status: u16,
    pub answer: Value,
}

/// Refresh tokens, or codes, of this shape belong to the account that follows from them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pasted {
    pub token: Pattern,
    pub account: String,
    pub note: String,
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
    /// The id alone, without a secret.
    Public,
    /// Nobody asks.
    None,
    /// The request is signed, as the quirk knows.
    Signed,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRules {
    /// Where the access token may be; the first present one counts.
    #[serde(default)]
    pub token_in: Vec<Place>,
    /// Keys that need no token.
    #[serde(default)]
    pub keys: Vec<KeyRule>,
    /// The store that a call names, and how far it must be the credential's own.
    pub account: Option<AccountRule>,
    #[serde(default)]
    pub required_headers: Vec<String>,
    #[serde(default)]
    pub headers: Vec<HeaderRule>,
    /// A header that repeats who the client is, for calls with a token.
    pub client_header: Option<ClientHeader>,
    /// Calls with a token that was given no scope are refused, but for endpoints that say otherwise.
    #[serde(default)]
    pub needs_scope: bool,
    /// Tokens that a merchant pasted; valid for every account until revoked there.
    #[serde(default)]
    pub fixed_tokens: Vec<String>,
}

/// A key of its own (`secret` alone), or an id and the secret that belongs to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRule {
    pub id: Option<Place>,
    pub secret: Place,
    /// Further keys that must be good as well.
    #[serde(default)]
    pub also: Vec<Place>,
    /// Only on these paths.
    pub paths: Option<Pattern>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRule {
    pub place: Place,
    #[serde(default)]
    pub must: AccountMust,
    /// Paths that name no store though they look like it.
    pub except: Option<Pattern>,
    /// Calls that name no store at all are refused.
    #[serde(default)]
    pub required: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AccountMust {
    /// The account of the token; keys are good for any.
    #[default]
    BeOwn,
    /// One of the listed accounts, whatever the credential.
    BeListed,
    /// Any.
    Exist,
}

impl AccountRule {
    /// The store that the call names.
    pub fn named(&self, call: &Call) -> Option<String> {
        let excepted = self.except.as_ref().is_some_and(|paths| paths.matches(&call.path));
        if excepted { None } else { self.place.read(call) }
    }
}

/// A header that must be there and look like this.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    pub name: String,
    pub pattern: Pattern,
    pub problem: Problem,
    /// Only for these methods; none = all.
    #[serde(default)]
    pub methods: Vec<String>,
}

/// `{client_id}` and `{client_secret}` in `value` are those of the token's client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientHeader {
    pub name: String,
    pub value: String,
}

/// What the platform sends a browser with that installs the app from its store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// A page of the platform's store: installing there opens the app's address. Its last segment may name the client.
    pub page: Option<Pattern>,
    pub parameters: BTreeMap<String, String>,
    /// What the app is registered for: nobody asks for scopes on this way.
    pub scope: Option<String>,
    pub note: String,
}

/// The message that tells an app that a store removed it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    #[serde(default = "post_one")]
    pub method: String,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    #[serde(default = "json_type")]
    pub content_type: String,
    /// What is signed; for tokens their claims.
    pub signed: String,
    pub signature: Signature,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// HMAC-SHA256 with the client's secret.
    Hex,
    Base64,
    /// A JWT over the claims, with the client's secret.
    JwtHs256,
    /// A JWT over the claims, with the platform's own key.
    JwtRs256,
    /// ECDSA with a key that the platform publishes, as the quirk writes it.
    PublishedKey,
}

fn ten_minutes() -> u64 {
    600
}

fn post() -> Vec<String> {
    vec![post_one()]
}

fn post_one() -> String {
    "POST".to_owned()
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn random() -> String {
    "{random}".to_owned()
}

fn ok() -> u16 {
    200
}
