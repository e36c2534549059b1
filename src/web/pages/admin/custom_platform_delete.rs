//! Removing a platform without code. While stores or connect sessions use it the page says so and nothing else.

use actix_web::web;

use super::confirm::Confirm;
use super::custom_platform::{find, name};
use super::{Answer, shown};
use crate::broker::custom_platforms;
use crate::db;
use crate::web::extract::{Admin, Owner};
use crate::web::form::Submitted;
use crate::web::parts::{Crumb, Tone};
use crate::web::urls;

pub async fn show(by: Admin<Owner>, slug: web::Path<String>) -> Answer {
    let found = find(&by, &slug).await?;
    let name = name(&by, &found);
    shown(Confirm {
        page: by.page.clone(),
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-custom"), urls::ADMIN_CUSTOM_PLATFORMS),
            Crumb::link(name.clone(), urls::admin_custom_platform(&found.slug)),
            Crumb::here(by.say("admin-custom-delete")),
        ]),
        question: by.page.say_with("admin-custom-delete-question", [("name", &*name)]),
        texts: vec![by.say("admin-custom-delete-text")],
        label: by.say("admin-custom-delete"),
        action: urls::admin_custom_platform_delete(&found.slug),
        cancel: urls::admin_custom_platform(&found.slug),
        is_final: true,
    })
}

pub async fn submit(by: Admin<Owner>, slug: web::Path<String>, _: Submitted) -> Answer {
    let found = find(&by, &slug).await?;
    let of = found.slug.clone();
    let used = by.read(move |conn| db::custom_platforms::in_use(conn, &of)).await?;
    if !custom_platforms::is_free(&used) {
        let (stores, sessions) = (used.stores.to_string(), used.sessions.to_string());
        let counts = [("stores", &*stores), ("sessions", &*sessions)];
        let text = by.page.say_with("admin-custom-in-use", counts);
        return Ok(by.told(Tone::Bad, text, &urls::admin_custom_platform(&found.slug)));
    }
    custom_platforms::remove(&by.tools, &found.slug, by.actor()).await?;
    Ok(by.done(by.say("admin-custom-deleted"), urls::ADMIN_CUSTOM_PLATFORMS))
}
