//! `llavero api-key ...`: the API keys of partners' apps, for whoever runs the installation. A new key is printed once.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use clap::Subcommand;
use llavero::broker::api_key::{self, NewKey};
use llavero::broker::{self, apps};
use llavero::config::Config;
use llavero::db;
use llavero::domain::admin::Actor;
use llavero::domain::id::{ApiKeyId, AppId};
use llavero::domain::scope::Scope;

use super::people::{told, with_tools};
use super::{Stop, say};

#[derive(Subcommand)]
pub enum ApiKeyCommand {
    /// List the API keys of an app, newest first; the keys themselves are not kept
    List {
        #[arg(long)]
        app: AppId,
        #[arg(long)]
        json: bool,
    },
    /// Make an API key and print it
    New {
        #[arg(long)]
        app: AppId,
        /// What it is for
        #[arg(long)]
        name: String,
        /// connect:write, stores:read ...; may be given several times; every scope if none is given
        #[arg(long = "scope")]
        scopes: Vec<Scope>,
        /// It ends by itself after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
        days: Option<u32>,
        #[arg(long)]
        json: bool,
    },
    /// Make a key that takes over from another, which works on for a while
    Roll {
        id: ApiKeyId,
        /// Days for which the old key still works, up to 90; 0: it ends at once
        #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=90))]
        overlap: u32,
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; the next call with it is refused
    Revoke { id: ApiKeyId },
}

pub fn run(config: Config, command: ApiKeyCommand) -> Result<(), Stop> {
    match command {
        ApiKeyCommand::List { app, json } => list(config, app, json),
        ApiKeyCommand::New {
            app,
            name,
            scopes,
            days,
            json,
        } => new(config, app, name, scopes, days, json),
        ApiKeyCommand::Roll { id, overlap, json } => roll(config, id, overlap, json),
        ApiKeyCommand::Revoke { id } => revoke(config, id),
    }
}

fn list(config: Config, of: AppId, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let found = app
            .db
            .run(move |conn| match db::apps::find(conn, of)? {
                Some(_) => db::api_keys::list(conn, of).map(Some),
                None => Ok(None),
            })
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        let now = app.now();
        for key in found.ok_or_else(|| Stop::line(format!("no app {of}")))? {
            let state = match (key.revoked_at, key.is_alive(now)) {
                (Some(_), _) => "revoked",
                (None, true) => "works",
                (None, false) => "ended",
            };
            if json {
                let line = serde_json::json!({
                    "id": key.id, "app_id": key.app_id, "name": key.name, "scopes": key.scopes.0, "hint": key.hint,
                    "state": state, "created_at": key.created_at, "last_used_at": key.last_used_at,
                    "expires_at": key.expires_at, "revoked_at": key.revoked_at, "successor_id": key.successor_id,
                });
                say(&line.to_string());
            } else {
                let end = key.expires_at.map_or("no end".to_owned(), |end| day("until", end));
                let scopes = key.scopes.0.join(" ");
                say(&format!(
                    "{}  {state:<7}  ...{}  {end:<16}  {}  ({scopes})",
                    key.id, key.hint, key.name
                ));
            }
        }
        Ok(())
    })
}

fn day(word: &str, at: DateTime<Utc>) -> String {
    format!("{word} {}", at.format("%Y-%m-%d"))
}

fn new(config: Config, of: AppId, name: String, scopes: Vec<Scope>, days: Option<u32>, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let scopes = match scopes.is_empty() {
            true => Scope::ALL.to_vec(),
            false => scopes,
        };
        let expires_at = days.map(|days| (app.now() + TimeDelta::days(i64::from(days))).trunc_subsecs(0));
        let wanted = NewKey {
            name: name.clone(),
            scopes: scopes.clone(),
            expires_at,
        };
        let made = api_key::make(&app, of, wanted, Actor::command())
            .await
            .map_err(|error| match error {
                broker::Error::NotFound => Stop::line(format!("no app {of}")),
                other => told(other),
            })?;
        if json {
            let line = serde_json::json!({
                "id": made.id, "key": made.key.expose(), "app_id": of, "name": name, "scopes": scopes,
                "expires_at": expires_at,
            });
            say(&line.to_string());
            return Ok(());
        }
        say(&format!("id       {}", made.id));
        say(&format!("API key  {}", made.key.expose()));
        say("Keep it: it is not shown again.");
        Ok(())
    })
}

fn roll(config: Config, id: ApiKeyId, overlap: u32, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let of = app_of(&app, id).await?;
        let overlap = TimeDelta::days(i64::from(overlap));
        let rolled = api_key::roll(&app, of, id, overlap, Actor::command())
            .await
            .map_err(|error| gone(id, error))?;
        if json {
            let line = serde_json::json!({
                "id": rolled.made.id, "key": rolled.made.key.expose(), "app_id": of,
                "expires_at": rolled.expires_at, "replaces": id, "old_ends_at": rolled.old_ends_at,
            });
            say(&line.to_string());
            return Ok(());
        }
        say(&format!("id       {}", rolled.made.id));
        say(&format!("API key  {}", rolled.made.key.expose()));
        say(&format!(
            "Keep it: it is not shown again. The old key works until {}.",
            rolled.old_ends_at.format("%Y-%m-%d %H:%M:%S")
        ));
        Ok(())
    })
}

fn revoke(config: Config, id: ApiKeyId) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let of = app_of(&app, id).await?;
        apps::revoke_key(&app, of, id, Actor::command())
            .await
            .map_err(|error| gone(id, error))?;
        say(&format!("{id} is revoked"));
        Ok(())
    })
}

async fn app_of(app: &llavero::app::App, id: ApiKeyId) -> Result<AppId, Stop> {
    let found = app.db.run(move |conn| db::api_keys::find_app_of(conn, id)).await;
    let found = found.map_err(|error: db::Error| told(error.into()))?;
    found.ok_or_else(|| Stop::line(format!("no API key {id}")))
}

fn gone(id: ApiKeyId, error: broker::Error) -> Stop {
    match error {
        broker::Error::NotFound => Stop::line(format!("{id} does not work any more")),
        other => told(other),
    }
}
