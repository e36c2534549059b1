//! The whole URL map on one screen, grouped by who calls. Patterns come from `urls`; what a request must prove stands in
//! the arguments of its handler. Order matters only for `/connect/apps/..` and its like, which come before `/connect/{link}`.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::pages::{connect, demo};
use super::{Demo, Error, assets, error, urls};

/// Registers everything. The caller adds `web::Data<Site>` and wraps `middleware::edge` around the whole.
pub fn configure(config: &mut ServiceConfig, demo: Option<&Demo>) {
    if let Some(demo) = demo {
        config.app_data(web::Data::new(demo.clone())).configure(demo_partner);
    }
    config
        .configure(error::extractors)
        .configure(merchant)
        .configure(partner)
        .configure(store_token)
        .configure(admin)
        .configure(service)
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
fn partner(_config: &mut ServiceConfig) {}

/// `/v1/access` and `/v1/proxy`, with a store's own token.
fn store_token(_config: &mut ServiceConfig) {}

/// `/admin`, with an admin's session.
fn admin(_config: &mut ServiceConfig) {}

/// The demo partner, in development only.
fn demo_partner(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::DEMO).get(demo::show))
        .service(web::resource(urls::DEMO_CONNECT).post(demo::connect))
        .service(web::resource(urls::DEMO_RETURN).get(demo::arrive))
        .service(web::resource(urls::DEMO_CALL).post(demo::call))
        .service(web::resource(urls::DEMO_EXPIRE).post(demo::expire));
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
