//! The labels. A platform's slug comes from the catalogue; all other values are words of the program.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfPlatform {
    pub platform: String,
}

impl OfPlatform {
    pub fn of(platform: &str) -> Self {
        Self {
            platform: platform.to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refresh {
    pub platform: String,
    pub trigger: &'static str,
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TurnedAway {
    pub platform: String,
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Call {
    pub platform: String,
    /// As `Llavero-Source` says: `platform` or `llavero`.
    pub source: &'static str,
    /// The class of the platform's status, or the code of our problem.
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InState {
    pub status: &'static str,
    pub health: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ending {
    /// What ends: `refresh_token` or `authorization`.
    pub what: &'static str,
    pub within: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfEnd {
    /// What ends: `access_token`, `refresh_token` or `authorization`.
    pub what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfKind {
    pub kind: &'static str,
}

/// `2xx` and its like.
pub(super) fn class(status: u16) -> &'static str {
    match status {
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => "other",
    }
}
