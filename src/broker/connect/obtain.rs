//! Talking to the platform for one attempt: the exchange, then the verify call. Credentials are proved here before any
//! store exists, and no database connection is held meanwhile. Life times count from the moment before the request.

use chrono::{DateTime, Utc};

use super::client::Client;
use super::{Refused, Stop, route, shops};
use crate::app::App;
use crate::broker::moment::{heard, host_of, moment, moment_at};
use crate::broker::{Delivered, refresh, token_limit, verify};
use crate::domain::connect::ConnectFailure;
use crate::domain::id::CredentialId;
use crate::domain::problem::Problem;
use crate::domain::refresh::{FailureKind, SecretSet};
use crate::domain::store::Mode;
use crate::platform::descriptor::{Method, Renewal};
use crate::platform::field::Takes;
use crate::platform::obtain::Grant;
use crate::platform::transport::{NotSent, PlatformAnswer, PlatformRequest, SendError, SendOptions, Transport};
use crate::platform::verify::{Shop, StoreFacts};
use crate::platform::{self, BuildError, Failure, Field, Platform, Values};

/// For whom, and how, a platform is asked.
pub(super) struct Target<'a> {
    pub platform: &'a Platform,
    pub method: &'a Method,
    pub mode: Mode,
    pub client: &'a Client,
}

/// Less was granted than asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lacking {
    /// Without a refresh token the store works until its access token ends.
    pub renewal: bool,
    pub scopes: Vec<String>,
}

impl Lacking {
    pub fn is_nothing(&self) -> bool {
        !self.renewal && self.scopes.is_empty()
    }
}

/// A credential that has proved to work, and the store behind it.
#[derive(Clone)]
pub(super) struct Verified {
    /// What is kept of it: typed fields, keys, tokens.
    pub values: Values,
    /// The moment before the request that brought it.
    pub asked_at: DateTime<Utc>,
    /// What the token answer said, where there was one.
    pub grant: Option<Grant>,
    /// All that it covers: one, unless the platform lists several.
    pub shops: Vec<Shop>,
    /// Ids of those that are meant; empty: the merchant has yet to say.
    pub chosen: Vec<String>,
    /// The store's address, if it is about one.
    pub url: Option<String>,
    pub lacking: Lacking,
    /// When what was typed ends, where it says so itself.
    pub ends_at: Option<DateTime<Utc>>,
    /// Its refresh token was brought along, and nobody says how old it is.
    pub of_unknown_age: bool,
    /// A credential that has got this grant already, for stores that had some of the shops before.
    pub kept: Option<CredentialId>,
}

/// Asks for the credential (where there is something to ask) and tries it; with the client's second secrets where the
/// platform refuses the first.
pub(super) async fn obtain(app: &App, target: &Target<'_>, attempt: &Values) -> Result<Verified, Stop> {
    let first = ask(app, target, attempt, &target.client.values).await;
    let (obtained, used) = match (&first, &target.client.standby) {
        (Err(Stop::Refused(refused)), Some(standby)) if refused.why == ConnectFailure::PlatformAppMisconfigured => {
            (ask(app, target, attempt, standby).await, SecretSet::Standby)
        }
        _ => (first, SecretSet::Current),
    };
    if matches!(&obtained, Ok(verified) if verified.grant.is_some()) {
        refresh::took(app, target.client.row.as_ref(), used).await;
    }
    obtained
}

/// Asks for what has to be there before the browser can be sent to the platform's page; nothing where that is not so.
pub(super) async fn ask_first(app: &App, target: &Target<'_>, values: &Values) -> Result<Values, Stop> {
    let method = target.method;
    let request = platform::obtain::first(method, values, &moment(app)).map_err(|error| not_built(method, &error))?;
    let Some(request) = request else {
        return Ok(Values::new());
    };
    limited(app, target).await?;
    let answer = send(app, target, request).await?;
    // The merchant has typed the client a moment ago, and can type it again.
    let read = platform::obtain::read_first(method, &answer);
    Ok(read.map_err(|failure| refused_to(true, &failure))?)
}

async fn ask(app: &App, target: &Target<'_>, attempt: &Values, client: &Values) -> Result<Verified, Stop> {
    let method = target.method;
    let asked_at = app.now();
    let values = attempt.over(client);
    let request =
        platform::obtain::exchange(method, &values, &moment(app)).map_err(|error| not_built(method, &error))?;
    let grant = match request {
        None => None,
        Some(request) => {
            limited(app, target).await?;
            let answer = send(app, target, request).await?;
            Some(
                platform::obtain::read_grant(method, &values, &answer, asked_at)
                    .map_err(|failure| refused(target, &failure))?,
            )
        }
    };
    prove(app, target, attempt, asked_at, grant).await
}

