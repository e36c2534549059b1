//! Messages to merchants, partners and admins, newest first, and what became of each.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::{Answer, shown, words};
use crate::db;
use crate::db::notices::Notice;
use crate::domain::id::{NoticeId, StoreId};
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Pager};
use crate::web::{Frame, urls};

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "pages/admin/notices.html")]
pub struct Notices {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    pub pager: Pager,
}

pub struct Row {
    pub kind: String,
    pub audience: String,
    pub recipient: String,
    pub badge: Badge,
    pub error: String,
    pub made: Moment,
    /// Empty: it is about no store.
    pub store_href: String,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    store: String,
    before: String,
}

pub async fn show(by: Admin<Viewer>, query: web::Query<Query>) -> Answer {
    let (store, before) = (
        query.store.parse::<StoreId>().ok(),
        query.before.parse::<NoticeId>().ok(),
    );
    let mut found = by
        .read(move |conn| db::notices::list(conn, store, before, PAGE as i64 + 1))
        .await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let href = |before: &str| urls::with_query(urls::ADMIN_NOTICES, &[("store", &query.store), ("before", before)]);
    let next = found.last().filter(|_| more).map(|last| href(&last.id.to_string()));
    let pager = Pager {
        shown: by
            .page
            .say_with("admin-notices-shown", [("count", &*found.len().to_string())]),
        first: if before.is_none() { String::new() } else { href("") },
        next: next.unwrap_or_default(),
    };
    shown(Notices {
        crumbs: by.crumbs([Crumb::here(by.say("admin-notices"))]),
        rows: found
            .into_iter()
            .map(|notice| row(&by.page, by.now(), notice))
            .collect(),
        pager,
        page: by.page.clone(),
    })
}

pub(super) fn row(page: &Frame, now: DateTime<Utc>, notice: Notice) -> Row {
    Row {
        kind: words::notice_kind(page, notice.kind),
        audience: words::audience(page, notice.audience),
        recipient: notice.recipient.unwrap_or_default(),
        badge: words::notice_status(page, notice.status),
        error: notice.error.unwrap_or_default(),
        made: Moment::of(page, now, notice.created_at),
        store_href: notice.store_id.map(urls::admin_store).unwrap_or_default(),
    }
}
