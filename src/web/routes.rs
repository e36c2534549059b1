//! The whole URL map on one screen, grouped by who calls. Patterns come from `urls`; what a request must prove stands in
//! the arguments of its handler. Order matters only for `/connect/apps/..` and its like, which come before `/connect/{link}`.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::pages::{connect, demo as partner};
use super::{Demo, Error, api, assets, error, proxy, urls};

/// Registers everything. The caller adds `web::Data<Site>` and wraps `middleware::edge` around the whole.
pub fn configure(config: &mut ServiceConfig, demo: Option<&Demo>) {
    config
        .configure(error::extractors)
        .configure(merchant)
        .configure(partner)
        .configure(store_token)
        .configure(admin)
        .configure(service)
        .configure(|config| demo_partner(config, demo))
        .default_service(web::to(nowhere));
}

/// The merchant's pages, and what platforms send.
fn merchant(config: &mut ServiceConfig) {
    use connect::{app_page, callback, cancel, choose, decide, deliver, done, fields, reconnect};
    config
        .service(web::resource(urls::CONNECT_APP).get(app_page::show))
        .service(web::resource(urls::CONNECT_CALLBACK).get(callback::show))
        .service(web::resource(urls::CONNECT_DELIVER).post(deliver::receive))
        .service(web::resource(urls::CONNECT).get(choose::show))
        .service(web::resource(urls::CONNECT_PLATFORM).get(fields::show).post(fields::submit))
        .service(web::resource(urls::CONNECT_DONE).get(done::show))
        .service(web::resource(urls::CONNECT_DECIDE).post(decide::submit))
        .service(web::resource(urls::CONNECT_CANCEL).get(cancel::show).post(cancel::submit))
        .service(web::resource(urls::RECONNECT).get(reconnect::show))
        .service(web::resource(urls::RECONNECT_START).post(reconnect::start))
        .service(web::resource(urls::RECONNECT_DISCONNECT).get(reconnect::ask).post(reconnect::disconnect));
}

/// `/v1`, with an app's API key.
fn partner(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::API_APP).get(api::app::show))
        .service(web::resource(urls::API_CONNECT_SESSIONS).post(api::connect_sessions::create))
        .service(
            web::resource(urls::API_CONNECT_SESSION)
                .get(api::connect_sessions::show)
                .delete(api::connect_sessions::cancel),
        )
        .service(web::resource(urls::API_EXCHANGE).post(api::exchange::exchange))
        .service(web::resource(urls::API_STORES).get(api::stores::list).post(api::stores::create))
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
fn admin(_config: &mut ServiceConfig) {}

/// The demo partner, in development only.
fn demo_partner(config: &mut ServiceConfig, demo: Option<&Demo>) {
    let Some(demo) = demo else { return };
    config
        .app_data(web::Data::new(demo.clone()))
        .service(web::resource(urls::DEMO).get(partner::show))
        .service(web::resource(urls::DEMO_CONNECT).post(partner::connect))
        .service(web::resource(urls::DEMO_RETURN).get(partner::arrive))
        .service(web::resource(urls::DEMO_CALL).post(partner::call))
        .service(web::resource(urls::DEMO_EXPIRE).post(partner::expire));
}

/// Health and files.
fn service(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::HEALTHZ).get(healthz))
        .service(web::resource(urls::ASSET).get(assets::show));
}

/// The process answers; whether it can work is `/readyz`.
async fn healthz() -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

async fn nowhere() -> Result<HttpResponse, Error> {
    Err(Error::not_found())
}
