//! Limits of token endpoints that a platform documents, kept over all processes through Postgres. Merchants who connect come
//! first: refreshes leave them room.

use std::time::Duration;

use super::Error;
use crate::app::App;
use crate::db;
use crate::domain::store::Mode;
use crate::platform::Method;

/// Who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Connecting,
    Refreshing,
}

/// One call more, or how long to wait for it. Methods without a limit are let through unasked.
pub async fn take(
    app: &App,
    platform: &str,
    mode: Mode,
    method: &Method,
    wanted: For,
) -> Result<Option<Duration>, Error> {
    let Some(limit) = method.token_limit else {
        return Ok(None);
    };
    let most = match wanted {
        For::Connecting => limit.calls,
        // A fifth is kept free.
        For::Refreshing => (limit.calls - limit.calls / 5).max(1),
    };
    let endpoint = format!("{platform}:{mode}");
    let wait = app
        .db
        .transaction::<_, db::Error, _>(move |conn| db::token_calls::take(conn, &endpoint, most, limit.within))
        .await?;
    Ok(wait)
}
