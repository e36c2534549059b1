//! The whole URL map on one screen, grouped by who calls. Patterns come from `urls`; what a request must prove stands in
//! the arguments of its handler. Order matters only for `/connect/apps/..` and its like, which come before `/connect/{link}`.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::{Demo, Error, assets, error, urls};

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
fn merchant(_config: &mut ServiceConfig) {}

/// `/v1`, with an app's API key.
fn partner(_config: &mut ServiceConfig) {}

/// `/v1/access` and `/v1/proxy`, with a store's own token.
fn store_token(_config: &mut ServiceConfig) {}

/// `/admin`, with an admin's session.
fn admin(_config: &mut ServiceConfig) {}

/// Health and files.
fn service(config: &mut ServiceConfig) {
    config
        .service(web::resource(urls::HEALTHZ).get(healthz))
        .service(web::resource(urls::ASSET).get(assets::show));
}

/// The demo partner's pages, in development only.
fn demo_partner(_config: &mut ServiceConfig, _demo: Option<&Demo>) {}

/// The process answers; whether it can work is `/readyz`.
async fn healthz() -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

async fn nowhere() -> Result<HttpResponse, Error> {
    Err(Error::not_found())
}
