//! How a session stands, for the page at its end: what happened, and the signed way back to the partner. The one-time code
//! goes only to the browser that made the connection, and only while it can be exchanged.

use subtle::ConstantTimeEq;

use super::attempt::Attempt;
use super::return_url;
use super::sessions::Visit;
use crate::app::App;
use crate::broker::Error;
use crate::crypto::Place;
use crate::db;
use crate::db::connect_sessions::ConnectSession;
use crate::db::stores::Store;
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::id::Id;
use crate::domain::secret::Secret;

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
        SessionStatus::Completed => match (code(app, visit, browser)?, &store) {
            (Some(code), Some(store)) => {
                shown(app, visit).await?;
                Some(back(
                    app,
                    visit,
                    vec![
                        ("code", code.expose().to_owned()),
                        ("store_id", store.id.to_string()),
                        ("platform", store.platform.clone()),
                    ],
                )?)
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

fn code(app: &App, visit: &Visit, browser: Option<&Secret>) -> Result<Option<Secret>, Error> {
    let session = &visit.session;
    let same_browser = began_here(session, browser);
    let in_time = session.code_expires_at.is_some_and(|until| app.now() < until);
    if !same_browser || !in_time {
        return Ok(None);
    }
    Ok(Attempt::open(app, session)?.and_then(|attempt| attempt.code))
}

fn back(app: &App, visit: &Visit, mut told: Vec<(&'static str, String)>) -> Result<String, Error> {
    let (session, api_app) = (&visit.session, &visit.api_app);
    let place = Place {
        table: "apps",
        column: "signing_secret_sealed",
        row: api_app.id.uuid(),
    };
    let unreadable = || Error::Internal(format!("the signing secret of {} cannot be opened", api_app.id));
    if visit.options.installed {
        told.push(("initiated_by", "platform".to_owned()));
    }
    let opened = app
        .sealer
        .open(place, &api_app.signing_secret_sealed)
        .map_err(|_| unreadable())?;
    let secret = Secret::new(std::str::from_utf8(opened.expose()).map_err(|_| unreadable())?);
    if let Some(state) = &session.partner_state {
        told.push(("state", state.clone()));
    }
    told.push(("session_id", session.id.to_string()));
    told.push(("timestamp", app.now().timestamp().to_string()));
    Ok(return_url::signed(&session.return_url, &told, &secret))
}
