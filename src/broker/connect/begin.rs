//! A browser begins: the fields are checked, then it either leaves for the platform (redirect) or what was typed is tried
//! at once (keys). Beginning again is allowed as long as the session goes on: the earlier state is forgotten, and the
//! browser that began last is the one that may come back.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;

use super::attempt::Attempt;
use super::sessions::{self, Visit};
use super::{Refused, Stop, absolute, client, obtain, settle, to_end};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::refresh::open_values;
use crate::broker::{Error, shop_values};
use crate::db;
use crate::db::connect_sessions::Begun as BegunRow;
use crate::domain::access_token::TokenHash;
use crate::domain::connect::{ConnectFailure, SessionStatus};
use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform;
use crate::platform::descriptor::Method;
use crate::platform::{FieldProblem, Platform, Values};

/// What becomes of a beginning.
pub enum Begun {
    /// The browser goes there, with the cookie that binds it.
    Leave { to: Url, browser: Secret },
    /// Ended, or held for a decision: the page of the session tells.
    Settled { browser: Secret },
    /// Fields that cannot be meant.
    Fields(Vec<(String, FieldProblem)>),
    /// The platform refused, or cannot be reached; the session stays open and nothing was kept.
    Refused(Refused),
}

/// Begins with `method` of `platform` and what the merchant typed. `browser` is the cookie of an earlier beginning.
pub async fn begin(
    app: &Arc<App>,
    visit: &Visit,
    platform: &Platform,
    method: &Method,
    given: &Values,
    browser: Option<Secret>,
) -> Result<Begun, Error> {
    begin_with(app, visit, platform, method, given, &Values::new(), browser).await
}

/// The same, with values that the platform has brought along and that are no fields.
pub(super) async fn begin_with(
    app: &Arc<App>,
    visit: &Visit,
    platform: &Platform,
    method: &Method,
    given: &Values,
    brought: &Values,
    browser: Option<Secret>,
) -> Result<Begun, Error> {
    if visit.session.status_at(app.now()).has_ended() {
        return Err(Error::LinkExpired);
    }
    if has_moved(app, visit).await? {
        return Err(Error::StoreFrozen);
    }
    if !visit.allows(&platform.slug) || !platform.is_for(visit.api_app.id) || method.for_partners {
        return Err(Error::NotFound);
    }
    let fields = match checked(
        method,
        given,
        app.config.allow_private_hosts && visit.api_app.mode == Mode::Live,
    ) {
        Ok(fields) => fields,
        Err(wrong) => return Ok(Begun::Fields(wrong)),
    };
    let client = client::find(app, &visit.api_app, platform).await?;
    if !client::can_use(method, client.id.is_some()) {
        let detail = format!("There is no OAuth client of this app at {}.", platform.name);
        return Ok(Begun::Refused(Refused::new(
            ConnectFailure::PlatformAppMisconfigured,
            detail,
        )));
    }
    let browser = browser.unwrap_or_else(|| secret(app));
    let state = secret(app);
    let mut attempt = Attempt {
        link: visit.link.clone(),
        code: None,
        finish: None,
        token: None,
        values: fields.over(brought),
    };
    attempt.values.set("state", state.clone());
    if platform::obtain::uses_pkce(method) {
        attempt.values.set("code_verifier", secret(app));
    }
    let known = with_addresses(
        app,
        platform,
        method,
        visit,
        &client,
        &attempt.values.over(&client.values),
    )?;
    let values = match asked_first(app, visit, platform, method, &client, known.clone()).await? {
        Ok(first) => {
            attempt.values = first.over(&attempt.values);
            first.over(&known)
        }
        Err(refused) => return Ok(Begun::Refused(refused)),
    };
    let start = match platform::obtain::start(method, &values) {
        Ok(start) => start,
        Err(error) => return Ok(Begun::Refused(obtain::not_built(method, &error))),
    };
    let leaves = match start {
        platform::obtain::Start::Redirect { url } => Some(browser_address(app, visit.api_app.mode, url)?),
        platform::obtain::Start::Direct => None,
    };
    let row = BegunRow {
        status: if leaves.is_some() {
            SessionStatus::AtPlatform
        } else {
            SessionStatus::Open
        },
        platform: Some(platform.slug.clone()),
        method: Some(method.id.clone()),
        state_hash: leaves.is_some().then(|| TokenHash::of(state.expose())),
        browser_hash: Some(TokenHash::of(browser.expose())),
        attempt_sealed: leaves.is_some().then(|| attempt.seal(&app.sealer, visit.session.id)),
    };
    let id = visit.session.id;
    let first = visit.options.arrived && visit.session.left_at.is_none();
    let arrived = first.then(|| {
        let details = json!({ "store": visit.session.store_id, "platform": platform.slug });
        let asker = Asker::merchant(visit.session.app_id);
        asker.did(app.id(), visit.session.app_id, sessions::CREATED, id, details)
    });
    let begun = app
        .db
        .transaction::<_, db::Error, _>(move |conn| {
            let begun = db::connect_sessions::begin(conn, id, &row)?;
            if let Some(event) = arrived.filter(|_| begun.is_some()) {
                db::audit::insert(conn, &event)?;
            }
            Ok(begun)
        })
        .await?;
    let session = begun.ok_or(Error::LinkExpired)?;
    if let Some(to) = leaves {
        return Ok(Begun::Leave { to, browser });
    }
    let visit = Visit {
        session,
        ..visit.clone()
    };
    let (tools, platform, method) = (app.clone(), platform.clone(), method.clone());
    to_end(app, async move {
        let target = obtain::Target {
            platform: &platform,
            method: &method,
            mode: visit.api_app.mode,
            client: &client,
        };
        try_keys(&tools, &visit, &target, &attempt.values, browser).await
    })
    .await
}

