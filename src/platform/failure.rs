//! Why a platform's answer was no success, and why a request could not be built. Both are safe to log: they hold codes,
//! names and statuses, never a value that was sent or received as a secret.

use std::time::Duration;

use crate::domain::refresh::FailureKind;

/// A platform's answer that is no success, put in one of the five classes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Failure {
    pub kind: FailureKind,
    /// The platform's own word for it, if it looks like a word.
    pub code: Option<String>,
    pub status: Option<u16>,
    /// For logs and admins; holds no secret.
    pub detail: String,
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that no answer's status explains.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Unknown,
            code: None,
            status: None,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }
}

/// A request cannot be built from the values at hand. Names, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("the value `{0}` is missing")]
    MissingValue(String),
    /// The value would lead a request to a place that the catalogue does not allow.
    #[error("the value `{0}` may not be used in an address")]
    UnsafeValue(String),
    #[error("the value `{0}` cannot be sent in a header")]
    UnsafeHeader(String),
    #[error("not an address: {0}")]
    BadUrl(&'static str),
    #[error("the request cannot be signed: {0}")]
    CannotSign(&'static str),
    #[error("this connect method has no such call")]
    NoSuchCall,
}
