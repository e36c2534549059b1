//! Rolling an API key over: a new one with the same name and scopes, shown once, while the old one goes on for the time
//! chosen, so that the partner can change over without a refused call.

use std::time::Duration;

use actix_web::web;
use askama::Template;
use chrono::TimeDelta;

use super::once::Once;
use super::{Answer, app, find_app, frame_of, moments, shown};
use crate::broker::api_key;
use crate::db;
use crate::domain::id::ApiKeyId;
use crate::web::extract::{Admin, Owner, path_id};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_key_roll.html")]
pub struct AppKeyRoll {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub hint: String,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

const OVERLAPS: [u64; 5] = [0, 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600];

pub(super) fn form(page: &Frame) -> Form {
    let choices = OVERLAPS.map(|seconds| Choice {
        value: seconds.to_string(),
        label: match seconds {
            0 => page.say("admin-overlap-none"),
            _ => moments::length(page, Duration::from_secs(seconds)),
        },
    });
    let overlap = Input::select("overlap", page.say("admin-key-overlap"), choices.into());
    Form::new(vec![overlap.help(page.say("admin-overlap-help")).value("604800")])
}

pub async fn show(by: Admin<Owner>, path: web::Path<(String, String)>) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    let (app_id, key_id, now): (_, ApiKeyId, _) = (app.id, path_id(&path.1)?, by.now());
    let keys = by.read(move |conn| db::api_keys::list(conn, app_id)).await?;
    let key = keys
        .into_iter()
        .find(|key| key.id == key_id && key.is_alive(now) && key.successor_id.is_none());
    let key = key.ok_or_else(Error::not_found)?;
    shown(AppKeyRoll {
        crumbs: app::crumbs_to(&by, &app, by.say("admin-key-roll")),
        action: urls::admin_app_key_roll(app.id, key.id),
        cancel: urls::admin_app(app.id),
        form: form(&by.page),
        name: key.name,
        hint: key.hint,
        page: frame_of(&by, app.mode),
    })
}

pub async fn submit(by: Admin<Owner>, path: web::Path<(String, String)>, submitted: Submitted) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    // What is not one of the choices is the safest of them.
    let overlap = submitted
        .text("overlap")
        .parse()
        .ok()
        .filter(|seconds| OVERLAPS.contains(seconds))
        .unwrap_or(0);
    let overlap = TimeDelta::from_std(Duration::from_secs(overlap)).unwrap_or_default();
    let rolled = api_key::roll(&by.tools, app.id, path_id(&path.1)?, overlap, by.actor()).await?;
    let before = if rolled.old_ends_at > by.now() {
        let when = moments::full(&by.page, rolled.old_ends_at);
        by.page.say_with("admin-rotated-overlap", [("when", &*when)])
    } else {
        by.say("admin-rotated-at-once")
    };
    shown(Once {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-key-roll")),
        title: by.say("admin-key-made"),
        label: by.say("admin-api-key"),
        secret: Once::secret(&rolled.made.key),
        texts: vec![
            by.say("admin-key-text"),
            app::term_of(&by.page, rolled.expires_at),
            before,
        ],
        facts: Vec::new(),
        back_label: by.say("admin-to-app"),
        back: urls::admin_app(app.id),
    })
}
