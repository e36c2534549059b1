//! Refreshing through a platform app: its values, the pause while the platform refuses the client itself, and what a
//! success ends.

use std::sync::Arc;
use std::time::Duration;

use super::Loaded;
use super::attempt::Client;
use crate::app::App;
use crate::broker::{Error, events, notify};
use crate::crypto::Place;
use crate::db::credentials::Credential;
use crate::db::leases;
use crate::db::platform_apps::PlatformApp;
use crate::db::{self, Conn};
use crate::domain::id::{Id, PlatformAppId};
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::{Blocked, SecretSet};
use crate::domain::store::StoreHealth;
use crate::platform::descriptor::Renewal;
use crate::platform::{self, Method, Values};

/// Between two tries through a paused platform app.
const PROBE_EVERY: Duration = Duration::from_secs(60);
/// Over this time the stores whose verdicts were held are asked once more.
const RELEASE_SPREAD: Duration = Duration::from_secs(60);

/// The values of a platform app as requests are made from them, `redirect_uri` included.
pub fn client_values(app: &App, platform_app: Option<&PlatformApp>, method: &Method) -> Result<Values, Error> {
    values(app, platform_app, method, Client::First)
}

pub(super) fn values(
    app: &App,
    platform_app: Option<&PlatformApp>,
    _method: &Method,
    client: Client,
) -> Result<Values, Error> {
    let Some(platform_app) = platform_app else {
        return Ok(Values::new());
    };
    let (sealed, column) = match (client, &platform_app.standby_sealed) {
        (Client::Standby, Some(standby)) => (standby, "standby_sealed"),
        _ => (&platform_app.values_sealed, "values_sealed"),
    };
    let place = Place {
        table: "platform_apps",
        column,
        row: platform_app.id.uuid(),
    };
    let opened = app.sealer.open(place, sealed).map_err(|error| {
        tracing::error!(platform_app.id = %platform_app.id, %error, "a platform app cannot be opened");
        Error::Internal(format!("platform app {} cannot be opened: {error}", platform_app.id))
    })?;
    let mut values = Values::from_bytes(opened.expose())
        .map_err(|_| Error::Internal(format!("platform app {} is malformed", platform_app.id)))?;
    if let Some(public_url) = &app.config.public_url {
        values.set(
            "redirect_uri",
            platform::redirect_uri(public_url, &platform_app.platform),
        );
    }
    Ok(values)
}

/// A paused platform app lets one try through from time to time.
pub(super) async fn hindrance(app: &Arc<App>, loaded: &Loaded) -> Result<Option<(Blocked, Option<Duration>)>, Error> {
    let Some(platform_app) = loaded.platform_app.as_ref().filter(|own| own.paused_at.is_some()) else {
        return Ok(None);
    };
    let id = platform_app.id;
    if app
        .db
        .run(move |conn| db::pauses::take_probe(conn, id, PROBE_EVERY))
        .await?
    {
        return Ok(None);
    }
    let wait = platform_app
        .probe_at
        .and_then(|at| (at - loaded.now).to_std().ok())
        .unwrap_or(PROBE_EVERY);
    Ok(Some((Blocked::Paused, Some(wait))))
}

/// The platform refuses the client itself: no store is touched, refreshing through it pauses, admins are told once.
pub(super) async fn broken(app: &Arc<App>, row: &Credential, code: Option<&str>) -> Result<(), Error> {
    let Some(id) = row.platform_app_id else { return Ok(()) };
    let (tools, code) = (app.clone(), code.map(str::to_owned));
    app.db
        .repeatable(move |conn| {
            if db::pauses::pause(conn, id, code.as_deref(), PROBE_EVERY)?
                && let Some(platform_app) = db::platform_apps::find(conn, id)?
            {
                tracing::error!(platform_app.id = %id, platform = %platform_app.platform, code, "a platform refuses our client");
                notify::platform_app_misconfigured(conn, &tools, &platform_app)?;
            }
            Ok(())
        })
        .await
}

