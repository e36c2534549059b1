//! Connect sessions as partners and pages see them: made, found, cancelled. What a partner gives is checked once, when
//! a session is made; everything after trusts the row.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Options, Refused, absolute, asked, return_url};
use crate::app::App;
use crate::broker::Error;
use crate::broker::asker::Asker;
use crate::db;
use crate::db::connect_sessions::{By, ConnectSession, NewConnectSession};
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::connect::{ConnectFailure, Language, SessionStatus};
use crate::domain::id::{AppId, ConnectSessionId, StoreId};
use crate::domain::secret::Secret;
use crate::domain::store::StoreStatus;

/// In the audit trail.
pub(super) const CREATED: &str = "connect_session.created";

const DEFAULT_LIFE: Duration = Duration::from_secs(60 * 60);

/// The merchant, as far as the partner tells.
#[derive(Debug, Clone, Default)]
pub struct Merchant {
    pub email: Option<String>,
    pub name: Option<String>,
    pub locale: Option<Language>,
}

/// What a partner asks for. `store` binds the session to a store that is to be authorized again.
#[derive(Debug, Clone, Default)]
pub struct NewSession {
    pub customer_id: Option<String>,
    pub return_url: String,
    pub platform: Option<String>,
    pub platforms: Vec<String>,
    /// Connect fields filled in beforehand; secrets are refused.
    pub fields: BTreeMap<String, String>,
    pub merchant: Merchant,
    pub state: Option<String>,
    /// Seconds; an hour if not given.
    pub expires_in: Option<u64>,
    pub transfer: bool,
    /// The pages come without their frame.
    pub bare: bool,
    pub store: Option<StoreId>,
    pub accept_identity_change: bool,
    /// Somebody came to a page, and has not done anything yet.
    pub arrived: bool,
    /// It started at the platform.
    pub installed: bool,
}

/// A session just made; the link is shown this once.
#[derive(Debug)]
pub struct Created {
    pub id: ConnectSessionId,
    pub link: Secret,
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

/// A session reached by its link: everything that a page about it needs.
#[derive(Clone)]
pub struct Visit {
    pub link: Secret,
    pub session: ConnectSession,
    pub options: Options,
    pub api_app: db::apps::App,
}

impl Visit {
    /// Slugs that may be chosen; empty: any.
    pub fn allows(&self, slug: &str) -> bool {
        self.options.platforms.is_empty() || self.options.platforms.iter().any(|known| known == slug)
    }
}

/// Makes a session for `api_app`.
pub async fn create(app: &App, api_app: &db::apps::App, asker: &Asker, new: NewSession) -> Result<Created, Error> {
    asked::check(app, api_app, &new)?;
    let link = access_token::mint(TokenKind::ConnectLink, app.random.bytes());
    let id: ConnectSessionId = app.id();
    let life = new.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
    let expires_at = app.now() + life;
    let platforms = new.platform.iter().chain(&new.platforms).cloned().collect();
    let options = Options {
        platforms,
        fields: new.fields,
        merchant_email: new.merchant.email,
        merchant_name: new.merchant.name,
        locale: new.merchant.locale,
        transfer: new.transfer,
        bare: new.bare,
        accept_identity_change: new.accept_identity_change,
        arrived: new.arrived,
        installed: new.installed,
    };
    let options = serde_json::to_value(&options).map_err(|error| Error::Internal(error.to_string()))?;
    let (app_id, store, link_hash) = (api_app.id, new.store, TokenHash::of(link.expose()));
    let (return_url, state, customer_id) = (new.return_url, new.state, new.customer_id);
    let details = json!({ "store": store, "accept_identity_change": new.accept_identity_change });
    // Coming is no deed: who only arrives is in the trail once he begins.
    let event = (!new.arrived).then(|| asker.did(app.id(), app_id, CREATED, id, details));
    app.db
        .transaction(move |conn| {
            let row = NewConnectSession {
                id,
                app_id,
                store_id: store,
                link_hash,
                options,
                return_url: &return_url,
                partner_state: state.as_deref(),
                customer_id: customer_id.as_deref(),
                expires_at,
            };
            db::connect_sessions::insert(conn, &row)?;
            event.map_or(Ok(()), |event| db::audit::insert(conn, &event))
        })
        .await?;
    let url = absolute(app, &format!("/connect/{}", link.expose()))?;
    Ok(Created {
        id,
        link,
        url,
        expires_at,
    })
}

/// Makes a session that authorizes exactly this store again. Without a return URL the app's first one is used.
/// `StoreFrozen`: it has moved, and a new grant could end the one that it has there.
pub async fn reauthorize(
    app: &App,
    api_app: &db::apps::App,
    store: StoreId,
    asker: &Asker,
    mut new: NewSession,
) -> Result<Created, Error> {
    let app_id = api_app.id;
    let found = app.db.run(move |conn| {
        let store = db::stores::find_of(conn, app_id, store)?;
        let held: Vec<_> = store.iter().map(|store| store.credential_id).collect();
        Ok::<_, db::Error>((store, db::frozen::any(conn, &held)?))
    });
    let (store, frozen) = found.await?;
    let store = store.ok_or(Error::NotFound)?;
    if frozen {
        return Err(Error::StoreFrozen);
    }
    if store.status == StoreStatus::Revoked {
        return Err(Error::Conflict(
            "The store was revoked. Connect it anew: that makes a new store.".to_owned(),
        ));
    }
    if new.return_url.is_empty() {
        new.return_url = default_return_url(app, api_app)?;
    }
    new.store = Some(store.id);
    new.customer_id = store.customer_id;
    new.platform = Some(store.platform);
    new.platforms = Vec::new();
    let told = new.merchant;
    new.merchant = Merchant {
        email: told.email.or(store.merchant_email),
        name: told.name.or(store.merchant_name),
        locale: told
            .locale
            .or(store.merchant_locale.and_then(|tag| Language::from_tag(&tag))),
    };
    create(app, api_app, asker, new).await
}

/// What an app's permanent connect page was asked for, and from where.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    pub platform: Option<String>,
    pub state: Option<String>,
    pub locale: Option<Language>,
    pub bare: bool,
    /// The browser's network address.
    pub address: String,
}

