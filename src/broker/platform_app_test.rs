//! Telling right from wrong client secrets before a merchant meets them: the platform is sent a refresh (or a code
//! exchange) with an invented token. A platform that refuses the client itself has told; so has one that refuses the token,
//! for it looks at the client first. No store is concerned: nothing here pauses, counts as a failure or touches a row but
//! the audit trail's.

mod outcome;

use std::collections::BTreeMap;

use super::asker::Asker;
use super::moment::moment;
use super::{Error, FieldError, platform_apps, token_limit};
use crate::app::App;
use crate::db;
use crate::db::audit::NewAuditEvent;
use crate::db::platform_apps::PlatformApp;
use crate::domain::refresh::FailureKind;
use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform::descriptor::ClientOwner;
use crate::platform::obtain::{self, Obtain};
use crate::platform::register;
use crate::platform::transport::{PlatformRequest, Route, SendOptions, Transport};
use crate::platform::{BuildError, Field, FieldProblem, Method, Platform, SignMoment, Values};

pub use outcome::{Outcome, Tested, Verdict};

/// More values than any request is made of.
const MOST_VALUES: usize = 40;

/// The methods that a test could be made of.
fn testable(platform: &Platform) -> impl Iterator<Item = &Method> {
    platform.methods.iter().filter(|method| {
        method.client == ClientOwner::App
            && !method.app_fields.is_empty()
            && matches!(method.obtain, Obtain::Code(_) | Obtain::Ask(_))
    })
}

/// What a test has to be told beside the client: fields of the merchant that decide where the client's secret goes. Empty
/// where there is nothing to test, too.
pub fn wanted<'a>(app: &App, platform: &'a Platform) -> Vec<&'a Field> {
    testable(platform).next().map_or_else(Vec::new, |method| {
        let mut client = Values::new().with("redirect_uri", "https://llavero.invalid/");
        for field in &method.app_fields {
            let choice = field.choices.first().map(|choice| choice.value.as_str());
            let stands_in = field.default.as_deref().or(choice).unwrap_or(&field.example);
            client.set(field.name.as_str(), if stands_in.is_empty() { "x" } else { stands_in });
        }
        needs(app, method, client)
    })
}

/// Whether this platform's client can be tested at all.
pub fn is_testable(platform: &Platform) -> bool {
    testable(platform).next().is_some()
}

/// Fields that a request can't be made without, found by making it from examples.
fn needs<'a>(app: &App, method: &'a Method, mut values: Values) -> Vec<&'a Field> {
    let mut found = Vec::new();
    for _ in 0..MOST_VALUES {
        let Err(BuildError::MissingValue(name)) = request(method, &values, &moment(app)) else {
            break;
        };
        match source(method, &name) {
            Source::Asked(field) => {
                let choice = field.choices.first().map(|choice| choice.value.as_str());
                values.set(field.name.as_str(), choice.unwrap_or(&field.example));
                if found.iter().any(|known: &&Field| known.name == field.name) {
                    break;
                }
                found.push(field);
            }
            Source::Invented => values.set(name.as_str(), invented(app, &name)),
            Source::Nowhere => break,
        }
    }
    found
}

/// Where a missing value may come from.
enum Source<'a> {
    Asked(&'a Field),
    Invented,
    /// Only a real connection brings it, or the client lacks it.
    Nowhere,
}

fn source<'a>(method: &'a Method, name: &str) -> Source<'a> {
    let name = method.lookups.get(name).map_or(name, |lookup| lookup.from.as_str());
    match method.fields.iter().find(|field| field.name == name) {
        // A secret of the merchant's is as good invented; what may decide over an address is not.
        Some(field) if field.secret => Source::Invented,
        Some(field) => Source::Asked(field),
        None if method.app_fields.iter().any(|field| field.name == name) => Source::Nowhere,
        None if method.arriving.contains_key(name) => Source::Nowhere,
        None => Source::Invented,
    }
}

