//! The platforms that owners define without code: whose each is, whether it can be used, and what uses it. One that cannot
//! be used any more says here what is wrong with it.

use std::collections::HashMap;

use askama::Template;

use super::moments::Moment;
use super::{Answer, shown};
use crate::broker::custom_platforms as broker;
use crate::db;
use crate::db::custom_platforms::{CustomPlatform, InUse};
use crate::domain::admin::Role;
use crate::domain::id::AppId;
use crate::platform::custom::draft::Kind;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Tone};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/custom_platforms.html")]
pub struct CustomPlatforms {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    /// What can be made: label and address; empty where the reader may not.
    pub kinds: Vec<(String, String)>,
}

pub struct Row {
    pub href: String,
    pub name: String,
    pub slug: String,
    pub owner: String,
    pub state: Badge,
    /// What is wrong with the definition, in English: key and message.
    pub faults: Vec<(String, String)>,
    pub stores: String,
    pub stores_href: String,
    pub changed: Moment,
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let (found, apps) = by
        .read(|conn| {
            let mut found = Vec::new();
            for row in db::custom_platforms::list(conn)? {
                let used = db::custom_platforms::in_use(conn, &row.slug)?;
                found.push((row, used));
            }
            Ok((found, db::app_list::list(conn)?))
        })
        .await?;
    let apps: HashMap<AppId, String> = apps.into_iter().map(|(app, _)| (app.id, app.name)).collect();
    let owns = by.may(Role::Owner);
    let rows = found
        .into_iter()
        .map(|(platform, used)| row(&by, &platform, &used, &apps));
    shown(CustomPlatforms {
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
            Crumb::here(by.say("admin-custom")),
        ]),
        rows: rows.collect(),
        kinds: if owns { kinds(&by.page) } else { Vec::new() },
        page: by.page.clone(),
    })
}

/// The forms that there are, with their addresses.
pub(super) fn kinds(page: &Frame) -> Vec<(String, String)> {
    let forms = Kind::ALL.iter().map(|kind| kind.as_str()).chain(["text"]);
    forms
        .map(|kind| {
            let label = page.say(&format!("admin-custom-kind-{kind}"));
            (
                label,
                urls::with_query(urls::ADMIN_CUSTOM_PLATFORM_NEW, &[("kind", kind)]),
            )
        })
        .collect()
}

fn row(by: &Admin<Viewer>, platform: &CustomPlatform, used: &InUse, apps: &HashMap<AppId, String>) -> Row {
    let faults = broker::faults(platform);
    let state = match faults.is_empty() {
        true => Badge::new(Tone::Good, by.say("admin-custom-works")),
        false => Badge::new(Tone::Bad, by.say("admin-custom-broken")),
    };
    let owner = match platform.app_id {
        None => by.say("admin-custom-everybody"),
        Some(id) => apps.get(&id).cloned().unwrap_or_else(|| id.to_string()),
    };
    let known = by.tools.catalogue.platform(&platform.slug);
    let href = match (by.may(Role::Owner), known) {
        (true, _) => urls::admin_custom_platform(&platform.slug),
        (false, Some(_)) => urls::admin_platform(&platform.slug),
        (false, None) => String::new(),
    };
    Row {
        href,
        name: known.map_or_else(|| platform.slug.clone(), |known| known.name.clone()),
        slug: platform.slug.clone(),
        owner,
        state,
        faults: faults.into_iter().map(|fault| (fault.key, fault.message)).collect(),
        stores: used.stores.to_string(),
        stores_href: urls::with_query(urls::ADMIN_STORES, &[("platform", &platform.slug)]),
        changed: Moment::of(&by.page, by.now(), platform.updated_at),
    }
}
