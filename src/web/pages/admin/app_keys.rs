//! A new API key for an app: what it is for, what it may do and for how long. The answer shows it, once.

use std::time::Duration;

use actix_web::web;
use askama::Template;
use chrono::TimeDelta;

use super::once::Once;
use super::{Answer, app, find_app, frame_of, mark, moments, refused, shown};
use crate::broker::api_key::{self, NewKey};
use crate::db;
use crate::domain::scope::Scope;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Choice, Form, Input, Submitted};
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

/// Days after which a key ends by itself; 0: it does not.
const TERMS: [u64; 4] = [0, 30, 90, 365];

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
    let terms = TERMS.map(|days| Choice {
        value: days.to_string(),
        label: match days {
            0 => page.say("admin-key-term-none"),
            _ => moments::length(page, Duration::from_secs(days * 24 * 3600)),
        },
    });
    let term = Input::select("term", page.say("admin-key-term"), terms.into());
    inputs.push(term.help(page.say("admin-key-term-help")).value("365"));
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
        // What is not one of the terms is the shortest of them.
        let days = submitted.text("term").parse().ok().filter(|days| TERMS.contains(days));
        let days = i64::try_from(days.unwrap_or(TERMS[1])).unwrap_or_default();
        let new = NewKey {
            name: submitted.text("name").to_owned(),
            scopes,
            expires_at: (days > 0).then(|| by.now() + TimeDelta::days(days)),
        };
        let term = app::term_of(&by.page, new.expires_at);
        match api_key::make(&by.tools, app.id, new, by.actor()).await {
            Ok(made) => {
                return shown(Once {
                    page: frame_of(&by, app.mode),
                    crumbs: app::crumbs_to(&by, &app, by.say("admin-key-new")),
                    title: by.say("admin-key-made"),
                    label: by.say("admin-api-key"),
                    secret: Once::secret(&made.key),
                    texts: vec![by.say("admin-key-text"), term],
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
