//! Stores: rows, finders that carry their owner, and the changes of state.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{credentials, stores};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::id::{AppId, CredentialId, PlatformAppId, StoreId};
use crate::domain::store::{StatusReason, StoreHealth, StoreStatus};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = stores)]
pub struct Store {
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
    pub updated_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// What calls of this shop need beside the credential.
    pub values_sealed: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = stores)]
pub struct NewStore {
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
    pub status: StoreStatus,
    pub values_sealed: Option<Vec<u8>>,
}

/// `Conflict`: the same shop is connected through the same client already.
pub fn insert(conn: &mut Conn, new: &NewStore) -> Result<()> {
    diesel::insert_into(stores::table).values(new).execute(conn)?;
    Ok(())
}

/// Any store, for the broker itself and for admins.
pub fn find(conn: &mut Conn, id: StoreId) -> Result<Option<Store>> {
    Ok(stores::table
        .find(id)
        .select(Store::as_select())
        .first(conn)
        .optional()?)
}

/// A store of this app; another app's is not found.
pub fn find_of(conn: &mut Conn, app: AppId, id: StoreId) -> Result<Option<Store>> {
    let found = stores::table
        .find(id)
        .filter(stores::app_id.eq(app))
        .select(Store::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// The living store of a shop, by the OAuth client it was connected through (or the app, where the client is the store's).
pub fn find_by_identity(
    conn: &mut Conn,
    app: AppId,
    platform_app: Option<PlatformAppId>,
    platform: &str,
    platform_store_id: &str,
) -> Result<Option<Store>> {
    let mut query = stores::table
        .filter(stores::platform.eq(platform.to_owned()))
        .filter(stores::platform_store_id.eq(platform_store_id.to_owned()))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .select(Store::as_select())
        .into_boxed();
    query = match platform_app {
        Some(platform_app) => query.filter(stores::platform_app_id.eq(platform_app)),
        None => query
            .filter(stores::platform_app_id.is_null())
            .filter(stores::app_id.eq(app)),
    };
    Ok(query.first(conn).optional()?)
}

/// The stores that share a credential, revoked ones left out.
pub fn list_of_credential(conn: &mut Conn, credential: CredentialId) -> Result<Vec<Store>> {
    let rows = stores::table
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .order(stores::id)
        .select(Store::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Moves a store that is not revoked to a state; false: it was revoked, or is not there.
pub fn set_status(
    conn: &mut Conn,
    id: StoreId,
    status: StoreStatus,
    reason: Option<StatusReason>,
    evidence: Option<&serde_json::Value>,
) -> Result<bool> {
    let changed = diesel::update(stores::table.find(id))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .set((
            stores::status.eq(status),
            stores::status_reason.eq(reason),
            stores::status_since.eq(llavero_now()),
            stores::evidence.eq(evidence),
            stores::sequence.eq(stores::sequence + 1),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Sets the health of all living stores of a credential where it differs; returns those changed.
pub fn set_health(conn: &mut Conn, credential: CredentialId, health: StoreHealth) -> Result<Vec<StoreId>> {
    let changed = diesel::update(stores::table)
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .filter(stores::health.ne(health))
        .set((
            stores::health.eq(health),
            stores::sequence.eq(stores::sequence + 1),
            stores::updated_at.eq(llavero_now()),
        ))
        .returning(stores::id)
        .get_results(conn)?;
    Ok(changed)
}

/// Shows that the platform is down on stores of a credential that nothing else is known of.
pub fn show_unavailable(conn: &mut Conn, credential: CredentialId) -> Result<()> {
    diesel::update(stores::table)
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(stores::health.eq(StoreHealth::Ok))
        .set((
            stores::health.eq(StoreHealth::PlatformUnavailable),
            stores::sequence.eq(stores::sequence + 1),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes that back where the store's own credential has not failed: up to `limit` stores of a platform app, or of an app's
/// own clients at a platform. Returns how many.
pub fn show_available(
    conn: &mut Conn,
    platform_app: Option<PlatformAppId>,
    own: Option<(AppId, &str)>,
    limit: i64,
) -> Result<usize> {
    let mut waiting = stores::table
        .inner_join(credentials::table)
        .filter(stores::health.eq(StoreHealth::PlatformUnavailable))
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(credentials::failures.eq(0))
        .filter(credentials::platform_app_id.is_not_distinct_from(platform_app))
        .limit(limit)
        .select(stores::id)
        .into_boxed();
    if let Some((owner, platform)) = own {
        waiting = waiting
            .filter(credentials::app_id.eq(owner))
            .filter(credentials::platform.eq(platform.to_owned()));
    }
    let shown: Vec<StoreId> = waiting.load(conn)?;
    diesel::update(stores::table)
        .filter(stores::id.eq_any(&shown))
        .filter(stores::health.eq(StoreHealth::PlatformUnavailable))
        .set((
            stores::health.eq(StoreHealth::Ok),
            stores::sequence.eq(stores::sequence + 1),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(shown.len())
}

/// Notes the OAuth client that a store is connected through from now on; `Conflict`: another store is that shop there.
pub fn set_client(conn: &mut Conn, id: StoreId, client: Option<PlatformAppId>) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set(stores::platform_app_id.eq(client))
        .execute(conn)?;
    Ok(())
}

/// Puts a store on a credential and its method, with the values of its own that go with them.
pub fn set_credential(
    conn: &mut Conn,
    id: StoreId,
    credential: CredentialId,
    method: &str,
    values_sealed: Option<&[u8]>,
) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set((
            stores::credential_id.eq(credential),
            stores::method.eq(method),
            stores::values_sealed.eq(values_sealed),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets the values of a store that was revoked.
pub fn erase_values(conn: &mut Conn, id: StoreId) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set(stores::values_sealed.eq(None::<Vec<u8>>))
        .execute(conn)?;
    Ok(())
}

/// What a (re-)connect learned of the shop; empty values leave what is there.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = stores)]
pub struct Learned {
    pub method: Option<String>,
    pub url: Option<String>,
    pub name: Option<String>,
    pub customer_id: Option<String>,
    pub platform_store_id: Option<String>,
    pub merchant_email: Option<String>,
    pub merchant_name: Option<String>,
    pub merchant_locale: Option<String>,
    pub metadata: Option<serde_json::Value>,
}

/// Changes facts of a store; false: no such store of that app.
pub fn update_facts(conn: &mut Conn, app: AppId, id: StoreId, learned: &Learned) -> Result<bool> {
    let changed = diesel::update(stores::table.find(id))
        .filter(stores::app_id.eq(app))
        .set((learned, stores::updated_at.eq(llavero_now())))
        .execute(conn)?;
    Ok(changed == 1)
}

/// What a partner changes; an inner `None` empties the field.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = stores)]
pub struct Patch {
    pub name: Option<String>,
    pub customer_id: Option<Option<String>>,
    pub merchant_email: Option<Option<String>>,
    pub merchant_name: Option<Option<String>>,
    pub merchant_locale: Option<Option<String>>,
    pub metadata: Option<serde_json::Value>,
}

/// Changes what the partner said of a store; false: no such store of that app.
pub fn patch(conn: &mut Conn, app: AppId, id: StoreId, patch: &Patch) -> Result<bool> {
    let changed = diesel::update(stores::table.find(id))
        .filter(stores::app_id.eq(app))
        .set((patch, stores::updated_at.eq(llavero_now())))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Locks a store, so that what is read of it holds until the transaction ends.
pub fn lock(conn: &mut Conn, id: StoreId) -> Result<Option<Store>> {
    Ok(stores::table
        .find(id)
        .for_update()
        .select(Store::as_select())
        .first(conn)
        .optional()?)
}

/// All stores of a customer, newest first, revoked ones included.
pub fn list_of_customer(conn: &mut Conn, app: AppId, customer_id: &str) -> Result<Vec<Store>> {
    let rows = stores::table
        .filter(stores::app_id.eq(app))
        .filter(stores::customer_id.eq(customer_id))
        .order(stores::id.desc())
        .select(Store::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Forgets who the merchant of a store is, in all that was kept of how it was connected and what was written to it.
pub fn erase_merchant(conn: &mut Conn, id: StoreId) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set((
            stores::merchant_email.eq(None::<String>),
            stores::merchant_name.eq(None::<String>),
            stores::merchant_locale.eq(None::<String>),
            stores::metadata.eq(serde_json::json!({})),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    diesel::sql_query(
        "UPDATE connect_sessions SET options = options - 'merchant_email' - 'merchant_name' - 'fields'
         WHERE result_store_id = $1 OR store_id = $1
         OR id IN (SELECT session_id FROM connect_session_stores WHERE store_id = $1)",
    )
    .bind::<diesel::sql_types::Uuid, _>(id)
    .execute(conn)?;
    // Each stays one message of its incident.
    diesel::sql_query(
        "UPDATE notices SET recipient = 'erased:' || id, details = '{}' WHERE store_id = $1 AND audience = 'merchant'",
    )
    .bind::<diesel::sql_types::Uuid, _>(id)
    .execute(conn)?;
    Ok(())
}
