//! A callback: the session is found by its state, the ladder is climbed, the session is taken (once: a replay takes
//! nothing), the platform's own proof is checked, and then the credential is obtained and settled, whether or not the
//! browser waits for it. Every way out but two leads to the session's own page; those two know no session that they may
//! speak of.

use std::sync::Arc;

use super::attempt::{Attempt, open_delivered};
use super::begin::with_addresses;
use super::ladder::{self, Stumble, Waiting};
use super::obtain::{self, Target};
use super::sessions::{self, Visit};
use super::settle::{self, Accepted, Settled};
use super::{Refused, Stop, absolute, client, to_end};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::db;
use crate::db::connect_sessions::{By, ConnectSession};
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::id::{AppId, ConnectSessionId};
use crate::domain::secret::Secret;
use crate::platform::obtain::{CallbackAnswer, CallbackRefusal};
use crate::platform::{self, Method, Platform};

/// Where a callback leads.
#[derive(Debug)]
pub enum Arrival {
    /// To the page of its session, which tells the rest.
    Session { link: Secret },
    /// No session knows this state: an end that was shown already, an old page, or an invention.
    Unknown,
    /// The session began in another browser; nothing was done.
    OtherBrowser,
}

/// What came back with a browser.
#[derive(Clone, Copy)]
pub struct Returned<'a> {
    pub raw_query: &'a str,
    /// The state, where the platform was told it as part of the path.
    pub path_state: Option<&'a str>,
    /// The app at whose install address it came back, for platforms that know one address only.
    pub install: Option<AppId>,
    /// The cookies of the sessions that this browser began.
    pub browsers: &'a [(ConnectSessionId, Secret)],
}

impl Returned<'_> {
    fn cookie(&self, session: ConnectSessionId) -> Option<TokenHash> {
        let mut found = self.browsers.iter().filter(|(id, _)| *id == session);
        found.next().map(|(_, cookie)| TokenHash::of(cookie.expose()))
    }
}

/// Takes a platform's callback.
pub async fn complete(app: &Arc<App>, slug: &str, returned: Returned<'_>) -> Result<Arrival, Error> {
    let platform = app.catalogue.platform(slug).ok_or(Error::NotFound)?;
    let raw_query = returned.raw_query;
    let state = match returned.path_state {
        Some(state) => Some(state.to_owned()),
        None => platform::obtain::callback_state(platform, raw_query),
    };
    let session = match state {
        Some(state) => {
            let state = TokenHash::of(&state);
            let find = move |conn: &mut db::Conn| db::connect_sessions::find_by_state(conn, state);
            app.db.run(find).await?
        }
        None => of_browser(app, platform, returned).await?,
    };
    let Some(session) = session else {
        return Ok(Arrival::Unknown);
    };
    let Some(state) = session.state_hash else {
        return Ok(Arrival::Unknown);
    };
    if returned.install.is_some_and(|app| app != session.app_id) {
        return Ok(Arrival::Unknown);
    }
    let waiting = Waiting {
        status: session.status,
        expires_at: session.expires_at,
        platform: session.platform.as_deref(),
        browser: session.browser_hash,
    };
    let stumble = ladder::climb(&waiting, returned.cookie(session.id), slug, app.now()).err();
    if stumble == Some(Stumble::OtherBrowser) {
        return Ok(Arrival::OtherBrowser);
    }
    let Some(attempt) = Attempt::open(app, &session)? else {
        return Ok(Arrival::Unknown);
    };
    let arrival = Arrival::Session {
        link: attempt.link.clone(),
    };
    match stumble {
        Some(Stumble::Ended | Stumble::Expired | Stumble::OtherBrowser) => return Ok(arrival),
        Some(Stumble::OtherPlatform) => {
            let detail = format!(
                "The answer came to the address of {}, which was not asked.",
                platform.name
            );
            let (status, why) = (SessionStatus::Failed, Some(ConnectFailure::InvalidCallback));
            let (by, asker) = (By::attempt(&session), Asker::merchant(session.app_id));
            sessions::end(app, &session, by, status, why, &detail, &asker).await?;
            return Ok(arrival);
        }
        None => {}
    }
    let visit = sessions::revisit(app, session, attempt.link.clone()).await?;
    let (tools, platform, raw_query) = (app.clone(), platform.clone(), raw_query.to_owned());
    let at_install = returned.install.is_some();
    to_end(app, async move {
        let taken = tools
            .db
            .run(move |conn| db::connect_sessions::take(conn, state))
            .await?;
        // Somebody was faster with the same answer.
        let Some(session) = taken else { return Ok(()) };
        let visit = Visit { session, ..visit };
        let worked = proceed(&tools, &visit, &platform, attempt, &raw_query, at_install).await;
        ended(&tools, &visit, worked).await
    })
    .await?;
    Ok(arrival)
}

/// The session that this browser left for the platform last, where the platform brings no state back.
pub(super) async fn of_browser(
    app: &App,
    platform: &Platform,
    returned: Returned<'_>,
) -> Result<Option<ConnectSession>, Error> {
    waiting_of_browser(app, platform, returned, platform::obtain::state_by_browser).await
}

/// The session that this browser left for the platform last, with a method of this kind.
pub(super) async fn waiting_of_browser(
    app: &App,
    platform: &Platform,
    returned: Returned<'_>,
    kind: fn(&Method) -> bool,
) -> Result<Option<ConnectSession>, Error> {
    let ids: Vec<_> = returned.browsers.iter().map(|(id, _)| *id).take(MOST_COOKIES).collect();
    let slug = platform.slug.clone();
    let waiting = app
        .db
        .run(move |conn| db::connect_sessions::list_at_platform(conn, &ids, &slug))
        .await?;
    let by_browser = |session: &ConnectSession| {
        let method = session.method.as_deref().and_then(|id| platform.method(id));
        method.is_some_and(kind)
            && session.browser_hash.is_some()
            && session.browser_hash == returned.cookie(session.id)
    };
    Ok(waiting.into_iter().find(by_browser))
}

