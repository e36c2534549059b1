//! The description of the partner API (OpenAPI 3.1). Shapes come from the very types that handlers read and answer with
//! (`ToSchema`); the calls stand in one table, `api::calls`; what all of them share (errors, headers, keys) is added here,
//! so that no call can forget it. What is served is the committed document, which a test holds against this one.

mod call;
mod components;
mod events;
mod examples;
mod problems;
mod schemas;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Map, Value, json};

pub use call::Call;
pub use components::STORE_CALLS;

use super::api;
use examples::Examples;

const COMMITTED: &str = include_str!("../../../docs/openapi.json");

const ABOUT: &str = "\
Llavero keeps the credentials of connected stores and hands a partner one access token for each.

- Times are RFC 3339 in UTC, ids are a prefix and 32 hexadecimal digits, and members may be added to every answer.
- Errors are `application/problem+json` (RFC 9457). `code` is for programs and never changes; `request_id` is also the \
header `X-Request-Id`.
- Lists are paged: give `next_cursor` back as `cursor` until it is `null`.
- A POST may carry `Idempotency-Key`: the same request with the same key is done once, and its answer is given again with \
`Idempotency-Replayed: true`. Answers that hold a secret are kept for an hour.
- Budgets are told in `RateLimit` and `RateLimit-Policy`; over them the answer is 429 with `Retry-After`. Each process of an \
installation counts for itself.
- Another method at a known address is 405 `method_not_allowed` with `Allow`.";

/// `GET /v1/openapi.json`.
pub async fn show() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .content_type("application/json")
        .body(COMMITTED)
}

/// What is served, as the reference pages read it.
pub fn committed() -> Result<Value, serde_json::Error> {
    serde_json::from_str(COMMITTED)
}

/// The document, made from the code.
///
/// Errors: an example is missing, left over or unreadable.
pub fn document() -> Result<Value, String> {
    let mut examples = Examples::read()?;
    let (mut paths, mut schemas) = (Map::new(), schemas::Schemas::default());
    for call in api::calls::all() {
        let at = paths.entry(call.path()).or_insert_with(|| json!({}));
        for (method, operation) in call.operations(&mut examples)? {
            at[method] = operation;
        }
        schemas.add(call);
    }
    let webhooks = events::webhooks(&mut schemas, &mut examples)?;
    examples.finish()?;
    schemas.insert("Problem", problems::schema());
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Llavero",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Access tokens for e-commerce platforms: one a store.",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This installation" }],
        "tags": components::tags(),
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": schemas.into_value(),
            "headers": components::headers(),
            "parameters": components::parameters(),
            "examples": problems::examples(),
            "securitySchemes": components::security_schemes(),
        },
    }))
}
