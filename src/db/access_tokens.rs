//! Our access tokens: found by hash on every proxied call.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::apps::App;
use super::schema::{access_tokens, apps, stores};
use super::stores::Store;
use super::types::llavero_now;
use super::{Conn, Result, listen};
use crate::domain::access_token::TokenHash;
use crate::domain::id::{AccessTokenId, AppId, StoreId};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = access_tokens)]
pub struct AccessToken {
    pub id: AccessTokenId,
    pub store_id: StoreId,
    pub app_id: AppId,
    pub hint: String,
    pub created_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Told as news of the store: what was unknown a moment ago is known.
pub fn insert(
    conn: &mut Conn,
    id: AccessTokenId,
    store: StoreId,
    app: AppId,
    hash: TokenHash,
    hint: &str,
) -> Result<()> {
    diesel::insert_into(access_tokens::table)
        .values((
            access_tokens::id.eq(id),
            access_tokens::store_id.eq(store),
            access_tokens::app_id.eq(app),
            access_tokens::hash.eq(hash),
            access_tokens::hint.eq(hint),
        ))
        .execute(conn)?;
    listen::notify_store(conn, store)
}

/// The token with this hash, revoked or not.
pub fn find_by_hash(conn: &mut Conn, hash: TokenHash) -> Result<Option<AccessToken>> {
    let found = access_tokens::table
        .filter(access_tokens::hash.eq(hash))
        .select(AccessToken::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The token with this hash, revoked or not, with its store and app: all that a call needs to know, in one round trip.
pub fn find_with_store(conn: &mut Conn, hash: TokenHash) -> Result<Option<(AccessToken, Store, App)>> {
    let found = access_tokens::table
        .inner_join(stores::table)
        .inner_join(apps::table)
        .filter(access_tokens::hash.eq(hash))
        .select((AccessToken::as_select(), Store::as_select(), App::as_select()))
        .first(conn)
        .optional()?;
    Ok(found)
}

pub fn list(conn: &mut Conn, store: StoreId) -> Result<Vec<AccessToken>> {
    let rows = access_tokens::table
        .filter(access_tokens::store_id.eq(store))
        .order(access_tokens::id.desc())
        .select(AccessToken::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Ends every living token of a store but `keep`: at once, or at `ends_at`.
pub fn end_others(
    conn: &mut Conn,
    store: StoreId,
    keep: Option<AccessTokenId>,
    ends_at: Option<DateTime<Utc>>,
) -> Result<usize> {
    let living = access_tokens::table
        .filter(access_tokens::store_id.eq(store))
        .filter(access_tokens::revoked_at.is_null());
    let keep = keep.map(|id| vec![id]).unwrap_or_default();
    let changed = match ends_at {
        None => diesel::update(living.filter(access_tokens::id.ne_all(keep)))
            .set(access_tokens::revoked_at.eq(llavero_now().nullable()))
            .execute(conn)?,
        // An overlap never lengthens the life of a token that ends earlier.
        Some(ends_at) => diesel::update(
            living
                .filter(access_tokens::id.ne_all(keep))
                .filter(access_tokens::ends_at.is_null().or(access_tokens::ends_at.gt(ends_at))),
        )
        .set(access_tokens::ends_at.eq(ends_at))
        .execute(conn)?,
    };
    Ok(changed)
}

/// Revokes one token.
pub fn revoke(conn: &mut Conn, id: AccessTokenId) -> Result<()> {
    diesel::update(access_tokens::table.find(id))
        .filter(access_tokens::revoked_at.is_null())
        .set(access_tokens::revoked_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    listen::notify_access_token(conn, id)
}
