//! Rolling over the secret that signs an app's return URLs: the next one is shown once, and signs from the end of the time
//! chosen on, or as soon as the roll-over is finished (`app_secret_finish`).

use std::time::Duration;

use actix_web::web;
use askama::Template;
use chrono::TimeDelta;

use super::once::Once;
use super::{Answer, app, find_app, frame_of, moments, shown};
use crate::broker::apps;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_secret.html")]
pub struct AppSecret {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

const HOUR: u64 = 3600;
const OVERLAPS: [u64; 6] = [0, HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR, 90 * 24 * HOUR];

pub(super) fn form(page: &Frame) -> Form {
    let choices = OVERLAPS.map(|seconds| Choice {
        value: seconds.to_string(),
        label: match seconds {
            0 => page.say("admin-overlap-none"),
            _ => moments::length(page, Duration::from_secs(seconds)),
        },
    });
    let overlap = Input::select("overlap", page.say("admin-roll-overlap"), choices.into());
    Form::new(vec![overlap.help(page.say("admin-overlap-help")).value("604800")])
}

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    shown(AppSecret {
        crumbs: app::crumbs_to(&by, &app, by.say("admin-signing-secret")),
        action: urls::admin_app_secret(app.id),
        cancel: urls::admin_app(app.id),
        form: form(&by.page),
        page: frame_of(&by, app.mode),
    })
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    // What is not one of the choices lets the partner's returns be checked longest.
    let overlap = submitted
        .text("overlap")
        .parse()
        .ok()
        .filter(|seconds| OVERLAPS.contains(seconds))
        .unwrap_or(90 * 24 * HOUR);
    let overlap = TimeDelta::from_std(Duration::from_secs(overlap)).unwrap_or_default();
    let rolled = apps::roll_signing_secret(&by.tools, app.id, overlap, by.actor()).await?;
    let next = if overlap.is_zero() {
        by.say("admin-roll-at-once")
    } else {
        let when = moments::full(&by.page, rolled.signs_from);
        by.page.say_with("admin-roll-next", [("when", &*when)])
    };
    shown(Once {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-signing-secret")),
        title: by.say("admin-roll-done"),
        label: by.say("admin-signing-secret"),
        secret: Once::secret(&rolled.secret),
        texts: vec![by.say("admin-signing-secret-text"), next],
        facts: Vec::new(),
        back_label: by.say("admin-to-app"),
        back: urls::admin_app(app.id),
    })
}
