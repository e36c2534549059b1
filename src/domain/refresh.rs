//! What came of asking a platform to renew a credential. The classes are closed: what happens to a store is decided by
//! one of these five words, never by a status code somewhere else.

use std::fmt;
use std::str::FromStr;

/// Why a call to a platform failed, as far as its credential is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// This grant is refused for good, in words that the platform documents.
    Dead,
    /// The platform refuses the OAuth client of the app; no store is to blame.
    AppBroken,
    /// Too many calls; later the same call may work.
    Throttled,
    /// The platform, or something in front of it, does not work.
    Down,
    /// An answer that we do not know: neither success nor a verdict.
    Unknown,
}

impl FailureKind {
    pub const ALL: [Self; 5] = [Self::Dead, Self::AppBroken, Self::Throttled, Self::Down, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::AppBroken => "app_broken",
            Self::Throttled => "throttled",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FailureKind {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownWord)
    }
}

/// The word is none of the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected dead, app_broken, throttled, down or unknown")]
pub struct UnknownWord;
