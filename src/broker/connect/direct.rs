//! Connecting without a browser: the partner holds the merchant's keys, or tokens that it got by itself. The same steps as
//! behind a page, in the partner's name: the credential is proved at the platform first, then the same transaction makes
//! the store, and its code is exchanged at once. The session that this leaves behind tells when and by whom.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::obtain::{Target, Verified};
use super::settle::{Accepted, Settled, settle_by};
use super::{
    BroughtTokens, Exchanged, Options, Refused, Stop, begin, brought, client, exchange, obtain, sessions, to_end,
};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, FieldError, needs_sandbox};
use crate::db;
use crate::db::connect_sessions::NewConnectSession;
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::connect::{CUSTOMER_ID_RULE, ConnectFailure, is_customer_id};
use crate::domain::id::ConnectSessionId;
use crate::domain::problem::Problem;
use crate::domain::store::Mode;
use crate::platform::field::FieldProblem;
use crate::platform::obtain::Obtain;
use crate::platform::{self, Method, Platform, Values};

const LIFE: Duration = Duration::from_secs(10 * 60);

/// What the partner holds of a store.
#[derive(Debug)]
pub struct DirectStore {
    pub platform: String,
    /// The default one if not given.
    pub method: Option<String>,
    pub customer_id: String,
    pub fields: Values,
    /// For connect methods that end in tokens.
    pub tokens: Option<BroughtTokens>,
    /// The store may move here from another customer.
    pub transfer: bool,
    /// Which of the shops that the authorization covers, by the platform's ids.
    pub shops: Vec<String>,
}

/// Connects a store, or authorizes it again if the customer has it connected: then there is no new token.
///
/// Errors: `Invalid`; `Platform` where the platform refuses or cannot be asked; `StoreAlreadyConnected`.
pub async fn connect_directly(
    app: &Arc<App>,
    api_app: &db::apps::App,
    asker: &Asker,
    wanted: DirectStore,
) -> Result<Exchanged, Error> {
    let invalid = |field: &str, message: &str| Error::Invalid(vec![FieldError::new(field, message)]);
    needs_sandbox(app, api_app.mode)?;
    let platform = app
        .catalogue
        .platform_for(api_app.id, &wanted.platform)
        .ok_or_else(|| invalid("platform", "not one of ours"))?;
    let method = match &wanted.method {
        Some(id) => platform
            .method(id)
            .ok_or_else(|| invalid("method", "not a connect method of this platform"))?,
        None => platform.default_method(),
    };
    let customer = wanted.customer_id.trim().to_owned();
    if !is_customer_id(&customer) {
        return Err(invalid("customer_id", CUSTOMER_ID_RULE));
    }
    let fields = checked(app, api_app, method, &wanted)?;
    let client = client::find(app, api_app, platform).await?;
    if !client::can_use(method, client.id.is_some()) {
        let detail = format!("There is no OAuth client of this app at {}.", platform.name);
        return Err(told(Refused::new(ConnectFailure::PlatformAppMisconfigured, detail)));
    }
    if method.for_partners && !client.is_own(api_app.id) {
        let detail = format!("This method needs a client of the app's own at {}.", platform.name);
        return Err(told(Refused::new(ConnectFailure::PlatformAppMisconfigured, detail)));
    }
    let proof = Proof {
        platform: platform.clone(),
        method: method.clone(),
        client,
        fields,
        tokens: wanted.tokens,
        customer,
        transfer: wanted.transfer,
        shops: wanted.shops,
    };
    let (tools, owner, by) = (app.clone(), api_app.clone(), asker.clone());
    let id = to_end(app, async move { make(&tools, &owner, &by, proof).await }).await?;
    let session = app
        .db
        .run(move |conn| db::connect_sessions::find(conn, id))
        .await?
        .ok_or(Error::NotFound)?;
    let code = Attempt::open(app, &session)?.and_then(|attempt| attempt.code);
    let code = code.ok_or_else(|| Error::Internal(format!("{id} was completed without a code")))?;
    exchange::exchange(app, api_app.id, code.expose(), None, asker).await
}

