//! Stores of all apps as admins list them, good at a million rows: pages run by key in each order, and a search is a
//! prefix of the name or a whole id. No index can serve every filter in every order, and the planner cannot know how two
//! filters go together. So a list is taken in one of two ways: few matches are gathered from the filters' indexes and
//! sorted; many are met soon by walking along the order.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::helper_types::IntoBoxed;
use diesel::pg::Pg;
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
    /// Exported to another installation, and at rest here.
    pub is_frozen: bool,
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

/// Up to this many matches are gathered and sorted. Among more than these, a page's worth is met soon on a walk.
const FEW: usize = 3000;

/// How much a filter lets through, and so how its list is taken.
enum Matches {
    Few(Vec<StoreId>),
    Many,
    /// So many names begin with what is searched that it is no id; ids are left out then, for an OR would hide from the
    /// planner where the names stand in their order.
    ManyNames,
}

/// The stores after `after` in an order; a cursor of another order is taken as none.
pub fn list(
    conn: &mut Conn,
    filter: &AdminStoreFilter,
    order: StoreOrder,
    after: Option<&StoreCursor>,
    limit: i64,
) -> Result<Vec<AdminStore>> {
    conn.transaction(|conn| {
        // A page of this list is never worth reading the whole table, nor a plan made without knowing what is searched.
        conn.batch_execute("SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_custom_plan")?;
        let mut matches = gather(conn, filter)?;
        if let (Matches::Few(ids), StoreOrder::Newest) = (&mut matches, order) {
            // The ids alone say which stores the page holds.
            ids.sort_unstable_by_key(|id| std::cmp::Reverse(id.uuid()));
            ids.dedup();
            if let Some(StoreCursor::Newest(after)) = after {
                ids.retain(|id| id.uuid() < after.uuid());
            }
            ids.truncate(usize::try_from(limit).unwrap_or(FEW));
        }
        page(conn, filter, matches, order, after, limit)
    })
}

fn page(
    conn: &mut Conn,
    filter: &AdminStoreFilter,
    matches: Matches,
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
            sql::<Bool>("EXISTS (SELECT FROM frozen_credentials f WHERE f.id = stores.credential_id)"),
        ))
        .limit(limit)
        .into_boxed();
    if !matches!(matches, Matches::Few(_)) {
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
    }
    // What was gathered is to be sorted, not looked for along an index: so it is sorted by what no index has.
    let (name_key, since_key) = match matches {
        Matches::Few(_) => ("(lower(stores.name) || '')", "(stores.status_since + interval '0')"),
        Matches::Many | Matches::ManyNames => ("lower(stores.name)", "stores.status_since"),
    };
    query = match (matches, &filter.q) {
        (Matches::Few(ids), _) => query.filter(stores::id.eq_any(ids)),
        (Matches::ManyNames, Some(q)) => query.filter(
            // A beginning comes before all that begins with it: there the walk by name sets out.
            sql::<Bool>("(lower(stores.name) LIKE lower(")
                .bind::<Text, _>(prefix(q))
                .sql(") AND lower(stores.name) >= lower(")
                .bind::<Text, _>(q)
                .sql("))"),
        ),
        (Matches::Many, Some(q)) => query.filter(
            sql::<Bool>("(lower(stores.name) LIKE lower(")
                .bind::<Text, _>(prefix(q))
                .sql(") OR stores.platform_store_id = ")
                .bind::<Text, _>(q)
                .sql(" OR stores.customer_id = ")
                .bind::<Text, _>(q)
                .sql(")"),
        ),
        (_, None) => query,
    };
    query = match order {
        StoreOrder::Newest => query.order(stores::id.desc()),
        StoreOrder::Name => query.order((sql::<Text>(name_key), stores::id.asc())),
        StoreOrder::StatusSince => query.order((sql::<Timestamptz>(since_key).desc(), stores::id.desc())),
    };
    query = match (order, after) {
        (StoreOrder::Newest, Some(StoreCursor::Newest(id))) => query.filter(stores::id.lt(*id)),
        (StoreOrder::Name, Some(StoreCursor::Name(name, id))) => query.filter(
            sql::<Bool>("(")
                .sql(name_key)
                .sql(", stores.id) > (")
                .bind::<Text, _>(name.clone())
                .sql(", ")
                .bind::<SqlUuid, _>(id.uuid())
                .sql(")"),
        ),
        (StoreOrder::StatusSince, Some(StoreCursor::StatusSince(since, id))) => query.filter(
            sql::<Bool>("(")
                .sql(since_key)
                .sql(", stores.id) < (")
                .bind::<Timestamptz, _>(*since)
                .sql(", ")
                .bind::<SqlUuid, _>(id.uuid())
                .sql(")"),
        ),
        _ => query,
    };
    Ok(query.load(conn)?)
}

fn gather(conn: &mut Conn, filter: &AdminStoreFilter) -> Result<Matches> {
    let or_many = |few: Option<Vec<StoreId>>| few.map_or(Matches::Many, Matches::Few);
    let Some(q) = &filter.q else {
        if *filter == AdminStoreFilter::default() {
            return Ok(Matches::Many);
        }
        return Ok(or_many(few(conn, matching(filter))?));
    };
    if let Ok(id) = q.parse::<StoreId>() {
        return Ok(or_many(few(conn, matching(filter).filter(stores::id.eq(id)))?));
    }
    // One by one, so that each is answered from its own index.
    let named = sql::<Bool>("lower(name) LIKE lower(")
        .bind::<Text, _>(prefix(q))
        .sql(")");
    let Some(mut found) = few(conn, matching(filter).filter(named))? else {
        return Ok(Matches::ManyNames);
    };
    let ids = [
        few(conn, matching(filter).filter(stores::platform_store_id.eq(q)))?,
        few(conn, matching(filter).filter(stores::customer_id.eq(q)))?,
    ];
    for ids in ids {
        let Some(ids) = ids else { return Ok(Matches::Many) };
        found.extend(ids);
    }
    Ok(Matches::Few(found))
}

type Ids<'a> = IntoBoxed<'a, diesel::dsl::Select<stores::table, stores::id>, Pg>;

/// The ids of the stores that pass the filter, its search aside.
fn matching(filter: &AdminStoreFilter) -> Ids<'_> {
    let mut query = stores::table.select(stores::id).into_boxed();
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
    query
}

fn few(conn: &mut Conn, query: Ids<'_>) -> Result<Option<Vec<StoreId>>> {
    let found: Vec<StoreId> = query.limit(FEW as i64 + 1).load(conn)?;
    Ok((found.len() <= FEW).then_some(found))
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
