//! One app: what it is, its API keys, where its merchants begin, and which client it uses at each platform.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::app_webhooks::{self, Webhooks};
use super::moments::{self, Moment};
use super::{Answer, find_app, frame_of, shown, words};
use crate::broker::apps;
use crate::broker::platform_apps::app_fields;
use crate::db;
use crate::db::api_keys::ApiKey;
use crate::db::apps::App;
use crate::db::platform_apps::PlatformApp;
use crate::domain::admin::Role;
use crate::domain::id::{ApiKeyId, AppId};
use crate::domain::store::MerchantMail;
use crate::platform::Platform;
use crate::web::extract::{Admin, Viewer};
use crate::web::parts::{Badge, Crumb, Fact, Tone};
use crate::web::{Frame, Site, urls};

/// How long ahead the end of a key is warned about.
const SOON: TimeDelta = TimeDelta::days(14);

#[derive(Template)]
#[template(path = "pages/admin/app.html")]
pub struct AppPage {
    pub page: Frame,
    pub crumbs: Vec<Crumb>,
    pub name: String,
    pub mode: Badge,
    pub facts: Vec<Fact>,
    pub return_urls: Vec<String>,
    pub keys: Vec<Key>,
    pub clients: Vec<Client>,
    pub webhooks: Webhooks,
    /// Whether the reader may change anything here.
    pub owns: bool,
    pub edit_href: String,
    pub secret_href: String,
    /// Empty: no roll-over of the signing secret is under way.
    pub secret_finish_href: String,
    pub secret_text: String,
    /// Names of the keys that end soon.
    pub ending: Vec<String>,
    pub new_key_href: String,
    pub stores_href: String,
    pub audit_href: String,
}

/// An API key as far as anybody can still see it.
pub struct Key {
    pub name: String,
    pub hint: String,
    pub scopes: String,
    pub badge: Badge,
    pub used: Moment,
    pub made: Moment,
    pub ends: Moment,
    /// Empty: it works no more, or has a successor.
    pub roll_href: String,
    /// Empty: it is retired.
    pub retire_href: String,
}

/// Which OAuth client the app has at a platform.
pub struct Client {
    pub platform: String,
    pub badge: Badge,
    pub href: String,
}

pub async fn show(by: Admin<Viewer>, id: web::Path<String>, site: web::Data<Site>) -> Answer {
    let (app, partner) = find_app(&by, &id).await?;
    let (app_id, mode) = (app.id, app.mode);
    let (keys, own, shared, told) = by
        .read(move |conn| {
            let keys = db::api_keys::list(conn, app_id)?;
            let own = db::platform_apps::list(conn, Some(app_id))?;
            let shared = db::platform_apps::list(conn, None)?;
            Ok((keys, own, shared, app_webhooks::read(conn, app_id)?))
        })
        .await?;
    let page = frame_of(&by, mode);
    let own: HashMap<&str, &PlatformApp> = own.iter().map(|client| (client.platform.as_str(), client)).collect();
    let shared: HashMap<&str, &PlatformApp> = shared
        .iter()
        .filter(|client| client.mode == mode && client.shared)
        .map(|client| (client.platform.as_str(), client))
        .collect();
    let platforms = by.tools.catalogue.all_for(app_id).into_iter();
    let clients = platforms.map(|platform| {
        let slug = platform.slug.as_str();
        client(&page, &app, platform, own.get(slug).copied(), shared.get(slug).copied())
    });
    let now = by.now();
    let secret_changes = apps::changes_at(&app, now);
    shown(AppPage {
        crumbs: by.crumbs([
            Crumb::link(by.say("admin-apps"), urls::ADMIN_APPS),
            Crumb::here(app.name.clone()),
        ]),
        mode: words::mode(&page, mode),
        facts: facts(&page, now, &app, partner, site.absolute(&urls::connect_app(app_id))),
        keys: keys.iter().map(|one| key(&page, now, one)).collect(),
        clients: clients.collect(),
        webhooks: app_webhooks::shown(&page, now, told, by.may(Role::Operator)),
        owns: by.may(Role::Owner),
        edit_href: urls::admin_app_edit(app_id),
        secret_href: urls::admin_app_secret(app_id),
        secret_finish_href: secret_changes.map_or_else(String::new, |_| urls::admin_app_secret_finish(app_id)),
        secret_text: secret_text(&page, secret_changes),
        ending: ending(now, &keys),
        new_key_href: urls::admin_app_keys(app_id),
        stores_href: urls::with_query(urls::ADMIN_STORES, &[("app", &app_id.to_string())]),
        audit_href: urls::with_query(urls::ADMIN_AUDIT, &[("subject", &app_id.to_string())]),
        return_urls: app.return_urls.0,
        name: app.name,
        page,
    })
}

