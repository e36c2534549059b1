//! The form for a client registered at a platform, an app's own or the installation's: the fields that the catalogue
//! names, secrets never shown again, and beside them what has to be registered there.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::platform_apps::{Registered, app_fields};
use crate::db::platform_apps::PlatformApp;
use crate::domain::id::AppId;
use crate::domain::secret::Secret;
use crate::platform::facts::{self, Addresses};
use crate::platform::{self, Field, Platform};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::parts::Fact;
use crate::web::{Frame, Site};

/// One input, empty.
pub fn input(page: &Frame, field: &Field) -> Input {
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
    input.help(field.help.in_(page.language)).example(&field.example)
}

/// The inputs, those that are no secret filled with what is set.
pub fn form(page: &Frame, platform: &Platform, set: Option<&PlatformApp>) -> Form {
    let inputs = app_fields(platform).into_iter().map(|field| {
        let value = set
            .and_then(|set| set.public_values.get(&field.name)?.as_str())
            .unwrap_or_default();
        let value = if field.secret { "" } else { value };
        input(page, field).value(value)
    });
    // A second secret, for the time in which the platform changes from one to the other; what need not be there changes
    // by the API alone.
    let second = app_fields(platform)
        .into_iter()
        .filter(|field| field.secret && field.required)
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

/// Our addresses at a platform; for the installation's own client the app's id is left open.
pub fn addresses(site: &Site, app: Option<AppId>, slug: &str) -> Addresses {
    let url = &site.options.public_url;
    let inherited = app.is_none();
    let app = app.map_or_else(|| "{app_id}".to_owned(), |app| app.to_string());
    Addresses {
        redirect_uri: Some(platform::redirect_uri(url, slug)),
        install_url: Some(platform::install_url(url, &app, slug)),
        webhook_url: Some(platform::webhook_url(url, &app, slug)),
        inherited,
    }
}

/// What has to be registered at the platform.
pub fn to_register(page: &Frame, platform: &Platform, addresses: &Addresses) -> Vec<Fact> {
    let known = facts::of(platform, page.language, addresses);
    let mut facts = Vec::new();
    if let Some(redirect_uri) = known.redirect_uri {
        facts.push(Fact::code(page.say("admin-redirect-uri"), redirect_uri));
    }
    if let Some(install_url) = known.install_url {
        facts.push(Fact::code(page.say("admin-install-url"), install_url));
    }
    if let Some(webhooks) = known.webhooks {
        facts.extend(webhooks.url.map(|url| Fact::code(page.say("admin-webhook-url"), url)));
        let events = [webhooks.uninstalled, webhooks.privacy].concat();
        facts.push(match events.is_empty() {
            true => Fact::text(page.say("admin-webhook-events"), page.say("admin-webhook-events-own")),
            false => Fact::code(page.say("admin-webhook-events"), events.join(", ")),
        });
    }
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
    let texts: BTreeSet<String> = known.methods.into_iter().filter_map(|method| method.register).collect();
    facts.extend(
        texts
            .into_iter()
            .map(|text| Fact::text(page.say("admin-register"), text)),
    );
    if facts.is_empty() {
        facts.push(Fact::text(
            page.say("admin-register"),
            page.say("admin-register-nothing"),
        ));
    }
    facts
}
