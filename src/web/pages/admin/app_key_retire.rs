//! Retiring an API key: the next call with it is refused.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, app, find_app, frame_of, shown};
use crate::broker::apps;
use crate::db;
use crate::domain::id::ApiKeyId;
use crate::web::extract::{Admin, Owner, path_id};
use crate::web::form::Submitted;
use crate::web::{Error, urls};

pub async fn show(by: Admin<Owner>, path: web::Path<(String, String)>) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    let (app_id, key_id): (_, ApiKeyId) = (app.id, path_id(&path.1)?);
    let keys = by.read(move |conn| db::api_keys::list(conn, app_id)).await?;
    let key = keys
        .into_iter()
        .find(|key| key.id == key_id && key.revoked_at.is_none());
    let key = key.ok_or_else(Error::not_found)?;
    let named = [("name", &*key.name), ("hint", &*key.hint)];
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-key-retire")),
        question: by.page.say_with("admin-key-retire-question", named),
        texts: vec![by.say("admin-key-retire-text")],
        label: by.say("admin-key-retire"),
        action: urls::admin_app_key_retire(app.id, key.id),
        cancel: urls::admin_app(app.id),
        is_final: true,
    })
}

pub async fn submit(by: Admin<Owner>, path: web::Path<(String, String)>, _: Submitted) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    apps::revoke_key(&by.tools, app.id, path_id(&path.1)?, by.actor()).await?;
    Ok(by.done(by.say("admin-key-retire-done"), &urls::admin_app(app.id)))
}
