//! Refreshing through a platform app: its values, the pause while the platform refuses the client itself, and what a
//! success ends.

use std::sync::Arc;
use std::time::Duration;

use super::Loaded;
use super::attempt::Client;
use crate::app::App;
use crate::broker::{Error, notify};
use crate::crypto::Place;
use crate::db;
use crate::db::credentials::Credential;
use crate::db::leases;
use crate::db::platform_apps::PlatformApp;
use crate::domain::id::{Id, PlatformAppId};
use crate::domain::job::{Job, NewJob};
use crate::domain::refresh::Blocked;
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
        .transaction(move |conn| {
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
        .transaction::<_, Error, _>(move |conn| {
            let lifted = db::pauses::lift(conn, id)?;
            if lifted.hold {
                for (credential, owner) in leases::release_held(conn, id)? {
                    let spread = RELEASE_SPREAD.mul_f64(tools.random.fraction());
                    let due_at = tools.now() + chrono::TimeDelta::from_std(spread).unwrap_or_default();
                    let job = Job::RefreshCredential { credential };
                    db::jobs::insert(
                        conn,
                        tools.id(),
                        &NewJob {
                            job,
                            app: Some(owner),
                            platform: None,
                            due_at,
                        },
                    )?;
                }
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
