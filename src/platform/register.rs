//! What a partner registers at a platform, with our own addresses in it: a catalogue's text names each address as
//! `{redirect_uri}`, `{install_url}` or `{webhook_url}`, so that nobody has to guess which one belongs where. Where our
//! public address is not known, its path stands there. And what of it tells one client from another.

use url::Url;

use super::descriptor::{Method, Platform};
use super::facts::Addresses;
use super::field::Field;
use super::{install_url, obtain, redirect_uri};

/// The words that stand for addresses.
pub const NAMES: [&str; 3] = ["{redirect_uri}", "{install_url}", "{webhook_url}"];

/// The text with the addresses in their places.
pub fn fill(text: &str, platform: &Platform, method: &Method, addresses: &Addresses) -> String {
    let slug = &platform.slug;
    let path = |known: Option<&String>, path: String| known.cloned().unwrap_or(path);
    let redirect = match addresses.redirect_of(method) {
        Some(address) => address.clone(),
        None if obtain::knows_one_address(method) => format!("/connect/install/{{app_id}}/{slug}"),
        None => format!("/connect/callback/{slug}"),
    };
    let install = path(
        addresses.install_url.as_ref(),
        format!("/connect/install/{{app_id}}/{slug}"),
    );
    let webhook = path(addresses.webhook_url.as_ref(), format!("/hooks/{{app_id}}/{slug}"));
    text.replace(NAMES[0], &redirect)
        .replace(NAMES[1], &install)
        .replace(NAMES[2], &webhook)
}

/// What the platform knows a client by: its `client_id`, else the first field that has to be registered and is no secret.
pub fn client_field(method: &Method) -> Option<&Field> {
    let mut named = method.app_fields.iter().filter(|field| field.required && !field.secret);
    let first = named.clone().next();
    named.find(|field| field.name == "client_id").or(first)
}

/// The redirect URI of a client: a platform that knows one address only is given that of installations, which takes both;
/// but no app's own address serves a client that several apps inherit.
pub fn registered_uri(public_url: &Url, slug: &str, method: &Method, own_app: Option<&str>) -> String {
    match own_app {
        Some(app) if obtain::knows_one_address(method) => install_url(public_url, app, slug),
        _ => redirect_uri(public_url, slug),
    }
}
