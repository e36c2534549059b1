//! What handlers take: proof of a right (`PartnerKey`, `StoreToken`, `Admin`) and input that is read after the right is
//! proved, so that nobody learns from a 400 what a 401 should have hidden.

mod admin;
mod clean;
mod client_address;
mod input;
mod object;
mod partner_key;
mod store_token;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, web};

pub use admin::{Admin, NeedsRole, Operator, Owner, Viewer};
pub use client_address::ClientAddress;
pub use input::{BODY_LIMIT, Body, Params, path_id};
pub use object::{object, object_or_null};
pub use partner_key::{
    AnyScope, ConnectWrite, NeedsScope, PartnerKey, PlatformsWrite, StoresRead, StoresWrite, TokensWrite, WebhooksWrite,
};
pub use store_token::StoreToken;

use crate::app::App;
use crate::app::rates::Budget;
use crate::broker;
use crate::domain::id::AppId;
use crate::domain::problem::Problem;
use crate::web::Error;
use crate::web::middleware::request_id::RequestId;

/// The tools that the server was started with.
fn tools(request: &HttpRequest) -> Result<Arc<App>, Error> {
    let tools = request.app_data::<web::Data<App>>();
    tools
        .map(|tools| Arc::clone(tools))
        .ok_or_else(|| Error::of(Problem::Internal).caused_by("the tools are not registered"))
}

/// Marks a request of the partner API that its app's budget knows of.
struct Counted;

/// Counts a request of the partner API, once; `RateLimited` if nothing is left of the app's budget.
pub fn count_app(request: &HttpRequest, tools: &App, app: AppId) -> Result<(), Error> {
    if request.extensions_mut().insert(Counted).is_some() {
        return Ok(());
    }
    budget(request, tools.rates.count_app(app))
}

/// Leaves what is left of a budget where the edge finds it; `RateLimited` if nothing is.
fn budget(request: &HttpRequest, budget: Option<Budget>) -> Result<(), Error> {
    let Some(budget) = budget else { return Ok(()) };
    request.extensions_mut().insert(budget);
    match budget.refused_for {
        None => Ok(()),
        Some(retry_after) => Err(broker::Error::RateLimited { retry_after }.into()),
    }
}

/// The token of `Authorization: Bearer ...`.
pub fn bearer(request: &HttpRequest) -> Result<String, Error> {
    let missing = |detail| Error::of(Problem::Unauthenticated).detail(detail);
    let value = request.headers().get(header::AUTHORIZATION);
    let value = value.ok_or_else(|| missing("Send `Authorization: Bearer <token>`"))?;
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim().to_owned()),
        _ => Err(missing(
            "The Authorization header has to be of the form `Bearer <token>`",
        )),
    }
}

fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(ToString::to_string)
}
