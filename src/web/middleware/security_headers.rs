//! Headers that keep browsers from doing harm. No inline script or style runs anywhere. Pages may carry link tokens in
//! their address, so none sends a referrer and none is stored. Forms of merchant pages end in redirects to platforms and
//! partners, which some browsers hold against `form-action` too; so that one is wide there and narrow for admins.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::web::Site;
use crate::web::urls::Group;

const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const PAGE: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' https:; \
                    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Adds what is not there already: a handler may be stricter. A platform's own answer gets `nosniff` alone; the proxy has
/// put it in a sandbox.
pub fn add(headers: &mut HeaderMap, group: Group, by_platform: bool, site: &Site) {
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if by_platform {
        return;
    }
    put(headers, header::CACHE_CONTROL, "no-store");
    put(headers, header::REFERRER_POLICY, "no-referrer");
    match group {
        Group::Program => put(headers, header::CONTENT_SECURITY_POLICY, NOTHING),
        Group::Admin => put(headers, header::CONTENT_SECURITY_POLICY, PAGE),
        Group::Merchant => put(
            headers,
            header::CONTENT_SECURITY_POLICY,
            &format!("{PAGE}{}", form_targets(site)),
        ),
    }
    if group != Group::Program {
        put(
            headers,
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        );
        put(
            headers,
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        );
    }
    if site.is_https() {
        put(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

fn form_targets(site: &Site) -> String {
    let mut targets = " https:".to_owned();
    if site.options.plain_http_stores || !site.is_https() {
        targets.push_str(" http:");
    } else if let Some(sandbox) = &site.options.sandbox_url {
        targets.push(' ');
        targets.push_str(&sandbox.origin().ascii_serialization());
    }
    targets
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if headers.contains_key(&name) {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
