//! Asking the platform now, by a harmless read, whether the saved credential works.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, find_store, frame_of, shown, store};
use crate::broker::verify;
use crate::domain::refresh::RefreshTrigger;
use crate::web::extract::{Admin, Operator};
use crate::web::form::Submitted;
use crate::web::urls;

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: store::crumbs_to(&by, &store, "admin-do-verify"),
        question: by.page.say_with("admin-verify-question", [("name", &*store.name)]),
        texts: vec![by.say("admin-verify-text")],
        label: by.say("admin-verify-yes"),
        action: urls::admin_store_verify(store.id),
        cancel: urls::admin_store(store.id),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, _: Submitted) -> Answer {
    let (store, _) = find_store(&by, &id).await?;
    super::note(&by, &store, "store.verify_asked").await?;
    verify::check(&by.tools, store.credential_id, RefreshTrigger::Request).await?;
    Ok(by.done(by.say("admin-verify-done"), &urls::admin_store(store.id)))
}
