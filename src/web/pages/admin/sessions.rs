//! Signed-in browsers: one's own, and for an owner everybody's. Each can be ended; its next request is signed out.

use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::{Answer, shown};
use crate::db;
use crate::domain::admin::Role;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::Crumb;
use crate::web::{Frame, session, urls};

/// More are not shown; those not used longest are left out.
const LIMIT: i64 = 200;

#[derive(Template)]
#[template(path = "pages/admin/sessions.html")]
pub struct Sessions {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    /// Everybody's are shown.
    pub all: bool,
}

pub struct Row {
    pub email: String,
    pub browser: String,
    pub address: String,
    pub begun: Moment,
    pub seen: Moment,
    pub end_href: String,
    pub is_this: bool,
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let all = by.may(Role::Owner);
    let of = Some(by.admin.id).filter(|_| !all);
    let found = by.read(move |conn| db::session_list::list(conn, of, LIMIT)).await?;
    let this = session::row_id(&by.session);
    let rows = found.into_iter().map(|(session, email)| {
        let is_this = this == Some(session.id);
        row(&by.page, by.now(), session, email, is_this)
    });
    shown(Sessions {
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-admins"), urls::ADMIN_ADMINS),
            Crumb::here(by.say("admin-sessions")),
        ]),
        rows: rows.collect(),
        all,
        page: by.page.clone(),
    })
}

pub(super) fn row(
    page: &Frame,
    now: DateTime<Utc>,
    session: db::sessions::Session,
    email: String,
    is_this: bool,
) -> Row {
    Row {
        email,
        browser: session.user_agent.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
        begun: Moment::of(page, now, session.created_at),
        seen: Moment::of(page, now, session.seen_at),
        end_href: urls::admin_session_end(session.id),
        is_this,
    }
}
