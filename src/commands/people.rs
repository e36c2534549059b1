//! `llavero admin ...` and `llavero app ...`.

use std::sync::Arc;

use llavero::app::App;
use llavero::broker::{self, admins, apps};
use llavero::config::Config;
use llavero::db;
use llavero::domain::admin::{Actor, Role};
use llavero::domain::scope::Scope;
use llavero::domain::secret::Secret;
use llavero::domain::store::Mode;

use super::{Stop, runtime, say, tools};

pub fn add_admin(config: Config, email: &str, role: Role) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let (_, link) = admins::add(&app, email, role, Actor::command()).await.map_err(told)?;
        say(&sign_in_url(&app, &link));
        Ok(())
    })
}

pub fn link_admin(config: Config, email: &str) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let link = admins::link(&app, email, Actor::command())
            .await
            .map_err(|error| match error {
                broker::Error::NotFound => Stop::line(format!("no admin {email}; `llavero admin add` adds one")),
                other => told(other),
            })?;
        say(&sign_in_url(&app, &link));
        Ok(())
    })
}

pub fn list_admins(config: Config, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let rows = app
            .db
            .run(db::admins::list)
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        for row in rows {
            if json {
                let line = serde_json::json!({
                    "id": row.id, "email": row.email, "role": row.role, "disabled_at": row.disabled_at,
                });
                say(&line.to_string());
            } else {
                let disabled = if row.disabled_at.is_some() { "disabled" } else { "" };
                say(&format!("{}  {:<8}  {}  {disabled}", row.id, row.role, row.email));
            }
        }
        Ok(())
    })
}

pub fn add_app(
    config: Config,
    partner: String,
    name: String,
    mode: Mode,
    return_urls: Vec<String>,
    json: bool,
) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let new = apps::NewApp {
            partner,
            name,
            mode,
            return_urls,
        };
        let id = apps::add(&app, new, Actor::command()).await.map_err(told)?;
        let key = apps::new_key(&app, id, "first key", Scope::ALL.to_vec(), Actor::command())
            .await
            .map_err(told)?;
        let signing = apps::signing_secret(&app, id).await.map_err(told)?;
        if json {
            let line = serde_json::json!({
                "id": id, "api_key": key.key.expose(), "signing_secret": signing.expose(),
            });
            say(&line.to_string());
            return Ok(());
        }
        say(&format!("app             {id}"));
        say(&format!("API key         {}", key.key.expose()));
        say(&format!("signing secret  {}", signing.expose()));
        say("Keep both: they are not shown again.");
        Ok(())
    })
}

pub fn list_apps(config: Config, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let rows = app
            .db
            .run(db::apps::list)
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        for row in rows {
            if json {
                say(&serde_json::json!({ "id": row.id, "name": row.name, "mode": row.mode }).to_string());
            } else {
                say(&format!("{}  {:<8} {}", row.id, row.mode, row.name));
            }
        }
        Ok(())
    })
}

/// The address that lets an admin in once.
pub fn sign_in_url(app: &App, link: &Secret) -> String {
    let base = app
        .config
        .public_url
        .as_ref()
        .map_or("http://127.0.0.1:8080", url::Url::as_str)
        .trim_end_matches('/')
        .to_owned();
    format!("{base}/admin/sign-in/{}", link.expose())
}

pub(super) fn told(error: broker::Error) -> Stop {
    match error {
        broker::Error::Invalid(fields) => Stop {
            lines: fields
                .iter()
                .map(|field| format!("{}: {}", field.field, field.message))
                .collect(),
        },
        other => Stop::line(other.to_string()),
    }
}

pub(super) fn with_tools(config: Config, work: impl AsyncFnOnce(Arc<App>) -> Result<(), Stop>) -> Result<(), Stop> {
    let runtime = runtime(1, "llavero")?;
    let app = tools(config, runtime.handle().clone())?;
    runtime.block_on(work(app))
}