/// Renews tokens that are there already, once; with the client's second secrets where the platform refuses the first. The
/// grant, and the moment before the request.
pub(super) async fn renew(
    app: &App,
    target: &Target<'_>,
    attempt: &Values,
    held: &Values,
) -> Result<(Grant, DateTime<Utc>), Stop> {
    let held = held.over(attempt);
    let first = ask_anew(app, target, &held, &target.client.values).await;
    let (renewed, used) = match (&first, &target.client.standby) {
        (Err(Stop::Refused(refused)), Some(standby)) if refused.why == ConnectFailure::PlatformAppMisconfigured => {
            (ask_anew(app, target, &held, standby).await, SecretSet::Standby)
        }
        _ => (first, SecretSet::Current),
    };
    if renewed.is_ok() {
        refresh::took(app, target.client.row.as_ref(), used).await;
    }
    renewed
}

async fn ask_anew(
    app: &App,
    target: &Target<'_>,
    held: &Values,
    client: &Values,
) -> Result<(Grant, DateTime<Utc>), Stop> {
    let method = target.method;
    let values = held.over(client);
    let host = platform::obtain::refresh_host(method, &values).unwrap_or_default();
    let request = platform::obtain::refresh(method, &values, &moment_at(app, route(target.mode), &host))
        .map_err(|error| not_built(method, &error))?;
    limited(app, target).await?;
    let asked_at = app.now();
    let answer = send(app, target, request).await?;
    let grant = platform::obtain::read_grant(method, &values, &answer, asked_at);
    Ok((grant.map_err(|failure| refused(target, &failure))?, asked_at))
}

/// Tries a credential that is there already: typed, just granted, or brought along by the partner.
pub(super) async fn prove(
    app: &App,
    target: &Target<'_>,
    attempt: &Values,
    asked_at: DateTime<Utc>,
    mut grant: Option<Grant>,
) -> Result<Verified, Stop> {
    let method = target.method;
    let values = attempt.over(&target.client.values);
    let granted = grant.as_ref().map(|grant| &grant.values);
    let values = granted.map_or_else(|| values.clone(), |granted| granted.over(&values));
    let host = verify::host(app, method, &values).unwrap_or_default();
    let moment = moment_at(app, route(target.mode), &host);
    let request = platform::verify::request(method, &values, &moment).map_err(|error| not_built(method, &error))?;
    let facts = match request {
        None => StoreFacts::default(),
        Some(request) => {
            let mut answer = send(app, target, request).await?;
            let other = platform::verify::otherwise(method, &values, &moment, &answer)
                .map_err(|error| not_built(method, &error))?;
            if let Some(other) = other {
                answer = send(app, target, other).await?;
            }
            let facts = platform::verify::read(method, &answer, &values).map_err(|failure| Refused {
                unaccepted: failure.kind == FailureKind::Dead || verify::is_unauthorized(method, &answer),
                ..refused(target, &failure)
            })?;
            disprove(app, target, &values).await?;
            facts
        }
    };
    let (shops, chosen) = match &method.verify.shops {
        Some(_) => shops::listed(method, &facts)?,
        None => {
            let stated = facts
                .platform_store_id
                .clone()
                .or_else(|| grant.as_ref()?.platform_store_id.clone());
            shops::only(method, &values, &facts, stated)?
        }
    };
    let lacking = lacking(method, &values, grant.as_ref());
    // One that has passed is disproved by the answer.
    let ends_at = facts.ends_at.filter(|end| *end > asked_at);
    let mut kept = attempt.clone();
    for passing in platform::obtain::PASSING {
        kept.remove(passing);
    }
    // What belongs to one shop is not for the others.
    for own in method.verify.shops.iter().flat_map(|shops| shops.keep.keys()) {
        kept.remove(own);
    }
    let values = granted.map_or_else(|| kept.clone(), |granted| granted.over(&kept));
    if let Some(grant) = &mut grant {
        let left = || (ends_at? - asked_at).to_std().ok();
        grant.access_expires_in = grant.access_expires_in.or_else(left);
    }
    Ok(Verified {
        values,
        asked_at,
        grant,
        url: facts.url.filter(|_| shops.len() == 1),
        shops,
        chosen,
        lacking,
        ends_at,
        of_unknown_age: false,
        kept: None,
    })
}

/// A made-up credential must be refused, where the verify call alone might be answered to anybody.
async fn disprove(app: &App, target: &Target<'_>, values: &Values) -> Result<(), Stop> {
    let method = target.method;
    let counterproof =
        platform::verify::counterproof(method, values, &moment(app)).map_err(|error| not_built(method, &error))?;
    let Some(request) = counterproof else { return Ok(()) };
    if send(app, target, request).await?.status.is_success() {
        let why = "The store answers without looking at the credentials: they do not reach it, or nobody needs any.";
        return Err(Refused::new(ConnectFailure::PlatformError, why).into());
    }
    Ok(())
}

