//! Token calls pass a gate: for each client at each host a few at once, and none but a probe while the platform is down.
//! Whoever is turned away has sent nothing and failed at nothing: a store with a valid token serves on, one without says
//! that its platform is unavailable, and a job comes back later, spread. Timers hand back instead of waiting in the queue;
//! what a short grace runs out for does not stand behind the others.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::pairs::Pairs;
use super::{Loaded, platform_app};
use crate::app::App;
use crate::app::token_gates::{Asker, Client, Key, Pass, Shut};
use crate::app::token_turns::Timer;
use crate::broker::{Error, token_limit};
use crate::db;
use crate::domain::breaker::{Caller, Change, Heard};
use crate::domain::refresh::{Blocked, FailureKind, RefreshTrigger};
use crate::platform::transport::{NotSent, SendError};
use crate::platform::{Failure, Method, obtain};

/// How long callers stand in the queue: less than most callers' own limits.
const PATIENCE: Duration = Duration::from_secs(15);
/// A grace that ends within this is not waited for behind others.
const SHORT: TimeDelta = TimeDelta::minutes(5);
/// For those who find it full.
const LATER: Duration = Duration::from_secs(1);
/// Over this time jobs come back.
const SPREAD: Duration = Duration::from_secs(60);
/// Whose refresh token ends within this after the wait comes back without spread, and so among the first.
const NEAR: TimeDelta = TimeDelta::hours(1);
/// Stores in one statement.
const BATCH: i64 = 500;

/// Who asks at the gate.
pub(super) fn caller(loaded: &Loaded) -> Caller {
    Caller {
        credential: loaded.row.id,
        failing_since: loaded.row.failing_since,
    }
}

/// What is bounded together with the token calls of this credential.
pub(super) fn client(loaded: &Loaded) -> Client {
    match loaded.row.platform_app_id {
        Some(id) => Client::PlatformApp(id),
        None => Client::Stores(loaded.row.app_id, loaded.row.platform.clone()),
    }
}

/// The way to the token endpoint, or why not and for how long. `grace_ends`: until when a used token may be sent again.
pub(super) async fn enter(
    app: &Arc<App>,
    loaded: &Loaded,
    method: &Method,
    trigger: RefreshTrigger,
    grace_ends: Option<DateTime<Utc>>,
) -> Result<Result<Pass, (Blocked, Duration)>, Error> {
    let pairs = Pairs::open(&app.sealer, &loaded.row)?;
    let own = platform_app::client_values(app, loaded.platform_app.as_ref(), method)?;
    let host = obtain::refresh_host(method, &pairs.next().over(&own)).unwrap_or_default();
    let hurries = grace_ends.is_some_and(|end| end - loaded.now < SHORT);
    let patience = match trigger {
        RefreshTrigger::Timer | RefreshTrigger::Doubt if !hurries => None,
        RefreshTrigger::Timer
        | RefreshTrigger::Doubt
        | RefreshTrigger::Call
        | RefreshTrigger::Unauthorized
        | RefreshTrigger::Request
        | RefreshTrigger::Removal => Some(PATIENCE),
    };
    // What has passed decides nothing.
    let ends = [loaded.row.refresh_expires_at, grace_ends];
    let deadline = ends.into_iter().flatten().filter(|end| *end > loaded.now).min();
    let asker = Asker {
        caller: caller(loaded),
        deadline,
        patience,
        hurries,
    };
    pass(app, loaded, host, asker).await
}

/// As [`enter`], for any call of a credential's client to `host`.
pub(super) async fn pass(
    app: &Arc<App>,
    loaded: &Loaded,
    host: String,
    asker: Asker,
) -> Result<Result<Pass, (Blocked, Duration)>, Error> {
    let (platform, key) = (
        &loaded.row.platform,
        Key {
            client: client(loaded),
            host,
        },
    );
    let patience = asker.patience;
    let began = app.clock.monotonic();
    let entered = app.token_gates.enter(key, platform, asker, || app.now()).await;
    let took = app.clock.monotonic().saturating_duration_since(began);
    app.metrics.queued(platform, took);
    Ok(match entered {
        Ok(pass) => Ok(pass),
        Err(Shut::Down { wait }) => {
            app.metrics.turned_away(platform, "outage");
            if loaded.row.access_expires_at.is_some_and(|end| end <= loaded.now) {
                let id = loaded.row.id;
                app.db
                    .run::<_, db::Error, _>(move |conn| db::store_health::show_unavailable(conn, id))
                    .await?;
            }
            Err((Blocked::Outage, wait))
        }
        Err(Shut::Full) => {
            app.metrics.turned_away(platform, "crowded");
            let waited = patience.is_some();
            Err((Blocked::Crowded { waited }, LATER))
        }
    })
}

