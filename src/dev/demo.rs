//! The demo partner of the development set-up: an app in sandbox mode with an API key, clients at the simulated
//! platforms, and an owner for the admin pages. Made at the first start, found again at the next.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::platform_apps::ClientValues;
use crate::broker::{Error, admins, apps, platform_apps, webhooks};
use crate::db;
use crate::domain::access_token::{self, TokenKind};
use crate::domain::admin::{Actor, Role};
use crate::domain::id::AppId;
use crate::domain::scope::Scope;
use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform::{Field, Values, redirect_uri};
use crate::sandbox::{self, Partner};

const PARTNER: &str = "Demo partner";
const NAME: &str = "Demo Shop Manager";
/// The description of its webhook endpoint.
const ENDPOINT: &str = "Demo partner";
/// The owner of the admin pages in development.
pub const ADMIN: &str = "admin@example.com";

/// What the start prints, and the demo partner's pages work with.
#[derive(Debug, Clone)]
pub struct Demo {
    pub app_id: AppId,
    pub api_key: Secret,
    pub signing_secret: Secret,
    pub admin_link: Secret,
}

/// Makes what is missing. `known` is the API key of an earlier run.
pub async fn prepare(app: &Arc<App>, known: Option<Secret>) -> Result<Demo, Error> {
    let app_id = match find_app(app).await? {
        Some(id) => id,
        None => {
            let new = apps::NewApp {
                partner: PARTNER.to_owned(),
                name: NAME.to_owned(),
                mode: Mode::Sandbox,
                return_urls: Vec::new(),
            };
            apps::add(app, new, Actor::command()).await?
        }
    };
    let api_key = match known {
        Some(key) if still_works(app, app_id, &key).await? => key,
        _ => {
            apps::new_key(app, app_id, "demo partner", Scope::ALL.to_vec(), Actor::command())
                .await?
                .key
        }
    };
    register_clients(app).await?;
    let admin_link = match admins::link(app, ADMIN, Actor::command()).await {
        Err(Error::NotFound) => admins::add(app, ADMIN, Role::Owner, Actor::command()).await?.1,
        other => other?,
    };
    Ok(Demo {
        app_id,
        api_key,
        signing_secret: apps::signing_secret(app, app_id).await?,
        admin_link,
    })
}

async fn find_app(app: &App) -> Result<Option<AppId>, Error> {
    let rows = app.db.run(db::apps::list).await?;
    Ok(rows
        .iter()
        .find(|row| row.name == NAME && row.mode == Mode::Sandbox)
        .map(|row| row.id))
}

async fn still_works(app: &App, of: AppId, key: &Secret) -> Result<bool, Error> {
    let Ok(hash) = access_token::hash(TokenKind::ApiKey, key.expose()) else {
        return Ok(false);
    };
    let found = app.db.run(move |conn| db::api_keys::find_by_hash(conn, hash)).await?;
    Ok(found.is_some_and(|key| key.app_id == of && key.is_alive(app.now())))
}

/// Lets the demo partner hear of its stores at `url`; the secret that its webhooks are signed with from now on. The endpoint
/// of an earlier start is used again, whatever became of it meanwhile.
pub async fn hear_webhooks(app: &Arc<App>, of: AppId, url: &Url) -> Result<Secret, Error> {
    let asker = Asker {
        actor: Actor::command(),
        app: Some(of),
        request_id: None,
    };
    let known = app
        .db
        .run::<_, db::Error, _>(move |conn| db::webhook_endpoints::list(conn, of))
        .await?;
    let known = known.into_iter().find(|endpoint| endpoint.description == ENDPOINT);
    let Some(known) = known else {
        let wanted = webhooks::Wanted {
            url: url.to_string(),
            description: ENDPOINT.to_owned(),
            event_types: Vec::new(),
        };
        return Ok(webhooks::add(app, &asker, of, wanted).await?.1);
    };
    let change = webhooks::Change {
        url: Some(url.to_string()),
        disabled: Some(false),
        ..webhooks::Change::default()
    };
    webhooks::change(app, &asker, of, known.id, change).await?;
    Ok(webhooks::roll_secret(app, &asker, of, known.id, Duration::ZERO)
        .await?
        .1)
}

/// Where the simulated platforms send browsers; they put the slug in the place of `{platform}`.
pub fn addresses(public_url: &Url, app_id: AppId) -> Partner {
    let base = public_url.as_str().trim_end_matches('/');
    Partner {
        callback: Some(redirect_uri(public_url, "{platform}")),
        install: Some(format!("{base}/connect/install/{app_id}/{{platform}}")),
    }
}

/// The installation's clients at the simulated platforms, one for each that wants something registered.
async fn register_clients(app: &Arc<App>) -> Result<(), Error> {
    for platform in app.catalogue.platforms() {
        let fields = platform_apps::app_fields(platform);
        if fields.is_empty() {
            continue;
        }
        let slug = platform.slug.clone();
        let there = app
            .db
            .run(move |conn| db::platform_apps::find_installation(conn, &slug, Mode::Sandbox))
            .await?;
        if there.is_some() {
            continue;
        }
        let mut values = Values::default();
        // Another field's value stands in for some.
        for field in fields.into_iter().filter(|field| field.default_from.is_none()) {
            values.set(&field.name, Secret::new(client_value(field)));
        }
        let values = ClientValues {
            first: values,
            standby: None,
        };
        platform_apps::set_installation(app, &platform.slug, Mode::Sandbox, values, Actor::command()).await?;
    }
    Ok(())
}

/// What the simulated platforms take there without a registration: as a secret always the same, as an id all that begins
/// with `sandbox-`, and where ids are digits, some of those.
fn client_value(field: &Field) -> String {
    let public_key = sandbox::PUBLIC_KEY.lines().collect::<Vec<_>>().join(" ");
    let known: &[&str] = match (field.secret, field.required && field.default.is_none()) {
        (true, _) => &["sandbox-secret"],
        (false, true) => &["sandbox-client", "555500000000", &public_key],
        (false, false) => &[],
    };
    let taken = known.iter().find_map(|value| field.check(value, false).ok());
    taken.unwrap_or_else(|| field.default.clone().unwrap_or_else(|| field.example.clone()))
}