/// More sessions than one browser has open.
const MOST_COOKIES: usize = 20;

/// A taken session, to its end or open again.
pub(super) async fn ended(app: &App, visit: &Visit, worked: Result<Settled, Stop>) -> Result<(), Error> {
    match worked {
        Ok(Settled::Completed | Settled::Held) => Ok(()),
        Ok(Settled::Refused(refused)) | Err(Stop::Refused(refused)) => refuse(app, visit, &refused).await,
        // Ended meanwhile, or a newer attempt has taken over: the session's page tells.
        Err(Stop::Error(Error::LinkExpired)) => Ok(()),
        Err(Stop::Error(Error::StoreFrozen)) => {
            let why = "The store has moved to another installation.";
            refuse(app, visit, &Refused::new(ConnectFailure::StoreAlreadyConnected, why)).await
        }
        Err(Stop::Error(error)) => {
            // Not the merchant's fault: the same link can be used again.
            let detail = "Our own fault; begin again.";
            reopen(app, visit, ConnectFailure::PlatformUnavailable, detail)
                .await
                .ok();
            Err(error)
        }
    }
}

async fn proceed(
    app: &Arc<App>,
    visit: &Visit,
    platform: &Platform,
    attempt: Attempt,
    raw_query: &str,
    at_install: bool,
) -> Result<Settled, Stop> {
    let method = method_of(visit, platform)?;
    let client = client::find(app, &visit.api_app, platform).await?;
    let mut known = with_addresses(
        app,
        platform,
        method,
        visit,
        &client,
        &attempt.values.over(&client.values),
    )?;
    if at_install {
        let registered = install_address(app, visit.api_app.id, platform)?;
        let state = known.get("state").unwrap_or_default();
        let redirect = platform::obtain::redirect_uri(method, &registered, state);
        known.set("redirect_uri", redirect);
    }
    let answer =
        platform::obtain::read_callback(method, raw_query, &known, app.now()).map_err(|error| not_believed(&error))?;
    let brought = match answer {
        CallbackAnswer::Approved(brought) => brought,
        CallbackAnswer::Denied { code, description } => return Err(denied(&code, description.as_deref()).into()),
    };
    let mut values = brought.over(&attempt.values);
    if platform::obtain::is_delivered(method) {
        let detail = format!("{} did not hand over its keys.", platform.name);
        let keys = open_delivered(app, &visit.session)?.ok_or_else(|| Refused {
            again: true,
            ..Refused::new(ConnectFailure::PlatformError, detail)
        })?;
        values = keys.over(&values);
    }
    values.set("redirect_uri", known.get("redirect_uri").unwrap_or_default());
    let target = Target {
        platform,
        method,
        mode: visit.api_app.mode,
        client: &client,
    };
    let verified = obtain::obtain(app, &target, &values).await?;
    Ok(settle::settle(app, visit, &target, verified, Accepted::default()).await?)
}

/// Where connections that start at a platform arrive.
pub(super) fn install_address(app: &App, app_id: AppId, platform: &Platform) -> Result<String, Error> {
    absolute(app, &format!("/connect/install/{app_id}/{}", platform.slug))
}

/// The method that a session was begun with.
pub(super) fn method_of<'a>(visit: &Visit, platform: &'a Platform) -> Result<&'a Method, Error> {
    let id = visit.session.method.as_deref().unwrap_or_default();
    platform
        .method(id)
        .ok_or_else(|| Error::Internal(format!("{} has no method `{id}` any more", platform.slug)))
}

/// Ends the session, or opens it again where trying again may help.
async fn refuse(app: &App, visit: &Visit, refused: &Refused) -> Result<(), Error> {
    if refused.again {
        return reopen(app, visit, refused.why, &refused.detail).await;
    }
    sessions::fail(app, visit, refused, &Asker::merchant(visit.session.app_id)).await
}

async fn reopen(app: &App, visit: &Visit, why: ConnectFailure, detail: &str) -> Result<(), Error> {
    let (id, by, detail) = (visit.session.id, By::attempt(&visit.session), detail.to_owned());
    app.db
        .run(move |conn| db::connect_sessions::reopen(conn, id, by, Some(why), Some(&detail)))
        .await?;
    Ok(())
}

fn not_believed(refusal: &CallbackRefusal) -> Refused {
    let why = match refusal {
        CallbackRefusal::OtherStore => ConnectFailure::OtherStore,
        _ => ConnectFailure::InvalidCallback,
    };
    Refused::new(why, format!("The platform's answer was not believed: {refusal}."))
}

/// The platform's own words go to the partner only, cut short: anybody could have put them into the address.
fn denied(code: &str, description: Option<&str>) -> Refused {
    let said: String = format!("{code} {}", description.unwrap_or_default())
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let why = match code {
        "access_denied" | "user_denied" | "denied" | "consent_required" => ConnectFailure::AccessDenied,
        "temporarily_unavailable" | "server_error" => ConnectFailure::PlatformUnavailable,
        "unauthorized_client" | "invalid_client" | "invalid_scope" => ConnectFailure::PlatformAppMisconfigured,
        _ => ConnectFailure::PlatformError,
    };
    Refused::new(why, format!("The platform reported: {}", said.trim()))
}
