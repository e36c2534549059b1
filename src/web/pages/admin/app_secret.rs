//! Rolling over the secret that signs an app's return URLs: the next one is shown once, and signs from the end of the
//! roll-over on (`app_secret_finish`).

use actix_web::web;

use super::confirm::Confirm;
use super::once::Once;
use super::{Answer, app, find_app, frame_of, shown};
use crate::broker::apps;
use crate::web::extract::{Admin, Owner};
use crate::web::form::Submitted;
use crate::web::urls;

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-signing-secret")),
        question: by.say("admin-roll-question"),
        texts: vec![by.say("admin-roll-text")],
        label: by.say("admin-roll-yes"),
        action: urls::admin_app_secret(app.id),
        cancel: urls::admin_app(app.id),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, _: Submitted) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    let secret = apps::roll_signing_secret(&by.tools, app.id, by.actor()).await?;
    shown(Once {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-signing-secret")),
        title: by.say("admin-roll-done"),
        label: by.say("admin-signing-secret"),
        secret: Once::secret(&secret),
        texts: vec![by.say("admin-signing-secret-text"), by.say("admin-roll-next")],
        facts: Vec::new(),
        back_label: by.say("admin-to-app"),
        back: urls::admin_app(app.id),
    })
}
