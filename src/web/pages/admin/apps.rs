//! All apps with their partners and modes.

use askama::Template;

use super::moments::Moment;
use super::{Answer, shown, words};
use crate::db;
use crate::domain::admin::Role;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/apps.html")]
pub struct Apps {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    /// Empty: the reader may not make one.
    pub new_href: String,
}

pub struct Row {
    pub href: String,
    pub name: String,
    pub partner: String,
    pub mode: Badge,
    pub stores_href: String,
    pub made: Moment,
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let found = by.read(db::app_list::list).await?;
    let rows = found.into_iter().map(|(app, partner)| Row {
        href: urls::admin_app(app.id),
        partner,
        mode: words::mode(&by.page, app.mode),
        stores_href: urls::with_query(urls::ADMIN_STORES, &[("app", &app.id.to_string())]),
        made: Moment::of(&by.page, by.now(), app.created_at),
        name: app.name,
    });
    shown(Apps {
        crumbs: by.crumbs([Crumb::here(by.say("admin-apps"))]),
        rows: rows.collect(),
        new_href: if by.may(Role::Owner) {
            urls::admin_app_new()
        } else {
            String::new()
        },
        page: by.page.clone(),
    })
}
