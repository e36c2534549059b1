//! What keeps the protocol going without callers: answers left in journals are saved, attempts that hold nothing are said
//! to be settled, and leases that a silent owner left behind are taken up while the platform still forgives it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::run;
use super::save::{Answered, save};
use crate::app::App;
use crate::broker::Error;
use crate::db::{self, leases};
use crate::domain::lease::TAKEOVER_WAIT;
use crate::domain::refresh::RefreshTrigger;
use crate::platform::Method;
use crate::platform::descriptor::Grace;

const EVERY: Duration = Duration::from_secs(15);
/// Left-behind leases taken up in one round.
const BATCH: i64 = 20;

/// Tends at the start and then every 15 s, until told to stop.
pub async fn tend_until(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = tend(&app).await {
            tracing::warn!(%error, "journals and leases could not be tended");
        }
        let pause = EVERY.mul_f64(0.9 + 0.2 * app.random.fraction());
        tokio::select! {
            _ = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One round of everything.
pub async fn tend(app: &Arc<App>) -> Result<(), Error> {
    let (replayed, settled, taken_up) = (replay(app).await, settle_own(app).await, take_up(app).await);
    replayed.and(settled).and(taken_up)
}

/// Saves what stands in journals, our own and those of dead processes; a credential with an unsaved entry is claimed by
/// nobody here.
pub(super) async fn replay(app: &Arc<App>) -> Result<(), Error> {
    let adopted = app.journal.adopt().await.map_err(|error| {
        Error::Db(crate::db::Error::Unavailable(format!(
            "the journal cannot be read: {error}"
        )))
    })?;
    for (key, entry) in adopted.entries {
        let answered = match Answered::read(app, &entry) {
            Ok(answered) => answered,
            Err(error) => {
                // Kept: another key ring may open it.
                tracing::error!(credential.id = %entry.credential, %error, "an answer in the journal cannot be saved");
                continue;
            }
        };
        match save(app, Arc::new(answered)).await {
            Ok(_) => {}
            Err(Error::Db(crate::db::Error::Unavailable(why))) => {
                return Err(Error::Db(crate::db::Error::Unavailable(why)));
            }
            // One that cannot be saved must not keep the others.
            Err(error) => {
                tracing::error!(credential.id = %entry.credential, %error, "an answer in the journal cannot be saved");
                continue;
            }
        }
        if let Err(error) = app.journal.remove(key).await {
            tracing::warn!(credential.id = %entry.credential, %error, "a saved answer stays in the journal");
        }
    }
    for journal in adopted.emptied {
        app.db.run(move |conn| leases::settle_all(conn, journal)).await?;
        if let Err(error) = app.journal.discard(journal).await {
            tracing::warn!(journal.id = %journal, %error, "an empty journal could not be removed");
        }
    }
    Ok(())
}

/// Attempts of this process that are over, but whose end could not be written down when it came.
async fn settle_own(app: &Arc<App>) -> Result<(), Error> {
    let owner = app.journal.id();
    let unsettled = app.db.run(move |conn| leases::list_of_owner(conn, owner)).await?;
    for (credential, attempt) in unsettled {
        // Looked at after the row was read: what is not under way now was over by then, or is a later attempt.
        if !app.in_flight.contains(credential) && !app.journal.holds(credential) {
            app.db
                .run(move |conn| leases::settle(conn, credential, attempt, owner))
                .await?;
        }
    }
    Ok(())
}

/// Leases that ended long enough ago and were not cleared, and attempts that were settled where a short grace may not wait
/// for that: the protocol decides whether they may be taken over.
async fn take_up(app: &Arc<App>) -> Result<(), Error> {
    let another = platforms(app, |grace| matches!(grace, Grace::SamePair(_) | Grace::AnotherPair(_)));
    let any = platforms(app, |grace| !matches!(grace, Grace::None));
    let left_behind = app
        .db
        .run::<_, db::Error, _>(move |conn| {
            let mut left_behind = leases::list_settled(conn, &another, BATCH)?;
            left_behind.extend(leases::list_abandoned(conn, TAKEOVER_WAIT, &any, BATCH)?);
            Ok(left_behind)
        })
        .await?;
    for credential in left_behind {
        let found = app.db.run(move |conn| leases::find(conn, credential)).await?;
        if let Some((row, _)) = found {
            run::start(app, credential, RefreshTrigger::Doubt, row.generation(), false);
        }
    }
    Ok(())
}

/// The platforms with such a grace for a used refresh token.
fn platforms(app: &App, such: impl Fn(&Grace) -> bool) -> Vec<String> {
    let forgives = |method: &Method| such(&method.grace);
    let platforms = app.catalogue.all();
    platforms
        .into_iter()
        .filter(|platform| platform.methods.iter().any(&forgives))
        .map(|platform| platform.slug.clone())
        .collect()
}
