//! The partner API, one file a resource: handlers take proof and input, make one call of the broker or one read, and give
//! what the contract says, in shapes of their own so that a column's name never becomes a promise.

pub mod access;
pub mod access_tokens;
pub mod app;
pub mod calls;
pub mod connect_sessions;
pub mod customers;
pub mod events;
pub mod exchange;
pub mod introspect;
pub mod page;
pub mod platform_app;
pub mod platforms;
pub mod store_json;
pub mod store_refreshes;
pub mod stores;
pub mod webhook_deliveries;
pub mod webhook_endpoints;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::Error;

/// A handler's answer.
pub type Answer = Result<HttpResponse, Error>;

fn ok(body: &impl serde::Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

fn created(body: &impl serde::Serialize) -> Answer {
    Ok(HttpResponse::build(StatusCode::CREATED).json(body))
}

fn done() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}
