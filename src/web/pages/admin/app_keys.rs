//! A new API key for an app: what it is for and what it may do. The answer shows it, once.

use actix_web::web;
use askama::Template;

use super::once::Once;
use super::{Answer, app, find_app, frame_of, mark, refused, shown};
use crate::broker::apps;
use crate::db;
use crate::domain::scope::Scope;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Form, Input, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Frame, urls};

#[derive(Template)]
#[template(path = "pages/admin/app_keys.html")]
pub struct AppKeys {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub action: String,
    pub cancel: String,
    pub form: Form,
}

/// The box of a scope: `connect:write` is `scope-connect-write`, a name that is an id too.
fn box_of(scope: Scope) -> String {
    format!("scope-{}", scope.as_str().replace(':', "-"))
}

pub(super) fn form(page: &Frame) -> Form {
    let mut inputs = vec![Input::text("name", page.say("admin-key-name")).help(page.say("admin-key-name-help"))];
    inputs.extend(Scope::ALL.iter().map(|scope| {
        let name = box_of(*scope);
        let help = page.say(&format!("admin-{name}"));
        Input::check(&name, scope.as_str()).help(help)
    }));
    Form::new(inputs)
}

fn page(by: &Admin<Owner>, app: &db::apps::App, form: Form) -> AppKeys {
    AppKeys {
        page: frame_of(by, app.mode),
        crumbs: app::crumbs_to(by, app, by.say("admin-key-new")),
        action: urls::admin_app_keys(app.id),
        cancel: urls::admin_app(app.id),
        form,
    }
}

pub async fn show(by: Admin<Owner>, id: web::Path<String>) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    shown(page(&by, &app, form(&by.page)))
}

pub async fn submit(by: Admin<Owner>, id: web::Path<String>, submitted: Submitted) -> Answer {
    let (app, _) = find_app(&by, &id).await?;
    let mut form = form(&by.page).filled(&submitted);
    form.require(&submitted, &by.say("form-missing"));
    if !form.is_refused() {
        let scopes: Vec<Scope> = Scope::ALL
            .iter()
            .copied()
            .filter(|scope| submitted.is_checked(&box_of(*scope)))
            .collect();
        match apps::new_key(&by.tools, app.id, submitted.text("name"), scopes, by.actor()).await {
            Ok(made) => {
                return shown(Once {
                    page: frame_of(&by, app.mode),
                    crumbs: app::crumbs_to(&by, &app, by.say("admin-key-new")),
                    title: by.say("admin-key-made"),
                    label: by.say("admin-api-key"),
                    secret: Once::secret(&made.key),
                    texts: vec![by.say("admin-key-text")],
                    facts: Vec::new(),
                    back_label: by.say("admin-to-app"),
                    back: urls::admin_app(app.id),
                });
            }
            Err(error) => mark(&by.page, &mut form, error)?,
        }
    }
    refused(page(&by, &app, form))
}
