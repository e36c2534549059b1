//! A platform without code, to be changed: in the form that it was made with, or by hand. Slug and owner stay; a change
//! that would break connected stores is refused with the keys that have to stay.

use actix_web::web;

use super::custom_platform_form::{CustomPlatformPage, Defining, again, mark};
use super::{Answer, shown};
use crate::broker::custom_platforms;
use crate::db;
use crate::db::custom_platforms::CustomPlatform;
use crate::platform::custom::draft::Draft;
use crate::web::extract::{Admin, Owner};
use crate::web::form::{Form, Submitted};
use crate::web::parts::Crumb;
use crate::web::{Error, urls};

pub(super) async fn find(by: &Admin<Owner>, slug: &str) -> Result<CustomPlatform, Error> {
    let slug = slug.to_owned();
    let found = by.read(move |conn| db::custom_platforms::find(conn, &slug)).await?;
    found.ok_or_else(Error::not_found)
}

pub(super) fn name(by: &Admin<Owner>, found: &CustomPlatform) -> String {
    let known = by.tools.catalogue.platform(&found.slug);
    known.map_or_else(|| found.slug.clone(), |known| known.name.clone())
}

fn page(by: &Admin<Owner>, found: &CustomPlatform, defining: &Defining, form: Form) -> CustomPlatformPage {
    let (kind, name) = (defining.kind(), name(by, found));
    CustomPlatformPage {
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-platforms"), urls::ADMIN_PLATFORMS),
            Crumb::link(by.say("admin-custom"), urls::ADMIN_CUSTOM_PLATFORMS),
            Crumb::here(name.clone()),
        ]),
        title: name,
        intro: by.say(&format!("admin-custom-kind-{kind}-text")),
        action: urls::admin_custom_platform(&found.slug),
        cancel: urls::ADMIN_CUSTOM_PLATFORMS.to_owned(),
        delete: urls::admin_custom_platform_delete(&found.slug),
        kind,
        form,
        faults: Vec::new(),
        preview: String::new(),
        page: by.page.clone(),
    }
}

pub async fn show(by: Admin<Owner>, slug: web::Path<String>) -> Answer {
    let found = find(&by, &slug).await?;
    let answers = found.answers.clone();
    let draft = answers.and_then(|answers| serde_json::from_value::<Draft>(answers).ok());
    let defining = match draft {
        Some(draft) => Defining::Form(draft),
        None => Defining::Text(found.definition.clone()),
    };
    let form = defining.form(&by.page, None, "");
    let faults = custom_platforms::faults(&found).into_iter();
    shown(CustomPlatformPage {
        faults: faults.map(|fault| (fault.key, fault.message)).collect(),
        ..page(&by, &found, &defining, form)
    })
}

pub async fn submit(by: Admin<Owner>, slug: web::Path<String>, submitted: Submitted) -> Answer {
    let found = find(&by, &slug).await?;
    let defining = Defining::submitted(&submitted, Some(&found.slug));
    let mut form = defining.form(&by.page, None, "");
    let Some(definition) = defining.definition(&by.page, &mut form) else {
        return again(page(&by, &found, &defining, form));
    };
    match submitted.text("do") {
        "preview" => {
            let preview = definition.text;
            again(CustomPlatformPage {
                preview,
                ..page(&by, &found, &defining, form)
            })
        }
        "by_hand" => {
            let by_hand = Defining::Text(definition.text);
            let form = by_hand.form(&by.page, None, "");
            shown(page(&by, &found, &by_hand, form))
        }
        _ => match custom_platforms::change(&by.tools, &found.slug, definition, by.actor()).await {
            Ok(()) => Ok(by.done(by.say("admin-saved"), &urls::admin_platform(&found.slug))),
            Err(error) => {
                let faults = mark(&by.page, &mut form, error)?;
                again(CustomPlatformPage {
                    faults,
                    ..page(&by, &found, &defining, form)
                })
            }
        },
    }
}
