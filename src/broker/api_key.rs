//! Who calls the partner API: an app's key, found by its hash. A mistyped key is refused without asking the database.

use std::sync::Arc;

use super::{Error, last_used};
use crate::app::App;
use crate::db;
use crate::domain::access_token::{self, TokenKind};
use crate::domain::scope::Scope;

/// A key that works, with its app.
#[derive(Clone)]
pub struct AdmittedKey {
    pub key: db::api_keys::ApiKey,
    pub app: db::apps::App,
}

impl AdmittedKey {
    /// `Forbidden` unless the key has the scope.
    pub fn needs(&self, scope: Scope) -> Result<(), Error> {
        if self.key.scopes.0.iter().any(|has| has == scope.as_str()) {
            return Ok(());
        }
        Err(Error::Forbidden(format!("The API key needs the scope {scope}")))
    }
}

/// The key behind `text`. `Unauthenticated`: unknown, mistyped or revoked.
pub async fn admit(app: &Arc<App>, text: &str) -> Result<AdmittedKey, Error> {
    let hash = access_token::hash(TokenKind::ApiKey, text).map_err(|_| Error::Unauthenticated)?;
    let found = app
        .db
        .run::<_, db::Error, _>(move |conn| db::api_keys::find_with_app(conn, hash))
        .await?;
    let (key, owner) = found
        .filter(|(key, _)| key.revoked_at.is_none())
        .ok_or(Error::Unauthenticated)?;
    last_used::note_key(app, key.id);
    Ok(AdmittedKey { key, app: owner })
}
