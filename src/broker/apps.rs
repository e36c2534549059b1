//! Partners' apps. Their API keys and signing secrets, each in a module of its own, are reached from here as well: they
//! are made with the app.

use std::sync::Arc;

use url::Url;

pub use super::api_key::{MadeKey, NewKey, new_key, revoke_key};
pub use super::signing_secret::{
    changes_at, finish_signing_roll, roll_signing_secret, signing_secret, signing_secret_place,
};
use super::{Error, FieldError};
use crate::app::App;
use crate::db;
use crate::db::types::Texts;
use crate::domain::access_token::{self, TokenKind};
use crate::domain::admin::Actor;
use crate::domain::id::{AppId, PartnerId};
use crate::domain::store::{MerchantMail, Mode};

/// What an app is made from.
#[derive(Debug, Clone)]
pub struct NewApp {
    pub partner: String,
    pub name: String,
    pub mode: Mode,
    pub return_urls: Vec<String>,
}

/// What may be changed of an app; its mode is fixed.
#[derive(Debug, Clone)]
pub struct AppChange {
    pub name: String,
    pub logo_url: Option<String>,
    pub return_urls: Vec<String>,
    pub merchant_mail: MerchantMail,
    /// Whether the partner may read the platforms' own access tokens.
    pub expose_credentials: bool,
    /// Whether return URLs carry the access token, in EcartAPI's form.
    pub ecartapi_redirect: bool,
}

/// Adds an app, and its partner if there is none of that name.
pub async fn add(app: &Arc<App>, new: NewApp, actor: Actor) -> Result<AppId, Error> {
    let name = checked_name("name", &new.name)?;
    let partner = checked_name("partner", &new.partner)?;
    check_return_urls(&new.return_urls, new.mode)?;
    let id: AppId = app.id();
    let partner_id: PartnerId = app.id();
    let secret = access_token::mint(TokenKind::SigningSecret, app.random.bytes());
    let sealed = app.sealer.seal(signing_secret_place(id), secret.expose().as_bytes());
    let event = audit(
        app,
        actor,
        Some(id),
        "app.added",
        id.to_string(),
        serde_json::json!({ "name": name }),
    );
    let (mode, return_urls) = (new.mode, new.return_urls);
    app.db
        .transaction(move |conn| {
            let partner_id = match db::partners::find_by_name(conn, &partner)? {
                Some(found) => found.id,
                None => {
                    db::partners::insert(conn, partner_id, &partner)?;
                    partner_id
                }
            };
            let row = db::apps::NewApp {
                id,
                partner_id,
                name: &name,
                mode,
                return_urls: Texts(return_urls),
                signing_secret_sealed: &sealed,
            };
            db::apps::insert(conn, &row)?;
            db::audit::insert(conn, &event)?;
            Ok(id)
        })
        .await
}

/// Changes an app's name, logo, return URLs and who writes to its merchants.
pub async fn change(app: &Arc<App>, id: AppId, change: AppChange, actor: Actor) -> Result<(), Error> {
    let name = checked_name("name", &change.name)?;
    if let Some(logo) = &change.logo_url {
        let https = Url::parse(logo).is_ok_and(|url| url.scheme() == "https");
        if !https {
            return Err(invalid("logo_url", "must be an https address"));
        }
    }
    let event = audit(
        app,
        actor,
        Some(id),
        "app.changed",
        id.to_string(),
        serde_json::json!({ "name": name, "ecartapi_redirect": change.ecartapi_redirect }),
    );
    app.db
        .transaction(move |conn| {
            let found = db::apps::find(conn, id)?.ok_or(Error::NotFound)?;
            check_return_urls(&change.return_urls, found.mode)?;
            let urls = Texts(change.return_urls);
            db::apps::update(conn, id, &name, change.logo_url.as_deref(), urls, change.merchant_mail)?;
            db::app_list::set_options(conn, id, change.expose_credentials, change.ecartapi_redirect)?;
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

/// Whether the browser may be sent to `url` for an app: one of its registered addresses, or, for a sandbox app, any
/// loopback address with any port.
pub fn may_return_to(mode: Mode, registered: &[String], url: &str) -> bool {
    registered.iter().any(|known| known == url) || (mode == Mode::Sandbox && is_loopback(url))
}

fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    local && matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

fn check_return_urls(urls: &[String], mode: Mode) -> Result<(), Error> {
    for url in urls {
        let good = Url::parse(url).is_ok_and(|parsed| {
            parsed.scheme() == "https"
                && parsed.has_host()
                && parsed.fragment().is_none()
                && parsed.username().is_empty()
        });
        let rehearsal = mode == Mode::Sandbox && is_loopback(url);
        if !good && !rehearsal {
            let message = format!("`{url}` must be an https address without user name and fragment");
            return Err(invalid("return_urls", &message));
        }
    }
    Ok(())
}

pub(super) fn checked_name(field: &str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(invalid(field, "must have 1 to 100 characters"));
    }
    Ok(name.to_owned())
}

pub(super) fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid(vec![FieldError::new(field, message)])
}

/// A row of the audit trail, made where a use case begins.
pub fn audit(
    app: &App,
    actor: Actor,
    of: Option<AppId>,
    action: &'static str,
    subject: String,
    details: serde_json::Value,
) -> db::audit::NewAuditEvent {
    db::audit::NewAuditEvent {
        id: app.id(),
        app: of,
        request_id: actor.request_id.clone(),
        actor,
        action,
        subject,
        details,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_app_returns_only_to_registered_addresses() {
        let known = vec!["https://partner.example/back".to_owned()];
        for (mode, url, wanted) in [
            (Mode::Live, "https://partner.example/back", true),
            (Mode::Live, "https://partner.example/back?x=1", false),
            (Mode::Live, "http://127.0.0.1:3000/", false),
            (Mode::Sandbox, "http://127.0.0.1:3000/back", true),
            (Mode::Sandbox, "http://localhost:1/", true),
            (Mode::Sandbox, "http://[::1]:9/x", true),
            (Mode::Sandbox, "http://127.0.0.1.evil.example/", false),
            (Mode::Sandbox, "http://user@127.0.0.1/", false),
            (Mode::Sandbox, "javascript:alert(1)", false),
        ] {
            assert_eq!(may_return_to(mode, &known, url), wanted, "{mode} {url}");
        }
    }
}
