//! Forged forms. Each browser has a random key in an HttpOnly cookie; the form token is a MAC under it, for admins over a
//! key of their session too, so that neither a foreign page nor an earlier session can make one. Besides, browsers say
//! where a form came from: `Sec-Fetch-Site`, else `Origin`. Our pages send no referrer, which makes `Origin` be `null`:
//! that alone proves nothing either way.

use actix_session::SessionExt;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::urls::{self, Group};
use super::{Error, Site, session};
use crate::domain::problem::Problem;
use crate::domain::secret::Secret;

/// The name of the hidden field.
pub const FIELD: &str = "form_token";
const COOKIE: &str = "llavero_browser";

/// The key of this browser, kept with the request.
#[derive(Clone, Debug)]
pub struct BrowserKey {
    key: Secret,
    is_new: bool,
}

impl BrowserKey {
    /// The key that came with the request, else a new one.
    pub fn of(site: &Site, request: &HttpRequest) -> Self {
        let sent = request
            .cookie(&site.cookie_name(COOKIE))
            .map(|cookie| cookie.value().to_owned());
        match sent.filter(|value| URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == 32)) {
            Some(value) => Self {
                key: Secret::new(value),
                is_new: false,
            },
            None => Self {
                key: Secret::new(URL_SAFE_NO_PAD.encode((site.options.make_key)())),
                is_new: true,
            },
        }
    }

    /// The cookie to set, if the browser has none yet.
    pub fn cookie(&self, site: &Site) -> Option<Cookie<'static>> {
        self.is_new.then(|| {
            Cookie::build(site.cookie_name(COOKIE), self.key.expose().to_owned())
                .path("/")
                .secure(site.is_https())
                .http_only(true)
                .same_site(SameSite::Lax)
                .finish()
        })
    }

    fn mac(&self, bound_to: &str) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(self.key.expose().as_bytes()).ok()?;
        Some(mac.chain_update(b"form\0").chain_update(bound_to.as_bytes()))
    }
}

/// The session's part of the token; empty for merchants, who have none.
fn bound_to(request: &HttpRequest) -> String {
    match Group::of_path(urls::routed(request)) {
        Group::Admin => session::form_key(&request.get_session()),
        Group::Merchant | Group::Program => String::new(),
    }
}

/// The token that forms of the page that answers `request` carry; empty where there are no forms.
pub fn form_token(request: &HttpRequest) -> String {
    let bound = bound_to(request);
    let mac = request.extensions().get::<BrowserKey>().and_then(|key| key.mac(&bound));
    mac.map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// Compares in constant time.
pub fn check_token(request: &HttpRequest, token: &str) -> Result<(), Error> {
    let bound = bound_to(request);
    let mac = request
        .extensions()
        .get::<BrowserKey>()
        .filter(|key| !key.is_new)
        .and_then(|key| key.mac(&bound));
    let sent = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    match mac.map(|mac| mac.verify_slice(&sent)) {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => Err(refused("the form token does not belong to this browser")),
    }
}

/// Refuses what a browser says comes from another site.
pub fn check_origin(request: &HttpRequest) -> Result<(), Error> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(from) = text("sec-fetch-site") {
        return match from {
            "same-origin" | "none" => Ok(()),
            _ => Err(refused("the form comes from another site")),
        };
    }
    let host = text(header::HOST.as_str()).unwrap_or_default();
    match text(header::ORIGIN.as_str()) {
        None | Some("null") => Ok(()),
        Some(origin) if origin.split_once("://").is_some_and(|(_, from)| from == host) => Ok(()),
        Some(_) => Err(refused("the form comes from another site")),
    }
}

fn refused(why: &'static str) -> Error {
    Error::of(Problem::Forbidden).form_refused().caused_by(why)
}
