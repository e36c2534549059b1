//! Keys that nothing renews and that the platform refuses with a bare "unauthorized", which proves nothing: gateways and
//! maintenance answer so as well. One such answer changes no state; refusals over a whole day, hours apart, with nothing
//! accepted in between and most of the app's other keys there working, count as the end. The platform goes on being asked
//! for a month after that, and a key that is accepted again brings its stores back without anybody's doing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::grant::{after, next_verification};
use super::unauthorized::{Verdict, asked_with};
use super::{load, method_of, verdict};
use crate::app::App;
use crate::broker::events::{self, Trouble};
use crate::broker::verify::{self, Verified};
use crate::broker::{Error, notify};
use crate::db::credentials::Credential;
use crate::db::leases::{self, Failed};
use crate::db::refusals;
use crate::db::{self, Conn};
use crate::domain::event::EventKind;
use crate::domain::id::CredentialId;
use crate::domain::refresh::{FailureKind, UNKNOWN_REFUSALS, unknown_for_long};
use crate::domain::store::{StatusReason, StoreHealth, StoreStatus};
use crate::platform::descriptor::{ClientOwner, Renewal};
use crate::platform::{Failure, Method};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Refusals closer together than this are one.
const APART: Duration = HOUR;
/// How soon a refused key is asked about again.
const SOON: Duration = Duration::from_secs(6 * 60 * 60);
/// How often, and for how long, one that counts as ended is.
const LATER: Duration = Duration::from_secs(24 * 60 * 60);
const GIVEN_UP_AFTER: chrono::TimeDelta = chrono::TimeDelta::days(30);

/// What the timer does next about a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    At(DateTime<Utc>),
    Never,
}

/// A refusal in no documented words, of a credential as it was read.
pub(super) async fn refused(
    app: &Arc<App>,
    row: &Credential,
    method: &Method,
    failure: &Failure,
) -> Result<Verdict, Error> {
    let (id, seen) = (row.id, row.generation());
    let (tools, trouble) = (app.clone(), Trouble::from(failure));
    let failed = Failed {
        kind: FailureKind::Unknown,
        retry_at: after(app.now(), APART),
    };
    let noted = app
        .db
        .repeatable::<_, Error, _>(move |conn| {
            let Some(row) = refusals::note_refused(conn, id, seen, failed)? else {
                return Ok(None);
            };
            let shown = events::health(conn, &tools, id, StoreHealth::RefreshFailing, Some(&trouble))?;
            if !shown.is_empty() {
                tell(conn, id)?;
            }
            let (others, failing) = refusals::count_failing_likewise(conn, &row)?;
            Ok(Some((row, others, failing)))
        })
        .await?;
    let Some((row, others, failing)) = noted else {
        return Ok(Verdict::Undecided);
    };
    let for_long = row.failures >= UNKNOWN_REFUSALS && unknown_for_long(row.failing_since, app.now());
    // Where most keys are refused it is the platform that ails, and where the app's own key goes along, that may be the
    // refused one: only another store's good key tells.
    let may_be_the_apps = method.client == ClientOwner::App && others == 0;
    if !for_long || failing * 2 > others || may_be_the_apps {
        return Ok(Verdict::Undecided);
    }
    let dead = verdict::refuse_unproven(app, &row, failure).await?;
    Ok(if dead { Verdict::Dead } else { Verdict::Undecided })
}

/// The platform accepted the credential: refusals before that prove nothing any more. May fail alone: the next success
/// says the same.
pub(super) async fn forget(app: &Arc<App>, row: &Credential, method: &Method) {
    if method.renewal != Renewal::Never || row.failures == 0 {
        return;
    }
    if let Err(error) = accepted(app, row.id, row.grant_no).await {
        tracing::warn!(credential.id = %row.id, %error, "that a key works again could not be noted");
    }
}

/// A forwarded call passed for a store that is shown as failing: where nothing is renewed, that is the proof that its key
/// works.
pub async fn worked(app: &Arc<App>, credential: CredentialId) {
    let noted = async {
        let loaded = load(app, credential).await?;
        let method = method_of(app, &loaded.row)?;
        forget(app, &loaded.row, method).await;
        Ok::<_, Error>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(credential.id = %credential, %error, "that a key works could not be noted");
    }
}

/// When the timer asks about a credential again, and whether a key that counts as ended for having been refused for long
/// is accepted by now.
pub(crate) async fn again(app: &Arc<App>, credential: CredentialId) -> Result<Again, Error> {
    let loaded = match load(app, credential).await {
        Err(Error::NotFound) => return Ok(Again::Never),
        loaded => loaded?,
    };
    let row = &loaded.row;
    // Asked about for once: its refreshes tell.
    let method = method_of(app, row)?;
    if method.renewal != Renewal::Never {
        return Ok(Again::Never);
    }
    let Some(dead_at) = row.dead_at else {
        return Ok(Again::At(if row.failures > 0 {
            let spread = SOON.mul_f64(0.9 + 0.2 * app.random.fraction());
            after(app.now(), spread)
        } else {
            next_verification(app)
        }));
    };
    if row.values_sealed.is_none() || loaded.now - dead_at > GIVEN_UP_AFTER {
        return Ok(Again::Never);
    }
    let stores = app
        .db
        .run::<_, db::Error, _>(move |conn| db::stores::list_of_credential(conn, credential))
        .await?;
    if !stores.iter().any(waits_for_its_key) {
        return Ok(Again::Never);
    }
    let later = Again::At(after(app.now(), LATER.mul_f64(0.9 + 0.2 * app.random.fraction())));
    // It was asked just now.
    if loaded.now - dead_at < chrono::TimeDelta::hours(1) {
        return Ok(later);
    }
    let values = asked_with(app, &loaded, method).await?;
    if let Verified::Alive(_) = verify::ask(app, loaded.route(), method, &values).await? {
        accepted(app, credential, row.grant_no).await?;
        return Ok(Again::At(next_verification(app)));
    }
    Ok(later)
}

fn waits_for_its_key(store: &db::stores::Store) -> bool {
    store.status == StoreStatus::NeedsReauthorization && store.status_reason == Some(StatusReason::RefusedForLong)
}

async fn accepted(app: &Arc<App>, id: CredentialId, grant_no: i64) -> Result<(), Error> {
    let tools = app.clone();
    app.db
        .repeatable(move |conn| {
            let Some(row) = leases::lock(conn, id)?.filter(|row| row.grant_no == grant_no) else {
                return Ok(());
            };
            let stores = db::stores::list_of_credential(conn, id)?;
            // Another verdict is not this one's to lift.
            if row.dead_at.is_some() && !stores.iter().any(waits_for_its_key) {
                return Ok(());
            }
            if !refusals::forget_refusals(conn, id, grant_no)? {
                return Ok(());
            }
            events::health(conn, &tools, id, StoreHealth::Ok, None)?;
            for store in stores.iter().filter(|store| waits_for_its_key(store)) {
                db::stores::set_status(conn, store.id, StoreStatus::Connected, None, None)?;
                events::recovered(conn, &tools, store, EventKind::StoreNeedsReauthorization)?;
                let incident = format!("{id}.{grant_no}.{}", store.status_since.timestamp());
                notify::recovered(conn, &tools, store, &incident)?;
            }
            Ok(tell(conn, id)?)
        })
        .await
}

fn tell(conn: &mut Conn, id: CredentialId) -> db::Result<()> {
    for store in db::stores::list_of_credential(conn, id)? {
        db::listen::notify_store(conn, store.id)?;
    }
    db::listen::notify_credential(conn, id)
}