/// A refresh went well: a pause is over, and held verdicts are asked for once more. May fail alone: the next success
/// does it again.
pub(super) async fn succeeded(app: &Arc<App>, id: PlatformAppId) {
    let tools = app.clone();
    let lifted = app
        .db
        .repeatable::<_, Error, _>(move |conn| {
            let lifted = db::pauses::lift(conn, id)?;
            if lifted.hold {
                ask_once_more(conn, &tools, id)?;
            }
            Ok(lifted)
        })
        .await;
    match lifted {
        Ok(lifted) if lifted.pause || lifted.hold => {
            tracing::info!(platform_app.id = %id, "refreshing through a platform app goes on");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(platform_app.id = %id, %error, "a pause could not be lifted"),
    }
}

/// The platform took one of the two sets of secrets: what an operator has to know to end a roll-over. A row is written
/// when that changes, and may fail to be: the next success does it again.
pub async fn took(app: &App, platform_app: Option<&PlatformApp>, used: SecretSet) {
    let news = |own: &&PlatformApp| own.standby_sealed.is_some() && own.secrets_used != Some(used);
    let Some(own) = platform_app.filter(news) else { return };
    let (id, seen) = (own.id, own.updated_at);
    let noted = app
        .db
        .run(move |conn| db::platform_apps::note_secrets(conn, id, used, seen))
        .await;
    match noted {
        Ok(true) => {
            tracing::info!(platform_app.id = %id, secrets = used.as_str(), "a platform takes these secrets now")
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(platform_app.id = %id, %error, "which secrets worked could not be noted"),
    }
}

fn ask_once_more(conn: &mut Conn, app: &App, id: PlatformAppId) -> db::Result<()> {
    for held in leases::release_held(conn, id)? {
        let credential = held.id;
        let job = if never_renews(app, &held.platform, &held.method) {
            Job::VerifyCredential { credential }
        } else {
            Job::RefreshCredential { credential }
        };
        let spread = RELEASE_SPREAD.mul_f64(app.random.fraction());
        let new = NewJob {
            job,
            app: Some(held.app_id),
            platform: Some(held.platform),
            due_at: app.now() + chrono::TimeDelta::from_std(spread).unwrap_or_default(),
        };
        db::jobs::insert(conn, app.id(), &new)?;
    }
    Ok(())
}

fn never_renews(app: &App, platform: &str, method: &str) -> bool {
    let platform = app.catalogue.platform(platform);
    platform
        .and_then(|platform| platform.method(method))
        .is_some_and(|method| method.renewal == Renewal::Never)
}

/// The verify call found a credential alive. Where nothing is ever renewed this is the success that lets held verdicts be
/// asked for once more; it says nothing about refusals to renew, nor about the client itself. May fail alone, as above.
pub(super) async fn verified(app: &Arc<App>, loaded: &Loaded, method: &Method) {
    let holds = loaded
        .platform_app
        .as_ref()
        .filter(|own| own.verdicts_held_at.is_some() && method.renewal == Renewal::Never)
        .map(|own| own.id);
    let held = loaded.row.held_verdict_at.is_some();
    if holds.is_none() && !held {
        return;
    }
    let (tools, id, grant_no) = (app.clone(), loaded.row.id, loaded.row.grant_no);
    let noted = app
        .db
        .transaction::<_, Error, _>(move |conn| {
            // The platform app first, as everywhere.
            if let Some(platform_app) = holds {
                db::pauses::lock(conn, platform_app)?;
            }
            if held && leases::forget_held(conn, id, grant_no)? {
                events::health(conn, &tools, id, StoreHealth::Ok, None)?;
            }
            let Some(platform_app) = holds else { return Ok(()) };
            let others = leases::held_methods(conn, platform_app)?;
            if others
                .iter()
                .all(|(platform, method)| never_renews(&tools, platform, method))
                && db::pauses::release_verdicts(conn, platform_app)?
            {
                ask_once_more(conn, &tools, platform_app)?;
            }
            Ok(())
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(credential.id = %id, %error, "held verdicts could not be released");
    }
}
