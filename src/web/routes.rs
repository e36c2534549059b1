//! The whole URL map on one screen, grouped by who calls. Patterns come from `urls`; what a request must prove stands in
//! the arguments of its handler. Order matters only for `/connect/apps/..` and its like, which come before `/connect/{link}`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

use super::pages::{connect, demo as partner};
use super::{Demo, Error, api, assets, error, health, metrics, openapi, proxy, urls};

/// Registers everything. The caller adds `web::Data<Site>` and wraps `middleware::edge` around the whole.
pub fn configure(config: &mut ServiceConfig, demo: Option<&Demo>) {
    config
        .configure(error::extractors)
        .configure(merchant)
        .configure(partner)
        .configure(store_token)
        .configure(admin)
        .configure(documentation)
        .configure(service)
        .configure(|config| demo_partner(config, demo))
        .default_service(web::to(nowhere));
}

/// The merchant's pages, and what platforms send.
fn merchant(config: &mut ServiceConfig) {
    use connect::{app_page, callback, cancel, choose, decide, deliver, done, fields, install, reconnect, shops};
    config
        .service(web::resource(urls::CONNECT_APP).get(app_page::show))
        .service(web::resource(urls::CONNECT_CALLBACK).get(callback::show))
        .service(web::resource(urls::CONNECT_CALLBACK_STATE).get(callback::show_with_state))
        .service(web::resource(urls::CONNECT_INSTALL).get(install::show))
        .service(web::resource(urls::CONNECT_INSTALL_STATE).get(install::show_with_state))
        .service(
            web::resource(urls::HOOKS)
                .get(super::hooks::receive)
                .post(super::hooks::receive),
        )
        .service(web::resource(urls::CONNECT_DELIVER).post(deliver::receive))
        .service(web::resource(urls::CONNECT).get(choose::show))
        .service(
            web::resource(urls::CONNECT_PLATFORM)
                .get(fields::show)
                .post(fields::submit),
        )
        .service(web::resource(urls::CONNECT_DONE).get(done::show))
        .service(web::resource(urls::CONNECT_DECIDE).post(decide::submit))
        .service(web::resource(urls::CONNECT_SHOPS).get(shops::show).post(shops::submit))
        .service(
            web::resource(urls::CONNECT_CANCEL)
                .get(cancel::show)
                .post(cancel::submit),
        )
        .service(web::resource(urls::RECONNECT).get(reconnect::show))
        .service(web::resource(urls::RECONNECT_START).post(reconnect::start))
        .service(
            web::resource(urls::RECONNECT_DISCONNECT)
                .get(reconnect::ask)
                .post(reconnect::disconnect),
        );
}

/// `/v1`, with an app's API key, and its description.
fn partner(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::API_OPENAPI).get(openapi::show))
        .service(web::resource(urls::API_APP).get(api::app::show))
        .service(web::resource(urls::API_CONNECT_SESSIONS).post(api::connect_sessions::create))
        .service(
            web::resource(urls::API_CONNECT_SESSION)
                .get(api::connect_sessions::show)
                .delete(api::connect_sessions::cancel),
        )
        .service(web::resource(urls::API_EXCHANGE).post(api::exchange::exchange))
        .service(
            web::resource(urls::API_STORES)
                .get(api::stores::list)
                .post(api::stores::create),
        )
        .service(
            web::resource(urls::API_STORE)
                .get(api::stores::show)
                .patch(api::stores::patch)
                .delete(api::stores::delete),
        )
        .service(web::resource(urls::API_STORE_REAUTHORIZE).post(api::stores::reauthorize))
        .service(web::resource(urls::API_STORE_REFRESH).post(api::stores::refresh))
        .service(web::resource(urls::API_STORE_VERIFY).post(api::stores::verify))
        .service(web::resource(urls::API_STORE_ACCESS_TOKENS).post(api::access_tokens::rotate))
        .service(web::resource(urls::API_STORE_REFRESHES).get(api::store_refreshes::list))
        .service(web::resource(urls::API_CUSTOMER).delete(api::customers::delete))
        .service(web::resource(urls::API_PLATFORMS).get(api::platforms::list))
        .service(web::resource(urls::API_PLATFORM).get(api::platforms::show))
        .service(web::resource(urls::API_PLATFORM_APP).put(api::platform_app::put))
        .service(web::resource(urls::API_PLATFORM_APP_TEST).post(api::platform_app::test))
        .service(web::resource(urls::API_EVENTS).get(api::events::list))
        .service(
            web::resource(urls::API_WEBHOOK_ENDPOINTS)
                .get(api::webhook_endpoints::list)
                .post(api::webhook_endpoints::create),
        )
        .service(
            web::resource(urls::API_WEBHOOK_ENDPOINT)
                .get(api::webhook_endpoints::show)
                .patch(api::webhook_endpoints::patch)
                .delete(api::webhook_endpoints::delete),
        )
        .service(web::resource(urls::API_WEBHOOK_TEST).post(api::webhook_endpoints::test))
        .service(web::resource(urls::API_WEBHOOK_SECRET).post(api::webhook_endpoints::roll_secret))
        .service(web::resource(urls::API_WEBHOOK_REPLAY).post(api::webhook_endpoints::replay))
        .service(web::resource(urls::API_WEBHOOK_DELIVERIES).get(api::webhook_deliveries::list))
        .service(web::resource(urls::API_WEBHOOK_DELIVERY).get(api::webhook_deliveries::show))
        .service(web::resource(urls::API_WEBHOOK_RETRY).post(api::webhook_deliveries::retry))
        .service(web::resource(urls::API_INTROSPECT).post(api::introspect::introspect));
}

