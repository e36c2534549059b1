//! One usable credential, for the proxy and for jobs alike. A token that works is served at once; one that ends soon is
//! served while a refresh runs; only one that has ended, or that the platform refused, makes anybody wait. Refreshes run
//! detached from their callers, one in a process and, by the lease in the row, one over all processes.

mod attempt;
mod brake;
mod gate;
mod grant;
mod pairs;
mod platform_app;
mod recalled;
mod record;
mod run;
mod save;
mod tend;
mod unauthorized;
mod uninstalled;
mod unproven;
mod verdict;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Delivered, Error, custom_platforms};
use crate::app::App;
use crate::app::memory::KnownCredential;
use crate::db;
use crate::db::credentials::Credential;
use crate::db::leases;
use crate::domain::credential::{Generation, access_life};
use crate::domain::id::{CredentialId, PlatformAppId};
use crate::domain::problem::Problem;
use crate::domain::refresh::{Attempt, Blocked, Ended, FailureKind, Plan, RefreshOutcome, RefreshTrigger, plan};
use crate::domain::store::{Mode, StoreStatus};
use crate::platform::transport::Route;
use crate::platform::{Method, Values};

pub(crate) use gate::spread;
pub(crate) use grant::{announce, next_verification};
pub use grant::{first_jobs, granted, of_unknown_age};
pub use pairs::{open_values, seal_values};
pub use platform_app::{client_values, took};
pub(crate) use run::refresh;
pub use save::{Answered, Saved, save_in};
pub use tend::{tend, tend_until};
pub(crate) use unauthorized::judge;
pub use unauthorized::{Verdict, judge_unauthorized};
pub(crate) use uninstalled::{Announced, Removal, removed};
pub use unproven::worked;
pub(crate) use unproven::{Again, again};
pub use verdict::{Evidence, Refused, Then, refused_in};
pub(crate) use verdict::{lose_unrenewable, refuse_unclaimed};

/// What a caller wants.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    pub trigger: RefreshTrigger,
    /// The platform has refused this one: another is wanted.
    pub not_generation: Option<Generation>,
    /// For how long the access token must last, if a refresh can bring that about.
    pub minimum: Duration,
}

impl Need {
    /// A token that works now.
    pub fn call() -> Self {
        Self {
            trigger: RefreshTrigger::Call,
            not_generation: None,
            minimum: Duration::ZERO,
        }
    }

    /// A token other than the one that the platform has just refused.
    pub fn other_than(generation: Generation) -> Self {
        Self {
            trigger: RefreshTrigger::Unauthorized,
            not_generation: Some(generation),
            minimum: Duration::ZERO,
        }
    }
}

/// A credential to call with. Where it cannot be renewed, or a renewal brought the same token, `generation` may be the one
/// that was not wanted: then the verify call decides.
#[derive(Debug, Clone)]
pub struct Usable {
    /// Tokens, keys and connect fields; the platform app's values are laid under them.
    pub values: Values,
    pub generation: Generation,
    pub access_expires_at: Option<DateTime<Utc>>,
    pub platform: String,
    pub method: String,
    pub platform_app_id: Option<PlatformAppId>,
}

/// The row with what goes with it.
struct Loaded {
    known: Arc<KnownCredential>,
    /// The database's time, or ours where the row is from memory.
    now: DateTime<Utc>,
}

impl Deref for Loaded {
    type Target = KnownCredential;

    fn deref(&self) -> &KnownCredential {
        &self.known
    }
}

impl Loaded {
    fn route(&self) -> Route {
        match self.mode {
            Mode::Live => Route::Live,
            Mode::Sandbox => Route::Sandbox,
        }
    }

    /// Of the access token; `None`: it has no end.
    fn left(&self) -> Option<Duration> {
        self.row
            .access_expires_at
            .map(|at| (at - self.now).to_std().unwrap_or_default())
    }

    fn plan(&self, need: Need) -> Plan {
        let row = &self.row;
        let life = access_life(row.access_issued_at, row.access_expires_at, self.now);
        let refused = need.not_generation == Some(row.generation());
        // Waiting without having failed: the last answer brought the same token.
        let unchanged = row.failures == 0 && row.retry_at.is_some_and(|at| at > self.now);
        plan(life, self.left(), need.minimum, refused, unchanged)
    }
}

/// Straight from the database. `NotFound`: there is no such credential, or it was erased; `StoreFrozen`: it was exported.
async fn load(app: &App, id: CredentialId) -> Result<Loaded, Error> {
    let loaded = app
        .db
        .run(move |conn| {
            let (row, now) = leases::find(conn, id)?.ok_or(Error::NotFound)?;
            let known = KnownCredential::with(conn, row)?.ok_or(Error::NotFound)?;
            Ok(Loaded {
                known: Arc::new(known),
                now,
            })
        })
        .await;
    match loaded {
        Err(Error::NotFound) => Err(gone(app, id).await),
        loaded => loaded,
    }
}

