//! Stores as partners list them: a store with the life times of its credential and its newest refresh. Pages run down the
//! ids (newest first) by key, so that deep pages cost what the first one costs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;

use super::schema::{credentials, stores};
use super::stores::Store;
use super::{Conn, Result, frozen};
use crate::domain::id::{AppId, CredentialId, StoreId};
use crate::domain::refresh::RefreshOutcome;
use crate::domain::store::{StoreHealth, StoreStatus};

/// The life times of a store's credential; nothing sealed.
#[derive(Debug, Clone, Default, Queryable, Selectable)]
#[diesel(table_name = credentials)]
pub struct Lives {
    pub access_expires_at: Option<DateTime<Utc>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
    pub reauthorize_by: Option<DateTime<Utc>>,
    pub refresh_at: Option<DateTime<Utc>>,
}

/// The newest row of a credential's refresh log.
#[derive(Debug, Clone, QueryableByName)]
pub struct LastRefresh {
    #[diesel(sql_type = sql_types::Uuid)]
    pub credential_id: CredentialId,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub started_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Text)]
    pub outcome: RefreshOutcome,
}

/// A store with what is shown beside it.
#[derive(Debug, Clone)]
pub struct ListedStore {
    pub store: Store,
    pub lives: Lives,
    pub last_refresh: Option<LastRefresh>,
    /// Since when it is at rest here, exported to another installation.
    pub frozen_at: Option<DateTime<Utc>>,
}

/// What a listing is narrowed to; all given must hold.
#[derive(Debug, Clone, Default)]
pub struct StoreFilter {
    pub platform: Option<String>,
    pub status: Option<StoreStatus>,
    pub health: Option<StoreHealth>,
    pub customer_id: Option<String>,
    /// Will need its merchant before then: a deadline of the consent or of the refresh token.
    pub expires_before: Option<DateTime<Utc>>,
    pub updated_since: Option<DateTime<Utc>>,
    /// Part of the name, the address, the platform's id or the customer's id, in any case.
    pub q: Option<String>,
}

/// The stores of an app below `before`, newest first.
pub fn list(
    conn: &mut Conn,
    app: AppId,
    filter: &StoreFilter,
    before: Option<StoreId>,
    limit: i64,
) -> Result<Vec<ListedStore>> {
    let mut query = stores::table
        .inner_join(credentials::table)
        .filter(stores::app_id.eq(app))
        .select((Store::as_select(), Lives::as_select()))
        .order(stores::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(stores::id.lt(before));
    }
    if let Some(platform) = &filter.platform {
        query = query.filter(stores::platform.eq(platform));
    }
    if let Some(status) = filter.status {
        query = query.filter(stores::status.eq(status));
    }
    if let Some(health) = filter.health {
        query = query.filter(stores::health.eq(health));
    }
    if let Some(customer) = &filter.customer_id {
        query = query.filter(stores::customer_id.eq(customer));
    }
    if let Some(at) = filter.expires_before {
        // The credential of a revoked store is no longer its own, and nobody is needed for it.
        query = query.filter(stores::status.ne(StoreStatus::Revoked)).filter(
            credentials::reauthorize_by
                .lt(at)
                .or(credentials::refresh_expires_at.lt(at)),
        );
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(stores::updated_at.ge(since));
    }
    if let Some(q) = &filter.q {
        let part = like_part(q);
        query = query.filter(
            stores::name
                .ilike(part.clone())
                .or(stores::platform_store_id.ilike(part.clone()))
                .or(stores::url.ilike(part.clone()).assume_not_null())
                .or(stores::customer_id.ilike(part).assume_not_null()),
        );
    }
    let rows: Vec<(Store, Lives)> = query.load(conn)?;
    with_company(conn, rows)
}

/// One store of an app as the listing shows it; another app's is not found.
pub fn find(conn: &mut Conn, app: AppId, id: StoreId) -> Result<Option<ListedStore>> {
    let row: Option<(Store, Lives)> = stores::table
        .inner_join(credentials::table)
        .filter(stores::id.eq(id))
        .filter(stores::app_id.eq(app))
        .select((Store::as_select(), Lives::as_select()))
        .first(conn)
        .optional()?;
    Ok(with_company(conn, row.into_iter().collect())?.pop())
}

fn with_company(conn: &mut Conn, rows: Vec<(Store, Lives)>) -> Result<Vec<ListedStore>> {
    let ids: Vec<CredentialId> = rows.iter().map(|(store, _)| store.credential_id).collect();
    // One look into the index for each credential, however long its log is.
    let last: Vec<LastRefresh> = if ids.is_empty() {
        Vec::new()
    } else {
        diesel::sql_query(
            "SELECT l.credential_id, l.started_at, l.outcome FROM unnest($1) AS c(id) CROSS JOIN LATERAL (
                 SELECT credential_id, started_at, outcome FROM refresh_logs
                 WHERE credential_id = c.id ORDER BY started_at DESC, grant_no DESC, attempt DESC LIMIT 1) l",
        )
        .bind::<sql_types::Array<sql_types::Uuid>, _>(&ids)
        .load(conn)?
    };
    let last: HashMap<CredentialId, LastRefresh> = last.into_iter().map(|row| (row.credential_id, row)).collect();
    let frozen = frozen::since(conn, &ids)?;
    let listed = rows.into_iter().map(|(store, lives)| {
        // Cloned, for several stores may share one credential.
        let last_refresh = last.get(&store.credential_id).cloned();
        // The credential of a revoked store is no longer its own.
        let living = store.status != StoreStatus::Revoked;
        let frozen_at = frozen.get(&store.credential_id).copied().filter(|_| living);
        ListedStore {
            store,
            lives,
            last_refresh,
            frozen_at,
        }
    });
    Ok(listed.collect())
}

/// A pattern of LIKE that finds `text` anywhere, its own wildcards taken literally.
fn like_part(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_search_are_letters() {
        assert_eq!(like_part("50%_\\"), "%50\\%\\_\\\\%");
    }
}
