//! `llavero job ...`: what waits and what was given up.

use llavero::broker;
use llavero::config::Config;
use llavero::db;
use llavero::domain::admin::Actor;
use llavero::domain::id::JobId;
use llavero::domain::job::JobStatus;

use super::people::{told, with_tools};
use super::{Stop, say};

pub fn list(config: Config, status: Option<JobStatus>, limit: u32, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let rows = app
            .db
            .run(move |conn| db::jobs::list(conn, status, None, i64::from(limit)))
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        for row in rows {
            if json {
                let line = serde_json::json!({
                    "id": row.id, "kind": row.kind, "payload": row.payload, "app_id": row.app_id,
                    "platform": row.platform, "status": row.status, "due_at": row.due_at,
                    "attempts": row.attempts, "last_error": row.last_error,
                    "created_at": row.created_at, "finished_at": row.finished_at,
                });
                say(&line.to_string());
            } else {
                let error = row.last_error.unwrap_or_default();
                let (due, kind) = (row.due_at.format("%Y-%m-%d %H:%M:%S"), row.kind);
                say(&format!("{}  {:<8} {due}  {kind:<20} {error}", row.id, row.status));
            }
        }
        Ok(())
    })
}

pub fn retry(config: Config, id: JobId) -> Result<(), Stop> {
    with_tools(config, async |app| {
        broker::jobs::retry(&app, id, Actor::command())
            .await
            .map_err(|error| match error {
                broker::Error::NotFound => Stop::line(format!("no job {id} waits or was given up")),
                other => told(other),
            })?;
        say(&format!("{id} runs at once; `llavero work` or `serve --work` does it"));
        Ok(())
    })
}
