//! What a simulated platform can find wrong with a request, and the shape of its answer. A platform that does not tell two
//! problems apart writes one shape; what it leaves out altogether is answered as RFC 6749 and plain HTTP have it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorShape {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body is a text of this kind instead of JSON.
    pub content_type: Option<String>,
    pub body: Value,
}

/// Everything a simulated platform can find wrong.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    MissingHeader,
    MissingParameter,
    UnsupportedGrant,
    UnknownClient,
    WrongSecret,
    CodeRefused,
    PkceMissing,
    PkceRefused,
    RedirectMismatch,
    RefreshRefused,
    /// A token that was to be exchanged for one of another kind.
    SubjectRefused,
    CredentialMissing,
    CredentialRefused,
    CredentialExpired,
    /// A user name or password at a token endpoint.
    UserRefused,
    /// The signature of a request.
    SignatureRefused,
    /// The moment that a signed request states.
    TimeRefused,
    /// What names the client in a call, beside the token.
    ClientHeaderRefused,
    /// A call about another store than the credential's.
    WrongAccount,
    /// A store that does not exist or has removed the app.
    UnknownAccount,
    ScopeMissing,
    NotAcceptable,
    Throttled,
    Down,
}

impl Problem {
    /// The problem whose shape answers for this one, where a platform does not tell them apart.
    pub fn general(self) -> Option<Self> {
        Some(match self {
            Self::WrongSecret => Self::UnknownClient,
            Self::PkceMissing => Self::MissingParameter,
            Self::PkceRefused | Self::RedirectMismatch => Self::CodeRefused,
            Self::CredentialExpired | Self::CredentialMissing => Self::CredentialRefused,
            Self::MissingHeader => Self::MissingParameter,
            Self::RefreshRefused => Self::CodeRefused,
            Self::SubjectRefused => Self::RefreshRefused,
            Self::UserRefused => Self::CodeRefused,
            Self::WrongAccount | Self::ClientHeaderRefused | Self::SignatureRefused => Self::CredentialRefused,
            Self::TimeRefused => Self::SignatureRefused,
            Self::NotAcceptable => Self::MissingHeader,
            _ => return None,
        })
    }

    /// RFC 6749 and plain HTTP, for what a behaviour leaves out.
    pub fn standard(self) -> (u16, &'static str) {
        match self {
            Self::MissingHeader | Self::MissingParameter | Self::PkceMissing => (400, "invalid_request"),
            Self::UnsupportedGrant => (400, "unsupported_grant_type"),
            Self::UnknownClient | Self::WrongSecret => (401, "invalid_client"),
            Self::CodeRefused
            | Self::PkceRefused
            | Self::RedirectMismatch
            | Self::RefreshRefused
            | Self::SubjectRefused => (400, "invalid_grant"),
            Self::UserRefused => (400, "invalid_grant"),
            Self::CredentialMissing
            | Self::CredentialRefused
            | Self::CredentialExpired
            | Self::SignatureRefused
            | Self::TimeRefused
            | Self::ClientHeaderRefused
            | Self::WrongAccount => (401, "invalid_token"),
            Self::UnknownAccount => (404, "not_found"),
            Self::ScopeMissing => (403, "insufficient_scope"),
            Self::NotAcceptable => (406, "not_acceptable"),
            Self::Throttled => (429, "too_many_requests"),
            Self::Down => (503, "temporarily_unavailable"),
        }
    }
}
