//! How the broker's failures are told: each becomes one `Problem` with what may be said about it. Causes that are ours go
//! to the log alone.

use serde_json::{Value, json};

use super::Error;
use crate::broker::{self, Delivered};
use crate::db;
use crate::domain::problem::Problem;

impl From<broker::Error> for Error {
    fn from(error: broker::Error) -> Self {
        use broker::Error as From;
        match error {
            From::Invalid(wrong) => wrong.iter().fold(Self::of(Problem::InvalidRequest), |error, wrong| {
                error.and_field(&wrong.field, &wrong.message)
            }),
            From::NotFound => Self::not_found(),
            From::Forbidden(detail) => Self::of(Problem::Forbidden).detail(detail),
            From::Conflict(detail) => Self::of(Problem::Conflict).detail(detail),
            From::StoreAlreadyConnected => Self::of(Problem::StoreAlreadyConnected),
            From::StoreFrozen => Self::of(Problem::StoreFrozen),
            From::LinkExpired => Self::of(Problem::LinkExpired),
            From::Unauthenticated => Self::of(Problem::Unauthenticated),
            From::TokenRevoked => Self::of(Problem::TokenRevoked),
            From::NeedsReauthorization { store, since, reason } => Self::of(Problem::StoreNeedsReauthorization)
                .with("store_id", store.to_string())
                .with("since", json!(since))
                .with("reason", json!(reason)),
            From::Platform {
                problem,
                detail,
                retry_after,
                delivered,
            } => {
                let told = Self::of(problem).detail(detail).with("delivered", word(delivered));
                match retry_after {
                    Some(wait) => told.retry_after(seconds(wait)),
                    None => told,
                }
            }
            From::TooLarge(detail) => Self::of(Problem::TooLarge).detail(detail),
            From::RateLimited { retry_after } => Self::of(Problem::RateLimited).retry_after(seconds(retry_after)),
            From::Db(error) => error.into(),
            From::Internal(cause) => Self::of(Problem::Internal).caused_by(cause),
        }
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        let problem = match &error {
            db::Error::Unavailable(_) => Problem::Unavailable,
            db::Error::Conflict { .. } => Problem::Conflict,
            db::Error::Query(_) => Problem::Internal,
        };
        Self::of(problem).caused_by(error)
    }
}

fn word(delivered: Delivered) -> Value {
    match delivered {
        Delivered::No => "no".into(),
        Delivered::Unknown => "unknown".into(),
    }
}

/// Whole seconds, rounded up: earlier would be too early.
fn seconds(wait: std::time::Duration) -> u32 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}