/// Makes the session of somebody who arrives at an app's permanent connect page. `RateLimited`: too many came.
pub async fn create_on_arrival(app: &App, app_id: AppId, arrived: Arrived) -> Result<Created, Error> {
    let api_app = app
        .db
        .run(move |conn| db::apps::find(conn, app_id))
        .await?
        .ok_or(Error::NotFound)?;
    admit(app, app_id, &arrived.address)?;
    let new = NewSession {
        return_url: default_return_url(app, &api_app)?,
        platform: arrived.platform,
        state: arrived.state,
        bare: arrived.bare,
        arrived: true,
        merchant: Merchant {
            locale: arrived.locale,
            ..Merchant::default()
        },
        ..NewSession::default()
    };
    create(app, &api_app, &Asker::merchant(api_app.id), new).await
}

/// Counts somebody without an account who wants a session.
pub(super) fn admit(app: &App, app_id: AppId, address: &str) -> Result<(), Error> {
    app.arrivals
        .admit(app_id, address, app.now())
        .map_err(|retry_after| Error::RateLimited { retry_after })
}

/// The first one registered. A sandbox app without any, on a development server, has the demo partner's.
pub(super) fn default_return_url(app: &App, api_app: &db::apps::App) -> Result<String, Error> {
    let demo = absolute(app, "/demo/return")?;
    let demo = Some(demo).filter(|demo| return_url::is_allowed(demo, &[], api_app.mode));
    let first = api_app.return_urls.0.first().cloned();
    first
        .or(demo)
        .ok_or_else(|| Error::Conflict("The app has no return URL. Its owner has to register one.".to_owned()))
}

/// The session of this app, and its state at this moment.
pub async fn find(app: &App, app_id: AppId, id: ConnectSessionId) -> Result<(ConnectSession, SessionStatus), Error> {
    let found = app
        .db
        .run(move |conn| db::connect_sessions::find_of(conn, app_id, id))
        .await?;
    let session = found.ok_or(Error::NotFound)?;
    let status = session.status_at(app.now());
    Ok((session, status))
}