/// The catalogue's entry; a missing one is a broken installation.
fn method_of<'a>(app: &'a App, row: &Credential) -> Result<&'a Method, Error> {
    app.catalogue
        .platform(&row.platform)
        .and_then(|platform| platform.method(&row.method))
        .ok_or_else(|| custom_platforms::missing(&row.platform, &row.method))
}

/// A credential that works now, refreshed first if only that helps.
///
/// Errors: `NeedsReauthorization` once the grant is dead; `Platform` while it cannot be renewed for the moment; `Db`;
/// `StoreFrozen` for an exported one; `NotFound` for an erased one.
pub async fn usable(app: &Arc<App>, credential: CredentialId, need: Need) -> Result<Usable, Error> {
    match found(app, credential, need).await {
        Err(Error::NotFound) => Err(gone(app, credential).await),
        found => found,
    }
}

/// Why a credential holds nothing to call with.
async fn gone(app: &App, credential: CredentialId) -> Error {
    let frozen = app.db.run(move |conn| db::frozen::any(conn, &[credential])).await;
    match frozen {
        Ok(true) => Error::StoreFrozen,
        Ok(false) => Error::NotFound,
        Err(error) => Error::Db(error),
    }
}

async fn found(app: &Arc<App>, credential: CredentialId, need: Need) -> Result<Usable, Error> {
    if let Some(usable) = recalled::usable(app, credential, need).await? {
        return Ok(usable);
    }
    let mut last = None;
    // Each round has seen a refresh end, or the row change.
    for _ in 0..5 {
        let loaded = load(app, credential).await?;
        let row = &loaded.row;
        if row.values_sealed.is_none() {
            return Err(Error::NotFound);
        }
        if row.dead_at.is_some() {
            return Err(dead(app, row.id).await);
        }
        let refused = need.not_generation == Some(row.generation());
        let method = method_of(app, row)?;
        match loaded.plan(need) {
            Plan::Serve => return open(app, &loaded, method),
            Plan::ServeAndRefresh => {
                run::start(app, credential, need.trigger, row.generation(), false);
                return open(app, &loaded, method);
            }
            Plan::Refresh => {}
        }
        let valid = loaded.left().is_none_or(|left| !left.is_zero());
        // One try a call: a second one would only repeat it.
        if let Some(ended) = last.take() {
            return if valid && !refused {
                open(app, &loaded, method)
            } else {
                Err(failed(app, row, ended).await)
            };
        }
        match run::refresh(app, credential, need.trigger, row.generation(), refused).await {
            Ended::Changed => {}
            Ended::Ran(attempt) if attempt.generation != row.generation() => {}
            Ended::Blocked {
                why: Blocked::NotRenewable,
                ..
            } if refused && valid => {
                return open(app, &loaded, method);
            }
            // Nothing was renewed, and the token's time is not over: what the platform meant, its verify call tells.
            Ended::Blocked {
                why: Blocked::BackOff(None | Some(FailureKind::Dead)) | Blocked::InDoubt,
                ..
            } if refused && valid => {
                return open(app, &loaded, method);
            }
            Ended::Ran(attempt) if refused && valid && attempt.outcome == RefreshOutcome::Refused => {
                return open(app, &loaded, method);
            }
            Ended::Blocked {
                why: Blocked::NotRenewable,
                ..
            } if !valid => {
                lose_unrenewable(app, row).await?;
            }
            // A timer was before us, and does not wait in the queue as we do.
            Ended::Blocked {
                why: Blocked::Crowded { waited: false },
                ..
            } => {}
            ended => last = Some(ended),
        }
    }
    Err(unavailable(
        "the credential keeps changing",
        Some(Duration::from_secs(1)),
    ))
}

/// Refreshes now, whether needed or not; for partners and admins who ask for it.
///
/// Errors: `Conflict` where there is nothing to renew with; otherwise as [`usable`].
pub async fn refresh_now(app: &Arc<App>, credential: CredentialId, trigger: RefreshTrigger) -> Result<Attempt, Error> {
    for _ in 0..5 {
        let loaded = load(app, credential).await?;
        if loaded.row.dead_at.is_some() {
            return Err(dead(app, credential).await);
        }
        if loaded.row.values_sealed.is_none() {
            return Err(gone(app, credential).await);
        }
        match run::refresh(app, credential, trigger, loaded.row.generation(), false).await {
            Ended::Ran(attempt) => return Ok(attempt),
            // Somebody else's refresh was as good.
            Ended::Changed => {
                let now = load(app, credential).await?;
                if now.row.generation() != loaded.row.generation() {
                    return Ok(Attempt {
                        outcome: RefreshOutcome::Renewed,
                        code: None,
                        status: None,
                        detail: None,
                        retry_after: None,
                        generation: now.row.generation(),
                    });
                }
            }
            ended => return Err(failed(app, &loaded.row, ended).await),
        }
    }
    Err(unavailable(
        "the credential keeps changing",
        Some(Duration::from_secs(1)),
    ))
}