/// Tries a client. `given` are the fields that [`wanted`] names, and what a connection brings that decides over an address
/// (a data centre's), where that is known; without the latter such a platform is not asked. `Invalid` names those that are missing or wrong;
/// `RateLimited`: this app's clients were tried too often.
pub async fn test(
    app: &App,
    asker: &Asker,
    client: &PlatformApp,
    given: &BTreeMap<String, Secret>,
) -> Result<Tested, Error> {
    let platform = app.catalogue.platform(&client.platform).ok_or(Error::NotFound)?;
    let values = open(app, client, "values_sealed", &client.values_sealed)?;
    let complete = |method: &&Method| {
        let needed = method
            .app_fields
            .iter()
            .filter(|field| field.required && field.default.is_none());
        needed
            .into_iter()
            .all(|field| values.get(&field.name).is_some_and(|value| !value.is_empty()))
    };
    let Some(method) = testable(platform).find(complete).or_else(|| testable(platform).next()) else {
        return Ok(nothing(platform));
    };
    let asked = asked(app, method, given, &values)?;
    app.arrivals
        .admit_test(client.app_id, app.now())
        .map_err(|retry_after| Error::RateLimited { retry_after })?;
    let first = ask(app, client, method, &asked.over(&values)).await?;
    let standby = match &client.standby_sealed {
        Some(sealed) => {
            let values = open(app, client, "standby_sealed", sealed)?;
            Some(ask(app, client, method, &asked.over(&values)).await?)
        }
        None => None,
    };
    let tested = Tested {
        platform: platform.slug.clone(),
        method: Some(method.id.clone()),
        first,
        standby,
    };
    let event = NewAuditEvent {
        id: app.id(),
        app: client.app_id,
        actor: asker.actor.clone(),
        action: "platform_app.tested",
        subject: client.id.to_string(),
        details: serde_json::json!({
            "platform": tested.platform,
            "method": tested.method,
            "verdict": tested.first.verdict,
            "code": tested.first.platform_code,
            "standby": tested.standby.as_ref().map(|standby| standby.verdict),
        }),
        request_id: asker.request_id.clone(),
    };
    app.db
        .run(move |conn| db::audit::insert(conn, &event))
        .await
        .map_err(Error::Db)?;
    Ok(tested)
}

/// The app's own client at a platform, tried.
pub async fn test_own(
    app: &App,
    asker: &Asker,
    owner: &db::apps::App,
    slug: &str,
    given: &BTreeMap<String, Secret>,
) -> Result<Tested, Error> {
    let platform = app.catalogue.platform_for(owner.id, slug).ok_or(Error::NotFound)?;
    if !is_testable(platform) {
        return Ok(nothing(platform));
    }
    let (id, slug) = (owner.id, slug.to_owned());
    let own = app
        .db
        .run(move |conn| db::platform_apps::find_own(conn, id, &slug))
        .await
        .map_err(Error::Db)?;
    let own = own.ok_or_else(|| {
        Error::Conflict(format!(
            "The app has no client of its own at {}: it is set first",
            platform.name
        ))
    })?;
    test(app, asker, &own, given).await
}

fn nothing(platform: &Platform) -> Tested {
    let name = &platform.name;
    let stores_own = |method: &Method| method.client == ClientOwner::Store;
    let why = if platform.methods.iter().any(stores_own) {
        format!("Cannot tell: at {name} each store brings a client of its own, which is tried when it is connected")
    } else if platform_apps::app_fields(platform).is_empty() {
        format!("Nothing is registered at {name}: stores give keys of their own")
    } else {
        format!("What is registered at {name} is no client that could be refused")
    };
    Tested {
        platform: platform.slug.clone(),
        method: None,
        first: Outcome::untold(Verdict::NothingToTest, why),
        standby: None,
    }
}

/// The fields that are needed, checked as a merchant's are.
fn asked(app: &App, method: &Method, given: &BTreeMap<String, Secret>, client: &Values) -> Result<Values, Error> {
    let (mut values, mut wrong) = (Values::new(), Vec::new());
    for field in needs(app, method, client.clone()) {
        let text = given.get(&field.name).map(Secret::expose).unwrap_or_default();
        match field.check(text, app.config.allow_private_hosts) {
            Ok(value) if value.is_empty() => {}
            Ok(value) => values.set(field.name.as_str(), value),
            Err(problem) => wrong.push(FieldError::new(format!("fields.{}", field.name), problem.to_string())),
        }
    }
    // What a connection would bring, where the asker knows it from one.
    for (name, arriving) in &method.arriving {
        let Some(text) = given.get(name).map(Secret::expose) else {
            continue;
        };
        match arriving.check(text) {
            Some(value) => values.set(name.as_str(), value),
            None => wrong.push(FieldError::new(
                format!("fields.{name}"),
                FieldProblem::Pattern.to_string(),
            )),
        }
    }
    if wrong.is_empty() {
        Ok(values)
    } else {
        Err(Error::Invalid(wrong))
    }
}

