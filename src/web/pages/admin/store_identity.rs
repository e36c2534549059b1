//! A re-authorization that came back with another address than the store has: somebody has to say that it is the same
//! shop. Both addresses stand side by side; accepting is audited and holds for this once.

use actix_web::web;
use askama::Template;

use super::moments::Moment;
use super::{Answer, find_store, frame_of, shown, store};
use crate::broker::connect;
use crate::web::extract::{Admin, Operator};
use crate::web::form::Submitted;
use crate::web::parts::Crumb;
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/store_identity.html")]
pub struct StoreIdentity {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub from: String,
    pub to: String,
    pub until: Moment,
    pub action: String,
    pub cancel: String,
}

pub async fn show(by: Admin<Operator>, id: web::Path<String>) -> Answer {
    let (store, app) = find_store(&by, &id).await?;
    let held = connect::held_identity(&by.tools, store.id)
        .await?
        .ok_or_else(Error::not_found)?;
    shown(StoreIdentity {
        crumbs: store::crumbs_to(&by, &store, "admin-identity"),
        from: held.from,
        to: held.to,
        until: Moment::of(&by.page, by.now(), held.until),
        action: urls::admin_store_identity(store.id),
        cancel: urls::admin_store(store.id),
        name: store.name,
        page: frame_of(&by, app.mode),
    })
}

pub async fn submit(by: Admin<Operator>, id: web::Path<String>, _: Submitted) -> Answer {
    let (store, _) = find_store(&by, &id).await?;
    connect::accept_identity(&by.tools, store.id, &by.asker()).await?;
    Ok(by.done(by.say("admin-identity-done"), &urls::admin_store(store.id)))
}
