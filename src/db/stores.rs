//! Stores: rows, finders that carry their owner, and the changes of state.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};

use super::schema::stores;
use super::types::llavero_now;
use super::{Conn, Result, listen};
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
            stores::refresh_failing_since.eq(None::<DateTime<Utc>>),
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
        .set((stores::health.eq(health), stores::updated_at.eq(llavero_now())))
        .returning(stores::id)
        .get_results(conn)?;
    if !changed.is_empty() {
        listen::notify_credential(conn, credential)?;
    }
    Ok(changed)
}

/// Notes that the partners of a credential's connected stores are told that refreshing fails; returns the stores of which
/// it was not told yet. `most`: of one app and platform within `window`; past it nothing is told, for then it is the
/// platform that fails.
pub fn begin_failing(conn: &mut Conn, credential: CredentialId, most: i64, window: Duration) -> Result<Vec<Store>> {
    let quiet: Vec<(StoreId, AppId, String)> = stores::table
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(stores::refresh_failing_since.is_null())
        .order(stores::id)
        .select((stores::id, stores::app_id, stores::platform))
        .load(conn)?;
    let mut new = Vec::new();
    for (id, app, platform) in quiet {
        let recent: i64 = stores::table
            .filter(stores::app_id.eq(app))
            .filter(stores::platform.eq(platform))
            .filter(
                stores::refresh_failing_since.gt(sql::<Nullable<Timestamptz>>(
                    "llavero_now() - make_interval(secs => ",
                )
                .bind::<Double, _>(window.as_secs_f64())
                .sql(")")),
            )
            .select(count_star())
            .get_result(conn)?;
        if recent + i64::try_from(new.len()).unwrap_or(i64::MAX) < most {
            new.push(id);
        }
    }
    let changed = diesel::update(stores::table.filter(stores::id.eq_any(new)))
        .set(stores::refresh_failing_since.eq(llavero_now().nullable()))
        .returning(Store::as_returning())
        .get_results(conn)?;
    Ok(changed)
}

/// Ends that state of all stores of a credential; returns those that were in it.
pub fn end_failing(conn: &mut Conn, credential: CredentialId) -> Result<Vec<Store>> {
    let ended = diesel::update(stores::table)
        .filter(stores::credential_id.eq(credential))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .filter(stores::refresh_failing_since.is_not_null())
        .set(stores::refresh_failing_since.eq(None::<DateTime<Utc>>))
        .returning(Store::as_returning())
        .get_results(conn)?;
    Ok(ended)
}

/// The same of one store.
pub fn forget_failing(conn: &mut Conn, id: StoreId) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set(stores::refresh_failing_since.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(())
}

/// The apps with living stores that are connected through an OAuth client.
pub fn apps_of_client(conn: &mut Conn, client: PlatformAppId) -> Result<Vec<AppId>> {
    Ok(stores::table
        .filter(stores::platform_app_id.eq(client))
        .filter(stores::status.ne(StoreStatus::Revoked))
        .select(stores::app_id)
        .distinct()
        .order(stores::app_id)
        .load(conn)?)
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

/// Forgets who the merchant of a store is, in all that was kept of how it was connected, what was written to it and what
/// the partner was told. The platform's id of the shop and its address stay: a revoked store is still one of a list.
pub fn erase_merchant(conn: &mut Conn, id: StoreId) -> Result<()> {
    diesel::update(stores::table.find(id))
        .set((
            stores::merchant_email.eq(None::<String>),
            stores::merchant_name.eq(None::<String>),
            stores::merchant_locale.eq(None::<String>),
            stores::metadata.eq(serde_json::json!({})),
            stores::customer_id.eq(None::<String>),
            stores::name.eq(stores::platform_store_id),
            stores::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    for statement in [
        "UPDATE events SET data = data || jsonb_build_object('store', (data -> 'store')
             || jsonb_build_object('customer_id', NULL, 'name', data -> 'store' -> 'platform_store_id'))
         WHERE store_id = $1 AND jsonb_typeof(data -> 'store') = 'object'",
        "UPDATE webhook_attempts SET request = NULL
         FROM webhook_deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.id = webhook_attempts.delivery_id AND e.store_id = $1",
        "UPDATE notices SET details = details || jsonb_build_object('store', s.platform_store_id)
         FROM stores s WHERE s.id = store_id AND s.id = $1 AND details ? 'store'",
    ] {
        diesel::sql_query(statement)
            .bind::<diesel::sql_types::Uuid, _>(id)
            .execute(conn)?;
    }
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
