//! The keys that seal what the database holds: their ids and states, never anything of the material. They are made and
//! retired by commands, beside the file they live in.

use std::collections::BTreeMap;

use askama::Template;

use super::{Answer, shown};
use crate::db;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Tone};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/keys.html")]
pub struct Keys {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    pub audit_href: String,
}

pub struct Row {
    pub id: String,
    pub badge: Badge,
    pub meaning: String,
}

/// How a key stands between ring and database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Seals and opens.
    Active,
    /// Opens what was sealed with it.
    Open,
    /// The database knows it, the ring does not: what it sealed is out of reach.
    Missing,
    /// A key of that id is in the ring, but another one.
    Different,
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let sealer = &by.tools.sealer;
    let known = by.read(db::key_checks::list).await?;
    let mut keys: BTreeMap<String, Standing> = BTreeMap::new();
    for (id, _) in sealer.check_values() {
        let standing = if id == sealer.active_key_id() {
            Standing::Active
        } else {
            Standing::Open
        };
        keys.insert(id, standing);
    }
    for (id, check) in known {
        let opens = sealer.open_check(&id, &check).is_ok();
        let standing = keys.entry(id).or_insert(Standing::Missing);
        if !opens && *standing != Standing::Missing {
            *standing = Standing::Different;
        }
    }
    shown(Keys {
        crumbs: by.crumbs([Crumb::here(by.say("admin-keys"))]),
        rows: keys
            .into_iter()
            .map(|(id, standing)| row(&by.page, id, standing))
            .collect(),
        audit_href: urls::admin_audit(),
        page: by.page.clone(),
    })
}

pub(super) fn row(page: &Frame, id: String, standing: Standing) -> Row {
    let (tone, label, meaning) = match standing {
        Standing::Active => (
            Tone::Good,
            page.say("admin-ring-active"),
            page.say("admin-ring-active-text"),
        ),
        Standing::Open => (
            Tone::Info,
            page.say("admin-ring-open"),
            page.say("admin-ring-open-text"),
        ),
        Standing::Missing => (
            Tone::Bad,
            page.say("admin-ring-missing"),
            page.say("admin-ring-missing-text"),
        ),
        Standing::Different => (
            Tone::Bad,
            page.say("admin-ring-different"),
            page.say("admin-ring-different-text"),
        ),
    };
    Row {
        id,
        badge: Badge::new(tone, label),
        meaning,
    }
}
