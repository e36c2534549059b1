//! One admin: the role, which an owner changes, and what else an owner can do about the account.

use actix_web::web;
use askama::Template;

use super::moments::Moment;
use super::{Answer, admins, refused, shown, words};
use crate::broker;
use crate::db;
use crate::domain::admin::Role;
use crate::domain::id::AdminId;
use crate::web::extract::{Admin, Owner, Viewer, path_id};
use crate::web::form::{Form, Input, Submitted};
use crate::web::parts::{Badge, Crumb, Fact};
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/account.html")]
pub struct Account {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub email: String,
    pub badge: Badge,
    pub facts: Vec<Fact>,
    pub action: String,
    /// `None`: the reader may not change it.
    pub form: Option<Form>,
    pub link_href: String,
    pub disable_href: String,
    pub is_disabled: bool,
}

pub(super) async fn find<R>(by: &Admin<R>, id: &str) -> Result<db::admins::Admin, Error> {
    let id: AdminId = path_id(id)?;
    by.read(move |conn| db::admins::find(conn, id))
        .await?
        .ok_or_else(Error::not_found)
}

pub(super) fn form(page: &Frame, role: Role) -> Form {
    Form::new(vec![
        Input::select("role", page.say("admin-role"), admins::roles(page)).value(role.as_str()),
    ])
}

fn page<R>(by: &Admin<R>, account: &db::admins::Admin, form: Option<Form>) -> Account {
    Account {
        crumbs: crumbs_to(by, account, None),
        badge: admins::standing(&by.page, account),
        facts: vec![
            Fact::code(by.say("admin-id"), account.id.to_string()),
            Fact::text(by.say("admin-role"), words::role(&by.page, account.role)),
            Fact::text(
                by.say("admin-made"),
                Moment::of(&by.page, by.now(), account.created_at).long(),
            ),
        ],
        action: urls::admin_admin(account.id),
        form,
        link_href: urls::admin_admin_link(account.id),
        disable_href: urls::admin_admin_disable(account.id),
        is_disabled: account.disabled_at.is_some(),
        email: account.email.clone(),
        page: by.page.clone(),
    }
}

/// The way to an account, or to a page about it.
pub(super) fn crumbs_to<R>(by: &Admin<R>, account: &db::admins::Admin, here: Option<&str>) -> Vec<Crumb> {
    let admins = Crumb::link(by.say("admin-admins"), urls::ADMIN_ADMINS);
    match here {
        None => by.crumbs([admins, Crumb::here(account.email.clone())]),
        Some(here) => by.crumbs([
            admins,
            Crumb::link(account.email.clone(), urls::admin_admin(account.id)),
            Crumb::here(by.say(here)),
        ]),
    }
}

pub async fn show(by: Admin<Viewer>, id: web::Path<String>) -> Answer {
    let account = find(&by, &id).await?;
    let form = by.may(Role::Owner).then(|| form(&by.page, account.role));
    shown(page(&by, &account, form))
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let account = find(&by, &id).await?;
    let mut form = form(&by.page, account.role).filled(&submitted);
    match submitted.text("role").parse::<Role>() {
        Err(_) => form.refuse("role", by.say("form-missing")),
        Ok(role) => match broker::admins::set_role(&by.tools, account.id, role, by.actor()).await {
            Ok(()) => return Ok(by.done(by.say("admin-saved"), &urls::admin_admin(account.id))),
            Err(broker::Error::Conflict(_)) => form.refuse("role", by.say("admin-last-owner")),
            Err(error) => return Err(error.into()),
        },
    }
    refused(page(&by, &account, Some(form)))
}
