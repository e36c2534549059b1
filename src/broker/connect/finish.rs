//! How a session stands, for the page at its end: what happened, and the signed way back to the partner. The one-time code
//! goes only to the browser that made the connection, and only while it can be exchanged.

use subtle::ConstantTimeEq;
use url::Url;

use super::attempt::Attempt;
use super::begin::browser_address;
use super::ecartapi;
use super::obtain::{Target, Verified};
use super::return_url;
use super::sessions::Visit;
use crate::app::App;
use crate::broker::{Error, signing_secret};
use crate::db;
use crate::db::connect_sessions::ConnectSession;
use crate::db::stores::Store;
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::secret::Secret;
use crate::platform;

/// What is to be told at the end of a session.
#[derive(Clone)]
pub struct Ending {
    pub status: SessionStatus,
    pub failure: Option<ConnectFailure>,
    pub store: Option<Store>,
    /// Stores that were connected beside it.
    pub others: Vec<Store>,
    pub reauthorized: bool,
    /// The partner's return URL with what it needs to know; `None` while the session goes on, and for browsers or times
    /// that the code is not for.
    pub back: Option<String>,
    /// Where the platform wants that browser before it finishes the installation.
    pub finish: Option<Finish>,
}

/// An address at the platform.
#[derive(Clone)]
pub struct Finish {
    pub to: String,
    /// The end is shown for the first time: the browser is led there by itself.
    pub first: bool,
}

/// How the session stands now. `browser` is the cookie of this session.
pub async fn ending(app: &App, visit: &Visit, browser: Option<&Secret>) -> Result<Ending, Error> {
    let session = &visit.session;
    let status = session.status_at(app.now());
    let failure = match status {
        SessionStatus::Expired => Some(ConnectFailure::Expired),
        _ => session.failure,
    };
    let store = match session.result_store_id {
        Some(id) => app.db.run(move |conn| db::stores::find(conn, id)).await?,
        None => None,
    };
    let mut finish = None;
    let id = session.id;
    let others = app
        .db
        .run::<_, db::Error, _>(move |conn| {
            let rows = db::connect_session_stores::list(conn, id)?;
            let stores = rows.iter().map(|row| db::stores::find(conn, row.store_id));
            Ok(stores.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await?;
    let back = match status {
        SessionStatus::Open | SessionStatus::AtPlatform => None,
        SessionStatus::Completed => match (handed_over(app, visit, browser)?, &store) {
            (Some((attempt, code, finishing)), Some(store)) => {
                finish = finishing.map(|to| Finish {
                    to: to.to_string(),
                    first: session.state_hash.is_some(),
                });
                shown(app, visit).await?;
                let told = vec![
                    ("code", code.expose().to_owned()),
                    ("store_id", store.id.to_string()),
                    ("platform", store.platform.clone()),
                ];
                Some(match visit.api_app.ecartapi_redirect {
                    true => ecartapi::back(app, visit, &attempt, store).await?,
                    false => back(app, visit, told)?,
                })
            }
            _ => None,
        },
        SessionStatus::Failed | SessionStatus::Cancelled | SessionStatus::Expired => {
            let why = failure.unwrap_or(ConnectFailure::AccessDenied);
            let told = vec![
                ("error", why.to_string()),
                ("error_description", describe(visit, status)),
                ("status", status.to_string()),
            ];
            Some(back(app, visit, told)?)
        }
    };
    Ok(Ending {
        status,
        failure,
        store,
        others,
        reauthorized: session.reauthorized,
        back,
        finish,
    })
}

/// The browser that left for the platform has its end: the callback is of no more use to anybody.
async fn shown(app: &App, visit: &Visit) -> Result<(), Error> {
    let id = visit.session.id;
    if visit.session.state_hash.is_some() {
        app.db
            .run(move |conn| db::connect_sessions::forget_state(conn, id))
            .await?;
    }
    Ok(())
}

fn describe(visit: &Visit, status: SessionStatus) -> String {
    let fallback = if status == SessionStatus::Expired {
        "The link's time was over."
    } else {
        "The connection was not made."
    };
    visit
        .session
        .failure_detail
        .clone()
        .filter(|_| status != SessionStatus::Expired)
        .unwrap_or_else(|| fallback.to_owned())
}

/// Whether this cookie is the one of the browser that began the session's attempt.
pub fn began_here(session: &ConnectSession, browser: Option<&Secret>) -> bool {
    let given = browser.map(|cookie| TokenHash::of(cookie.expose()));
    match (session.browser_hash, given) {
        (Some(kept), Some(given)) => bool::from(kept.as_bytes().ct_eq(given.as_bytes())),
        _ => false,
    }
}

/// The attempt with its one-time code, and where the platform wants the browser.
type HandedOver = (Attempt, Secret, Option<Url>);

/// For the browser that made the connection.
fn handed_over(app: &App, visit: &Visit, browser: Option<&Secret>) -> Result<Option<HandedOver>, Error> {
    let session = &visit.session;
    let same_browser = began_here(session, browser);
    let in_time = session.code_expires_at.is_some_and(|until| app.now() < until);
    if !same_browser || !in_time {
        return Ok(None);
    }
    let Some(attempt) = Attempt::open(app, session)? else {
        return Ok(None);
    };
    let Some(code) = attempt.code.clone() else {
        return Ok(None);
    };
    let finish = attempt.finish.as_ref().and_then(|url| Url::parse(url.expose()).ok());
    let finish = finish.map(|url| browser_address(app, visit.api_app.mode, url));
    Ok(Some((attempt, code, finish.transpose()?)))
}

fn back(app: &App, visit: &Visit, mut told: Vec<(&'static str, String)>) -> Result<String, Error> {
    let (session, api_app) = (&visit.session, &visit.api_app);
    if visit.options.installed {
        told.push(("initiated_by", "platform".to_owned()));
    }
    let secret = signing_secret::signing(app, api_app)?;
    if let Some(state) = &session.partner_state {
        told.push(("state", state.clone()));
    }
    told.push(("session_id", session.id.to_string()));
    told.push(("timestamp", app.now().timestamp().to_string()));
    Ok(return_url::signed(&session.return_url, &told, &secret))
}

/// Where the platform wants the browser before anybody else. Whom the partner sent is led back there, unless the platform
/// insists: the installation would not be one.
pub(super) fn at_platform(visit: &Visit, target: &Target<'_>, verified: &Verified) -> Option<Secret> {
    let values = verified.values.over(&target.client.values);
    let finishing = platform::obtain::finish(target.method, &values)?;
    (finishing.required || visit.options.installed).then(|| finishing.url.as_str().into())
}