/// Whether the store that the session is for has moved to another installation: a new grant could end the one it has there.
async fn has_moved(app: &App, visit: &Visit) -> Result<bool, Error> {
    let (owner, Some(store)) = (visit.session.app_id, visit.session.store_id) else {
        return Ok(false);
    };
    let asked = app.db.run(move |conn| {
        let store = db::stores::find_of(conn, owner, store)?;
        let held: Vec<_> = store.iter().map(|store| store.credential_id).collect();
        db::frozen::any(conn, &held)
    });
    Ok(asked.await?)
}

/// What the platform has to give before the browser can leave for it.
async fn asked_first(
    app: &Arc<App>,
    visit: &Visit,
    platform: &Platform,
    method: &Method,
    client: &client::Client,
    values: Values,
) -> Result<Result<Values, Refused>, Error> {
    if !platform::obtain::asks_first(method) {
        return Ok(Ok(Values::new()));
    }
    let (tools, platform, method, client) = (app.clone(), platform.clone(), method.clone(), client.clone());
    let mode = visit.api_app.mode;
    to_end(app, async move {
        let target = obtain::Target {
            platform: &platform,
            method: &method,
            mode,
            client: &client,
        };
        match obtain::ask_first(&tools, &target, &values).await {
            Ok(first) => Ok(Ok(first)),
            Err(Stop::Refused(refused)) => Ok(Err(refused)),
            Err(Stop::Error(error)) => Err(error),
        }
    })
    .await
}

