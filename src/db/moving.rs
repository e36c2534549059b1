//! Stores that come from another installation, with the ids, counters and token hashes that they had there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::credentials::Granted;
use super::schema::{access_tokens, credentials, stores};
use super::types::llavero_now;
use super::{Conn, Result, listen};
use crate::domain::access_token::TokenHash;
use crate::domain::id::{AccessTokenId, AppId, CredentialId, PlatformAppId, StoreId};
use crate::domain::refresh::FailureKind;
use crate::domain::store::{StatusReason, StoreHealth, StoreStatus};

/// A credential as it arrives.
#[derive(Clone)]
pub struct Arriving {
    pub id: CredentialId,
    pub app_id: AppId,
    pub platform: String,
    pub method: String,
    pub platform_app_id: Option<PlatformAppId>,
    pub granted: Granted,
    pub spares_sealed: Option<Vec<u8>>,
    pub asks_spare: bool,
    pub grant_no: i64,
    pub saved_attempt: i64,
    pub dead_at: Option<DateTime<Utc>>,
    pub last_failure: Option<FailureKind>,
}

/// Makes the credential's row, or fills the one that was frozen here. Attempt numbers go on behind both.
pub fn put_credential(conn: &mut Conn, new: &Arriving) -> Result<()> {
    let next = new.saved_attempt + 1;
    let arrived = (
        &new.granted,
        (
            credentials::method.eq(&new.method),
            credentials::platform_app_id.eq(new.platform_app_id),
            credentials::spares_sealed.eq(new.spares_sealed.as_deref()),
            credentials::asks_spare.eq(new.asks_spare),
            credentials::grant_no.eq(new.grant_no),
            credentials::saved_attempt.eq(new.saved_attempt),
            credentials::next_attempt.eq(next),
            credentials::dead_at.eq(new.dead_at),
            credentials::last_failure.eq(new.last_failure),
            credentials::updated_at.eq(llavero_now()),
        ),
    );
    diesel::insert_into(credentials::table)
        .values((
            credentials::id.eq(new.id),
            credentials::app_id.eq(new.app_id),
            credentials::platform.eq(&new.platform),
            arrived,
        ))
        .on_conflict(credentials::id)
        .do_update()
        .set((
            arrived,
            credentials::failing_since.eq(None::<DateTime<Utc>>),
            credentials::failures.eq(0),
            credentials::retry_at.eq(None::<DateTime<Utc>>),
            credentials::held_verdict_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    listen::notify_credential(conn, new.id)
}

/// A store as it arrives.
#[derive(Debug, Clone, Insertable, AsChangeset)]
#[diesel(table_name = stores, treat_none_as_null = true)]
pub struct ArrivingStore {
    pub id: StoreId,
    pub app_id: AppId,
    pub credential_id: CredentialId,
    pub platform_app_id: Option<PlatformAppId>,
    pub platform: String,
    pub method: String,
    pub platform_store_id: String,
    pub url: Option<String>,
    pub name: String,
    pub customer_id: Option<String>,
    pub merchant_email: Option<String>,
    pub merchant_name: Option<String>,
    pub merchant_locale: Option<String>,
    pub metadata: serde_json::Value,
    pub status: StoreStatus,
    pub status_reason: Option<StatusReason>,
    pub status_since: DateTime<Utc>,
    pub evidence: Option<serde_json::Value>,
    pub health: StoreHealth,
    pub sequence: i64,
    pub connected_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub values_sealed: Option<Vec<u8>>,
}

/// Makes the store's row, or brings the one that is here up to date. `Conflict`: another store is that shop here.
pub fn put_store(conn: &mut Conn, new: &ArrivingStore) -> Result<()> {
    diesel::insert_into(stores::table)
        .values(new)
        .on_conflict(stores::id)
        .do_update()
        .set((new, stores::updated_at.eq(llavero_now())))
        .execute(conn)?;
    listen::notify_store(conn, new.id)
}

/// A living token: only its hash travels.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = access_tokens)]
pub struct LivingToken {
    pub id: AccessTokenId,
    pub hash: TokenHash,
    pub hint: String,
    pub created_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
}

/// The tokens of a store that work, or will until their end.
pub fn list_tokens(conn: &mut Conn, store: StoreId) -> Result<Vec<LivingToken>> {
    let rows = access_tokens::table
        .filter(access_tokens::store_id.eq(store))
        .filter(access_tokens::revoked_at.is_null())
        .order(access_tokens::id)
        .select(LivingToken::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Makes these the store's living tokens; others of it end.
pub fn put_tokens(conn: &mut Conn, store: StoreId, app: AppId, tokens: &[LivingToken]) -> Result<()> {
    let ids: Vec<AccessTokenId> = tokens.iter().map(|token| token.id).collect();
    diesel::update(access_tokens::table)
        .filter(access_tokens::store_id.eq(store))
        .filter(access_tokens::id.ne_all(&ids))
        .filter(access_tokens::revoked_at.is_null())
        .set(access_tokens::revoked_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    for token in tokens {
        diesel::insert_into(access_tokens::table)
            .values((
                access_tokens::id.eq(token.id),
                access_tokens::store_id.eq(store),
                access_tokens::app_id.eq(app),
                access_tokens::hash.eq(token.hash),
                access_tokens::hint.eq(&token.hint),
                access_tokens::created_at.eq(token.created_at),
                access_tokens::ends_at.eq(token.ends_at),
            ))
            .on_conflict(access_tokens::id)
            .do_update()
            .set(access_tokens::ends_at.eq(token.ends_at))
            .execute(conn)?;
    }
    Ok(())
}

/// Up to `limit` credentials of an app's living stores after one, by id.
pub fn list_credentials(
    conn: &mut Conn,
    app: AppId,
    after: Option<CredentialId>,
    limit: i64,
) -> Result<Vec<CredentialId>> {
    let mut query = stores::table
        .filter(stores::app_id.eq(app))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .select(stores::credential_id)
        .distinct()
        .order(stores::credential_id)
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(stores::credential_id.gt(after));
    }
    Ok(query.load(conn)?)
}
