//! Ending a session: one's own, or for an owner anybody's.

use actix_web::web;
use uuid::Uuid;

use super::confirm::Confirm;
use super::{Answer, shown};
use crate::broker::admins;
use crate::domain::admin::Role;
use crate::web::extract::{Admin, Viewer};
use crate::web::form::Submitted;
use crate::web::parts::Crumb;
use crate::web::{Error, urls};

fn read(id: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}

pub async fn show(by: Admin<Viewer>, id: web::Path<String>) -> Answer {
    let id = read(&id)?;
    shown(Confirm {
        page: by.page.clone(),
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-sessions"), urls::ADMIN_SESSIONS),
            Crumb::here(by.say("admin-session-end")),
        ]),
        question: by.say("admin-session-end-question"),
        texts: vec![by.say("admin-session-end-text")],
        label: by.say("admin-session-end"),
        action: urls::admin_session_end(id),
        cancel: urls::admin_sessions(),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Viewer>, id: web::Path<String>, _: Submitted) -> Answer {
    let of = Some(by.admin.id).filter(|_| !by.may(Role::Owner));
    admins::end_session(&by.tools, read(&id)?, of, by.actor()).await?;
    Ok(by.done(by.say("admin-session-ended"), urls::ADMIN_SESSIONS))
}
