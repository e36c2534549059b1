//! A platform's webhook says that the app was removed from a store. The message may be old: the app may have been installed
//! again since. So the credential at hand is asked about first, and only one that does not work any more is given up.

use std::sync::Arc;

use super::verdict::{Evidence, end_now};
use super::{Need, load, method_of, open, usable};
use crate::app::App;
use crate::broker::Error;
use crate::broker::verify::{self, Verified};
use crate::db;
use crate::domain::id::CredentialId;
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::FailureKind;
use crate::domain::store::StatusReason;

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

/// Acts on a proven message about a store of this credential. `proven`: the proof covers the store's name as well.
pub async fn removed(app: &Arc<App>, credential: CredentialId, topic: &str, proven: bool) -> Result<Removal, Error> {
    let mut loaded = load(app, credential).await?;
    if loaded.row.dead_at.is_some() {
        return Ok(Removal::EndedBefore);
    }
    // An access token whose time is over is refused whether the app is there or not: only a new one tells.
    if loaded.row.access_expires_at.is_some_and(|end| end <= loaded.now) {
        match usable(app, credential, Need::call()).await {
            Ok(_) => loaded = load(app, credential).await?,
            Err(Error::NeedsReauthorization { .. }) => return Ok(Removal::Ended),
            // Nothing speaks against what is proven.
            Err(Error::Platform { .. }) if proven => {}
            Err(Error::Platform { .. }) => {
                ask_again(app, &loaded.row).await?;
                return Ok(Removal::Later);
            }
            Err(error) => return Err(error),
        }
    }
    let method = method_of(app, &loaded.row)?;
    let values = open(app, &loaded, method)?.values;
    let refused = match verify::ask(app, loaded.route(), method, &values).await? {
        Verified::Alive(_) => return Ok(Removal::Outlived),
        Verified::Refused(failure) => Some(failure),
        Verified::Undecided(failure) | Verified::Unproven(failure) if proven => Some(failure),
        Verified::Impossible if proven => None,
        Verified::Undecided(_) | Verified::Unproven(_) | Verified::Impossible => {
            ask_again(app, &loaded.row).await?;
            return Ok(Removal::Later);
        }
    };
    let evidence = Evidence {
        reason: StatusReason::Uninstalled,
        class: FailureKind::Dead,
        code: refused.as_ref().and_then(|failure| failure.code.clone()),
        status: refused.as_ref().and_then(|failure| failure.status),
        detail: format!("the platform announced it ({})", plain(topic)),
    };
    if end_now(app, &loaded.row, evidence).await? {
        return Ok(Removal::Ended);
    }
    // What is not proven, the platform is not asked to send again.
    if !proven {
        ask_again(app, &loaded.row).await?;
    }
    Ok(Removal::Later)
}

fn plain(topic: &str) -> String {
    topic.chars().filter(|c| !c.is_control()).take(60).collect()
}

async fn ask_again(app: &App, row: &db::credentials::Credential) -> Result<(), Error> {
    let new = NewJob {
        job: Job::VerifyCredential { credential: row.id },
        app: Some(row.app_id),
        platform: Some(row.platform.clone()),
        due_at: app.now(),
    };
    let id = app.id();
    app.db
        .transaction::<_, db::Error, _>(move |conn| db::jobs::insert(conn, id, &new))
        .await?;
    Ok(())
}
