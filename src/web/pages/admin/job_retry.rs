//! Another run for a dead letter.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, shown, words};
use crate::broker;
use crate::db;
use crate::domain::id::JobId;
use crate::domain::job::JobStatus;
use crate::web::extract::{Admin, Operator, path_id};
use crate::web::form::Submitted;
use crate::web::parts::{Crumb, Tone};
use crate::web::{Error, urls};

fn failed() -> String {
    urls::with_query(urls::ADMIN_JOBS, &[("status", JobStatus::Failed.as_str())])
}

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let id: JobId = path_id(&id)?;
    let job = by
        .read(move |conn| db::jobs::find(conn, id))
        .await?
        .ok_or_else(Error::not_found)?;
    let kind = words::job_kind(&by.page, &job.kind);
    let mut texts = vec![by.say("admin-retry-text")];
    texts.extend(job.last_error);
    shown(Confirm {
        page: by.page.clone(),
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-jobs"), failed()),
            Crumb::here(by.say("admin-retry")),
        ]),
        question: by.page.say_with("admin-retry-question", [("kind", &*kind)]),
        texts,
        label: by.say("admin-retry"),
        action: urls::admin_job_retry(id),
        cancel: failed(),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, _: Submitted) -> Answer {
    match broker::jobs::retry(&by.tools, path_id(&id)?, by.actor()).await {
        Ok(()) => Ok(by.done(by.say("admin-retry-done"), &failed())),
        Err(broker::Error::Conflict(_)) => Ok(by.told(Tone::Info, by.say("admin-retry-twin"), &failed())),
        Err(error) => Err(error.into()),
    }
}
