//! The list of stores of all apps: search, filters, three orders, pages by key. Everything stands in the query, so that a
//! list can be kept as a bookmark; what can't be understood of it is ignored.

use std::str::FromStr;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

use super::moments::Moment;
use super::{Answer, shown, words};
use crate::db;
use crate::db::admin_stores::{AdminStore, AdminStoreFilter, StoreCursor, StoreOrder};
use crate::domain::id::StoreId;
use crate::domain::store::{StoreHealth, StoreStatus};
use crate::web::extract::{Admin, Viewer};
use crate::web::form::Choice;
use crate::web::parts::{Badge, Crumb, Pager};
use crate::web::{Frame, urls};

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "pages/admin/stores.html")]
pub struct Stores {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub action: &'static str,
    pub q: String,
    pub filters: Vec<Filter>,
    pub rows: Vec<Row>,
    pub pager: Pager,
    pub is_filtered: bool,
}

/// One of the selects above the list.
pub struct Filter {
    pub name: &'static str,
    pub label: String,
    pub all: String,
    pub value: String,
    pub choices: Vec<Choice>,
}

pub struct Row {
    pub href: String,
    pub name: String,
    pub below: String,
    pub platform: String,
    pub app: String,
    pub mode: Badge,
    pub status: Badge,
    pub since: Moment,
    pub health: Badge,
    pub used: Moment,
}

impl Row {
    pub fn of<R>(by: &Admin<R>, store: AdminStore) -> Self {
        let (page, now) = (&by.page, by.now());
        let platform = by
            .tools
            .catalogue
            .platform(&store.platform)
            .map(|platform| platform.name.clone());
        let customer = store
            .customer_id
            .map(|customer| page.say_with("admin-customer", [("id", customer.as_str())]));
        Self {
            href: urls::admin_store(store.id),
            name: store.name,
            below: customer.unwrap_or(store.platform_store_id),
            platform: platform.unwrap_or(store.platform),
            app: store.app_name,
            mode: words::mode(page, store.mode),
            status: words::status(page, store.status),
            since: Moment::of(page, now, store.status_since),
            health: match store.is_frozen && store.status != StoreStatus::Revoked {
                true => words::frozen(page),
                false => words::health(page, store.health),
            },
            used: Moment::of_some(page, now, store.last_used_at),
        }
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    q: String,
    platform: String,
    status: String,
    health: String,
    app: String,
    order: String,
    after: String,
}

impl Query {
    fn filter(&self) -> AdminStoreFilter {
        fn read<T: FromStr>(text: &str) -> Option<T> {
            text.parse().ok()
        }
        let q: String = self
            .q
            .trim()
            .chars()
            .take(200)
            .filter(|letter| !letter.is_control())
            .collect();
        AdminStoreFilter {
            q: Some(q).filter(|q| !q.is_empty()),
            platform: Some(self.platform.clone()).filter(|slug| !slug.is_empty()),
            status: read::<StoreStatus>(&self.status),
            health: read::<StoreHealth>(&self.health),
            app: read(&self.app),
        }
    }

    fn order(&self) -> StoreOrder {
        match self.order.as_str() {
            "name" => StoreOrder::Name,
            "since" => StoreOrder::StatusSince,
            _ => StoreOrder::Newest,
        }
    }

    /// The same list from its beginning, or from a cursor.
    fn href(&self, after: &str) -> String {
        let values = [
            ("q", self.q.as_str()),
            ("platform", &self.platform),
            ("status", &self.status),
            ("health", &self.health),
            ("app", &self.app),
            ("order", &self.order),
            ("after", after),
        ];
        urls::with_query(urls::ADMIN_STORES, &values)
    }
}

pub async fn show(by: Admin<Viewer>, query: web::Query<Query>) -> Answer {
    let (filter, order, after) = (query.filter(), query.order(), read_cursor(query.order(), &query.after));
    let is_filtered = filter != AdminStoreFilter::default();
    let (mut found, apps) = by
        .read(move |conn| {
            let found = db::admin_stores::list(conn, &filter, order, after.as_ref(), PAGE as i64 + 1)?;
            Ok((found, db::app_list::list(conn)?))
        })
        .await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| query.href(&write_cursor(&last.cursor(order))));
    let pager = Pager {
        shown: by
            .page
            .say_with("admin-stores-shown", [("count", &*found.len().to_string())]),
        first: if query.after.is_empty() {
            String::new()
        } else {
            query.href("")
        },
        next: next.unwrap_or_default(),
    };
    let apps = apps.into_iter().map(|(app, _)| Choice {
        value: app.id.to_string(),
        label: app.name,
    });
    let filters = filters(&by.page, &query, platforms(&by), apps.collect());
    shown(Stores {
        crumbs: by.crumbs([Crumb::here(by.say("admin-stores"))]),
        action: urls::ADMIN_STORES,
        q: query.q.clone(),
        filters,
        rows: found.into_iter().map(|store| Row::of(&by, store)).collect(),
        pager,
        is_filtered,
        page: by.page.clone(),
    })
}

