//! A new app. Its mode is chosen here and never changes. The answer shows the secret that signs its return URLs, once.

use askama::Template;

use super::once::Once;
use super::{Answer, app_edit, mark, refused, shown};
use crate::broker::apps::{self, NewApp};
use crate::domain::store::Mode;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::{Crumb, Fact};
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_new.html")]
pub struct AppNew {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub action: &'static str,
    pub cancel: &'static str,
    pub form: Form,
}

pub(super) fn form(page: &Frame) -> Form {
    let modes = Mode::ALL.iter().map(|mode| Choice {
        value: mode.as_str().to_owned(),
        label: super::words::mode(page, *mode).label,
    });
    Form::new(vec![
        Input::text("partner", page.say("admin-partner")).help(page.say("admin-partner-help")),
        Input::text("name", page.say("admin-app-name")).help(page.say("admin-app-name-help")),
        Input::select("mode", page.say("admin-mode"), modes.collect()).help(page.say("admin-mode-help")),
        Input::area("return_urls", page.say("admin-return-urls"))
            .help(page.say("admin-return-urls-help"))
            .optional(),
    ])
}

fn crumbs(by: &Admin<Owner>) -> Vec<Crumb> {
    by.crumbs([
        Crumb::link(by.say("admin-apps"), urls::ADMIN_APPS),
        Crumb::here(by.say("admin-app-new")),
    ])
}

pub async fn show(by: Admin<Owner>) -> Answer {
    shown(AppNew {
        crumbs: crumbs(&by),
        action: urls::ADMIN_APP_NEW,
        cancel: urls::ADMIN_APPS,
        form: form(&by.page),
        page: by.page.clone(),
    })
}

pub async fn submit(by: Admin<Owner>, submitted: Submitted) -> Answer {
    let mut form = form(&by.page).filled(&submitted);
    form.require(&submitted, &by.say("form-missing"));
    if let (false, Ok(mode)) = (form.is_refused(), submitted.text("mode").parse::<Mode>()) {
        let new = NewApp {
            partner: submitted.text("partner").to_owned(),
            name: submitted.text("name").to_owned(),
            mode,
            return_urls: app_edit::lines(submitted.text("return_urls")),
        };
        match apps::add(&by.tools, new, by.actor()).await {
            Ok(id) => {
                let secret = apps::signing_secret(&by.tools, id).await?;
                return shown(Once {
                    crumbs: crumbs(&by),
                    title: by.say("admin-app-made"),
                    label: by.say("admin-signing-secret"),
                    secret: Once::secret(&secret),
                    texts: vec![by.say("admin-signing-secret-text")],
                    facts: vec![Fact::code(by.say("admin-id"), id.to_string())],
                    back_label: by.say("admin-to-app"),
                    back: urls::admin_app(id),
                    page: by.page.clone(),
                });
            }
            Err(error) => mark(&by.page, &mut form, error)?,
        }
    } else if !form.is_refused() {
        form.refuse("mode", by.say("form-missing"));
    }
    refused(AppNew {
        crumbs: crumbs(&by),
        action: urls::ADMIN_APP_NEW,
        cancel: urls::ADMIN_APPS,
        form,
        page: by.page.clone(),
    })
}
