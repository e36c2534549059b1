//! A connection that starts at the platform, in its app store: the platform's proof is checked before anything is kept,
//! then a session is made, and it goes on as one that a partner began. The partner learns that it began elsewhere
//! (`initiated_by=platform`), for nobody at the partner's asked for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::attempt::Attempt;
use super::begin::{Begun, begin_with, secret};
use super::complete::{self, Returned};
use super::obtain::{self, Target};
use super::sessions::{self, NewSession, Visit};
use super::settle::{self, Accepted, Settled};
use super::{Stop, client, to_end};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::db;
use crate::db::connect_sessions::Begun as BegunRow;
use crate::domain::access_token::TokenHash;
use crate::domain::connect::SessionStatus;
use crate::domain::id::AppId;
use crate::domain::secret::Secret;
use crate::platform::descriptor::Method;
use crate::platform::obtain::{CallbackRefusal, Install, callback_state, goes_on_as_installation, read_install};
use crate::platform::{Platform, Values};

/// Where somebody who comes from a platform is led.
pub enum Installed {
    /// On to the platform's page, with the cookie that binds the browser.
    Leave { visit: Visit, to: Url, browser: Secret },
    /// To the page of the session, which tells how it went.
    Session { visit: Visit, browser: Option<Secret> },
    /// The answer to a connection that began here.
    Returned(complete::Arrival),
    /// The platform's proof does not hold, or is missing.
    NotBelieved,
    /// No method of the platform can start there for this app.
    Impossible,
}

/// Takes what a platform sends a browser with. `address` is the browser's network address.
pub async fn install(
    app: &Arc<App>,
    app_id: AppId,
    slug: &str,
    returned: Returned<'_>,
    address: &str,
) -> Result<Installed, Error> {
    let platform = app.catalogue.platform_for(app_id, slug).ok_or(Error::NotFound)?;
    // Some platforms know one address only, whoever began. A state is ours, and only with it does a session of a partner's
    // end. To strip it off a return gains nobody anything, though the code alone is then the proof (Ecwid's carries no
    // other): what comes is a session of its own in the browser that brought the code, without the partner's state,
    // customer or store to authorize again, and it is marked `initiated_by=platform`, so that the partner asks its user
    // before the store is claimed. Somebody else's code brought to a browser ends there as his own market would end it; a
    // stolen code could be brought with the thief's own state just as well, for a state proves the browser and not the
    // code. The code works once, and the address stands in the exchange; a customer's store stays that customer's.
    let ours = returned.path_state.is_some() || callback_state(platform, returned.raw_query).is_some();
    if ours || complete::of_browser(app, platform, returned).await?.is_some() {
        return complete::complete(app, slug, returned).await.map(Installed::Returned);
    }
    let found = app.db.run(move |conn| db::apps::find(conn, app_id)).await?;
    let api_app = found.ok_or(Error::NotFound)?;
    sessions::admit(app, app_id, address)?;
    let client = client::find(app, &api_app, platform).await?;
    let (mut possible, mut refused) = (None, None);
    for method in platform
        .methods
        .iter()
        .filter(|method| client::can_use(method, client.id.is_some()))
    {
        match read_install(method, returned.raw_query, &client.values, app.now()) {
            Ok(Some(install)) => {
                possible = Some((method, install));
                break;
            }
            Ok(None) => {}
            // It may be meant for another method, which has other names for what it needs.
            Err(refusal @ CallbackRefusal::MissingParameter(_)) => refused = refused.or(Some(refusal)),
            Err(refusal) => {
                told(slug, &refusal);
                return Ok(Installed::NotBelieved);
            }
        }
    }
    let Some((method, install)) = possible else {
        return Ok(match refused {
            Some(refusal) => {
                told(slug, &refusal);
                Installed::NotBelieved
            }
            None => Installed::Impossible,
        });
    };
    if let Install::Begin(named) = &install
        && let Some((visit, browser)) = begun_here(app, app_id, platform, returned).await?
    {
        return begun(app, visit, platform, method, named, browser).await;
    }
    let asker = Asker::merchant(app_id);
    let mut fields = BTreeMap::new();
    if let Install::Named(named) = &install {
        fields.extend(
            named
                .iter()
                .map(|(name, value)| (name.to_owned(), value.expose().to_owned())),
        );
    }
    let new = NewSession {
        return_url: sessions::default_return_url(app, &api_app)?,
        platform: Some(platform.slug.clone()),
        fields,
        arrived: true,
        installed: true,
        ..NewSession::default()
    };
    let created = sessions::create(app, &api_app, &asker, new).await?;
    let visit = sessions::visit(app, created.link.expose()).await?;
    match install {
        Install::Begin(named) => begun(app, visit, platform, method, &named, None).await,
        // To send the browser straight on would send it wherever a link says.
        Install::Named(_) => Ok(Installed::Session { visit, browser: None }),
        Install::Approved(brought) => approved(app, visit, platform, method, brought).await,
    }
}

