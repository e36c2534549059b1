//! `llavero store ...`: the stores of all apps, for whoever runs the installation.

use llavero::app::App;
use llavero::broker::asker::Asker;
use llavero::broker::{self, disconnect};
use llavero::config::Config;
use llavero::db;
use llavero::db::admin_stores::{self, AdminStoreFilter, StoreOrder};
use llavero::db::store_list::{self, ListedStore};
use llavero::domain::admin::Actor;
use llavero::domain::id::{AppId, StoreId};
use llavero::domain::store::StoreStatus;

use super::people::{told, with_tools};
use super::{Stop, say};

const PAGE: i64 = 200;

/// Whoever may use the machine may touch every app's stores.
pub(super) fn asker() -> Asker {
    Asker {
        actor: Actor::command(),
        app: None,
        request_id: None,
    }
}

pub fn list(
    config: Config,
    of: Option<AppId>,
    platform: Option<String>,
    status: Option<StoreStatus>,
    json: bool,
) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let filter = AdminStoreFilter {
            app: of,
            platform,
            status,
            ..AdminStoreFilter::default()
        };
        let mut after = None;
        loop {
            let (filter, cursor) = (filter.clone(), after.take());
            let rows = app
                .db
                .run(move |conn| admin_stores::list(conn, &filter, StoreOrder::Newest, cursor.as_ref(), PAGE))
                .await
                .map_err(|error: db::Error| told(error.into()))?;
            for row in &rows {
                if json {
                    let line = serde_json::json!({
                        "id": row.id, "app_id": row.app_id, "platform": row.platform, "name": row.name,
                        "platform_store_id": row.platform_store_id, "customer_id": row.customer_id,
                        "mode": row.mode, "status": row.status, "status_since": row.status_since,
                        "health": row.health, "frozen": row.is_frozen, "last_used_at": row.last_used_at,
                    });
                    say(&line.to_string());
                } else {
                    let status = row.status;
                    let health = if row.is_frozen { "frozen" } else { row.health.as_str() };
                    say(&format!(
                        "{}  {status:<21} {health:<20} {:<20} {}",
                        row.id, row.platform, row.name
                    ));
                }
            }
            after = rows.last().map(|row| row.cursor(StoreOrder::Newest));
            if after.is_none() {
                return Ok(());
            }
        }
    })
}

pub fn show(config: Config, id: StoreId, json: bool) -> Result<(), Stop> {
    with_tools(config, async |app| {
        let Some(found) = find(&app, id).await.map_err(told)? else {
            return Err(Stop::line(format!("no store {id}")));
        };
        let (store, lives) = (found.store, found.lives);
        let facts = serde_json::json!({
            "id": store.id, "app_id": store.app_id, "platform": store.platform, "method": store.method,
            "name": store.name, "url": store.url, "platform_store_id": store.platform_store_id,
            "customer_id": store.customer_id, "status": store.status, "status_reason": store.status_reason,
            "status_since": store.status_since, "health": store.health, "frozen": found.frozen_at.is_some(),
            "frozen_at": found.frozen_at,
            "connected_at": store.connected_at, "last_used_at": store.last_used_at,
            "access_expires_at": lives.access_expires_at, "refresh_expires_at": lives.refresh_expires_at,
            "refresh_at": lives.refresh_at, "reauthorize_by": lives.reauthorize_by,
            "last_refresh_at": found.last_refresh.as_ref().map(|last| last.started_at),
            "last_refresh_outcome": found.last_refresh.as_ref().map(|last| last.outcome),
        });
        if json {
            say(&facts.to_string());
            return Ok(());
        }
        for (name, value) in facts
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            say(&format!("{name:<22} {text}"));
        }
        Ok(())
    })
}

/// A store of any app.
async fn find(app: &App, id: StoreId) -> Result<Option<ListedStore>, broker::Error> {
    app.db
        .run(move |conn| {
            let Some(store) = db::stores::find(conn, id)? else {
                return Ok(None);
            };
            Ok(store_list::find(conn, store.app_id, id)?)
        })
        .await
}

pub fn revoke(config: Config, id: StoreId) -> Result<(), Stop> {
    with_tools(config, async |app| {
        disconnect::revoke(&app, &asker(), id)
            .await
            .map_err(|error| match error {
                broker::Error::NotFound => Stop::line(format!("no store {id}")),
                other => told(other),
            })?;
        say(&format!("{id} is revoked"));
        Ok(())
    })
}
