//! Revocation, which is final: the token stops with it, for the next call already.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, find_store, frame_of, shown, store};
use crate::broker::disconnect;
use crate::web::extract::{Admin, Operator};
use crate::web::form::Submitted;
use crate::web::urls;

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    let texts = ["admin-revoke-token", "admin-revoke-platform", "admin-revoke-final"];
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: store::crumbs_to(&by, &store, "admin-do-revoke"),
        question: by.page.say_with("admin-revoke-question", [("name", &*store.name)]),
        texts: texts.map(|key| by.say(key)).into(),
        label: by.say("admin-revoke-yes"),
        action: urls::admin_store_revoke(store.id),
        cancel: urls::admin_store(store.id),
        is_final: true,
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, _: Submitted) -> Answer {
    let (store, _) = find_store(&by, &id).await?;
    disconnect::revoke(&by.tools, &by.asker(), store.id).await?;
    Ok(by.done(by.say("admin-revoke-done"), &urls::admin_store(store.id)))
}
