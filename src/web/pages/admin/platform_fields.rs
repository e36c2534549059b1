//! The form for a client registered at a platform, an app's own or the installation's: the fields that the catalogue
//! names, secrets never shown again, and beside them what has to be registered there.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::platform_apps::app_fields;
use crate::db::platform_apps::PlatformApp;
use crate::domain::secret::Secret;
use crate::platform::Platform;
use crate::web::Frame;
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Fact;

/// The inputs, those that are no secret filled with what is set.
pub fn form(page: &Frame, platform: &Platform, set: Option<&PlatformApp>) -> Form {
    let inputs = app_fields(platform).into_iter().map(|field| {
        let label = field.label.in_(page.language);
        let mut input = if field.secret {
            Input::secret(&field.name, label)
        } else if field.choices.is_empty() {
            Input::code(&field.name, label)
        } else {
            let choices = field.choices.iter().map(|choice| Choice {
                value: choice.value.clone(),
                label: choice.label.in_(page.language).to_owned(),
            });
            Input::select(&field.name, label, choices.collect())
        };
        if !field.required || field.default.is_some() {
            input = input.optional();
        }
        let value = set
            .and_then(|set| set.public_values.get(&field.name)?.as_str())
            .unwrap_or_default();
        let value = if field.secret { "" } else { value };
        input
            .help(field.help.in_(page.language))
            .example(&field.example)
            .value(value)
    });
    Form::new(inputs.collect())
}

/// What was posted, without what was left empty.
pub fn given(platform: &Platform, submitted: &Submitted) -> BTreeMap<String, Secret> {
    let fields = app_fields(platform).into_iter();
    let given = fields.map(|field| (field.name.clone(), submitted.secret(&field.name)));
    given.filter(|(_, value)| !value.expose().trim().is_empty()).collect()
}

/// What has to be registered at the platform.
pub fn to_register(page: &Frame, platform: &Platform, redirect_uri: String) -> Vec<Fact> {
    let mut facts = vec![Fact::code(page.say("admin-redirect-uri"), redirect_uri)];
    let scopes: BTreeSet<&str> = platform
        .methods
        .iter()
        .flat_map(|method| &method.scopes)
        .map(String::as_str)
        .collect();
    if !scopes.is_empty() {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        facts.push(Fact::code(page.say("admin-scopes"), scopes.join(" ")));
    }
    let texts: BTreeSet<&str> = platform
        .methods
        .iter()
        .filter_map(|method| method.register.as_ref())
        .map(|text| text.in_(page.language))
        .collect();
    facts.extend(
        texts
            .into_iter()
            .map(|text| Fact::text(page.say("admin-register"), text)),
    );
    facts
}
