//! What a platform allows of its token endpoint, and of whom it is counted. A limit that is kept here is one that a
//! platform's documentation, or those who met it, name: going over it costs more than waiting.

use std::time::Duration;

use serde::Deserialize;

use super::descriptor::duration;

/// Calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLimit {
    pub calls: u32,
    #[serde(deserialize_with = "duration")]
    pub within: Duration,
    #[serde(default)]
    pub per: CountedBy,
    /// Exchanges of codes, where they are counted apart: so many in the same time.
    #[serde(default)]
    pub exchanges: Option<u32>,
}

/// Whose calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// All that come from here: the platform counts by network address.
    #[default]
    Address,
    /// Those of one OAuth client of the app's.
    Client,
    /// Those of one grant.
    Grant,
}

impl CountedBy {
    /// As the catalogue writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Client => "client",
            Self::Grant => "grant",
        }
    }
}
