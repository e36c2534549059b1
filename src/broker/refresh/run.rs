//! Asking for a refresh: join the one under way in this process, or begin one that nobody can cut short. Whoever finds
//! another process at it waits for its news or the lease's end, and looks at the row again; nobody tries on their own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use super::attempt::{self, Claimed, Client, Next};
use super::grant::terms;
use super::{Loaded, gate, load, method_of, platform_app, tend, unauthorized};
use crate::app::App;
use crate::broker::{Error, token_limit};
use crate::db::leases;
use crate::db::listen::News;
use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;
use crate::domain::lease::{self, Claim, LEASE_MARGIN};
use crate::domain::refresh::{Blocked, Ended, FailureKind, RefreshTrigger};
use crate::platform::Method;
use crate::platform::descriptor::Renewal;

/// Refreshes what is saved as `seen`, and waits for the end. `access_over`: the platform has refused the access token
/// before its time.
pub(crate) async fn refresh(
    app: &Arc<App>,
    credential: CredentialId,
    trigger: RefreshTrigger,
    seen: Generation,
    access_over: bool,
) -> Ended {
    let wait = begin(app, credential, trigger, seen, access_over).ended();
    // A lease lasts no longer than this; a frozen clock must not keep callers for ever.
    match tokio::time::timeout(Duration::from_secs(120), wait).await {
        Ok(ended) => ended,
        Err(_) => Ended::Blocked {
            why: Blocked::Busy,
            retry_after: Some(Duration::from_secs(5)),
        },
    }
}

/// The same without waiting.
pub(super) fn start(
    app: &Arc<App>,
    credential: CredentialId,
    trigger: RefreshTrigger,
    seen: Generation,
    access_over: bool,
) {
    begin(app, credential, trigger, seen, access_over);
}

fn begin(
    app: &Arc<App>,
    credential: CredentialId,
    trigger: RefreshTrigger,
    seen: Generation,
    access_over: bool,
) -> crate::app::in_flight::Wait {
    let (wait, turn) = app.in_flight.join(credential);
    if let Some(turn) = turn {
        let tools = app.clone();
        app.detached.spawn(async move {
            let ended = work(&tools, credential, trigger, seen, access_over).await;
            turn.end(ended.unwrap_or_else(|error| match error {
                Error::NotFound | Error::StoreFrozen => Ended::Changed,
                Error::Db(error) => Ended::Unavailable(error.to_string()),
                error => {
                    tracing::error!(credential.id = %credential, %error, "a refresh cannot be made");
                    Ended::Broken(error.to_string())
                }
            }));
        });
    }
    wait
}