fn told(slug: &str, refusal: &CallbackRefusal) {
    tracing::info!(platform = slug, %refusal, "an installation that began at a platform was not believed");
}

/// The session that sent this browser to the platform's own page of the app, and its cookie.
async fn begun_here(
    app: &App,
    app_id: AppId,
    platform: &Platform,
    returned: Returned<'_>,
) -> Result<Option<(Visit, Option<Secret>)>, Error> {
    let kind = goes_on_as_installation;
    let found = complete::waiting_of_browser(app, platform, returned, kind).await?;
    let Some(session) = found.filter(|session| session.app_id == app_id) else {
        return Ok(None);
    };
    let Some(attempt) = Attempt::open(app, &session)? else {
        return Ok(None);
    };
    let mut cookies = returned.browsers.iter().filter(|(id, _)| *id == session.id);
    let browser = cookies.next().map(|(_, cookie)| cookie.clone());
    let visit = sessions::revisit(app, session, attempt.link).await?;
    Ok(Some((visit, browser)))
}

async fn begun(
    app: &Arc<App>,
    visit: Visit,
    platform: &Platform,
    method: &Method,
    named: &Values,
    browser: Option<Secret>,
) -> Result<Installed, Error> {
    Ok(
        match begin_with(app, &visit, platform, method, named, named, browser).await? {
            Begun::Leave { to, browser } => Installed::Leave { visit, to, browser },
            Begun::Settled { browser } => Installed::Session {
                visit,
                browser: Some(browser),
            },
            // What is missing can be typed; what was refused can be tried again.
            Begun::Fields(_) | Begun::Refused(_) => Installed::Session { visit, browser: None },
        },
    )
}

/// The merchant has approved already: the session is begun and taken at once, and the code exchanged.
async fn approved(
    app: &Arc<App>,
    visit: Visit,
    platform: &Platform,
    method: &Method,
    brought: Values,
) -> Result<Installed, Error> {
    let (browser, state) = (secret(app), secret(app));
    let attempt = Attempt {
        link: visit.link.clone(),
        code: None,
        finish: None,
        token: None,
        values: Values::new().with("state", state.clone()),
    };
    let state = TokenHash::of(state.expose());
    let row = BegunRow {
        status: SessionStatus::AtPlatform,
        platform: Some(platform.slug.clone()),
        method: Some(method.id.clone()),
        state_hash: Some(state),
        browser_hash: Some(TokenHash::of(browser.expose())),
        attempt_sealed: Some(attempt.seal(&app.sealer, visit.session.id)),
    };
    let (id, app_id) = (visit.session.id, visit.session.app_id);
    let details = serde_json::json!({ "platform": platform.slug, "initiated_by": "platform" });
    let event = Asker::merchant(app_id).did(app.id(), app_id, sessions::CREATED, id, details);
    let begin = move |conn: &mut db::Conn| {
        if db::connect_sessions::begin(conn, id, &row)?.is_none() {
            return Ok(None);
        }
        db::audit::insert(conn, &event)?;
        db::connect_sessions::take(conn, state)
    };
    let session = app.db.transaction::<_, db::Error, _>(begin).await?;
    let visit = Visit {
        session: session.ok_or(Error::LinkExpired)?,
        ..visit
    };
    let redirect = complete::install_address(app, app_id, platform)?;
    let (tools, going, platform, method) = (app.clone(), visit.clone(), platform.clone(), method.clone());
    to_end(app, async move {
        let values = brought.over(&attempt.values).with("redirect_uri", redirect);
        let worked = exchange(&tools, &going, &platform, &method, &values).await;
        complete::ended(&tools, &going, worked).await
    })
    .await?;
    Ok(Installed::Session {
        visit,
        browser: Some(browser),
    })
}

async fn exchange(
    app: &Arc<App>,
    visit: &Visit,
    platform: &Platform,
    method: &Method,
    values: &Values,
) -> Result<Settled, Stop> {
    let client = client::find(app, &visit.api_app, platform).await?;
    let target = Target {
        platform,
        method,
        mode: visit.api_app.mode,
        client: &client,
    };
    let verified = obtain::obtain(app, &target, values).await?;
    Ok(settle::settle(app, visit, &target, verified, Accepted::default()).await?)
}
