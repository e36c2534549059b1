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

/// False: no such key of that app, or revoked before.
pub fn revoke(conn: &mut Conn, app: AppId, id: ApiKeyId) -> Result<bool> {
    let changed = diesel::update(api_keys::table.find(id))
        .filter(api_keys::app_id.eq(app))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    Ok(changed == 1)
}
