//! The end of a grant: believed only of the last pair by the last attempt, held back while too many stores of one
//! platform app are refused at once, and never given for want of an answer. The verdict, the stores' state and the
//! messages about it stand or fall together.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::attempt::Try;
use super::brake::hold;
use super::pairs::{Pairs, token};
use super::record;
use super::unauthorized::{self, asked_with};
use crate::app::App;
use crate::broker::events::{self, Trouble};
use crate::broker::verify::{self, Verified};
use crate::broker::{Error, notify};
use crate::db::credentials::Credential;
use crate::db::leases::{self, Failed};
use crate::db::{self, Conn};
use crate::domain::credential::Generation;
use crate::domain::id::{CredentialId, PlatformAppId};
use crate::domain::lease::{self, Refusal};
use crate::domain::refresh::{self, FailureKind, RefreshOutcome, RefreshTrigger, UNKNOWN_PATIENCE};
use crate::domain::store::{StatusReason, StoreHealth, StoreStatus};
use crate::platform::Failure;
use crate::platform::descriptor::ClientOwner;

/// What an attempt goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    End,
    Standby,
    NextPair,
}

/// What a verdict rests on; shown to partners and admins, so without secrets.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub reason: StatusReason,
    pub class: FailureKind,
    pub code: Option<String>,
    pub status: Option<u16>,
    pub detail: String,
}

impl Evidence {
    pub fn new(reason: StatusReason, failure: &Failure) -> Self {
        Self {
            reason,
            class: failure.kind,
            code: failure.code.clone(),
            status: failure.status,
            detail: failure.detail.clone(),
        }
    }

    fn to_json(&self, app: &App) -> serde_json::Value {
        json!({
            "class": self.class,
            "code": self.code,
            "status": self.status,
            "detail": self.detail,
            "at": app.now(),
        })
    }
}

/// A pair that the platform refused for good, with all that its verdict rests on.
#[derive(Clone)]
pub struct Refused {
    pub credential: CredentialId,
    pub platform_app: Option<PlatformAppId>,
    /// What the claim returned.
    pub seen: Generation,
    pub attempt: i64,
    /// The refresh token that was sent.
    pub sent: Option<String>,
    /// The access token may still work, until then if that is known.
    pub alive: bool,
    pub access_ends: Option<DateTime<Utc>>,
    pub failed: Failed,
    pub evidence: Evidence,
}

/// The platform refused the pair that was sent, for good. The grant is over only with its access token.
pub(super) async fn refused(this: &Try<'_>, failure: &Failure) -> Result<(RefreshOutcome, Then), Error> {
    let app = this.app.clone();
    let reason = match this.trigger {
        // The platform has said why.
        RefreshTrigger::Removal => StatusReason::Uninstalled,
        _ => StatusReason::GrantRefused,
    };
    let refused = Refused {
        credential: this.row.id,
        platform_app: this.row.platform_app_id,
        seen: this.seen(),
        attempt: this.attempt,
        sent: token(&this.pair).map(str::to_owned),
        alive: may_be_alive(this).await?,
        access_ends: this.row.access_expires_at,
        failed: this.failed(failure),
        evidence: Evidence::new(reason, failure),
    };
    record::write_end(this.app, this.row.id, move |conn| refused_in(conn, &app, &refused)).await
}