/// Returns once no refresh is under way in this process: for a graceful stop, after nothing starts new ones.
pub async fn wait_until_idle(app: &App) {
    app.in_flight.idle().await;
}

fn open(app: &App, loaded: &Loaded, method: &Method) -> Result<Usable, Error> {
    let row = &loaded.row;
    let Some(sealed) = &row.values_sealed else {
        return Err(Error::NotFound);
    };
    let values = open_values(&app.sealer, row.id, sealed)?;
    let client = client_values(app, loaded.platform_app.as_ref(), method)?;
    Ok(Usable {
        values: values.over(&client),
        generation: row.generation(),
        access_expires_at: row.access_expires_at,
        platform: row.platform.clone(),
        method: row.method.clone(),
        platform_app_id: row.platform_app_id,
    })
}

fn unavailable(detail: &str, retry_after: Option<Duration>) -> Error {
    platform(Problem::PlatformUnavailable, detail.to_owned(), retry_after)
}

fn platform(problem: Problem, detail: String, retry_after: Option<Duration>) -> Error {
    Error::Platform {
        problem,
        detail,
        retry_after,
        delivered: Delivered::No,
    }
}

/// The error that a caller sees when there is no valid token and the refresh ended like this.
async fn failed(app: &App, row: &Credential, ended: Ended) -> Error {
    match ended {
        Ended::Ran(attempt) => {
            let detail = attempt.detail.unwrap_or_else(|| attempt.outcome.to_string());
            let retry_after = attempt.retry_after.or(Some(Duration::from_secs(1)));
            match attempt.outcome {
                RefreshOutcome::Dead => dead(app, row.id).await,
                RefreshOutcome::AppBroken => platform(Problem::PlatformAppMisconfigured, detail, retry_after),
                RefreshOutcome::Throttled => platform(Problem::PlatformThrottled, detail, retry_after),
                RefreshOutcome::Unknown => platform(Problem::PlatformRejected, detail, retry_after),
                _ => platform(Problem::PlatformUnavailable, detail, retry_after),
            }
        }
        Ended::Blocked { why, retry_after } => {
            let retry_after = retry_after.or(Some(Duration::from_secs(5)));
            match why {
                Blocked::Dead => dead(app, row.id).await,
                Blocked::NotRenewable => Error::Conflict("this credential cannot be renewed".to_owned()),
                Blocked::Paused | Blocked::BackOff(Some(FailureKind::AppBroken)) => platform(
                    Problem::PlatformAppMisconfigured,
                    "the platform refuses the app's own client".to_owned(),
                    retry_after,
                ),
                Blocked::BackOff(Some(FailureKind::Throttled)) => platform(
                    Problem::PlatformThrottled,
                    "the platform limits the calls".to_owned(),
                    retry_after,
                ),
                Blocked::Journal => Error::Db(db::Error::Unavailable("the journal cannot be written".to_owned())),
                Blocked::Busy => unavailable("another refresh is under way", retry_after),
                Blocked::Outage => unavailable("the platform's token calls fail at the moment", retry_after),
                Blocked::Crowded { .. } => unavailable("too many token calls are under way", retry_after),
                Blocked::InDoubt => unavailable("an answer of the platform was lost", retry_after),
                Blocked::BackOff(_) => unavailable("the platform's token call failed a moment ago", retry_after),
            }
        }
        Ended::Unavailable(why) => Error::Db(db::Error::Unavailable(why)),
        Ended::Broken(why) => Error::Internal(why),
        Ended::Changed => unavailable("the credential keeps changing", Some(Duration::from_secs(1))),
    }
}

/// The error for a dead grant, told of the first store that uses it.
async fn dead(app: &App, id: CredentialId) -> Error {
    match app
        .db
        .run::<_, db::Error, _>(move |conn| db::stores::list_of_credential(conn, id))
        .await
    {
        Ok(stores) => match stores
            .into_iter()
            .find(|store| store.status == StoreStatus::NeedsReauthorization)
        {
            Some(store) => Error::NeedsReauthorization {
                store: store.id,
                since: store.status_since,
                reason: store.status_reason,
            },
            None => Error::NotFound,
        },
        Err(error) => Error::Db(error),
    }
}
