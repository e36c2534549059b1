//! How long what a platform gives lives. A life that no documentation tells counts as a careful guess, and is marked, so
//! that nobody takes the guess for a fact.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::descriptor::parse_duration;

/// A life of unknown length counts as this.
const UNKNOWN_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long tokens live where an answer does not tell. `None`: no expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Lifetimes {
    pub access: Option<Duration>,
    pub refresh: Option<Duration>,
    /// Whether a refresh moves the refresh token's deadline.
    pub refresh_moves: bool,
    /// When refreshing, too, comes to an end, counted from the consent. `None`: nothing is known of one.
    pub authorization: Option<Duration>,
    /// `access` is a guess.
    pub access_unknown: bool,
    /// `refresh` is a guess.
    pub refresh_unknown: bool,
}

/// As it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    access: Life,
    refresh: Life,
    #[serde(default)]
    refresh_moves: bool,
    #[serde(default)]
    authorization: Option<Life>,
}

impl From<Written> for Lifetimes {
    fn from(written: Written) -> Self {
        Self {
            access: written.access.length(),
            refresh: written.refresh.length(),
            refresh_moves: written.refresh_moves,
            authorization: written.authorization.and_then(Life::length),
            access_unknown: written.access == Life::Unknown,
            refresh_unknown: written.refresh == Life::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Never,
    Unknown,
    For(Duration),
}

impl Life {
    fn length(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Unknown => Some(UNKNOWN_LIFE),
            Self::For(life) => Some(life),
        }
    }
}

impl<'de> Deserialize<'de> for Life {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "never" => Ok(Self::Never),
            "unknown" => Ok(Self::Unknown),
            _ => parse_duration(&text).map(Self::For).ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "`{text}` is not of the form 90s, 15m, 6h or 180d, nor `never` or `unknown`"
                ))
            }),
        }
    }
}
