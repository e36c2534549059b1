//! Admin sessions: `actix-session` over rows that the database keeps. Only a hash of the cookie's key is stored, so that
//! a copy of the table signs nobody in. The id is renewed at sign-in, and a new key for forms comes with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::{Key, SameSite, time};
use actix_web::web;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Site;
use super::parts::{Flash, Tone};
use crate::domain::id::AdminId;

const COOKIE: &str = "llavero_admin";
const ADMIN: &str = "admin";
const FORM_KEY: &str = "form_key";
const FLASH: &str = "flash";
/// These three are also columns of the row, so that sessions can be listed and ended.
pub const ROW_ID: &str = "row_id";
pub const ADDRESS: &str = "address";
pub const USER_AGENT: &str = "user_agent";
/// From sign-in, whatever happens in between.
const LIFE: Duration = Duration::from_hours(12);

/// The SHA-256 of a session's key: the row's key.
pub type SessionHash = [u8; 32];

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("sessions can't be read or written")]
pub struct SessionRowsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The rows behind sessions. States are JSON objects of strings; `admin` in it is the admin's id. Rows past their life
/// are not found.
#[async_trait]
pub trait SessionRows: Send + Sync + 'static {
    async fn load(&self, key: SessionHash) -> Result<Option<Value>, SessionRowsError>;
    /// A new row.
    async fn save(&self, key: SessionHash, state: Value, life: Duration) -> Result<(), SessionRowsError>;
    /// `false`: there is no such row.
    async fn update(&self, key: SessionHash, state: Value, life: Duration) -> Result<bool, SessionRowsError>;
    async fn touch(&self, key: SessionHash, life: Duration) -> Result<(), SessionRowsError>;
    async fn delete(&self, key: SessionHash) -> Result<(), SessionRowsError>;
}

/// The store that `actix-session` works on.
pub struct Sessions {
    rows: Arc<dyn SessionRows>,
    site: web::Data<Site>,
}

/// The middleware for `/admin`; `key` signs the cookie.
pub fn middleware(rows: Arc<dyn SessionRows>, site: web::Data<Site>, key: &[u8; 64]) -> SessionMiddleware<Sessions> {
    let (name, https) = (site.cookie_name(COOKIE), site.is_https());
    let life = time::Duration::seconds(LIFE.as_secs().try_into().unwrap_or(i64::MAX));
    SessionMiddleware::builder(Sessions { rows, site }, Key::from(key))
        .cookie_name(name)
        .cookie_secure(https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(BrowserSession::default().state_ttl(life))
        .build()
}

/// Who is signed in. A value that can't be read is nobody.
pub fn admin_id(session: &Session) -> Option<AdminId> {
    session.get(ADMIN).ok().flatten()
}

/// Signs `admin` in under a new session id; `false` if the session can't hold it.
#[must_use]
pub fn sign_in(session: &Session, site: &Site, admin: AdminId) -> bool {
    session.renew();
    let form_key = URL_SAFE_NO_PAD.encode((site.options.make_key)());
    session.insert(ADMIN, admin).is_ok() && session.insert(FORM_KEY, form_key).is_ok()
}

/// Names the session for the list of sessions, and notes where it was begun; to be called with `sign_in`.
#[must_use]
pub fn note_origin(session: &Session, row: Uuid, address: &str, user_agent: &str) -> bool {
    session.insert(ROW_ID, row).is_ok()
        && session.insert(ADDRESS, address).is_ok()
        && session.insert(USER_AGENT, user_agent).is_ok()
}

/// The name of this session in the list of sessions.
pub fn row_id(session: &Session) -> Option<Uuid> {
    session.get(ROW_ID).ok().flatten()
}

pub fn sign_out(session: &Session) {
    session.purge();
}

/// The session's part of the form token; empty before sign-in.
pub fn form_key(session: &Session) -> String {
    session.get(FORM_KEY).ok().flatten().unwrap_or_default()
}

/// Tells `flash` on the next page. It is lost if the session can't hold it, which harms nothing.
pub fn flash(session: &Session, flash: &Flash) {
    if session.insert(FLASH, (flash.tone.name(), &flash.text)).is_err() {
        tracing::warn!("a message for the next page was lost");
    }
}

/// What is to be told, once.
pub fn take_flash(session: &Session) -> Option<Flash> {
    let (tone, text): (String, String) = session.get(FLASH).ok().flatten()?;
    session.remove(FLASH);
    let tone = match tone.as_str() {
        "good" => Tone::Good,
        "warn" => Tone::Warn,
        "bad" => Tone::Bad,
        _ => Tone::Info,
    };
    Some(Flash { tone, text })
}

fn hash(key: &SessionKey) -> SessionHash {
    Sha256::digest(key.as_ref().as_bytes()).into()
}

fn life(ttl: &time::Duration) -> Duration {
    Duration::try_from(*ttl).unwrap_or_default()
}

fn state_value(state: HashMap<String, String>) -> Value {
    state
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

impl Sessions {
    async fn insert(&self, state: Value, ttl: &time::Duration) -> Result<SessionKey, SaveError> {
        let key = SessionKey::try_from(URL_SAFE_NO_PAD.encode((self.site.options.make_key)()))
            .map_err(|error| SaveError::Serialization(error.into()))?;
        let saved = self.rows.save(hash(&key), state, life(ttl)).await;
        saved.map_err(|error| SaveError::Other(error.into()))?;
        Ok(key)
    }
}

impl SessionStore for Sessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let row = self
            .rows
            .load(hash(key))
            .await
            .map_err(|error| LoadError::Other(error.into()))?;
        row.map(serde_json::from_value)
            .transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: HashMap<String, String>, ttl: &time::Duration) -> Result<SessionKey, SaveError> {
        self.insert(state_value(state), ttl).await
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &time::Duration,
    ) -> Result<SessionKey, UpdateError> {
        let state = state_value(state);
        let updated = self.rows.update(hash(&key), state, life(ttl)).await;
        // A row that is gone was ended while the request ran: written anew, it would be signed in again.
        updated.map_err(|error| UpdateError::Other(error.into()))?;
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &time::Duration) -> Result<(), AnyError> {
        Ok(self.rows.touch(hash(key), life(ttl)).await?)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), AnyError> {
        Ok(self.rows.delete(hash(key)).await?)
    }
}

/// The error type that the trait asks for.
type AnyError = anyhow::Error;

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
