//! API keys of apps: found by hash, shown by hint.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::apps::App;
use super::schema::{api_keys, apps};
use super::types::{Texts, llavero_now};
use super::{Conn, Result};
use crate::domain::access_token::TokenHash;
use crate::domain::id::{ApiKeyId, AppId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub app_id: AppId,
    pub name: String,
    pub scopes: Texts,
    pub hint: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub successor_id: Option<ApiKeyId>,
}

impl ApiKey {
    /// Neither revoked nor past its end.
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
pub struct NewApiKey<'a> {
    pub id: ApiKeyId,
    pub app_id: AppId,
    pub name: &'a str,
    pub scopes: Texts,
    pub hash: TokenHash,
    pub hint: &'a str,
    pub expires_at: Option<DateTime<Utc>>,
}

pub fn insert(conn: &mut Conn, key: &NewApiKey<'_>) -> Result<()> {
    diesel::insert_into(api_keys::table).values(key).execute(conn)?;
    Ok(())
}

/// The key with this hash, revoked or not.
pub fn find_by_hash(conn: &mut Conn, hash: TokenHash) -> Result<Option<ApiKey>> {
    let found = api_keys::table
        .filter(api_keys::hash.eq(hash))
        .select(ApiKey::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The key with this hash, revoked or not, with its app.
pub fn find_with_app(conn: &mut Conn, hash: TokenHash) -> Result<Option<(ApiKey, App)>> {
    let found = api_keys::table
        .inner_join(apps::table)
        .filter(api_keys::hash.eq(hash))
        .select((ApiKey::as_select(), App::as_select()))
        .first(conn)
        .optional()?;
    Ok(found)
}

pub fn list(conn: &mut Conn, app: AppId) -> Result<Vec<ApiKey>> {
    let rows = api_keys::table
        .filter(api_keys::app_id.eq(app))
        .order(api_keys::id.desc())
        .select(ApiKey::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Whose key it is.
pub fn find_app_of(conn: &mut Conn, id: ApiKeyId) -> Result<Option<AppId>> {
    Ok(api_keys::table
        .find(id)
        .select(api_keys::app_id)
        .first(conn)
        .optional()?)
}

/// False: no such key of that app, or revoked before.
pub fn revoke(conn: &mut Conn, app: AppId, id: ApiKeyId) -> Result<bool> {
    let changed = diesel::update(api_keys::table.find(id))
        .filter(api_keys::app_id.eq(app))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The key of that app, locked, so that two roll-overs of it take turns.
pub fn lock(conn: &mut Conn, app: AppId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    let found = api_keys::table
        .find(id)
        .filter(api_keys::app_id.eq(app))
        .select(ApiKey::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Lets a key end at `ends_at`, since `successor` takes over.
pub fn hand_over(conn: &mut Conn, id: ApiKeyId, successor: ApiKeyId, ends_at: DateTime<Utc>) -> Result<()> {
    diesel::update(api_keys::table.find(id))
        .set((api_keys::successor_id.eq(successor), api_keys::expires_at.eq(ends_at)))
        .execute(conn)?;
    Ok(())
}
