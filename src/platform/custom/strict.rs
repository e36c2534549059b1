//! What a definition may not say although the catalogue's files may: code of this program, and hosts that a merchant or an
//! answer chooses for requests that carry what the partner registered.

use std::time::Duration;

use super::PREFIX;
use crate::platform::check::hosts::{addresses, source};
use crate::platform::descriptor::{ClientOwner, Method, Platform};
use crate::platform::field::Takes;
use crate::platform::obtain::{InstallKind, Obtain};
use crate::platform::template::UrlTemplate;

type Fault = (String, String);

const SLUG_LIMIT: usize = 40;
const NAME_LIMIT: usize = 60;
const FIELDS_LIMIT: usize = 12;
const METHODS_LIMIT: usize = 6;
const CALL: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
const SHORTEST_LIFE: Duration = Duration::from_secs(60);

pub(super) fn faults(platform: &Platform) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: &str| faults.push((key.to_owned(), message.to_owned()));
    if !is_slug(&platform.slug) {
        fault(
            "slug",
            "must begin with `x-` and go on with lower-case letters, digits and single hyphens, 40 characters at most",
        );
    }
    let name = platform.name.trim();
    if name.is_empty() || name.chars().count() > NAME_LIMIT || name != platform.name || has_control(name) {
        fault("name", "1 to 60 characters on one line, without spaces around them");
    }
    if !is_link(&platform.documentation) {
        fault("documentation", "must be an address that begins with https://");
    }
    if platform.methods.len() > METHODS_LIMIT {
        fault("methods", "six at most");
    }
    if platform.hooks.as_ref().is_some_and(|hooks| hooks.quirk.is_some()) {
        fault("hooks.quirk", "code of this program: only a built-in platform has it");
    }
    for (at, method) in platform.methods.iter().enumerate() {
        let found = of_method(platform, method);
        faults.extend(
            found
                .into_iter()
                .map(|(key, message)| (format!("methods[{at}].{key}"), message)),
        );
    }
    faults
}

/// Whether a slug may be that of a definition.
pub(super) fn is_slug(slug: &str) -> bool {
    let plain = |part: &str| {
        let mut letters = part.bytes();
        !part.is_empty() && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    slug.len() <= SLUG_LIMIT && slug.strip_prefix(PREFIX).is_some_and(|rest| rest.split('-').all(plain))
}

fn of_method(platform: &Platform, method: &Method) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: &str| faults.push((key.to_owned(), message.to_owned()));
    let plain_id = !method.id.is_empty()
        && method.id.len() <= SLUG_LIMIT
        && method
            .id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain_id {
        fault("id", "lower-case letters, digits and hyphens, 40 at most");
    }
    if !is_link(&method.documentation) {
        fault("documentation", "must be an address that begins with https://");
    }
    if method.quirk.is_some() {
        fault("quirk", "code of this program: only a built-in platform has it");
    }
    if !CALL.contains(&method.call_limit) {
        fault("call_limit", "from 1s to 60s");
    }
    if method.lifetimes.access.is_some_and(|life| life < SHORTEST_LIFE) {
        fault("lifetimes.access", "60s at least");
    }
    if method
        .token_limit
        .is_some_and(|limit| limit.calls == 0 || limit.within.is_zero())
    {
        fault("token_limit", "one call at least, within some time");
    }
    if method.fields.len() > FIELDS_LIMIT || method.app_fields.len() > FIELDS_LIMIT {
        fault("fields", "twelve at most");
    }
    for (name, value) in &method.arriving {
        if matches!(value.takes, Takes::Host | Takes::Url) {
            let key = format!("arriving.{name}");
            fault(
                &key,
                "no callback or answer chooses a host here; a label below a fixed domain can arrive",
            );
        }
    }
    if let Obtain::Code(code) = &method.obtain {
        if code.install == Some(InstallKind::Quirk) {
            fault(
                "obtain.code.install",
                "code of this program: only a built-in platform has it",
            );
        }
        if code.finish.is_some() {
            fault("obtain.code.finish", "only a built-in platform has it");
        }
    }
    // What the partner registered must not be sent to a host that a merchant types.
    let registered = method.client == ClientOwner::App || method.app_fields.iter().any(|field| field.secret);
    if registered {
        for (key, url) in addresses(platform, method) {
            if chosen_by_merchant(method, url) {
                fault(
                    &key,
                    "what the app registered would go to any host that a merchant types: use a fixed host, or a field with `takes = \"label\"` below a fixed domain",
                );
            }
        }
    }
    faults
}

/// Whether a host is whatever a connect field says.
fn chosen_by_merchant(method: &Method, url: &UrlTemplate) -> bool {
    let names = url.host_names().into_iter().chain(url.base_name());
    let typed = |name: &str| method.fields.iter().find(|field| field.name == name);
    names
        .map(|name| source(method, name))
        .filter_map(typed)
        .any(|field| matches!(field.takes, Takes::Host | Takes::Url) && field.choices.is_empty())
}

pub(super) fn is_link(text: &str) -> bool {
    let parsed = url::Url::parse(text);
    text.starts_with("https://") && parsed.is_ok_and(|url| url.host_str().is_some()) && !has_control(text)
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
