//! Stores of all apps as admins list them, good at a million rows: pages run by key in each order, and a search is a
//! prefix of the name or a whole id, each answered from an index.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};

use super::schema::{apps, stores};
use super::{Conn, Result};
use crate::domain::id::{AppId, Id, StoreId};
use crate::domain::store::{Mode, StoreHealth, StoreStatus};

/// A row of the list.
#[derive(Debug, Clone, Queryable)]
pub struct AdminStore {
    pub id: StoreId,
    pub app_id: AppId,
    pub app_name: String,
    pub mode: Mode,
    pub platform: String,
    pub platform_store_id: String,
    pub name: String,
    /// The name as it is sorted.
    pub name_key: String,
    pub customer_id: Option<String>,
    pub status: StoreStatus,
    pub status_since: DateTime<Utc>,
    pub health: StoreHealth,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What the list is narrowed to; all given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdminStoreFilter {
    /// The beginning of the name in any case, or one of the ids as a whole.
    pub q: Option<String>,
    pub platform: Option<String>,
    pub status: Option<StoreStatus>,
    pub health: Option<StoreHealth>,
    pub app: Option<AppId>,
}

/// How the list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreOrder {
    #[default]
    Newest,
    Name,
    /// The last change of state first.
    StatusSince,
}

/// Where a page ends; the next begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreCursor {
    Newest(StoreId),
    Name(String, StoreId),
    StatusSince(DateTime<Utc>, StoreId),
}

impl AdminStore {
    pub fn cursor(&self, order: StoreOrder) -> StoreCursor {
        match order {
            StoreOrder::Newest => StoreCursor::Newest(self.id),
            StoreOrder::Name => StoreCursor::Name(self.name_key.clone(), self.id),
            StoreOrder::StatusSince => StoreCursor::StatusSince(self.status_since, self.id),
        }
    }
}

/// The stores after `after` in an order; a cursor of another order is taken as none.
pub fn list(
    conn: &mut Conn,
    filter: &AdminStoreFilter,
    order: StoreOrder,
    after: Option<&StoreCursor>,
    limit: i64,
) -> Result<Vec<AdminStore>> {
    let mut query = stores::table
        .inner_join(apps::table)
        .select((
            stores::id,
            stores::app_id,
            apps::name,
            apps::mode,
            stores::platform,
            stores::platform_store_id,
            stores::name,
            sql::<Text>("lower(stores.name)"),
            stores::customer_id,
            stores::status,
            stores::status_since,
            stores::health,
            stores::last_used_at,
        ))
        .limit(limit)
        .into_boxed();
    if let Some(platform) = &filter.platform {
        query = query.filter(stores::platform.eq(platform));
    }
    if let Some(status) = filter.status {
        query = query.filter(stores::status.eq(status));
    }
    if let Some(health) = filter.health {
        query = query.filter(stores::health.eq(health));
    }
    if let Some(app) = filter.app {
        query = query.filter(stores::app_id.eq(app));
    }
    match filter.q.as_deref().map(|q| (q, q.parse::<StoreId>())) {
        None => {}
        Some((_, Ok(id))) => query = query.filter(stores::id.eq(id)),
        Some((q, Err(_))) => {
            // Bounded and apart, so that the order of the page cannot tempt the planner away from these indexes.
            query = query.filter(
                sql::<Bool>(
                    "stores.id = ANY (ARRAY( \
                     (SELECT id FROM stores WHERE lower(name) LIKE lower(",
                )
                .bind::<Text, _>(prefix(q))
                .sql(") LIMIT 5000) UNION (SELECT id FROM stores WHERE platform_store_id = ")
                .bind::<Text, _>(q.to_owned())
                .sql(" LIMIT 5000) UNION (SELECT id FROM stores WHERE customer_id = ")
                .bind::<Text, _>(q.to_owned())
                .sql(" LIMIT 5000)))"),
            );
        }
    }
    query = match order {
        StoreOrder::Newest => query.order(stores::id.desc()),
        StoreOrder::Name => query.order((sql::<Text>("lower(stores.name)"), stores::id.asc())),
        StoreOrder::StatusSince => query.order((stores::status_since.desc(), stores::id.desc())),
    };
    query = match (order, after) {
        (StoreOrder::Newest, Some(StoreCursor::Newest(id))) => query.filter(stores::id.lt(*id)),
        (StoreOrder::Name, Some(StoreCursor::Name(name, id))) => query.filter(
            sql::<Bool>("(lower(stores.name), stores.id) > (")
                .bind::<Text, _>(name.clone())
                .sql(", ")
                .bind::<SqlUuid, _>(id.uuid())
                .sql(")"),
        ),
        (StoreOrder::StatusSince, Some(StoreCursor::StatusSince(since, id))) => query.filter(
            sql::<Bool>("(stores.status_since, stores.id) < (")
                .bind::<Timestamptz, _>(*since)
                .sql(", ")
                .bind::<SqlUuid, _>(id.uuid())
                .sql(")"),
        ),
        _ => query,
    };
    Ok(query.load(conn)?)
}

/// A pattern of LIKE for texts that begin with `text`, its own wildcards taken literally.
fn prefix(text: &str) -> String {
    let mut pattern: String = text
        .chars()
        .flat_map(|letter| {
            matches!(letter, '%' | '_' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([letter])
        })
        .collect();
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_search_are_letters() {
        assert_eq!(prefix("50%_\\"), "50\\%\\_\\\\%");
    }
}