fn platforms(by: &Admin<Viewer>) -> Vec<Choice> {
    let platforms = by.tools.catalogue.all().into_iter();
    platforms
        .map(|platform| Choice {
            value: platform.slug.clone(),
            label: platform.name.clone(),
        })
        .collect()
}

pub(super) fn filters(page: &Frame, query: &Query, platforms: Vec<Choice>, apps: Vec<Choice>) -> Vec<Filter> {
    let choice = |value: &str, label: String| Choice {
        value: value.to_owned(),
        label,
    };
    let statuses = StoreStatus::ALL
        .iter()
        .map(|it| choice(it.as_str(), words::status(page, *it).label));
    let healths = StoreHealth::ALL
        .iter()
        .map(|it| choice(it.as_str(), words::health(page, *it).label));
    let orders = vec![
        choice("name", page.say("admin-stores-order-name")),
        choice("since", page.say("admin-stores-order-since")),
    ];
    let all = page.say("admin-all");
    let filter = |name, label: String, all: &str, value: &str, choices| Filter {
        name,
        label,
        all: all.to_owned(),
        value: value.to_owned(),
        choices,
    };
    vec![
        filter("platform", page.say("admin-platform"), &all, &query.platform, platforms),
        filter(
            "status",
            page.say("admin-status"),
            &all,
            &query.status,
            statuses.collect(),
        ),
        filter(
            "health",
            page.say("admin-health"),
            &all,
            &query.health,
            healths.collect(),
        ),
        filter("app", page.say("admin-app"), &all, &query.app, apps),
        filter(
            "order",
            page.say("admin-order"),
            &page.say("admin-stores-order-newest"),
            &query.order,
            orders,
        ),
    ]
}

/// A cursor as text: the id, then what the list is sorted by.
fn write_cursor(cursor: &StoreCursor) -> String {
    match cursor {
        StoreCursor::Newest(id) => id.to_string(),
        StoreCursor::Name(name, id) => format!("{id}.{name}"),
        StoreCursor::StatusSince(since, id) => format!("{id}.{}", since.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}

fn read_cursor(order: StoreOrder, text: &str) -> Option<StoreCursor> {
    let (id, key) = text.split_once('.').unwrap_or((text, ""));
    let id: StoreId = id.parse().ok()?;
    match order {
        StoreOrder::Newest => Some(StoreCursor::Newest(id)),
        StoreOrder::Name => Some(StoreCursor::Name(key.to_owned(), id)),
        StoreOrder::StatusSince => {
            let since: DateTime<Utc> = DateTime::parse_from_rfc3339(key).ok()?.to_utc();
            Some(StoreCursor::StatusSince(since, id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn a_cursor_reads_back_what_it_wrote() {
        let id = StoreId::make(1, [1; 10]);
        let since = "2026-11-22T10:31:07.123456Z".parse().unwrap();
        for (order, cursor) in [
            (StoreOrder::Newest, StoreCursor::Newest(id)),
            (StoreOrder::Name, StoreCursor::Name("a. store".to_owned(), id)),
            (StoreOrder::StatusSince, StoreCursor::StatusSince(since, id)),
        ] {
            assert_eq!(read_cursor(order, &write_cursor(&cursor)), Some(cursor));
        }
        assert_eq!(read_cursor(StoreOrder::Newest, "nonsense"), None);
    }
}