/// Cancels a session of this app; one that ended before is left as it is, and that is told.
pub async fn cancel(app: &App, app_id: AppId, id: ConnectSessionId, asker: &Asker) -> Result<(), Error> {
    let (session, status) = find(app, app_id, id).await?;
    match status {
        SessionStatus::Cancelled => Ok(()),
        SessionStatus::Completed | SessionStatus::Failed | SessionStatus::Expired => {
            Err(Error::Conflict(format!("The session has ended before ({status}).")))
        }
        SessionStatus::Open | SessionStatus::AtPlatform => {
            let detail = "Cancelled by the partner.";
            end(
                app,
                &session,
                By::Anybody,
                SessionStatus::Cancelled,
                None,
                detail,
                asker,
            )
            .await
        }
    }
}

/// The merchant cancels on the page.
pub async fn cancel_visit(app: &App, visit: &Visit) -> Result<(), Error> {
    if visit.session.status_at(app.now()).has_ended() {
        return Ok(());
    }
    let (failure, detail) = (Some(ConnectFailure::AccessDenied), "The merchant cancelled.");
    let (status, asker) = (SessionStatus::Cancelled, Asker::merchant(visit.session.app_id));
    end(app, &visit.session, By::Anybody, status, failure, detail, &asker).await
}

/// Ends the attempt of a visit, refused for good; a newer attempt of the session goes on untouched.
pub(super) async fn fail(app: &App, visit: &Visit, refused: &Refused, asker: &Asker) -> Result<(), Error> {
    let (session, status) = (&visit.session, SessionStatus::Failed);
    let (by, why) = (By::attempt(session), Some(refused.why));
    end(app, session, by, status, why, &refused.detail, asker).await
}

/// Ends a session without a store.
pub(super) async fn end(
    app: &App,
    session: &ConnectSession,
    by: By,
    status: SessionStatus,
    failure: Option<ConnectFailure>,
    detail: &str,
    asker: &Asker,
) -> Result<(), Error> {
    let action = match status {
        SessionStatus::Cancelled => "connect_session.cancelled",
        _ => "connect_session.failed",
    };
    let details = json!({ "platform": session.platform, "failure": failure, "detail": detail });
    let event = asker.did(app.id(), session.app_id, action, session.id, details);
    let (id, detail) = (session.id, detail.to_owned());
    app.db
        .transaction(move |conn| {
            if db::connect_sessions::end(conn, id, by, status, failure, Some(&detail))? {
                db::audit::insert(conn, &event)?;
            }
            Ok::<_, Error>(())
        })
        .await
}

/// The session of a link. Mistyped, unknown: not found.
pub async fn visit(app: &App, link: &str) -> Result<Visit, Error> {
    let hash = access_token::hash(TokenKind::ConnectLink, link).map_err(|_| Error::NotFound)?;
    let found = app
        .db
        .run(move |conn| {
            let Some(session) = db::connect_sessions::find_by_link(conn, hash)? else {
                return Ok(None);
            };
            let api_app = db::apps::find(conn, session.app_id)?;
            Ok::<_, db::Error>(api_app.map(|api_app| (session, api_app)))
        })
        .await?;
    let (session, api_app) = found.ok_or(Error::NotFound)?;
    let options = options(&session)?;
    Ok(Visit {
        link: Secret::new(link),
        session,
        options,
        api_app,
    })
}

/// A session that is known by other means than its link, with what belongs to it.
pub(super) async fn revisit(app: &App, session: ConnectSession, link: Secret) -> Result<Visit, Error> {
    let app_id = session.app_id;
    let api_app = app
        .db
        .run(move |conn| db::apps::find(conn, app_id))
        .await?
        .ok_or(Error::NotFound)?;
    let options = options(&session)?;
    Ok(Visit {
        link,
        session,
        options,
        api_app,
    })
}

fn options(session: &ConnectSession) -> Result<Options, Error> {
    serde_json::from_value(session.options.clone())
        .map_err(|error| Error::Internal(format!("the options of {} are not readable: {error}", session.id)))
}
