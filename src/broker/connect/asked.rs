//! What a partner asks of a new session, checked at once and as a whole: one message for each field that cannot be meant.

use super::return_url;
use super::sessions::NewSession;
use crate::app::App;
use crate::broker::{Error, FieldError, needs_sandbox};
use crate::db;
use crate::domain::connect::{CUSTOMER_ID_RULE, is_customer_id};

/// Seconds for which a link may work.
const LIVES: std::ops::RangeInclusive<u64> = 60..=30 * 24 * 60 * 60;
const TEXT_LIMIT: usize = 255;
const STATE_LIMIT: usize = 2048;

/// `Invalid`, with all that is wrong.
pub(super) fn check(app: &App, api_app: &db::apps::App, new: &NewSession) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, message: String| wrong.push(FieldError::new(field, message));
    if !return_url::is_allowed(&new.return_url, &api_app.return_urls.0, api_app.mode) {
        refuse(
            "return_url",
            "Not one of the app's return URLs; they are compared exactly.".to_owned(),
        );
    }
    if let Err(Error::Invalid(found)) = needs_sandbox(app, api_app.mode) {
        found.into_iter().for_each(|found| refuse(&found.field, found.message));
    }
    if new.platform.is_some() && !new.platforms.is_empty() {
        refuse("platforms", "Give either `platform` or `platforms`.".to_owned());
    }
    for (field, slug) in new
        .platform
        .iter()
        .map(|slug| ("platform", slug))
        .chain(new.platforms.iter().map(|slug| ("platforms", slug)))
    {
        if app.catalogue.platform_for(api_app.id, slug).is_none() {
            refuse(
                field,
                format!("There is no platform `{}`.", slug.chars().take(40).collect::<String>()),
            );
        }
    }
    check_fields(app, api_app, new, &mut refuse);
    if new.expires_in.is_some_and(|seconds| !LIVES.contains(&seconds)) {
        refuse(
            "expires_in",
            format!("Seconds, from {} to {}.", LIVES.start(), LIVES.end()),
        );
    }
    let merchant = &new.merchant;
    if new.customer_id.as_ref().is_some_and(|id| !is_customer_id(id)) {
        refuse("customer_id", format!("{CUSTOMER_ID_RULE}."));
    }
    for (field, text, limit) in [
        ("state", &new.state, STATE_LIMIT),
        ("merchant.email", &merchant.email, TEXT_LIMIT),
        ("merchant.name", &merchant.name, TEXT_LIMIT),
    ] {
        let Some(text) = text else { continue };
        if text.is_empty() || text.len() > limit || text.chars().any(char::is_control) {
            refuse(field, format!("1 to {limit} bytes without control characters."));
        }
    }
    if merchant
        .email
        .as_ref()
        .is_some_and(|email| !email.contains('@') || email.contains(char::is_whitespace))
    {
        refuse("merchant.email", "Not a mail address.".to_owned());
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(wrong))
    }
}

fn check_fields(app: &App, api_app: &db::apps::App, new: &NewSession, refuse: &mut impl FnMut(&str, String)) {
    let allow_http = app.config.allow_private_hosts && new.store.is_none();
    let slugs: Vec<&String> = new.platform.iter().chain(&new.platforms).collect();
    let platforms = app
        .catalogue
        .all_for(api_app.id)
        .into_iter()
        .filter(|known| slugs.is_empty() || slugs.contains(&&known.slug));
    let known: Vec<_> = platforms
        .flat_map(|platform| &platform.methods)
        .flat_map(|method| &method.fields)
        .collect();
    for (name, value) in &new.fields {
        let named: Vec<_> = known.iter().filter(|field| field.name == *name).collect();
        let path = format!("fields.{}", name.chars().take(40).collect::<String>());
        if named.is_empty() {
            refuse(&path, "No such connect field.".to_owned());
        } else if named.iter().any(|field| field.secret) {
            refuse(&path, "Secrets are typed by the merchant, never sent ahead.".to_owned());
        } else if !named.iter().any(|field| field.check(value, allow_http).is_ok()) {
            refuse(&path, "Does not have the form that the platform documents.".to_owned());
        }
    }
}
