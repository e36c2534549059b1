//! Bodies and queries of the control API. All are strict: an unknown member is refused, since a mistyped order that
//! silently does nothing makes a test pass for the wrong reason.

use serde::Deserialize;

use super::fault::Fault;
use super::settings::Settings;

/// A platform, or one store of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub platform: String,
    pub store: Option<String>,
}

/// A narrowing of a listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    pub platform: Option<String>,
    pub store: Option<String>,
    /// Log entries with a greater number.
    pub after: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFaults {
    pub platform: String,
    pub store: Option<String>,
    #[serde(default = "once")]
    pub times: u64,
    pub fault: Fault,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    pub platform: String,
    pub store: Option<String>,
    pub settings: Settings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterClient {
    pub platform: String,
    pub id: String,
    pub secrets: Vec<String>,
    pub redirect_uris: Option<Vec<String>>,
    /// The account whose key this is.
    pub store: Option<String>,
    pub permission: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    pub platform: String,
    pub id: String,
    pub secret: String,
    /// The earlier secrets stay good beside the new one.
    #[serde(default)]
    pub keep: bool,
    /// All grants of this client end.
    #[serde(default)]
    pub end_grants: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisableClient {
    pub platform: String,
    pub id: String,
    #[serde(default = "yes")]
    pub disabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    pub seconds: i64,
}

fn once() -> u64 {
    1
}

fn yes() -> bool {
    true
}
