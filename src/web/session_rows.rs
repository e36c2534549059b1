//! Admin sessions in the database: the values sealed, the cookie's key only as a hash.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::session::{self, SessionHash, SessionRows, SessionRowsError};
use crate::app::App;
use crate::crypto::Place;
use crate::db::{self, sessions};
use crate::domain::access_token::TokenHash;
use crate::domain::id::{AdminId, Id};

/// Reads and writes through the one door to the database.
pub struct Rows {
    app: Arc<App>,
}

impl Rows {
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    fn sealed(&self, key: SessionHash, state: &Value) -> Vec<u8> {
        self.app.sealer.seal(place(key), state.to_string().as_bytes())
    }
}

/// The row is named by its hash, of which the first half does as the associated data's row id.
fn place(key: SessionHash) -> Place<'static> {
    let mut row = [0; 16];
    row.copy_from_slice(&key[..16]);
    Place {
        table: "sessions",
        column: "state_sealed",
        row: Uuid::from_bytes(row),
    }
}

fn admin_of(state: &Value) -> Option<AdminId> {
    value_of(state, "admin")
}

fn value_of<T: DeserializeOwned>(state: &Value, name: &str) -> Option<T> {
    // Values of `actix-session` are JSON texts inside the map.
    serde_json::from_str(state.get(name)?.as_str()?).ok()
}

fn told(error: impl std::error::Error + Send + Sync + 'static) -> SessionRowsError {
    SessionRowsError(Box::new(error))
}

fn ends(now: chrono::DateTime<chrono::Utc>, life: Duration) -> chrono::DateTime<chrono::Utc> {
    chrono::Duration::from_std(life)
        .ok()
        .and_then(|life| now.checked_add_signed(life))
        .unwrap_or(now)
}

#[async_trait]
impl SessionRows for Rows {
    async fn load(&self, key: SessionHash) -> Result<Option<Value>, SessionRowsError> {
        let found: Result<_, db::Error> = self.app.db.run(move |conn| sessions::find(conn, TokenHash(key))).await;
        let Some(row) = found.map_err(told)? else {
            return Ok(None);
        };
        let opened = self.app.sealer.open(place(key), &row.state_sealed).map_err(told)?;
        serde_json::from_slice(opened.expose()).map(Some).map_err(told)
    }

    async fn save(&self, key: SessionHash, state: Value, life: Duration) -> Result<(), SessionRowsError> {
        let now = self.app.now();
        let row = sessions::NewSession {
            key_hash: TokenHash(key),
            id: value_of(&state, session::ROW_ID).unwrap_or_else(|| self.app.id::<crate::domain::id::EventId>().uuid()),
            admin_id: admin_of(&state),
            state_sealed: self.sealed(key, &state),
            expires_at: ends(now, life),
        };
        let (address, user_agent): (Option<String>, Option<String>) = (
            value_of(&state, session::ADDRESS),
            value_of(&state, session::USER_AGENT),
        );
        self.app
            .db
            .run(move |conn| {
                sessions::insert(conn, &row)?;
                match (address, user_agent) {
                    (Some(address), Some(user_agent)) => sessions::set_seen_from(conn, row.id, &address, &user_agent),
                    _ => Ok(()),
                }
            })
            .await
            .map_err(|error: db::Error| told(error))
    }

    async fn update(&self, key: SessionHash, state: Value, _: Duration) -> Result<bool, SessionRowsError> {
        let (admin, sealed) = (admin_of(&state), self.sealed(key, &state));
        self.app
            .db
            .run(move |conn| sessions::update(conn, TokenHash(key), admin, &sealed))
            .await
            .map_err(|error: db::Error| told(error))
    }

    async fn touch(&self, key: SessionHash, _: Duration) -> Result<(), SessionRowsError> {
        self.app
            .db
            .run(move |conn| sessions::touch(conn, TokenHash(key)))
            .await
            .map_err(|error: db::Error| told(error))
    }

    async fn delete(&self, key: SessionHash) -> Result<(), SessionRowsError> {
        self.app
            .db
            .run(move |conn| sessions::delete_by_key(conn, TokenHash(key)))
            .await
            .map_err(|error: db::Error| told(error))
    }
}
