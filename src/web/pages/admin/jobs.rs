//! Jobs by state, newest first; dead letters can be given another run.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};

use super::moments::Moment;
use super::overview::grouped;
use super::{Answer, shown, words};
use crate::db;
use crate::db::jobs::JobRow;
use crate::domain::admin::Role;
use crate::domain::id::JobId;
use crate::domain::job::JobStatus;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Pager};
use crate::web::{Frame, urls};

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "pages/admin/jobs.html")]
pub struct Jobs {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub tabs: Vec<Tab>,
    pub rows: Vec<Row>,
    pub pager: Pager,
}

/// One of the states, or all.
pub struct Tab {
    pub label: String,
    pub count: String,
    pub href: String,
    pub current: bool,
}

pub struct Row {
    pub kind: String,
    pub id: String,
    pub platform: String,
    pub badge: Badge,
    pub due: Moment,
    pub attempts: i32,
    pub error: String,
    /// Empty: there is nothing to retry, or the reader may not.
    pub retry_href: String,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Query {
    status: String,
    before: String,
}

pub async fn show(by: Admin<Viewer>, query: web::Query<Query>) -> Answer {
    let (status, before) = (
        query.status.parse::<JobStatus>().ok(),
        query.before.parse::<JobId>().ok(),
    );
    let (counts, mut found) = by
        .read(move |conn| {
            Ok((
                db::jobs::count(conn)?,
                db::jobs::list(conn, status, before, PAGE as i64 + 1)?,
            ))
        })
        .await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let href = |before: &str| urls::with_query(urls::ADMIN_JOBS, &[("status", &query.status), ("before", before)]);
    let next = found.last().filter(|_| more).map(|last| href(&last.id.to_string()));
    let pager = Pager {
        shown: by
            .page
            .say_with("admin-jobs-shown", [("count", &*found.len().to_string())]),
        first: if before.is_none() { String::new() } else { href("") },
        next: next.unwrap_or_default(),
    };
    let retries = by.may(Role::Operator);
    shown(Jobs {
        crumbs: by.crumbs([Crumb::here(by.say("admin-jobs"))]),
        tabs: tabs(&by.page, status, &counts.into_iter().collect()),
        rows: found
            .into_iter()
            .map(|job| row(&by.page, by.now(), job, retries))
            .collect(),
        pager,
        page: by.page.clone(),
    })
}

pub(super) fn tabs(page: &Frame, current: Option<JobStatus>, counts: &HashMap<JobStatus, i64>) -> Vec<Tab> {
    let all = Tab {
        label: page.say("admin-all"),
        count: grouped(counts.values().sum()),
        href: urls::admin_jobs(),
        current: current.is_none(),
    };
    let one = |status: JobStatus| Tab {
        label: words::job_status(page, status).label,
        count: grouped(counts.get(&status).copied().unwrap_or(0)),
        href: urls::with_query(urls::ADMIN_JOBS, &[("status", status.as_str())]),
        current: current == Some(status),
    };
    std::iter::once(all)
        .chain(JobStatus::ALL.iter().map(|status| one(*status)))
        .collect()
}

pub(super) fn row(page: &Frame, now: DateTime<Utc>, job: JobRow, retries: bool) -> Row {
    let at = job.finished_at.unwrap_or(job.due_at);
    Row {
        kind: words::job_kind(page, &job.kind),
        id: job.id.to_string(),
        platform: job.platform.unwrap_or_default(),
        badge: words::job_status(page, job.status),
        due: Moment::of(page, now, at),
        attempts: job.attempts,
        error: job.last_error.unwrap_or_default(),
        retry_href: if retries && job.status == JobStatus::Failed {
            urls::admin_job_retry(job.id)
        } else {
            String::new()
        },
    }
}
