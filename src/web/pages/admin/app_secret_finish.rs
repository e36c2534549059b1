//! The end of a signing secret's roll-over: the next one signs from now on, and the one before is erased.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, app, find_app, frame_of, shown};
use crate::broker::apps;
use crate::web::extract::{Admin, Owner};
use crate::web::form::Submitted;
use crate::web::{Error, urls};

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    if apps::changes_at(&app, by.now()).is_none() {
        return Err(Error::not_found());
    }
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-signing-secret")),
        question: by.say("admin-roll-finish-question"),
        texts: vec![by.say("admin-roll-finish-text")],
        label: by.say("admin-roll-finish"),
        action: urls::admin_app_secret_finish(app.id),
        cancel: urls::admin_app(app.id),
        is_final: true,
    })
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, _: Submitted) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    apps::finish_signing_roll(&by.tools, app.id, by.actor()).await?;
    Ok(by.done(by.say("admin-roll-finish-done"), &urls::admin_app(app.id)))
}
