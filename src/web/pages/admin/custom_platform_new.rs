//! A new platform without code: one of three forms, or the whole vocabulary. Nothing is kept before "Save"; "Show" makes
//! the definition to look at, and "by hand" goes on with it as text.

use actix_web::web;
use serde::Deserialize;

use super::custom_platform_form::{CustomPlatformPage, Defining, again, mark};
use super::{Answer, shown};
use crate::broker::custom_platforms;
use crate::db;
use crate::domain::id::AppId;
use crate::platform::custom::draft::{Draft, Kind};
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Choice, Form, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Error, urls};

#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
}

fn page(by: &Admin<Owner>, defining: &Defining, form: Form) -> CustomPlatformPage {
    let kind = defining.kind();
    CustomPlatformPage {
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
            Crumb::link(by.say("admin-custom"), urls::ADMIN_CUSTOM_PLATFORMS),
            Crumb::here(by.say("admin-custom-new")),
        ]),
        title: by.say(&format!("admin-custom-kind-{kind}")),
        intro: by.say(&format!("admin-custom-kind-{kind}-text")),
        action: urls::ADMIN_CUSTOM_PLATFORM_NEW.to_owned(),
        cancel: urls::ADMIN_CUSTOM_PLATFORMS.to_owned(),
        delete: String::new(),
        kind,
        form,
        faults: Vec::new(),
        preview: String::new(),
        page: by.page.clone(),
    }
}

async fn owners(by: &Admin<Owner>) -> Result<Vec<Choice>, Error> {
    let apps = by.read(db::app_list::list).await?;
    let choices = apps.into_iter().map(|(app, partner)| Choice {
        value: app.id.to_string(),
        label: format!("{} ({partner})", app.name),
    });
    Ok(choices.collect())
}

pub async fn show(by: Admin<Owner>, asked: web::Query<Asked>) -> Answer {
    let defining = match Kind::parse(&asked.kind) {
        Some(kind) => Defining::Form(Draft::new(kind)),
        None => Defining::Text(String::new()),
    };
    let form = defining.form(&by.page, Some(owners(&by).await?), "");
    shown(page(&by, &defining, form))
}

pub async fn submit(by: Admin<Owner>, submitted: Submitted) -> Answer {
    let defining = Defining::submitted(&submitted, None);
    let (all, owner) = (owners(&by).await?, submitted.text("owner"));
    let mut form = defining.form(&by.page, Some(all.clone()), owner);
    let owner: Option<AppId> = match owner {
        "all" => None,
        id => {
            let id = id.parse().ok();
            if id.is_none() {
                form.refuse("owner", by.say("form-choose"));
            }
            id
        }
    };
    let definition = defining.definition(&by.page, &mut form);
    let Some(definition) = definition.filter(|_| !form.is_refused()) else {
        return again(page(&by, &defining, form));
    };
    match submitted.text("do") {
        "preview" => {
            let preview = definition.text;
            again(CustomPlatformPage {
                preview,
                ..page(&by, &defining, form)
            })
        }
        "by_hand" => {
            let by_hand = Defining::Text(definition.text);
            let form = by_hand.form(&by.page, Some(all), submitted.text("owner"));
            shown(page(&by, &by_hand, form))
        }
        _ => match custom_platforms::add(&by.tools, owner, definition, by.actor()).await {
            Ok(slug) => Ok(by.done(by.say("admin-custom-made"), &urls::admin_platform(slug))),
            Err(error) => {
                let faults = mark(&by.page, &mut form, error)?;
                again(CustomPlatformPage {
                    faults,
                    ..page(&by, &defining, form)
                })
            }
        },
    }
}