/// The same inside a transaction: decides on the locked row, and writes all that goes with it.
pub fn refused_in(conn: &mut Conn, app: &App, refused: &Refused) -> Result<(RefreshOutcome, Then), Error> {
    let (id, attempt, seen, failed) = (refused.credential, refused.attempt, refused.seen, refused.failed);
    let trouble = Trouble::from(&refused.evidence);
    let over = (RefreshOutcome::Superseded, Then::End);
    // The platform app first, as where a success lifts its pause: the other order would deadlock with that.
    if let Some(platform_app) = refused.platform_app {
        db::pauses::lock(conn, platform_app)?;
    }
    let Some(row) = leases::lock(conn, id)?.filter(|row| row.grant_no == seen.grant_no) else {
        return Ok(over);
    };
    let mut pairs = Pairs::open(&app.sealer, &row)?;
    pairs.refuse(refused.sent.as_deref());
    let decided = lease::refusal(&row.lease(), seen, attempt, pairs.untried());
    let sealed = pairs.seal_spares(&app.sealer);
    let doubt = matches!(decided, Refusal::TryNext { doubt: true });
    leases::set_spares(conn, id, row.grant_no, sealed.as_deref(), pairs.asks_spare(), doubt)?;
    match decided {
        Refusal::Dead if refused.alive => {
            // Not asked again before there is nothing left to lose.
            let failed = Failed {
                retry_at: refused.access_ends.unwrap_or(failed.retry_at),
                ..failed
            };
            let shown = if row.in_doubt_since.is_some() {
                StoreHealth::RefreshInDoubt
            } else {
                StoreHealth::RefreshFailing
            };
            leases::clear(conn, id, row.grant_no, attempt, Some(failed))?;
            events::health(conn, app, id, shown, Some(&trouble))?;
            db::listen::notify_credential(conn, id)?;
            Ok((RefreshOutcome::Refused, Then::End))
        }
        Refusal::Dead if hold(conn, app, &row)? => {
            if row.platform_app_id.is_some() {
                leases::hold_verdict(conn, id, row.grant_no)?;
            }
            leases::clear(conn, id, row.grant_no, attempt, Some(failed))?;
            events::health(conn, app, id, StoreHealth::RefreshFailing, None)?;
            db::listen::notify_credential(conn, id)?;
            Ok((RefreshOutcome::Refused, Then::End))
        }
        Refusal::Dead => {
            let dead = bury(conn, app, &row, seen, attempt + 1, &refused.evidence)?;
            Ok(if dead { (RefreshOutcome::Dead, Then::End) } else { over })
        }
        Refusal::TryNext { doubt } => {
            // The other pair is asked at once if it may be: no wait is written down.
            let failed = Failed {
                retry_at: app.now(),
                ..failed
            };
            let shown = if doubt {
                StoreHealth::RefreshInDoubt
            } else {
                StoreHealth::RefreshFailing
            };
            // Somebody who took over meanwhile knows better how the store is.
            if leases::clear(conn, id, row.grant_no, attempt, Some(failed))? {
                events::health(conn, app, id, shown, None)?;
            }
            db::listen::notify_credential(conn, id)?;
            Ok((RefreshOutcome::Refused, Then::NextPair))
        }
        Refusal::Void => {
            leases::clear(conn, id, row.grant_no, attempt, None)?;
            db::listen::notify_credential(conn, id)?;
            Ok(over)
        }
    }
}

/// Whether the access token may still work although its pair is refused: its time is not over, and the verify call does
/// not say that it is.
async fn may_be_alive(this: &Try<'_>) -> Result<bool, Error> {
    let ends = this.row.access_expires_at;
    if ends.is_some_and(|ends| this.app.now() >= ends) {
        return Ok(false);
    }
    // Without such a call only time can tell, if it ever does.
    let accepted = unauthorized::accepts(this.app, this.loaded, this.method).await?;
    Ok(accepted.unwrap_or(ends.is_some()))
}

/// Writes the guarded verdict, the state of all stores of the credential, and the messages.
fn bury(
    conn: &mut Conn,
    app: &App,
    row: &Credential,
    seen: Generation,
    next_attempt: i64,
    evidence: &Evidence,
) -> Result<bool, Error> {
    if !leases::set_dead(conn, row.id, seen, next_attempt)? {
        return Ok(false);
    }
    let shown = evidence.to_json(app);
    for store in db::stores::list_of_credential(conn, row.id)? {
        if store.status != StoreStatus::Connected {
            continue;
        }
        db::stores::set_status(
            conn,
            store.id,
            StoreStatus::NeedsReauthorization,
            Some(evidence.reason),
            Some(&shown),
        )?;
        // A key that came back may end again, as the same attempt of the same grant.
        let incident = format!("{}.{}.{next_attempt}.{}", row.id, seen.grant_no, store.sequence);
        notify::needs_reauthorization(conn, app, &store, evidence.reason, &shown, &incident)?;
        db::listen::notify_store(conn, store.id)?;
    }
    db::listen::notify_credential(conn, row.id)?;
    Ok(true)
}

/// Failures of no known class: dead only after a day in which others were refreshed well, and if the verify call is
/// refused too. Where a store has its own client there may be no others; then the words must at least be a refusal, given
/// several times, and most others there must not fail.
pub(super) async fn unknown_for_long(
    this: &Try<'_>,
    failing_since: Option<DateTime<Utc>>,
    failure: &Failure,
) -> Result<bool, Error> {
    let (app, id) = (this.app, this.row.id);
    if !refresh::unknown_for_long(failing_since, app.now()) {
        return Ok(false);
    }
    let shared = this
        .row
        .platform_app_id
        .filter(|_| this.method.client == ClientOwner::App);
    let believed = match shared {
        Some(platform_app) => others_renewed(app, platform_app, id).await?,
        None => refused_alone(this, failure).await?,
    };
    if !believed {
        return Ok(false);
    }
    let values = asked_with(app, this.loaded, this.method).await?;
    match verify::ask(app, this.loaded.route(), this.method, &values).await? {
        Verified::Refused(_) => {}
        Verified::Unproven(_) if shared.is_none() => {}
        _ => return Ok(false),
    }
    let evidence = Evidence::new(StatusReason::RefusedForLong, failure);
    pass(app, &this.row, this.attempt + 1, evidence, true).await
}