async fn ask(app: &App, client: &PlatformApp, method: &Method, values: &Values) -> Result<Outcome, Error> {
    let (request, values) = match built(app, method, values.clone()) {
        Ok(built) => built,
        Err(BuildError::MissingValue(name)) if method.arriving.contains_key(&name) => {
            let why = format!(
                "Cannot tell: the platform is asked with `{name}`, which only a connection brings. Connect a store to try \
                 the client, or name it in `fields`"
            );
            return Ok(Outcome {
                needs: Some(name),
                ..Outcome::untold(Verdict::Unclear, why)
            });
        }
        Err(error) => {
            return Ok(Outcome::untold(Verdict::Unclear, format!("Nothing was sent: {error}")));
        }
    };
    // A test leaves merchants who connect their room, as refreshes do.
    let wanted = token_limit::For::Refreshing;
    let caller = token_limit::Caller {
        client: Some(client.id),
        grant: None,
    };
    if let Some(retry_after) = token_limit::take(app, &client.platform, client.mode, method, caller, wanted).await? {
        return Err(Error::RateLimited { retry_after });
    }
    let route = match client.mode {
        Mode::Live => Route::Live,
        Mode::Sandbox => Route::Sandbox,
    };
    let sent_at = app.now();
    let answer = match app
        .outbound
        .send(request, &SendOptions::new(route, method.call_limit))
        .await
    {
        Ok(answer) => answer,
        Err(error) => return Ok(Outcome::untold(Verdict::Unclear, error.to_string())),
    };
    let status = Some(answer.status.as_u16());
    let told = match obtain::read_grant(method, &values, &answer, sent_at) {
        // Credentials that tokens are asked for with: the platform gave one, which is forgotten here.
        Ok(_) => Outcome {
            verdict: Verdict::Accepted,
            platform_code: None,
            http_status: status,
            detail: format!("HTTP {}", answer.status.as_u16()),
            needs: None,
        },
        Err(failure) => Outcome {
            verdict: match failure.kind {
                FailureKind::AppBroken => Verdict::Refused,
                FailureKind::Dead => Verdict::Accepted,
                FailureKind::Throttled | FailureKind::Down | FailureKind::Unknown => Verdict::Unclear,
            },
            platform_code: failure.code,
            http_status: failure.status.or(status),
            detail: failure.detail,
            needs: None,
        },
    };
    if told.verdict == Verdict::Accepted && !takes_part(app, method, &values) {
        let why = "The platform knows the client, and was not told its secret: a wrong one would not show";
        return Ok(Outcome {
            verdict: Verdict::Unclear,
            detail: format!("{why} ({})", told.detail),
            ..told
        });
    }
    Ok(told)
}

/// Whether the request is made of a secret of the client's, or the client has none.
fn takes_part(app: &App, method: &Method, values: &Values) -> bool {
    let moment = moment(app);
    let made = |values: &Values| {
        let request = request(method, values, &moment).ok()?;
        Some((request.url, request.headers, request.body))
    };
    let mut secrets = method.app_fields.iter().filter(|field| field.secret).peekable();
    secrets.peek().is_none()
        || secrets.any(|field| made(&values.clone().with(field.name.as_str(), "another")) != made(values))
}

/// The request, with invented values where only a connection would bring real ones.
fn built(app: &App, method: &Method, mut values: Values) -> Result<(PlatformRequest, Values), BuildError> {
    for _ in 0..MOST_VALUES {
        match request(method, &values, &moment(app)) {
            Ok(request) => return Ok((request, values)),
            Err(BuildError::MissingValue(name)) if matches!(source(method, &name), Source::Invented) => {
                values.set(name.as_str(), invented(app, &name));
            }
            Err(error) => return Err(error),
        }
    }
    Err(BuildError::NoSuchCall)
}

fn request(method: &Method, values: &Values, moment: &SignMoment) -> Result<PlatformRequest, BuildError> {
    match obtain::refresh(method, values, moment) {
        Err(BuildError::NoSuchCall) => obtain::exchange(method, values, moment)?.ok_or(BuildError::NoSuchCall),
        built => built,
    }
}

/// Nothing that any platform has given, and plainly so.
fn invented(app: &App, name: &str) -> String {
    let random: String = app
        .random
        .bytes::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match name {
        // As long as RFC 7636 wants it.
        "code_verifier" => format!("llavero-test-{random}"),
        _ => format!("llavero-test-{}", &random[..16]),
    }
}

fn open(app: &App, client: &PlatformApp, column: &'static str, sealed: &[u8]) -> Result<Values, Error> {
    let plain = app.sealer.open(platform_apps::place(client.id, column), sealed).ok();
    let values = plain.and_then(|plain| Values::from_bytes(plain.expose()).ok());
    let mut values =
        values.ok_or_else(|| Error::Internal(format!("the {column} of {} cannot be opened", client.id)))?;
    let platform = app.catalogue.platform(&client.platform);
    if let (Some(public_url), Some(platform)) = (&app.config.public_url, platform) {
        let own = client.app_id.map(|id| id.to_string());
        let method = testable(platform).next().unwrap_or_else(|| platform.default_method());
        let redirect_uri = register::registered_uri(public_url, &platform.slug, method, own.as_deref());
        values.set("redirect_uri", redirect_uri);
    }
    Ok(values)
}