/// Whose call it is, for limits of token endpoints.
pub(super) fn counted_for(loaded: &Loaded) -> token_limit::Caller {
    token_limit::Caller {
        client: loaded.row.platform_app_id,
        grant: Some((loaded.row.id, loaded.row.grant_no)),
    }
}

/// When a timer that met the documented limit of a token endpoint comes back: in its turn, unless its refresh token ends
/// soon.
pub(super) fn turn(app: &App, loaded: &Loaded, method: &Method, wait: Duration) -> Duration {
    let timer = Timer {
        app: loaded.row.app_id,
        credential: loaded.row.id,
    };
    let place = (&*loaded.row.platform, counted_for(loaded));
    let turn = token_limit::turn(app, timer, place, loaded.mode, method, wait);
    if is_near(app, turn, loaded.row.refresh_expires_at) {
        wait
    } else {
        turn
    }
}

fn is_near(app: &App, wait: Duration, refresh_expires_at: Option<DateTime<Utc>>) -> bool {
    let back = app.now() + TimeDelta::from_std(wait).unwrap_or_default();
    refresh_expires_at.is_some_and(|end| end > app.now() && end - NEAR <= back)
}

/// When a job that was turned away comes back: spread, unless its refresh token ends soon. `share` grows with how often
/// it found the queue full: so many are due then that they would only be in each other's way.
pub(crate) fn spread(app: &App, wait: Duration, share: u32, refresh_expires_at: Option<DateTime<Utc>>) -> Duration {
    if is_near(app, wait, refresh_expires_at) {
        return wait;
    }
    wait + (SPREAD * share.clamp(1, 10)).mul_f64(app.random.fraction())
}

/// What a token call told of the platform; `None`: nothing, for it was not made. `sent` holds the failure, if any, of an
/// answer.
pub(super) fn heard(sent: Result<Option<&Failure>, &SendError>) -> Option<Heard> {
    match sent {
        Ok(None) => Some(Heard::Up),
        Ok(Some(failure)) => Some(heard_in(failure)),
        Err(SendError::NotSent {
            why: NotSent::Refused(_) | NotSent::TooLate,
        }) => None,
        Err(SendError::NotSent { .. } | SendError::AnswerLost { .. }) => Some(Heard::Down),
    }
}

/// The same of a failure that is known.
pub(super) fn heard_in(failure: &Failure) -> Heard {
    match failure.kind {
        FailureKind::Dead | FailureKind::AppBroken => Heard::Up,
        FailureKind::Throttled => Heard::Throttled(failure.retry_after),
        FailureKind::Down => Heard::Down,
        FailureKind::Unknown => Heard::Unclear,
    }
}

/// Lets the breaker know.
pub(super) fn report(app: &Arc<App>, pass: &mut Pass, heard: Option<Heard>) {
    let Some(heard) = heard else { return };
    match pass.report(heard, app.now(), app.random.fraction()) {
        Change::None => {}
        Change::Opened => {
            tracing::error!(
                host = pass.host(),
                "a platform's token calls fail for several stores: they pause"
            );
        }
        Change::Closed => {
            tracing::info!(host = pass.host(), "a platform's token calls work again");
            if !app.token_gates.is_down(pass.client()) {
                let (tools, client) = (app.clone(), pass.client().clone());
                app.detached.spawn(async move { show_available(&tools, client).await });
            }
        }
    }
}

/// Stores that only waited show it no longer. May fail alone: their next refresh does the same.
async fn show_available(app: &Arc<App>, client: Client) {
    loop {
        let client = client.clone();
        let changed = app
            .db
            .transaction::<_, db::Error, _>(move |conn| {
                let (platform_app, own) = match &client {
                    Client::PlatformApp(id) => (Some(*id), None),
                    Client::Stores(owner, platform) => (None, Some((*owner, platform.as_str()))),
                };
                db::store_health::show_available(conn, platform_app, own, BATCH)
            })
            .await;
        match changed {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "stores may show an outage that is over");
                return;
            }
        }
    }
}