/// What was typed is proved at the platform and settled at once.
async fn try_keys(
    app: &Arc<App>,
    visit: &Visit,
    target: &obtain::Target<'_>,
    typed: &Values,
    browser: Secret,
) -> Result<Begun, Error> {
    let verified = match obtain::obtain(app, target, typed).await {
        Ok(verified) => verified,
        Err(Stop::Refused(refused)) => return Ok(Begun::Refused(refused)),
        Err(Stop::Error(error)) => return Err(error),
    };
    match settle::settle(app, visit, target, verified, settle::Accepted::default()).await? {
        settle::Settled::Completed | settle::Settled::Held => Ok(Begun::Settled { browser }),
        // Good keys, and nothing that the merchant could type would change the answer: the partner has to be told.
        settle::Settled::Refused(refused) if refused.why == ConnectFailure::StoreAlreadyConnected => {
            sessions::fail(app, visit, &refused, &Asker::merchant(visit.session.app_id)).await?;
            Ok(Begun::Settled { browser })
        }
        settle::Settled::Refused(refused) => Ok(Begun::Refused(refused)),
    }
}

/// What binds a browser to a session; to be set before anything begins, so that a browser that breaks off is known again.
pub fn browser_secret(app: &App) -> Secret {
    secret(app)
}

/// Values to show in the form: what the partner sent along, else what the store was connected with. Never a secret.
pub async fn prefilled(app: &App, visit: &Visit, method: &Method) -> Result<Values, Error> {
    let sent: Values = visit
        .options
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str()))
        .collect();
    let mut known = Values::new();
    if let Some(store) = visit.session.store_id {
        let found = app
            .db
            .run(move |conn| {
                let Some(store) = db::stores::find(conn, store)? else {
                    return Ok(None);
                };
                let credential = db::credentials::find(conn, store.credential_id)?;
                Ok::<_, db::Error>(credential.map(|credential| (store, credential)))
            })
            .await?;
        if let Some((store, credential)) = found
            && let Some(sealed) = &credential.values_sealed
        {
            let shared = open_values(&app.sealer, credential.id, sealed)?;
            known = shop_values::over(&app.sealer, &store, shared)?;
        }
    }
    let all = sent.over(&known);
    let shown = method.fields.iter().filter(|field| !field.secret);
    Ok(shown
        .filter_map(|field| Some((field.name.clone(), all.get(&field.name)?)))
        .collect())
}

/// What callbacks and requests need beside typed values: our own addresses, as the platform sees them.
pub(super) fn with_addresses(
    app: &App,
    platform: &Platform,
    method: &Method,
    visit: &Visit,
    client: &client::Client,
    values: &Values,
) -> Result<Values, Error> {
    let deliver = format!("/connect/deliver/{}", visit.link.expose());
    let own = client.row.as_ref().and_then(|row| row.app_id).map(|id| id.to_string());
    let registered =
        platform::register::registered_uri(super::public_url(app)?, &platform.slug, method, own.as_deref());
    let callback = platform::obtain::redirect_uri(method, &registered, values.get("state").unwrap_or_default());
    Ok(values
        .clone()
        .with("redirect_uri", callback.as_str())
        .with("return_url", callback.as_str())
        .with("deliver_url", absolute(app, &deliver)?)
        .with("app_name", visit.api_app.name.as_str()))
}

pub(super) fn checked(
    method: &Method,
    given: &Values,
    allow_http: bool,
) -> Result<Values, Vec<(String, FieldProblem)>> {
    let (mut values, mut wrong) = (Values::new(), Vec::new());
    for field in &method.fields {
        match field.check(given.get(&field.name).unwrap_or_default(), allow_http) {
            Ok(value) if value.is_empty() => {}
            Ok(value) => values.set(field.name.as_str(), value),
            Err(problem) => wrong.push((field.name.clone(), problem)),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// 256 random bits in 43 characters that no server has to encode: for state, verifier and cookie.
pub(super) fn secret(app: &App) -> Secret {
    Secret::new(BASE64_URL_SAFE_NO_PAD.encode(app.random.bytes::<32>()))
}

/// Where the browser is really sent: for sandbox apps the simulated platform.
pub(super) fn browser_address(app: &App, mode: Mode, url: Url) -> Result<Url, Error> {
    app.outbound
        .browser_url(&super::route(mode), &url)
        .ok_or_else(|| Error::Conflict("The app is in sandbox mode, and there is no sandbox.".to_owned()))
}
