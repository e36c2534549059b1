//! The form for a client registered at a platform, an app's own or the installation's: the fields that the catalogue
//! names, secrets never shown again, and beside them what has to be registered there.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::platform_apps::{Registered, app_fields};
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
    // A second secret, for the time in which the platform changes from one to the other.
    let second = app_fields(platform)
        .into_iter()
        .filter(|field| field.secret)
        .map(|field| {
            let label = page.say_with("admin-client-standby", [("field", field.label.in_(page.language))]);
            Input::secret(&standby(&field.name), label)
                .optional()
                .help(page.say("admin-client-standby-help"))
        });
    Form::new(inputs.chain(second).collect())
}

/// The input of a secret that stands by.
pub fn standby(name: &str) -> String {
    format!("standby-{name}")
}

/// What was posted, without what was left empty.
pub fn registered(platform: &Platform, submitted: &Submitted) -> Registered {
    let fields = app_fields(platform);
    let given = |input: &dyn Fn(&str) -> String, secrets_only: bool| -> BTreeMap<String, Secret> {
        let asked = fields.iter().filter(|field| field.secret || !secrets_only);
        let posted = asked.map(|field| (field.name.clone(), submitted.secret(&input(&field.name))));
        posted.filter(|(_, value)| !value.expose().trim().is_empty()).collect()
    };
    let second = given(&standby, true);
    Registered {
        fields: given(&str::to_owned, false),
        standby: (!second.is_empty()).then_some(second),
    }
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