pub(super) fn facts(page: &Frame, now: DateTime<Utc>, app: &App, partner: String, connect: String) -> Vec<Fact> {
    let mail = match app.merchant_mail {
        MerchantMail::Llavero => page.say("admin-mail-llavero"),
        MerchantMail::Partner => page.say("admin-mail-partner"),
    };
    let on = |option: bool| page.say(if option { "admin-yes" } else { "admin-no" });
    vec![
        Fact::code(page.say("admin-id"), app.id.to_string()),
        Fact::text(page.say("admin-partner"), partner),
        Fact::text(page.say("admin-mode"), words::mode(page, app.mode).label),
        Fact::code(page.say("admin-connect-page"), connect),
        Fact::text(page.say("admin-merchant-mail"), mail),
        Fact::text(page.say("admin-exposes"), on(app.expose_credentials)),
        Fact::text(page.say("admin-ecartapi"), on(app.ecartapi_redirect)),
        Fact::text(page.say("admin-made"), Moment::of(page, now, app.created_at).long()),
    ]
}

/// Until when the signing secret before signs, in words.
pub(super) fn secret_text(page: &Frame, changes_at: Option<DateTime<Utc>>) -> String {
    let when = changes_at.map(|at| moments::full(page, at)).unwrap_or_default();
    page.say_with("admin-roll-under-way-text", [("when", &*when)])
}

/// Names of the keys that end within `SOON` and have no successor.
pub(super) fn ending(now: DateTime<Utc>, keys: &[ApiKey]) -> Vec<String> {
    let ending = keys
        .iter()
        .filter(|key| key.is_alive(now) && key.successor_id.is_none() && ends_soon(now, key));
    ending
        .map(|key| format!("{} (llv_sk_...{})", key.name, key.hint))
        .collect()
}

fn ends_soon(now: DateTime<Utc>, key: &ApiKey) -> bool {
    key.expires_at.is_some_and(|end| end - now <= SOON)
}

/// Until when a key works, in words.
pub(super) fn term_of(page: &Frame, end: Option<DateTime<Utc>>) -> String {
    match end {
        Some(end) => page.say_with("admin-key-until", [("when", &*moments::full(page, end))]),
        None => page.say("admin-key-no-end"),
    }
}

pub(super) fn key(page: &Frame, now: DateTime<Utc>, key: &ApiKey) -> Key {
    let works = key.is_alive(now);
    let (tone, word) = match works {
        false if key.revoked_at.is_some() => (Tone::Idle, "admin-key-retired"),
        false => (Tone::Idle, "admin-key-expired"),
        true if ends_soon(now, key) => (Tone::Warn, "admin-key-ending"),
        true => (Tone::Good, "admin-key-works"),
    };
    let href = |offered: bool, href: fn(AppId, ApiKeyId) -> String| match offered {
        true => href(key.app_id, key.id),
        false => String::new(),
    };
    Key {
        name: key.name.clone(),
        hint: key.hint.clone(),
        scopes: key.scopes.0.join(", "),
        badge: Badge::new(tone, page.say(word)),
        used: Moment::of_some(page, now, key.last_used_at),
        made: Moment::of(page, now, key.created_at),
        ends: Moment::of_some(page, now, key.expires_at),
        roll_href: href(works && key.successor_id.is_none(), urls::admin_app_key_roll),
        retire_href: href(works, urls::admin_app_key_retire),
    }
}

pub(super) fn client(
    page: &Frame,
    app: &App,
    platform: &Platform,
    own: Option<&PlatformApp>,
    shared: Option<&PlatformApp>,
) -> Client {
    let badge = if app_fields(platform).is_empty() {
        Badge::new(Tone::Idle, page.say("admin-client-none"))
    } else if own.or(shared).is_some_and(|client| client.paused_at.is_some()) {
        Badge::new(Tone::Bad, page.say("admin-paused"))
    } else if own.is_some() {
        Badge::new(Tone::Good, page.say("admin-client-own"))
    } else if shared.is_some() {
        Badge::new(Tone::Good, page.say("admin-client-inherited"))
    } else {
        Badge::new(Tone::Warn, page.say("admin-client-missing"))
    };
    Client {
        platform: platform.name.clone(),
        badge,
        href: urls::admin_app_platform(app.id, &platform.slug),
    }
}

/// The way to a page about what is done to an app.
pub(super) fn crumbs_to<R>(by: &Admin<R>, app: &App, here: String) -> Vec<Crumb> {
    by.crumbs([
        Crumb::link(by.say("admin-apps"), urls::ADMIN_APPS),
        Crumb::link(app.name.clone(), urls::admin_app(app.id)),
        Crumb::here(here),
    ])
}
