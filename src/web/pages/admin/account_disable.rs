//! Ending an account, with every session of it, or letting it in again.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, account, shown};
use crate::broker;
use crate::web::extract::{Admin, Owner};
use crate::web::form::Submitted;
use crate::web::parts::Tone;
use crate::web::urls;

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let account = account::find(&by, &id).await?;
    let email = [("email", &*account.email)];
    let is_disabled = account.disabled_at.is_some();
    let (question, text, label) = if is_disabled {
        (
            by.page.say_with("admin-enable-question", email),
            "admin-enable-text",
            "admin-enable",
        )
    } else {
        (
            by.page.say_with("admin-disable-question", email),
            "admin-disable-text",
            "admin-disable",
        )
    };
    shown(Confirm {
        page: by.page.clone(),
        crumbs: account::crumbs_to(&by, &account, Some(label)),
        question,
        texts: vec![by.say(text)],
        label: by.say(label),
        action: urls::admin_admin_disable(account.id),
        cancel: urls::admin_admin(account.id),
        is_final: !is_disabled,
    })
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, _: Submitted) -> Answer {
    let account = account::find(&by, &id).await?;
    let (disabled, back) = (account.disabled_at.is_none(), urls::admin_admin(account.id));
    match broker::admins::set_disabled(&by.tools, account.id, disabled, by.actor()).await {
        Ok(()) => Ok(by.done(by.say("admin-saved"), &back)),
        Err(broker::Error::Conflict(_)) => Ok(by.told(Tone::Bad, by.say("admin-last-owner"), &back)),
        Err(error) => Err(error.into()),
    }
}
