//! Partners' apps, their API keys and signing secrets. Secrets are returned once, where they are made.

use std::sync::Arc;

use url::Url;

use super::{Error, FieldError};
use crate::app::App;
use crate::crypto::Place;
use crate::db;
use crate::db::types::Texts;
use crate::domain::access_token::{self, TokenKind};
use crate::domain::admin::Actor;
use crate::domain::id::{ApiKeyId, AppId, Id, PartnerId};
use crate::domain::scope::Scope;
use crate::domain::secret::Secret;
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
}

/// A new API key: shown now, and never again.
#[derive(Debug, Clone)]
pub struct MadeKey {
    pub id: ApiKeyId,
    pub key: Secret,
}

/// Where an app's sealed signing secret stands.
pub fn signing_secret_place(app: AppId) -> Place<'static> {
    Place {
        table: "apps",
        column: "signing_secret_sealed",
        row: app.uuid(),
    }
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
        serde_json::json!({ "name": name }),
    );
    app.db
        .transaction(move |conn| {
            let found = db::apps::find(conn, id)?.ok_or(Error::NotFound)?;
            check_return_urls(&change.return_urls, found.mode)?;
            let urls = Texts(change.return_urls);
            db::apps::update(conn, id, &name, change.logo_url.as_deref(), urls, change.merchant_mail)?;
            db::app_list::set_expose_credentials(conn, id, change.expose_credentials)?;
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await
}

/// The secret that signs an app's return URLs.
pub async fn signing_secret(app: &Arc<App>, id: AppId) -> Result<Secret, Error> {
    let found = app
        .db
        .run(move |conn| db::apps::find(conn, id))
        .await?
        .ok_or(Error::NotFound)?;
    let opened = app
        .sealer
        .open(signing_secret_place(id), &found.signing_secret_sealed)
        .map_err(|error| Error::Internal(format!("the signing secret of {id}: {error}")))?;
    let text = std::str::from_utf8(opened.expose())
        .map_err(|_| Error::Internal(format!("the signing secret of {id} is no text")))?;
    Ok(Secret::new(text))
}

/// Makes a new signing secret, shown now: it signs from now on. The one before is kept until the next roll.
pub async fn roll_signing_secret(app: &Arc<App>, id: AppId, actor: Actor) -> Result<Secret, Error> {
    let before = signing_secret(app, id).await?;
    let secret = access_token::mint(TokenKind::SigningSecret, app.random.bytes());
    let sealed = app.sealer.seal(signing_secret_place(id), secret.expose().as_bytes());
    let place = Place {
        column: "previous_signing_secret_sealed",
        ..signing_secret_place(id)
    };
    let previous = app.sealer.seal(place, before.expose().as_bytes());
    let event = audit(
        app,
        actor,
        Some(id),
        "app.signing_secret_rolled",
        id.to_string(),
        serde_json::json!({}),
    );
    app.db
        .transaction(move |conn| {
            if !db::app_list::set_signing_secrets(conn, id, &sealed, &previous)? {
                return Err(Error::NotFound);
            }
            db::audit::insert(conn, &event)?;
            Ok(())
        })
        .await?;
    Ok(secret)
}

/// Makes an API key with the given scopes.
pub async fn new_key(
    app: &Arc<App>,
    of: AppId,
    name: &str,
    scopes: Vec<Scope>,
    actor: Actor,
) -> Result<MadeKey, Error> {
    let name = checked_name("name", name)?;
    if scopes.is_empty() {
        return Err(invalid("scopes", "choose at least one"));
    }
    let key = access_token::mint(TokenKind::ApiKey, app.random.bytes());
    let hash = access_token::TokenHash::of(key.expose());
    let hint = access_token::hint(&key);
    let id: ApiKeyId = app.id();
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let details = serde_json::json!({ "name": name, "scopes": scopes, "hint": hint });
    let event = audit(app, actor, Some(of), "api_key.made", id.to_string(), details);
    app.db
        .transaction(move |conn| {
            db::apps::find(conn, of)?.ok_or(Error::NotFound)?;
            let row = db::api_keys::NewApiKey {
                id,
                app_id: of,
                name: &name,
                scopes: Texts(scopes),
                hash,
                hint: &hint,
            };
            db::api_keys::insert(conn, &row)?;
            db::audit::insert(conn, &event)?;
            Ok(MadeKey { id, key })
        })
        .await
}

/// Revokes an API key of an app; the next call with it is refused.
pub async fn revoke_key(app: &Arc<App>, of: AppId, key: ApiKeyId, actor: Actor) -> Result<(), Error> {
    let event = audit(
        app,
        actor,
        Some(of),
        "api_key.revoked",
        key.to_string(),
        serde_json::json!({}),
    );
    app.db
        .transaction(move |conn| {
            if !db::api_keys::revoke(conn, of, key)? {
                return Err(Error::NotFound);
            }
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

fn checked_name(field: &str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(invalid(field, "must have 1 to 100 characters"));
    }
    Ok(name.to_owned())
}

fn invalid(field: &str, message: &str) -> Error {
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
