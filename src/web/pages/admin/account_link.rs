//! Another sign-in link for somebody, such as after a forgotten password.

use actix_web::web;

use super::confirm::Confirm;
use super::{Answer, account, admins, shown};
use crate::broker;
use crate::web::extract::{Admin, Owner};
use crate::web::form::Submitted;
use crate::web::{Site, urls};

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let account = account::find(&by, &id).await?;
    shown(Confirm {
        page: by.page.clone(),
        crumbs: account::crumbs_to(&by, &account, Some("admin-sign-in-link")),
        question: by.page.say_with("admin-link-question", [("email", &*account.email)]),
        texts: vec![by.say("admin-link-question-text")],
        label: by.say("admin-link-yes"),
        action: urls::admin_admin_link(account.id),
        cancel: urls::admin_admin(account.id),
        is_final: false,
    })
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, site: web::Data<Site>, _: Submitted) -> Answer {
    let account = account::find(&by, &id).await?;
    let link = broker::admins::link(&by.tools, &account.email, by.actor()).await?;
    shown(admins::link_page(&by, &site, &link))
}
