//! What can be changed of an app: name, logo, return URLs, who writes to merchants. The mode is fixed and only shown.

use actix_web::web;
use askama::Template;

use super::{Answer, app, find_app, frame_of, mark, refused, shown, words};
use crate::broker::apps::{self, AppChange};
use crate::db;
use crate::domain::store::MerchantMail;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::{Badge, Crumb};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_edit.html")]
pub struct AppEdit {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub mode: Badge,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

pub(super) fn form(page: &Frame, app: &db::apps::App) -> Form {
    let mails = [
        (MerchantMail::Llavero, page.say("admin-mail-llavero")),
        (MerchantMail::Partner, page.say("admin-mail-partner")),
    ];
    let mails = mails.map(|(mail, label)| Choice {
        value: mail.as_str().to_owned(),
        label,
    });
    let logo = app.logo_url.clone().unwrap_or_default();
    let on = |option: bool| if option { "true" } else { "" };
    Form::new(vec![
        Input::text("name", page.say("admin-app-name"))
            .help(page.say("admin-app-name-help"))
            .value(&app.name),
        Input::code("logo_url", page.say("admin-logo"))
            .help(page.say("admin-logo-help"))
            .optional()
            .value(logo),
        Input::area("return_urls", page.say("admin-return-urls"))
            .help(page.say("admin-return-urls-help"))
            .optional()
            .value(app.return_urls.0.join("\n")),
        Input::select("merchant_mail", page.say("admin-merchant-mail"), mails.into()).value(app.merchant_mail.as_str()),
        Input::check("expose_credentials", page.say("admin-exposes"))
            .help(page.say("admin-exposes-help"))
            .value(on(app.expose_credentials)),
        Input::check("ecartapi_redirect", page.say("admin-ecartapi"))
            .help(page.say("admin-ecartapi-help"))
            .value(on(app.ecartapi_redirect)),
    ])
}

fn page(by: &Admin<Owner>, app: &db::apps::App, form: Form) -> AppEdit {
    AppEdit {
        page: frame_of(by, app.mode),
        crumbs: app::crumbs_to(by, app, by.say("admin-edit")),
        mode: words::mode(&by.page, app.mode),
        action: urls::admin_app_edit(app.id),
        cancel: urls::admin_app(app.id),
        form,
    }
}

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    shown(page(&by, &app, form(&by.page, &app)))
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    let mut form = form(&by.page, &app).filled(&submitted);
    form.require(&submitted, &by.say("form-missing"));
    if !form.is_refused() {
        let change = AppChange {
            name: submitted.text("name").to_owned(),
            logo_url: Some(submitted.text("logo_url").trim().to_owned()).filter(|url| !url.is_empty()),
            return_urls: lines(submitted.text("return_urls")),
            merchant_mail: submitted.text("merchant_mail").parse().unwrap_or(app.merchant_mail),
            expose_credentials: submitted.is_checked("expose_credentials"),
            ecartapi_redirect: submitted.is_checked("ecartapi_redirect"),
        };
        match apps::change(&by.tools, app.id, change, by.actor()).await {
            Ok(()) => return Ok(by.done(by.say("admin-saved"), &urls::admin_app(app.id))),
            Err(error) => mark(&by.page, &mut form, error)?,
        }
    }
    refused(page(&by, &app, form))
}

/// One address a line; empty lines are none.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
