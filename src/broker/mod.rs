//! The use cases: plain in, plain out; no HTTP server, no templates. Every write of the program goes through here, and
//! everything a use case needs comes in as [`crate::app::App`].

pub mod access_token;
pub mod admins;
pub mod api_key;
pub mod apps;
pub mod asked;
pub mod asker;
pub mod audit_chain;
pub mod connect;
pub mod custom_platforms;
pub mod disconnect;
pub mod events;
pub mod health;
pub mod hooks;
pub mod idempotency;
pub mod jobs;
pub mod key_use;
pub mod last_used;
pub mod metrics;
pub mod moment;
pub mod moving;
pub mod notify;
pub mod platform_app_test;
pub mod platform_apps;
pub mod proxy;
pub mod refresh;
pub mod shop_values;
pub mod signing_secret;
pub mod stores;
pub mod token_limit;
pub mod verify;
pub mod webhooks;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::db;
use crate::domain::id::StoreId;
use crate::domain::problem::Problem;
use crate::domain::store::{Mode, StatusReason};

/// Why a use case did not do what was asked. Closed: `web::error` says how each is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input that cannot be meant: one entry a field, in words for people.
    #[error("invalid input: {0:?}")]
    Invalid(Vec<FieldError>),
    /// Nothing there, or not the asker's.
    #[error("not found")]
    NotFound,
    /// The asker may not do this; the text says what is missing.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The state does not allow it; the text says why and what to do.
    #[error("conflict: {0}")]
    Conflict(String),
    /// Another customer's store is connected to this shop.
    #[error("the shop is connected already")]
    StoreAlreadyConnected,
    /// The store was exported: it works at another installation, and neither calls nor is refreshed here.
    #[error("the store has moved to another installation")]
    StoreFrozen,
    /// A link or code that was used, cancelled or is too old.
    #[error("the link no longer works")]
    LinkExpired,
    /// No such token or key, or mistyped.
    #[error("unknown token")]
    Unauthenticated,
    /// The token was valid once.
    #[error("the token was revoked")]
    TokenRevoked,
    /// The merchant must authorize again.
    #[error("{store} needs its merchant to authorize again")]
    NeedsReauthorization {
        store: StoreId,
        since: DateTime<Utc>,
        reason: Option<StatusReason>,
    },
    /// The platform's doing: which problem it is told as, and what was sent.
    #[error("platform: {problem}: {detail}")]
    Platform {
        problem: Problem,
        detail: String,
        retry_after: Option<Duration>,
        delivered: Delivered,
    },
    /// More than 16 MiB of a body that must be signed, or the like.
    #[error("too large: {0}")]
    TooLarge(String),
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    #[error(transparent)]
    Db(#[from] db::Error),
    /// A defect or a broken installation; the text is for the log, never for the asker.
    #[error("internal: {0}")]
    Internal(String),
}

impl db::Undone for Error {
    fn was_undone(&self) -> bool {
        matches!(self, Self::Db(error) if error.was_undone())
    }
}

impl Error {
    /// What it is told as.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Invalid(_) => Problem::InvalidRequest,
            Self::NotFound => Problem::NotFound,
            Self::Forbidden(_) => Problem::Forbidden,
            Self::Conflict(_) => Problem::Conflict,
            Self::StoreAlreadyConnected => Problem::StoreAlreadyConnected,
            Self::StoreFrozen => Problem::StoreFrozen,
            Self::LinkExpired => Problem::LinkExpired,
            Self::Unauthenticated => Problem::Unauthenticated,
            Self::TokenRevoked => Problem::TokenRevoked,
            Self::NeedsReauthorization { .. } => Problem::StoreNeedsReauthorization,
            Self::Platform { problem, .. } => *problem,
            Self::TooLarge(_) => Problem::TooLarge,
            Self::RateLimited { .. } => Problem::RateLimited,
            Self::Db(db::Error::Unavailable(_)) => Problem::Unavailable,
            Self::Db(db::Error::Conflict { .. }) => Problem::Conflict,
            Self::Db(db::Error::Query(_)) | Self::Internal(_) => Problem::Internal,
        }
    }
}

/// Whether platforms can be met for an app of `mode` at all. `Invalid`: a sandbox app, and nothing simulates them.
pub fn needs_sandbox(app: &App, mode: Mode) -> Result<(), Error> {
    if mode == Mode::Sandbox && !app.outbound.has_sandbox() {
        return Err(Error::Invalid(vec![FieldError::new("app", NO_SANDBOX)]));
    }
    Ok(())
}

const NO_SANDBOX: &str = "The app is in sandbox mode, and this installation has no LLAVERO_SANDBOX_URL.";

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Whether the platform may have got the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    No,
    Unknown,
}
