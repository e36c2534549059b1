//! Every URL of ours, written once: the pattern for the router (upper case) and the builder for links, redirects and tests
//! (lower case). Builders give the path; `Site::absolute` puts our public address before it. Values are percent-encoded.

use std::fmt::Display;

use actix_web::HttpRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` for use as one segment of a path or one value of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// `path` with the values as query; empty values are left out.
pub fn with_query(path: &str, values: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

/// Where to go after sign-in, as `?next=` asks: an admin page of ours, or nowhere. Anything that a browser could take for
/// another host is refused.
pub fn admin_next(next: &str) -> Option<&str> {
    let harmless = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let ours = Group::of_path(next.split(['?', '#']).next().unwrap_or_default()) == Group::Admin;
    (ours && !next.contains("//") && next.bytes().all(harmless)).then_some(next)
}

fn fill(pattern: &str, values: &[&dyn Display]) -> String {
    let mut values = values.iter();
    let mut parts = pattern.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(value) = values.next() {
            out.push_str(&encode(&value.to_string()));
        }
        out.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    out
}

macro_rules! urls {
    ($($(#[$doc:meta])* $pattern:ident $build:ident($($value:ident),*) = $path:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $pattern: &str = $path;
            #[doc = concat!("The path `", $path, "`.")]
            pub fn $build($($value: impl Display),*) -> String {
                fill($path, &[$(&$value),*])
            }
        )*
        /// All patterns, for tests.
        pub const ALL: &[&str] = &[$($path),*];
    };
}

urls! {
    // The merchant's pages
    CONNECT_APP connect_app(app_id) = "/connect/apps/{app_id}";
    CONNECT_CALLBACK connect_callback(slug) = "/connect/callback/{slug}";
    /// For platforms that bring no state back but in the address.
    CONNECT_CALLBACK_STATE connect_callback_state(slug, state) = "/connect/callback/{slug}/{state}";
    CONNECT_DELIVER connect_deliver(link) = "/connect/deliver/{link}";
    CONNECT_INSTALL connect_install(app_id, slug) = "/connect/install/{app_id}/{slug}";
    /// The same, where the state comes back as part of the path.
    CONNECT_INSTALL_STATE connect_install_state(app_id, slug, state) = "/connect/install/{app_id}/{slug}/{state}";
    /// A connect session: choice of platform, or where it stands.
    CONNECT connect(link) = "/connect/{link}";
    /// The form of one platform, or of one of its connect methods (`?method=`).
    CONNECT_PLATFORM connect_platform(link, slug) = "/connect/{link}/with/{slug}";
    /// Where callbacks and key forms end: what happened, and the way back to the partner.
    CONNECT_DONE connect_done(link) = "/connect/{link}/done";
    CONNECT_CANCEL connect_cancel(link) = "/connect/{link}/cancel";
    /// What the merchant decides about a grant that is held.
    CONNECT_DECIDE connect_decide(link) = "/connect/{link}/decide";
    /// Which of several shops that an authorization covers.
    CONNECT_SHOPS connect_shops(link) = "/connect/{link}/shops";
    RECONNECT reconnect(token) = "/reconnect/{token}";
    RECONNECT_START reconnect_start(token) = "/reconnect/{token}/start";
    RECONNECT_DISCONNECT reconnect_disconnect(token) = "/reconnect/{token}/disconnect";
    HOOKS hooks(app_id, slug) = "/hooks/{app_id}/{slug}";

    // The partner's API
    API_APP api_app() = "/v1/app";
    API_CONNECT_SESSIONS api_connect_sessions() = "/v1/connect-sessions";
    API_CONNECT_SESSION api_connect_session(id) = "/v1/connect-sessions/{id}";
    API_EXCHANGE api_exchange() = "/v1/access-tokens/exchange";
    API_STORES api_stores() = "/v1/stores";
    API_STORE api_store(id) = "/v1/stores/{id}";
    API_STORE_REAUTHORIZE api_store_reauthorize(id) = "/v1/stores/{id}/reauthorize";
    API_STORE_REFRESH api_store_refresh(id) = "/v1/stores/{id}/refresh";
    API_STORE_VERIFY api_store_verify(id) = "/v1/stores/{id}/verify";
    API_STORE_ACCESS_TOKENS api_store_access_tokens(id) = "/v1/stores/{id}/access-tokens";
    API_STORE_REFRESHES api_store_refreshes(id) = "/v1/stores/{id}/refreshes";
    API_CUSTOMER api_customer(customer_id) = "/v1/customers/{customer_id}";
    API_PLATFORMS api_platforms() = "/v1/platforms";
    API_PLATFORM api_platform(slug) = "/v1/platforms/{slug}";
    API_PLATFORM_APP api_platform_app(slug) = "/v1/platforms/{slug}/app";
    API_PLATFORM_APP_TEST api_platform_app_test(slug) = "/v1/platforms/{slug}/app/test";
    API_WEBHOOK_ENDPOINTS api_webhook_endpoints() = "/v1/webhook-endpoints";
    API_WEBHOOK_ENDPOINT api_webhook_endpoint(id) = "/v1/webhook-endpoints/{id}";
    API_WEBHOOK_TEST api_webhook_test(id) = "/v1/webhook-endpoints/{id}/test";
    API_WEBHOOK_SECRET api_webhook_secret(id) = "/v1/webhook-endpoints/{id}/secret";
    API_WEBHOOK_REPLAY api_webhook_replay(id) = "/v1/webhook-endpoints/{id}/replay";
    API_WEBHOOK_DELIVERIES api_webhook_deliveries() = "/v1/webhook-deliveries";
    API_WEBHOOK_DELIVERY api_webhook_delivery(id) = "/v1/webhook-deliveries/{id}";
    API_WEBHOOK_RETRY api_webhook_retry(id) = "/v1/webhook-deliveries/{id}/retry";
    API_EVENTS api_events() = "/v1/events";
    API_INTROSPECT api_introspect() = "/v1/introspect";
    API_OPENAPI api_openapi() = "/v1/openapi.json";
    DOCS docs() = "/docs";
    DOCS_SEARCH docs_search() = "/docs/search";
    DOCS_API docs_api() = "/docs/api";
    /// Operations of one tag.
    DOCS_TAG docs_tag(tag) = "/docs/api/{tag}";
    DOCS_GUIDE docs_guide(guide) = "/docs/{guide}";

    // With a store's own token
    ACCESS access() = "/v1/access";
    ACCESS_CREDENTIALS access_credentials() = "/v1/access/credentials";
    /// The builder would encode slashes: callers append the platform's path to `/v1/proxy/`.
    PROXY proxy(path) = "/v1/proxy/{path:.*}";

    // The admin's pages
    ADMIN admin() = "/admin";
    ADMIN_SIGN_IN admin_sign_in() = "/admin/sign-in";
    /// A one-time link: GET shows a button, its POST spends the link.
    ADMIN_SIGN_IN_LINK admin_sign_in_link(token) = "/admin/sign-in/{token}";
    ADMIN_SIGN_OUT admin_sign_out() = "/admin/sign-out";
    ADMIN_STORES admin_stores() = "/admin/stores";
    ADMIN_STORE admin_store(id) = "/admin/stores/{id}";
    ADMIN_STORE_REVOKE admin_store_revoke(id) = "/admin/stores/{id}/revoke";
    ADMIN_STORE_REAUTHORIZE admin_store_reauthorize(id) = "/admin/stores/{id}/reauthorize";
    ADMIN_STORE_REFRESH admin_store_refresh(id) = "/admin/stores/{id}/refresh";
    ADMIN_STORE_VERIFY admin_store_verify(id) = "/admin/stores/{id}/verify";
    ADMIN_STORE_TOKEN admin_store_token(id) = "/admin/stores/{id}/token";
    ADMIN_STORE_IDENTITY admin_store_identity(id) = "/admin/stores/{id}/identity";
    ADMIN_APPS admin_apps() = "/admin/apps";
    ADMIN_APP_NEW admin_app_new() = "/admin/apps/new";
    ADMIN_APP admin_app(id) = "/admin/apps/{id}";
    ADMIN_APP_EDIT admin_app_edit(id) = "/admin/apps/{id}/edit";
    /// The secret that signs return URLs: rolled over, the new one shown once.
    ADMIN_APP_SECRET admin_app_secret(id) = "/admin/apps/{id}/signing-secret";
    /// Ends a roll-over: the next secret signs from then on.
    ADMIN_APP_SECRET_FINISH admin_app_secret_finish(id) = "/admin/apps/{id}/signing-secret/finish";
    ADMIN_APP_KEYS admin_app_keys(id) = "/admin/apps/{id}/keys";
    ADMIN_APP_KEY_ROLL admin_app_key_roll(id, key_id) = "/admin/apps/{id}/keys/{key_id}/roll";
    ADMIN_APP_KEY_RETIRE admin_app_key_retire(id, key_id) = "/admin/apps/{id}/keys/{key_id}/retire";
    ADMIN_APP_PLATFORM admin_app_platform(id, slug) = "/admin/apps/{id}/platforms/{slug}";
    ADMIN_APP_PLATFORM_TEST admin_app_platform_test(id, slug) = "/admin/apps/{id}/platforms/{slug}/test";
    ADMIN_APP_WEBHOOK_DELIVERY admin_app_webhook_delivery(id, delivery_id) = "/admin/apps/{id}/webhook-deliveries/{delivery_id}";
    ADMIN_APP_WEBHOOK_RETRY admin_app_webhook_retry(id, delivery_id) = "/admin/apps/{id}/webhook-deliveries/{delivery_id}/retry";
    ADMIN_PLATFORMS admin_platforms() = "/admin/platforms";
    ADMIN_PLATFORM admin_platform(slug) = "/admin/platforms/{slug}";
    /// The installation's own client at a platform, for apps of one mode.
    ADMIN_PLATFORM_APP admin_platform_app(slug, mode) = "/admin/platforms/{slug}/app/{mode}";
    ADMIN_PLATFORM_APP_TEST admin_platform_app_test(slug, mode) = "/admin/platforms/{slug}/app/{mode}/test";
    /// Platforms that owners define without code.
    ADMIN_CUSTOM_PLATFORMS admin_custom_platforms() = "/admin/custom-platforms";
    ADMIN_CUSTOM_PLATFORM_NEW admin_custom_platform_new() = "/admin/custom-platforms/new";
    ADMIN_CUSTOM_PLATFORM admin_custom_platform(slug) = "/admin/custom-platforms/{slug}";
    ADMIN_CUSTOM_PLATFORM_DELETE admin_custom_platform_delete(slug) = "/admin/custom-platforms/{slug}/delete";
    ADMIN_JOBS admin_jobs() = "/admin/jobs";
    ADMIN_JOB_RETRY admin_job_retry(id) = "/admin/jobs/{id}/retry";
    ADMIN_NOTICES admin_notices() = "/admin/notices";
    ADMIN_AUDIT admin_audit() = "/admin/audit";
    ADMIN_ADMINS admin_admins() = "/admin/admins";
    ADMIN_ADMIN admin_admin(id) = "/admin/admins/{id}";
    ADMIN_ADMIN_LINK admin_admin_link(id) = "/admin/admins/{id}/link";
    ADMIN_ADMIN_DISABLE admin_admin_disable(id) = "/admin/admins/{id}/disable";
    ADMIN_SESSIONS admin_sessions() = "/admin/sessions";
    ADMIN_SESSION_END admin_session_end(id) = "/admin/sessions/{id}/end";
    ADMIN_KEYS admin_keys() = "/admin/keys";

    // Development, health and files
    DEMO demo() = "/demo";
    DEMO_CONNECT demo_connect() = "/demo/connect";
    DEMO_RETURN demo_return() = "/demo/return";
    DEMO_CALL demo_call() = "/demo/call";
    DEMO_EXPIRE demo_expire() = "/demo/expire";
    DEMO_WEBHOOKS demo_webhooks() = "/demo/webhooks";
    HEALTHZ healthz() = "/healthz";
    READYZ readyz() = "/readyz";
    METRICS metrics() = "/metrics";
    ASSET asset(name) = "/assets/{name}";
}

/// What stands before a forwarded path.
pub const PROXY_START: &str = "/v1/proxy/";

/// Whether an answer could be a platform's.
pub fn is_proxied(path: &str) -> bool {
    path.starts_with(PROXY_START)
}

/// The path as the router compares it: an encoded letter is that letter, so that no rule for a path is passed by another
/// spelling of it.
pub fn routed(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

/// Who is on the other side: decides whether an error becomes a page or problem+json, and which headers go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Merchant,
    Admin,
    Program,
}

impl Group {
    pub fn of_path(path: &str) -> Self {
        let below = |start: &str| {
            path.strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if below(ADMIN) {
            Self::Admin
        } else if ["/v1", "/hooks", "/connect/deliver", "/assets", HEALTHZ, READYZ, METRICS]
            .into_iter()
            .any(below)
        {
            Self::Program
        } else {
            Self::Merchant
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_stay_in_their_segment() {
        assert_eq!(api_customer("a/b ?ñ"), "/v1/customers/a%2Fb%20%3F%C3%B1");
        assert_eq!(
            admin_app_key_retire("app_1", "key_2"),
            "/admin/apps/app_1/keys/key_2/retire"
        );
        assert_eq!(
            with_query("/a", &[("x", "1&2"), ("y", ""), ("z", "3")]),
            "/a?x=1%262&z=3"
        );
    }

    #[test]
    fn each_path_belongs_to_one_group() {
        assert_eq!(Group::of_path("/v1/nothing"), Group::Program);
        assert_eq!(Group::of_path("/v10"), Group::Merchant);
        assert_eq!(Group::of_path("/connect/deliver/llv_cs_x"), Group::Program);
        assert_eq!(Group::of_path("/connect/llv_cs_x"), Group::Merchant);
        assert_eq!(Group::of_path("/admin/stores"), Group::Admin);
    }

    #[test]
    fn sign_in_leads_to_admin_pages_only() {
        assert_eq!(admin_next("/admin/stores?q=a"), Some("/admin/stores?q=a"));
        for other in [
            "",
            "/",
            "//evil.example/admin",
            "https://evil.example/admin",
            "/admin//evil",
            "/admin\\x",
            "/administer",
        ] {
            assert_eq!(admin_next(other), None, "{other}");
        }
    }

    #[test]
    fn no_pattern_is_written_twice() {
        let mut all = ALL.to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len());
    }
}
