//! The audit trail, newest first; of all or of one subject. Actors are shown by name where they have one.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::{Answer, shown, words};
use crate::db;
use crate::db::audit::AuditEvent;
use crate::domain::id::AuditEventId;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Crumb, Pager};
use crate::web::{Frame, urls};

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "pages/admin/audit.html")]
pub struct Audit {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub action: &'static str,
    pub subject: String,
    pub rows: Vec<Row>,
    pub pager: Pager,
}

pub struct Row {
    pub action: String,
    pub actor: String,
    pub subject: String,
    /// The page of the subject, if it has one.
    pub href: String,
    pub details: String,
    pub at: Moment,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    subject: String,
    before: String,
}

pub async fn show(by: Admin<Viewer>, query: web::Query<Query>) -> Answer {
    let before = query.before.parse::<AuditEventId>().ok();
    let subject = query.subject.trim().to_owned();
    let asked = Some(subject.clone()).filter(|subject| !subject.is_empty());
    let (mut found, admins) = by
        .read(move |conn| {
            let found = db::audit::list(conn, asked.as_deref(), before, PAGE as i64 + 1)?;
            Ok((found, db::admins::list(conn)?))
        })
        .await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let href = |before: &str| urls::with_query(urls::ADMIN_AUDIT, &[("subject", &subject), ("before", before)]);
    let next = found.last().filter(|_| more).map(|last| href(&last.id.to_string()));
    let pager = Pager {
        shown: by
            .page
            .say_with("admin-audit-shown", [("count", &*found.len().to_string())]),
        first: if before.is_none() { String::new() } else { href("") },
        next: next.unwrap_or_default(),
    };
    let names: HashMap<String, String> = admins
        .into_iter()
        .map(|admin| (admin.id.to_string(), admin.email))
        .collect();
    shown(Audit {
        crumbs: by.crumbs([Crumb::here(by.say("admin-audit"))]),
        action: urls::ADMIN_AUDIT,
        rows: found
            .into_iter()
            .map(|event| row(&by.page, by.now(), event, &names))
            .collect(),
        pager,
        subject,
        page: by.page.clone(),
    })
}

pub(super) fn row(page: &Frame, now: DateTime<Utc>, event: AuditEvent, names: &HashMap<String, String>) -> Row {
    let kind = words::actor_kind(page, event.actor_kind);
    let actor = event.actor.map(|id| names.get(&id).cloned().unwrap_or(id));
    let href = match event.subject.split_once('_') {
        Some(("store", _)) => urls::admin_store(&event.subject),
        Some(("app", _)) => urls::admin_app(&event.subject),
        Some(("admin", _)) => urls::admin_admin(&event.subject),
        _ => String::new(),
    };
    let details = match event.details.as_object() {
        Some(details) => details
            .iter()
            .map(|(name, value)| told(name, value))
            .collect::<Vec<_>>()
            .join(", "),
        None => String::new(),
    };
    Row {
        action: words::action(page, &event.action),
        actor: actor.map_or(kind.clone(), |actor| format!("{kind}: {actor}")),
        subject: event.subject,
        href,
        details,
        at: Moment::of(page, now, event.at),
    }
}

fn told(name: &str, value: &serde_json::Value) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{}: {value}", name.replace('_', " "))
}
