//! Who may sign in. An owner adds people here; the sign-in link of somebody new is shown once, to be handed over.

use actix_web::web;
use askama::Template;

use super::moments::Moment;
use super::once::Once;
use super::{Answer, mark, refused, shown, words};
use crate::broker::{self, admins};
use crate::db;
use crate::domain::admin::Role;
use crate::domain::secret::Secret;
use crate::web::extract::{Admin, Owner, Viewer};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::{Badge, Crumb, Tone};
use crate::web::{Error, Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/admin/admins.html")]
pub struct Admins {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub rows: Vec<Row>,
    pub sessions_href: String,
    pub action: &'static str,
    /// `None`: the reader may add nobody.
    pub form: Option<Form>,
}

pub struct Row {
    pub href: String,
    pub email: String,
    pub role: String,
    pub badge: Badge,
    pub made: Moment,
    pub is_self: bool,
}

pub(super) fn standing(page: &Frame, admin: &db::admins::Admin) -> Badge {
    match (admin.disabled_at, &admin.password_hash) {
        (Some(_), _) => Badge::new(Tone::Idle, page.say("admin-account-disabled")),
        (None, None) => Badge::new(Tone::Info, page.say("admin-account-invited")),
        (None, Some(_)) => Badge::new(Tone::Good, page.say("admin-account-active")),
    }
}

/// The roles to choose from, each with what it may do.
pub(super) fn roles(page: &Frame) -> Vec<Choice> {
    let choice = |role: Role| {
        let (name, may) = (words::role(page, role), page.say(&format!("admin-role-{role}-may")));
        Choice {
            value: role.as_str().to_owned(),
            label: format!("{name}: {may}"),
        }
    };
    Role::ALL.iter().map(|role| choice(*role)).collect()
}

pub(super) fn form(page: &Frame) -> Form {
    Form::new(vec![
        Input::email("email", page.say("admin-email")).autocomplete("off"),
        Input::select("role", page.say("admin-role"), roles(page)).value(Role::Viewer.as_str()),
    ])
}

async fn page<R>(by: &Admin<R>, form: Option<Form>) -> Result<Admins, Error> {
    let found = by.read(db::admins::list).await?;
    let rows = found.into_iter().map(|admin| Row {
        href: urls::admin_admin(admin.id),
        role: words::role(&by.page, admin.role),
        badge: standing(&by.page, &admin),
        made: Moment::of(&by.page, by.now(), admin.created_at),
        is_self: admin.id == by.admin.id,
        email: admin.email,
    });
    Ok(Admins {
        crumbs: by.crumbs([Crumb::here(by.say("admin-admins"))]),
        rows: rows.collect(),
        sessions_href: urls::admin_sessions(),
        action: urls::ADMIN_ADMINS,
        form,
        page: by.page.clone(),
    })
}

pub async fn show(by: Admin<Viewer>) -> Answer {
    let form = by.may(Role::Owner).then(|| form(&by.page));
    shown(page(&by, form).await?)
}

pub async fn submit(by: Admin<Owner>, site: web::Data<Site>, submitted: Submitted) -> Answer {
    let mut form = form(&by.page).filled(&submitted);
    form.require(&submitted, &by.say("form-missing"));
    if let (false, Ok(role)) = (form.is_refused(), submitted.text("role").parse::<Role>()) {
        match admins::add(&by.tools, submitted.text("email"), role, by.actor()).await {
            Ok((_, link)) => return shown(link_page(&by, &site, &link)),
            Err(broker::Error::Conflict(_)) => form.refuse("email", by.say("admin-account-there")),
            Err(error) => mark(&by.page, &mut form, error)?,
        }
    }
    refused(page(&by, Some(form)).await?)
}

/// A sign-in link, this once.
pub(super) fn link_page(by: &Admin<Owner>, site: &Site, link: &Secret) -> Once {
    let hours = admins::LINK_LIFE.num_hours().to_string();
    Once {
        page: by.page.clone(),
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-admins"), urls::ADMIN_ADMINS),
            Crumb::here(by.say("admin-sign-in-link")),
        ]),
        title: by.say("admin-sign-in-link-made"),
        label: by.say("admin-sign-in-link"),
        secret: site.absolute(&urls::admin_sign_in_link(link.expose())),
        texts: vec![by.page.say_with("admin-sign-in-link-text", [("hours", &*hours)])],
        facts: Vec::new(),
        back_label: by.say("admin-to-admins"),
        back: urls::admin_admins(),
    }
}
