//! Limits of token endpoints that a platform documents, kept over all processes through Postgres. Merchants who connect come
//! first: refreshes leave them room.

use std::time::Duration;

use super::Error;
use crate::app::App;
use crate::app::token_turns::Timer;
use crate::db;
use crate::db::token_calls::Taken;
use crate::domain::id::{CredentialId, PlatformAppId};
use crate::domain::lease::LEASE_MARGIN;
use crate::domain::store::Mode;
use crate::platform::Method;
use crate::platform::descriptor::{CountedBy, TokenLimit};

/// How often, and after how long at most, it is asked again while somebody else is counting: a matter of milliseconds. No
/// connection is held meanwhile.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(40);

/// From the counting of a call until it leaves at the latest: the lease has to be claimed and the connection made. A
/// window that is longer by this holds all calls that leave within the platform's.
const ON_ITS_WAY: Duration = LEASE_MARGIN;

/// Who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Connecting,
    Refreshing,
}

impl For {
    fn most(self, limit: TokenLimit) -> u32 {
        match self {
            Self::Connecting => limit.exchanges.unwrap_or(limit.calls),
            // A fifth is kept free.
            Self::Refreshing => (limit.calls - limit.calls / 5).max(1),
        }
    }
}

/// Whose calls they are, where a platform counts them apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller {
    pub client: Option<PlatformAppId>,
    /// A credential and its grant's number; not there before it has been granted.
    pub grant: Option<(CredentialId, i64)>,
}

/// What is counted together; `None`: nothing is, yet.
fn endpoint(platform: &str, mode: Mode, limit: TokenLimit, caller: Caller, wanted: For) -> Option<String> {
    let place = format!("{platform}:{mode}");
    let whose = match limit.per {
        CountedBy::Address => place,
        CountedBy::Client => format!("{place}:{}", caller.client?),
        CountedBy::Grant => {
            let (credential, number) = caller.grant?;
            format!("{place}:{credential}:{number}")
        }
    };
    Some(match (wanted, limit.exchanges) {
        (For::Connecting, Some(_)) => format!("{whose}:exchange"),
        _ => whose,
    })
}

/// One call more, or how long to wait for it. Methods without a limit are let through unasked.
pub async fn take(
    app: &App,
    platform: &str,
    mode: Mode,
    method: &Method,
    caller: Caller,
    wanted: For,
) -> Result<Option<Duration>, Error> {
    let Some(limit) = method.token_limit else {
        return Ok(None);
    };
    let Some(endpoint) = endpoint(platform, mode, limit, caller, wanted) else {
        return Ok(None);
    };
    let most = wanted.most(limit);
    for _ in 0..TRIES {
        let endpoint = endpoint.clone();
        let taken = app
            .db
            .transaction::<_, db::Error, _>(move |conn| {
                db::token_calls::take(conn, &endpoint, most, limit.within + ON_ITS_WAY)
            })
            .await?;
        match taken {
            Taken::Call => return Ok(None),
            Taken::Full(wait) => return Ok(Some(wait)),
            Taken::Busy => tokio::time::sleep(PAUSE.mul_f64(app.random.fraction())).await,
        }
    }
    Ok(Some(Duration::from_secs(1)))
}

/// How long a timer that was told to `wait` stays away: until all that were told so before have had their turn.
pub fn turn(
    app: &App,
    timer: Timer,
    (platform, caller): (&str, Caller),
    mode: Mode,
    method: &Method,
    wait: Duration,
) -> Duration {
    let Some(limit) = method.token_limit else {
        return wait;
    };
    let Some(endpoint) = endpoint(platform, mode, limit, caller, For::Refreshing) else {
        return wait;
    };
    let apart = (limit.within + ON_ITS_WAY) / For::Refreshing.most(limit);
    let chance = app.random.fraction();
    app.token_turns.next(endpoint, timer, app.now(), wait, (apart, chance))
}