/// `/v1/access` and `/v1/proxy`, with a store's own token.
fn store_token(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::ACCESS).get(api::access::show))
        .service(web::resource(urls::ACCESS_CREDENTIALS).get(api::access::credentials))
        .service(web::resource(urls::PROXY).to(proxy::forward));
}

/// `/admin`, with an admin's session.
fn admin(config: &mut ServiceConfig) {
    use super::pages::admin as pages;
    macro_rules! page {
        ($pattern:ident, $page:ident) => {
            config.service(web::resource(urls::$pattern).get(pages::$page::show));
        };
        ($pattern:ident, $page:ident, submit) => {
            config.service(
                web::resource(urls::$pattern)
                    .get(pages::$page::show)
                    .post(pages::$page::submit),
            );
        };
    }
    page!(ADMIN_SIGN_IN, sign_in, submit);
    page!(ADMIN_SIGN_IN_LINK, sign_in_link, submit);
    config.service(web::resource(urls::ADMIN_SIGN_OUT).post(pages::sign_out::submit));
    page!(ADMIN, overview);
    page!(ADMIN_STORES, stores);
    page!(ADMIN_STORE, store);
    page!(ADMIN_STORE_REVOKE, store_revoke, submit);
    page!(ADMIN_STORE_REAUTHORIZE, store_reauthorize, submit);
    page!(ADMIN_STORE_REFRESH, store_refresh, submit);
    page!(ADMIN_STORE_VERIFY, store_verify, submit);
    page!(ADMIN_STORE_TOKEN, store_token, submit);
    page!(ADMIN_STORE_IDENTITY, store_identity, submit);
    page!(ADMIN_APPS, apps);
    page!(ADMIN_APP_NEW, app_new, submit);
    page!(ADMIN_APP, app);
    page!(ADMIN_APP_EDIT, app_edit, submit);
    page!(ADMIN_APP_SECRET, app_secret, submit);
    page!(ADMIN_APP_SECRET_FINISH, app_secret_finish, submit);
    page!(ADMIN_APP_KEYS, app_keys, submit);
    page!(ADMIN_APP_KEY_ROLL, app_key_roll, submit);
    page!(ADMIN_APP_KEY_RETIRE, app_key_retire, submit);
    page!(ADMIN_APP_PLATFORM, app_platform, submit);
    config.service(web::resource(urls::ADMIN_APP_PLATFORM_TEST).post(pages::app_platform_test::submit));
    page!(ADMIN_APP_WEBHOOK_DELIVERY, app_delivery);
    page!(ADMIN_APP_WEBHOOK_RETRY, app_webhook_retry, submit);
    page!(ADMIN_PLATFORMS, platforms);
    page!(ADMIN_PLATFORM, platform);
    page!(ADMIN_PLATFORM_APP, platform_app, submit);
    config.service(web::resource(urls::ADMIN_PLATFORM_APP_TEST).post(pages::platform_app_test::submit));
    page!(ADMIN_CUSTOM_PLATFORMS, custom_platforms);
    page!(ADMIN_CUSTOM_PLATFORM_NEW, custom_platform_new, submit);
    page!(ADMIN_CUSTOM_PLATFORM, custom_platform, submit);
    page!(ADMIN_CUSTOM_PLATFORM_DELETE, custom_platform_delete, submit);
    page!(ADMIN_JOBS, jobs);
    page!(ADMIN_JOB_RETRY, job_retry, submit);
    page!(ADMIN_NOTICES, notices);
    page!(ADMIN_AUDIT, audit);
    page!(ADMIN_ADMINS, admins, submit);
    page!(ADMIN_ADMIN, account, submit);
    page!(ADMIN_ADMIN_LINK, account_link, submit);
    page!(ADMIN_ADMIN_DISABLE, account_disable, submit);
    page!(ADMIN_SESSIONS, sessions);
    page!(ADMIN_SESSION_END, session_end, submit);
    page!(ADMIN_KEYS, keys);
}

/// The port of its own for metrics.
pub fn configure_metrics(config: &mut ServiceConfig) {
    config.service(web::resource(urls::METRICS).get(metrics::show));
}

/// The demo partner, in development only; the metrics have no other port there.
fn demo_partner(config: &mut ServiceConfig, demo: Option<&Demo>) {
    let Some(demo) = demo else { return };
    config
        .app_data(web::Data::new(demo.clone()))
        .configure(configure_metrics)
        .service(web::resource(urls::DEMO).get(partner::show))
        .service(web::resource(urls::DEMO_CONNECT).post(partner::connect))
        .service(web::resource(urls::DEMO_RETURN).get(partner::arrive))
        .service(web::resource(urls::DEMO_CALL).post(partner::call))
        .service(web::resource(urls::DEMO_EXPIRE).post(partner::expire))
        .service(
            web::resource(urls::DEMO_WEBHOOKS)
                .get(partner::webhooks::show)
                .post(partner::webhooks::receive),
        );
}

/// The documentation, for everybody.
fn documentation(config: &mut ServiceConfig) {
    use super::pages::docs;
    config
        .service(web::resource(urls::DOCS).get(docs::index::show))
        .service(web::resource(urls::DOCS_SEARCH).get(docs::search::show))
        .service(web::resource(urls::DOCS_API).get(docs::reference::show))
        .service(web::resource(urls::DOCS_TAG).get(docs::reference::tag))
        .service(web::resource(urls::DOCS_GUIDE).get(docs::guide::show));
}

/// Health and files.
fn service(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::HEALTHZ).get(health::alive))
        .service(web::resource(urls::READYZ).get(health::ready))
        .service(web::resource(urls::ASSET).get(assets::show));
}

async fn nowhere() -> Result<HttpResponse, Error> {
    Err(Error::not_found())
}