/// A refusal in unknown words, not for the first time, of a store with a client or log-in of its own.
async fn refused_alone(this: &Try<'_>, failure: &Failure) -> Result<bool, Error> {
    let refusal = matches!(failure.status, Some(400 | 401 | 403));
    if !refusal || this.row.failures + 1 < refresh::UNKNOWN_REFUSALS {
        return Ok(false);
    }
    let row = this.row.clone();
    let counted = this
        .app
        .db
        .run(move |conn| db::refusals::count_failing_likewise(conn, &row));
    let (others, failing) = counted.await?;
    Ok(failing * 2 <= others)
}

async fn others_renewed(app: &App, platform_app: PlatformAppId, id: CredentialId) -> Result<bool, Error> {
    let renewed = app
        .db
        .run(move |conn| db::refresh_logs::others_renewed(conn, platform_app, id, UNKNOWN_PATIENCE))
        .await?;
    Ok(renewed)
}

/// A verdict outside an attempt: nothing may have been claimed or saved since `seen`, nothing be under way, in doubt or
/// left to try. `braked`: it rests on what the platform said, so it waits while too many are refused at once.
async fn pass(
    app: &Arc<App>,
    seen: &Credential,
    next_attempt: i64,
    evidence: Evidence,
    braked: bool,
) -> Result<bool, Error> {
    let tools = app.clone();
    let (id, platform_app, seen) = (seen.id, seen.platform_app_id, seen.generation());
    record::write_end(app, id, move |conn| {
        if let Some(platform_app) = platform_app.filter(|_| braked) {
            db::pauses::lock(conn, platform_app)?;
        }
        let Some(row) = leases::lock(conn, id)? else {
            return Ok(false);
        };
        let quiet = row.lease_attempt.is_none() && row.in_doubt_since.is_none() && !row.asks_spare;
        if !quiet || row.generation() != seen || row.next_attempt != next_attempt || row.dead_at.is_some() {
            return Ok(false);
        }
        if row.values_sealed.is_none() || Pairs::open(&tools.sealer, &row)?.has_untried_spare() {
            return Ok(false);
        }
        if braked && hold(conn, &tools, &row)? {
            if row.platform_app_id.is_some() {
                leases::hold_verdict(conn, id, row.grant_no)?;
            } else {
                let failed = Failed {
                    kind: FailureKind::Dead,
                    retry_at: tools.now(),
                };
                db::refusals::note_refused(conn, id, seen, failed)?;
            }
            events::health(conn, &tools, id, StoreHealth::RefreshFailing, None)?;
            db::listen::notify_credential(conn, id)?;
            return Ok(false);
        }
        bury(conn, &tools, &row, seen, next_attempt, &evidence)
    })
    .await
}

/// A credential whose end the platform has announced, as it was `seen`.
pub(super) async fn end_now(app: &Arc<App>, seen: &Credential, evidence: Evidence) -> Result<bool, Error> {
    pass(app, seen, seen.next_attempt, evidence, true).await
}

/// A credential whose access token has ended and that nothing can renew. The calendar says so, not the platform: there is
/// nothing that could be asked once more.
pub(crate) async fn lose_unrenewable(app: &Arc<App>, row: &Credential) -> Result<bool, Error> {
    let evidence = Evidence {
        reason: StatusReason::RefreshTokenExpired,
        class: FailureKind::Dead,
        code: None,
        status: None,
        detail: "the access token has expired and there is no refresh token".to_owned(),
    };
    pass(app, row, row.next_attempt, evidence, false).await
}

/// A credential that was refused for long, in words that prove nothing, as it was `seen`.
pub(super) async fn refuse_unproven(app: &Arc<App>, seen: &Credential, failure: &Failure) -> Result<bool, Error> {
    let evidence = Evidence::new(StatusReason::RefusedForLong, failure);
    pass(app, seen, seen.next_attempt, evidence, true).await
}

/// A credential that the verify call found refused, as it was `seen`.
pub(crate) async fn refuse_unclaimed(app: &Arc<App>, seen: &Credential, failure: &Failure) -> Result<bool, Error> {
    let evidence = Evidence::new(StatusReason::CredentialRefused, failure);
    pass(app, seen, seen.next_attempt, evidence, true).await
}
