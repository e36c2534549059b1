//! A platform's webhook says that the app was removed from a store. The message may be old, or sent on by a stranger: the
//! app may have been installed again since. So the credential at hand is asked about first, refreshed if its access token
//! is over, and only one that does not work any more is given up. An outage says nothing: the platform sends again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::unauthorized::asked_with;
use super::verdict::{Evidence, end_now};
use super::{Need, load, method_of, usable};
use crate::app::App;
use crate::broker::Error;
use crate::broker::verify::{self, Verified};
use crate::db;
use crate::db::credentials::Credential;
use crate::domain::id::CredentialId;
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::{FailureKind, RefreshTrigger};
use crate::domain::store::StatusReason;
use crate::platform::descriptor::Renewal;

/// What a platform's clock and ours may differ by.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);

/// A platform may send its message before its access tokens end: what still works is asked about once more.
const SOON: TimeDelta = TimeDelta::minutes(10);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The stores of the credential need their merchants now.
    Ended,
    /// The credential works: the message was about an earlier installation.
    Outlived,
    /// It had ended before.
    EndedBefore,
    /// A refresh is under way, or the platform says nothing; asked again soon.
    Later,
}

/// A proven message about a store.
#[derive(Debug, Clone)]
pub struct Announced {
    pub topic: String,
    /// Where the platform says so.
    pub happened_at: Option<DateTime<Utc>>,
    /// The proof covers the store's name as well.
    pub proven: bool,
}

/// Acts on a message that the app was removed from the stores of this credential.
pub async fn removed(app: &Arc<App>, credential: CredentialId, announced: &Announced) -> Result<Removal, Error> {
    let loaded = load(app, credential).await?;
    if loaded.row.dead_at.is_some() {
        return Ok(Removal::EndedBefore);
    }
    // The platform has given this grant a token since then.
    let issued = loaded.row.access_issued_at.map(|at| at - CLOCKS_APART);
    if announced
        .happened_at
        .is_some_and(|at| issued.is_some_and(|issued| at < issued))
    {
        return Ok(Removal::Outlived);
    }
    let mut need = Need {
        trigger: RefreshTrigger::Removal,
        ..Need::call()
    };
    // Once as it is, refreshed if its time is over, and once renewed.
    for last in [false, true] {
        let usable = match usable(app, credential, need).await {
            Ok(usable) => usable,
            Err(Error::NeedsReauthorization { .. }) => return Ok(Removal::Ended),
            Err(Error::Platform { .. }) => return later(app, &loaded.row, announced).await,
            Err(error) => return Err(error),
        };
        let now = load(app, credential).await?;
        if now.row.generation() != usable.generation {
            return later(app, &now.row, announced).await;
        }
        let method = method_of(app, &now.row)?;
        let values = asked_with(app, &now, method).await?;
        let renewable = !last && method.renewal != Renewal::Never;
        let refused = match verify::ask(app, now.route(), method, &values).await? {
            Verified::Alive(_) => {
                ask_again(app, &now.row, SOON).await?;
                return Ok(Removal::Outlived);
            }
            Verified::Refused(_) | Verified::Impossible if renewable && !announced.proven => {
                need.not_generation = Some(usable.generation);
                continue;
            }
            Verified::Refused(failure) => Some(failure),
            Verified::Unproven(failure) if announced.proven => Some(failure),
            Verified::Impossible if announced.proven => None,
            Verified::Undecided(_) | Verified::Unproven(_) | Verified::Impossible => {
                return later(app, &now.row, announced).await;
            }
        };
        let evidence = Evidence {
            reason: StatusReason::Uninstalled,
            class: FailureKind::Dead,
            code: refused.as_ref().and_then(|failure| failure.code.clone()),
            status: refused.as_ref().and_then(|failure| failure.status),
            detail: format!("the platform announced it ({})", plain(&announced.topic)),
        };
        return match end_now(app, &now.row, evidence).await? {
            true => Ok(Removal::Ended),
            false => later(app, &now.row, announced).await,
        };
    }
    later(app, &loaded.row, announced).await
}

fn plain(topic: &str) -> String {
    topic.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// What is proven the platform is asked to send again; about the rest it is asked.
async fn later(app: &App, row: &Credential, announced: &Announced) -> Result<Removal, Error> {
    if !announced.proven {
        ask_again(app, row, TimeDelta::zero()).await?;
    }
    Ok(Removal::Later)
}

async fn ask_again(app: &App, row: &Credential, after: TimeDelta) -> Result<(), Error> {
    let new = NewJob {
        job: Job::VerifyCredential { credential: row.id },
        app: Some(row.app_id),
        platform: Some(row.platform.clone()),
        due_at: app.now() + after,
    };
    let id = app.id();
    app.db
        .transaction::<_, db::Error, _>(move |conn| db::jobs::insert_sooner(conn, id, &new))
        .await?;
    Ok(())
}
