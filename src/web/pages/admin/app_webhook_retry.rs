//! Sending an event to a webhook endpoint once more.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, app, find_app, frame_of, shown};
use crate::broker;
use crate::broker::webhooks;
use crate::db;
use crate::domain::id::WebhookDeliveryId;
use crate::web::extract::{Admin, Operator, path_id};
use crate::web::form::Submitted;
use crate::web::parts::Tone;
use crate::web::{Error, urls};

pub async fn show(by: Admin<Operator>, path: web::Path<(String, String)>) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    let (app_id, id): (_, WebhookDeliveryId) = (app.id, path_id(&path.1)?);
    let found = by
        .read(move |conn| db::webhook_deliveries::find_of(conn, app_id, id))
        .await?;
    let (_, kind) = found.ok_or_else(Error::not_found)?;
    shown(Confirm {
        page: frame_of(&by, app.mode),
        crumbs: app::crumbs_to(&by, &app, by.say("admin-retry")),
        question: by
            .page
            .say_with("admin-delivery-retry-question", [("kind", kind.as_str())]),
        texts: vec![by.say("admin-delivery-retry-text")],
        label: by.say("admin-retry"),
        action: urls::admin_app_webhook_retry(app.id, id),
        cancel: urls::admin_app(app.id),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Operator>, path: web::Path<(String, String)>, _: Submitted) -> Answer {
    let (app, _) = find_app(&by, &path.0).await?;
    let back = urls::admin_app(app.id);
    match webhooks::retry(&by.tools, &by.asker(), app.id, path_id(&path.1)?).await {
        Ok(()) => Ok(by.done(by.say("admin-delivery-retry-done"), &back)),
        Err(broker::Error::Conflict(_)) => Ok(by.told(Tone::Warn, by.say("admin-delivery-retry-off"), &back)),
        Err(error) => Err(error.into()),
    }
}
