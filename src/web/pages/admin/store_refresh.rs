//! Refreshing now, whatever the timers say. The outcome is told and stands in the refresh log; who asked, in the audit
//! trail.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, find_store, frame_of, shown, store, words};
use crate::broker::refresh;
use crate::domain::refresh::RefreshTrigger;
use crate::web::extract::{Admin, Operator};
use crate::web::form::Submitted;
use crate::web::urls;

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: store::crumbs_to(&by, &store, "admin-do-refresh"),
        question: by.page.say_with("admin-refresh-question", [("name", &*store.name)]),
        texts: vec![by.say("admin-refresh-text"), by.say("admin-refresh-harmless")],
        label: by.say("admin-refresh-yes"),
        action: urls::admin_store_refresh(store.id),
        cancel: urls::admin_store(store.id),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, _: Submitted) -> Answer {
    let (store, _) = find_store(&by, &id).await?;
    super::note(&by, &store, "store.refresh_asked").await?;
    let attempt = refresh::refresh_now(&by.tools, store.credential_id, RefreshTrigger::Request).await?;
    let outcome = words::outcome(&by.page, attempt.outcome);
    let text = by.page.say_with("admin-refresh-done", [("outcome", &*outcome.label)]);
    Ok(by.told(outcome.tone, text, &urls::admin_store(store.id)))
}