fn lacking(method: &Method, values: &Values, grant: Option<&Grant>) -> Lacking {
    let Some(grant) = grant else { return Lacking::default() };
    Lacking {
        renewal: method.renewal == Renewal::RefreshToken && !grant.has_refresh_token(),
        scopes: grant
            .scopes
            .as_ref()
            .map(|scopes| platform::obtain::missing_scopes(method, values, scopes))
            .unwrap_or_default(),
    }
}

async fn send(app: &App, target: &Target<'_>, request: PlatformRequest) -> Result<PlatformAnswer, Stop> {
    let route = route(target.mode);
    let options = SendOptions::new(route, target.method.call_limit);
    let host = host_of(&request.url).to_owned();
    let answer = app.outbound.send(request, &options).await;
    if let Ok(answer) = &answer {
        heard(app, route, &host, &answer.headers);
    }
    answer.map_err(|error| not_answered(target, &error).into())
}

/// A merchant waits a little where the platform limits its token endpoint; a code that lives shorter is lost either way.
async fn limited(app: &App, target: &Target<'_>) -> Result<(), Stop> {
    let (slug, wanted) = (&target.platform.slug, token_limit::For::Connecting);
    let caller = token_limit::Caller {
        client: target.client.id,
        grant: None,
    };
    match token_limit::take(app, slug, target.mode, target.method, caller, wanted).await? {
        None => Ok(()),
        Some(wait) => {
            let detail = format!(
                "{} limits such calls; free in {} s.",
                target.platform.name,
                wait.as_secs() + 1
            );
            Err(Refused::throttled(detail, Some(wait)).into())
        }
    }
}

fn not_answered(target: &Target<'_>, error: &SendError) -> Refused {
    let name = &target.platform.name;
    let typed = |field: &&Field| matches!(field.takes, Takes::Host | Takes::Url);
    match error {
        SendError::NotSent {
            why: NotSent::Refused(why),
        } => Refused {
            field: target.method.fields.iter().find(typed).map(|field| field.name.clone()),
            ..Refused::new(
                ConnectFailure::CredentialsRefused,
                format!("The address is not allowed: {why}."),
            )
        },
        SendError::NotSent { why } => Refused::new(
            ConnectFailure::PlatformUnavailable,
            format!("{name} cannot be reached: {why}."),
        ),
        SendError::AnswerLost { why } => Refused {
            trouble: if error.is_late() {
                Problem::PlatformTimeout
            } else {
                Problem::PlatformUnavailable
            },
            delivered: Delivered::Unknown,
            ..Refused::new(
                ConnectFailure::PlatformUnavailable,
                format!("{name} did not answer: {why}."),
            )
        },
    }
}

/// What a platform's failure means for a merchant who is just connecting.
fn refused(target: &Target<'_>, failure: &Failure) -> Refused {
    refused_to(!platform::obtain::is_approved_there(target.method), failure)
}

/// `typed`: the platform was shown nothing but what the merchant has just typed.
fn refused_to(typed: bool, failure: &Failure) -> Refused {
    let why = match failure.kind {
        FailureKind::Dead if typed => ConnectFailure::CredentialsRefused,
        // No proof against a store that works, but reason enough to look at keys that were typed a moment ago.
        FailureKind::Unknown if typed && matches!(failure.status, Some(400 | 401)) => {
            ConnectFailure::CredentialsRefused
        }
        FailureKind::Dead | FailureKind::Unknown => ConnectFailure::PlatformError,
        FailureKind::AppBroken => ConnectFailure::PlatformAppMisconfigured,
        FailureKind::Throttled | FailureKind::Down => ConnectFailure::PlatformUnavailable,
    };
    let code = failure
        .code
        .as_ref()
        .map(|code| format!(" ({code})"))
        .unwrap_or_default();
    let detail = format!("{}{code}", failure.detail);
    match failure.kind {
        FailureKind::Throttled => Refused::throttled(detail, failure.retry_after),
        _ => Refused {
            retry_after: failure.retry_after,
            ..Refused::new(why, detail)
        },
    }
}

/// A request that cannot be built: the partner's client lacks a value, or what was typed leads nowhere.
pub(super) fn not_built(method: &Method, error: &BuildError) -> Refused {
    let why = match error {
        BuildError::MissingValue(name) if method.app_fields.iter().any(|field| field.name == *name) => {
            ConnectFailure::PlatformAppMisconfigured
        }
        BuildError::UnsafeValue(_) | BuildError::UnsafeHeader(_) | BuildError::BadUrl(_) => {
            ConnectFailure::CredentialsRefused
        }
        _ => ConnectFailure::PlatformError,
    };
    let field = match error {
        BuildError::UnsafeValue(name) if method.field(name).is_some() => Some(name.clone()),
        _ => None,
    };
    Refused {
        field,
        ..Refused::new(why, format!("The request could not be made: {error}."))
    }
}