async fn work(
    app: &Arc<App>,
    credential: CredentialId,
    trigger: RefreshTrigger,
    seen: Generation,
    access_over: bool,
) -> Result<Ended, Error> {
    let mut client = Client::First;
    let mut last = None;
    let mut used_up = None;
    let mut pass = None;
    loop {
        let mut news = app.listener.subscribe();
        let loaded = load(app, credential).await?;
        if loaded.row.generation() != seen {
            return Ok(last.map_or(Ended::Changed, Ended::Ran));
        }
        let method = method_of(app, &loaded.row)?;
        if let Some((why, retry_after)) = hindrance(app, &loaded, method, trigger, access_over, last.is_some()).await? {
            // What the last try said tells more than that another cannot follow.
            return Ok(last.map_or(Ended::Blocked { why, retry_after }, Ended::Ran));
        }
        let terms = terms(method, app.config.journal_wait);
        let reaching_since = app.listener.reaching_since();
        let decide = |over| lease::claim(&loaded.row.lease(), &terms, loaded.now, reaching_since, over);
        if access_over && used_up.is_none() && decide(true) != decide(false) {
            used_up = Some(unauthorized::accepts(app, &loaded, method).await? == Some(false));
            continue;
        }
        let grounds = match decide(used_up.unwrap_or(false)) {
            Claim::Now(grounds) => grounds,
            Claim::NotBefore { busy: true, .. } => {
                // Others need not wait with us.
                pass = None;
                let until = loaded.row.lease_until.unwrap_or(loaded.now);
                let began = app.clock.monotonic();
                wait_for(&mut news, credential, remaining(until, loaded.now)).await;
                let took = app.clock.monotonic().saturating_duration_since(began);
                app.metrics.waited_for_lease(&loaded.row.platform, took);
                continue;
            }
            Claim::NotBefore { at, busy: false } => {
                let retry_after = at.map(|at| remaining(at, loaded.now));
                return Ok(last.map_or(
                    Ended::Blocked {
                        why: Blocked::InDoubt,
                        retry_after,
                    },
                    Ended::Ran,
                ));
            }
        };
        // Only what may be claimed uses up the one try that a paused platform app has.
        if last.is_none()
            && pass.is_none()
            && let Some((why, retry_after)) = platform_app::hindrance(app, &loaded).await?
        {
            return Ok(Ended::Blocked { why, retry_after });
        }
        // Before the claim: that starts the clock of the lease.
        let pass = match &mut pass {
            Some(pass) => pass,
            None => match gate::enter(app, &loaded, method, trigger, grounds.send_before).await? {
                Ok(entered) => {
                    let waited = entered.waited;
                    let entered = pass.insert(entered);
                    if waited {
                        // The row may have moved in the meantime.
                        continue;
                    }
                    entered
                }
                Err((why, retry_after)) => {
                    let retry_after = Some(retry_after);
                    return Ok(last.map_or(Ended::Blocked { why, retry_after }, Ended::Ran));
                }
            },
        };
        let limit = token_limit::take(
            app,
            &loaded.row.platform,
            loaded.mode,
            method,
            gate::counted_for(&loaded),
            token_limit::For::Refreshing,
        );
        if let Some(wait) = limit.await? {
            let why = Blocked::BackOff(Some(FailureKind::Throttled));
            let retry_after = Some(if trigger == RefreshTrigger::Timer {
                gate::turn(app, &loaded, method, wait)
            } else {
                wait
            });
            return Ok(last.map_or(Ended::Blocked { why, retry_after }, Ended::Ran));
        }
        // The lease counts from here, before the statement is on its way.
        let begun = app.clock.monotonic();
        let length = terms.call_limit + LEASE_MARGIN;
        let (owner, row) = (app.journal.id(), loaded.row.clone());
        let claimed = app
            .db
            .run(move |conn| leases::claim(conn, &row, owner, length, &grounds))
            .await?;
        let Some(row) = claimed else { continue };
        let claimed = Claimed { row, grounds, begun };
        match attempt::make(app, &loaded, claimed, trigger, client, pass).await? {
            Next::Ended(attempt) => return Ok(Ended::Ran(attempt)),
            Next::Standby(attempt) => {
                client = Client::Standby;
                last = Some(attempt);
            }
            Next::Another(attempt) => last = Some(attempt),
        }
    }
}

/// What stands against a try, before the lease is looked at. `again`: another try of the same turn.
async fn hindrance(
    app: &Arc<App>,
    loaded: &Loaded,
    method: &Method,
    trigger: RefreshTrigger,
    access_over: bool,
    again: bool,
) -> Result<Option<(Blocked, Option<Duration>)>, Error> {
    let row = &loaded.row;
    if row.dead_at.is_some() {
        return Ok(Some((Blocked::Dead, None)));
    }
    if method.renewal == Renewal::Never {
        return Ok(Some((Blocked::NotRenewable, None)));
    }
    if method.renewal == Renewal::RefreshToken {
        let pairs = super::pairs::Pairs::open(&app.sealer, row)?;
        if super::pairs::token(pairs.next()).is_none() {
            return Ok(Some((Blocked::NotRenewable, None)));
        }
    }
    if app.journal.holds(row.id) {
        tend::replay(app).await?;
    }
    if app.journal.holds(row.id) || !app.journal.writable() {
        return Ok(Some((Blocked::Journal, None)));
    }
    if again {
        return Ok(None);
    }
    // Asked for by a person or a partner: they may insist. And the same token again was no failure: once the platform
    // refuses that token, it has another to give.
    let insists = trigger == RefreshTrigger::Request || (access_over && row.failures == 0);
    if let Some(retry_at) = row.retry_at.filter(|at| *at > loaded.now && !insists) {
        let kind = row.last_failure.filter(|_| row.failures > 0);
        return Ok(Some((Blocked::BackOff(kind), Some(remaining(retry_at, loaded.now)))));
    }
    Ok(None)
}

fn remaining(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (until - now).to_std().unwrap_or_default()
}

/// Returns at news of the credential, or after `at_most` (looked at again at least every second: news may be lost).
async fn wait_for(news: &mut broadcast::Receiver<News>, credential: CredentialId, at_most: Duration) {
    let limit = at_most.clamp(Duration::from_millis(50), Duration::from_secs(1));
    let told = async {
        loop {
            match news.recv().await {
                Ok(News::Credential(id)) if id != credential => {}
                Ok(News::Credential(_) | News::Anything) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let _ = tokio::time::timeout(limit, told).await;
}