/// What is to be proved, and for whom.
struct Proof {
    platform: Platform,
    method: Method,
    client: client::Client,
    fields: Values,
    tokens: Option<BroughtTokens>,
    customer: String,
    transfer: bool,
    shops: Vec<String>,
}

/// Proves a credential at the platform and makes its store; the session that it ended in.
async fn make(app: &Arc<App>, api_app: &db::apps::App, asker: &Asker, proof: Proof) -> Result<ConnectSessionId, Error> {
    let (platform, method) = (&proof.platform, &proof.method);
    let target = Target {
        platform,
        method,
        mode: api_app.mode,
        client: &proof.client,
    };
    // Of what is brought nobody knows how it was come by. It is good for the store that it is brought for alone.
    let is_claimed = proof.tokens.is_some() || method.for_partners;
    let whom = brought::Whom {
        app: api_app.id,
        customer: &proof.customer,
        options: options(platform, proof.transfer)?,
    };
    let (mut verified, kept) = match prove(app, &target, &proof.fields, proof.tokens, &whom).await {
        Ok(proved) => proved,
        Err(Stop::Refused(refused)) => return Err(told(refused)),
        Err(Stop::Error(error)) => return Err(deleted(error)),
    };
    verified.chosen = meant(&verified, proof.shops)?;
    let keeps = kept.is_some();
    let visit = match kept {
        Some(id) => brought::retake(app, id, &whom).await.map_err(deleted)?,
        None => session(app, &whom).await?,
    };
    // The partner sees what was granted in the answer; nobody is there to ask.
    let accepted = Accepted {
        less: true,
        identity: false,
        claimed: is_claimed,
    };
    let settled = settle_by(app, &visit, &target, verified, accepted, asker.clone()).await;
    match settled.map_err(deleted)? {
        Settled::Completed => Ok(visit.session.id),
        Settled::Held => Err(Error::Conflict(
            "The shop's identity has changed; authorize it again".to_owned(),
        )),
        // The session goes on holding what the platform gave: the partner may ask again, and say something else.
        Settled::Refused(refused) if keeps => Err(told(refused)),
        Settled::Refused(refused) => {
            sessions::fail(app, &visit, &refused, asker).await?;
            Err(told(refused))
        }
    }
}

/// Nobody came by a link that could be called too old: who ends this session deletes its customer.
fn deleted(error: Error) -> Error {
    match error {
        Error::LinkExpired => Error::Conflict("The customer was deleted meanwhile.".to_owned()),
        other => other,
    }
}

/// The shops that are meant: those named, else the only one. Nobody is there to choose.
fn meant(verified: &Verified, named: Vec<String>) -> Result<Vec<String>, Error> {
    let covered = |id: &String| verified.shops.iter().any(|shop| shop.platform_store_id == *id);
    if named.is_empty() && !verified.chosen.is_empty() {
        return Ok(verified.chosen.clone());
    }
    if !named.is_empty() && named.iter().all(covered) {
        return Ok(named);
    }
    let ids: Vec<_> = verified.shops.iter().map(|shop| &*shop.platform_store_id).collect();
    let message = format!("name those that are meant; the authorization covers {}", ids.join(", "));
    Err(Error::Invalid(vec![FieldError::new("shops", message)]))
}

