//! Apps' API keys. Admitting: found by hash, a mistyped one refused without asking the database. Making: shown once. Rolling
//! over: a new key with the same scopes, while the old one works until a chosen end, so that no call fails in between.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::apps::{audit, checked_name, invalid};
use super::{Error, last_used};
use crate::app::App;
use crate::db;
use crate::db::types::Texts;
use crate::domain::access_token::{self, TokenHash, TokenKind};
use crate::domain::admin::Actor;
use crate::domain::id::{ApiKeyId, AppId};
use crate::domain::scope::Scope;
use crate::domain::secret::Secret;

/// The longest time that a key may work beside its successor.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(90);

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

/// The key behind `text`. `Unauthenticated`: unknown, mistyped, revoked or expired.
pub async fn admit(app: &Arc<App>, text: &str) -> Result<AdmittedKey, Error> {
    let hash = access_token::hash(TokenKind::ApiKey, text).map_err(|_| Error::Unauthenticated)?;
    let found = app
        .db
        .run::<_, db::Error, _>(move |conn| db::api_keys::find_with_app(conn, hash))
        .await?;
    let (key, owner) = found
        .filter(|(key, _)| key.is_alive(app.now()))
        .ok_or(Error::Unauthenticated)?;
    last_used::note_key(app, key.id);
    Ok(AdmittedKey { key, app: owner })
}

/// What an API key is made from.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// `None`: it works until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A new API key: shown now, and never again.
#[derive(Debug, Clone)]
pub struct MadeKey {
    pub id: ApiKeyId,
    pub key: Secret,
}

/// A key made in place of another.
#[derive(Debug, Clone)]
pub struct RolledKey {
    pub made: MadeKey,
    /// When the old one ends; now, if no overlap was asked for.
    pub old_ends_at: DateTime<Utc>,
    /// When the new one ends; `None`: not by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes an API key that does not end by itself.
pub async fn new_key(
    app: &Arc<App>,
    of: AppId,
    name: &str,
    scopes: Vec<Scope>,
    actor: Actor,
) -> Result<MadeKey, Error> {
    let new = NewKey {
        name: name.to_owned(),
        scopes,
        expires_at: None,
    };
    make(app, of, new, actor).await
}

/// Makes an API key. `Invalid`: `name`, no `scopes`, or `expires_at` is over. `NotFound`: no such app.
pub async fn make(app: &Arc<App>, of: AppId, new: NewKey, actor: Actor) -> Result<MadeKey, Error> {
    let name = checked_name("name", &new.name)?;
    if new.scopes.is_empty() {
        return Err(invalid("scopes", "choose at least one"));
    }
    if new.expires_at.is_some_and(|end| end <= app.now()) {
        return Err(invalid("expires_at", "must lie ahead"));
    }
    let fresh = Fresh::mint(app);
    let scopes: Vec<String> = new.scopes.iter().map(ToString::to_string).collect();
    let details =
        serde_json::json!({ "name": name, "scopes": scopes, "hint": fresh.hint, "expires_at": new.expires_at });
    let event = audit(app, actor, Some(of), "api_key.made", fresh.id.to_string(), details);
    app.db
        .transaction(move |conn| {
            db::apps::find(conn, of)?.ok_or(Error::NotFound)?;
            fresh.insert(conn, of, &name, Texts(scopes), new.expires_at)?;
            db::audit::insert(conn, &event)?;
            Ok(fresh.made())
        })
        .await
}

/// Makes a key with the name and scopes of `old`, which works for `overlap` more, or ends at once. A key with a term gives
/// its successor a term of the same length.
///
/// `Invalid`: the overlap is negative or longer than 90 days. `NotFound`: no living key of that app. `Conflict`: it has a
/// successor already.
pub async fn roll(
    app: &Arc<App>,
    of: AppId,
    old: ApiKeyId,
    overlap: TimeDelta,
    actor: Actor,
) -> Result<RolledKey, Error> {
    if overlap < TimeDelta::zero() || overlap > LONGEST_OVERLAP {
        return Err(invalid("overlap", "0 to 90 days"));
    }
    let (now, fresh, tools) = (app.now(), Fresh::mint(app), app.clone());
    app.db
        .transaction(move |conn| {
            let found = db::api_keys::lock(conn, of, old)?;
            let found = found.filter(|key| key.is_alive(now)).ok_or(Error::NotFound)?;
            if found.successor_id.is_some() {
                return Err(Error::Conflict("The key is being rolled over already".to_owned()));
            }
            let old_ends_at = found.expires_at.map_or(now + overlap, |end| end.min(now + overlap));
            let expires_at = found.expires_at.map(|end| now + (end - found.created_at));
            fresh.insert(conn, of, &found.name, found.scopes, expires_at)?;
            db::api_keys::hand_over(conn, found.id, fresh.id, old_ends_at)?;
            let details = serde_json::json!({ "successor": fresh.id, "hint": fresh.hint, "ends_at": old_ends_at });
            let event = audit(&tools, actor, Some(of), "api_key.rolled", found.id.to_string(), details);
            db::audit::insert(conn, &event)?;
            Ok(RolledKey {
                made: fresh.made(),
                old_ends_at,
                expires_at,
            })
        })
        .await
}

/// Revokes an API key of an app; the next call with it is refused.
pub async fn revoke_key(app: &Arc<App>, of: AppId, key: ApiKeyId, actor: Actor) -> Result<(), Error> {
    let details = serde_json::json!({});
    let event = audit(app, actor, Some(of), "api_key.revoked", key.to_string(), details);
    app.db
        .transaction(move |conn| {
            if !db::api_keys::revoke(conn, of, key)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

/// A key that is not in the database yet.
struct Fresh {
    id: ApiKeyId,
    key: Secret,
    hash: TokenHash,
    hint: String,
}

impl Fresh {
    fn mint(app: &App) -> Self {
        let key = access_token::mint(TokenKind::ApiKey, app.random.bytes());
        Self {
            id: app.id(),
            hash: TokenHash::of(key.expose()),
            hint: access_token::hint(&key),
            key,
        }
    }

    fn insert(
        &self,
        conn: &mut db::Conn,
        of: AppId,
        name: &str,
        scopes: Texts,
        expires_at: Option<DateTime<Utc>>,
    ) -> db::Result<()> {
        let row = db::api_keys::NewApiKey {
            id: self.id,
            app_id: of,
            name,
            scopes,
            hash: self.hash,
            hint: &self.hint,
            expires_at,
        };
        db::api_keys::insert(conn, &row)
    }

    fn made(&self) -> MadeKey {
        MadeKey {
            id: self.id,
            key: self.key.clone(),
        }
    }
}