/// The fields in their one spelling; with tokens, those beside them that the platform never tells again.
fn checked(app: &App, api_app: &db::apps::App, method: &Method, wanted: &DirectStore) -> Result<Values, Error> {
    let given = &wanted.fields;
    let imports: Vec<_> = method.imports().filter(|_| wanted.tokens.is_some()).collect();
    let (brought, typed): (Vec<_>, Vec<_>) = given
        .iter()
        .partition(|(name, _)| imports.iter().any(|(import, ..)| import == name));
    let typed: Values = typed.into_iter().map(|(name, value)| (name, value.clone())).collect();
    let unknown = typed
        .names()
        .filter(|name| !method.fields.iter().any(|field| field.name == *name));
    let mut wrong: Vec<FieldError> = unknown
        .map(|name| FieldError::new(format!("fields.{name}"), "not a field of this connect method"))
        .collect();
    let allow_http = app.config.allow_private_hosts && api_app.mode == Mode::Live;
    let mut fields = begin::checked(method, &typed, allow_http).unwrap_or_else(|refused| {
        let refused = refused.into_iter();
        wrong.extend(refused.map(|(name, problem)| FieldError::new(format!("fields.{name}"), problem.to_string())));
        Values::new()
    });
    for (name, check, import) in imports {
        let value = brought.iter().find(|(brought, _)| *brought == name);
        match value
            .map(|(_, value)| value.expose().trim())
            .filter(|value| !value.is_empty())
        {
            None if !import.required => {}
            None => {
                let message = "a value is needed: tokens do not tell it";
                wrong.push(FieldError::new(format!("fields.{name}"), message));
            }
            Some(value) => match platform::obtain::imported(method, name, check, value, &fields) {
                Some(value) => fields.set(name, value),
                None => wrong.push(FieldError::new(
                    format!("fields.{name}"),
                    FieldProblem::Pattern.to_string(),
                )),
            },
        }
    }
    if wrong.is_empty() {
        Ok(fields)
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// The credential, and the session that holds it already where there is one.
async fn prove(
    app: &App,
    target: &Target<'_>,
    fields: &Values,
    tokens: Option<BroughtTokens>,
    whom: &brought::Whom<'_>,
) -> Result<(Verified, Option<ConnectSessionId>), Stop> {
    let by_code = matches!(target.method.obtain, Obtain::Code(_));
    let Some(tokens) = tokens else {
        if platform::obtain::is_approved_there(target.method) || platform::obtain::is_delivered(target.method) {
            let message = match by_code {
                true => "connected in a browser: bring `tokens`, or make a connect session",
                false => "connected in a browser: make a connect session",
            };
            return Err(Error::Invalid(vec![FieldError::new("method", message)]).into());
        }
        return Ok((obtain::obtain(app, target, fields).await?, None));
    };
    if !by_code {
        let message = "this connect method has none";
        return Err(Error::Invalid(vec![FieldError::new("tokens", message)]).into());
    }
    if !target.method.importable {
        let message = "nothing would prove which store they are of: make a connect session";
        return Err(Error::Invalid(vec![FieldError::new("tokens", message)]).into());
    }
    brought::prove(app, target, fields, tokens, whom).await
}

fn options(platform: &Platform, transfer: bool) -> Result<serde_json::Value, Error> {
    let options = Options {
        platforms: vec![platform.slug.clone()],
        transfer,
        ..Options::default()
    };
    serde_json::to_value(&options).map_err(|error| Error::Internal(error.to_string()))
}

/// A session that no link leads to.
async fn session(app: &App, whom: &brought::Whom<'_>) -> Result<sessions::Visit, Error> {
    let id: ConnectSessionId = app.id();
    let link = access_token::mint(TokenKind::ConnectLink, app.random.bytes());
    let (app_id, link_hash, expires_at) = (whom.app, TokenHash::of(link.expose()), app.now() + LIFE);
    let (options, customer) = (whom.options.clone(), whom.customer.to_owned());
    tracing::debug!(session.id = %id, "connecting without a browser");
    let session = app
        .db
        .transaction(move |conn| {
            let row = NewConnectSession {
                id,
                app_id,
                store_id: None,
                link_hash,
                options,
                return_url: "",
                partner_state: None,
                customer_id: Some(&customer),
                expires_at,
            };
            db::connect_sessions::insert(conn, &row)?;
            db::connect_sessions::find(conn, id)?.ok_or(Error::NotFound)
        })
        .await?;
    sessions::revisit(app, session, link).await
}

/// What a page would have explained.
fn told(refused: Refused) -> Error {
    if let Some(field) = &refused.field {
        return Error::Invalid(vec![FieldError::new(format!("fields.{field}"), refused.detail)]);
    }
    let problem = match refused.why {
        ConnectFailure::StoreAlreadyConnected => return Error::StoreAlreadyConnected,
        ConnectFailure::PlatformUnavailable => refused.trouble,
        ConnectFailure::PlatformAppMisconfigured => Problem::PlatformAppMisconfigured,
        _ => Problem::PlatformRejected,
    };
    Error::Platform {
        problem,
        detail: refused.detail,
        retry_after: refused.retry_after,
        delivered: refused.delivered,
    }
}
