//! `ETag` and `If-None-Match` on what programs read again and again: the catalogue, a store. The tag is a hash of the very
//! body, so it can never be stale; what is saved is the transfer, not the work.

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::web::urls;

/// To be wrapped inside `edge`.
pub async fn answer(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let path = urls::routed(request.request());
    let applies = request.method() == Method::GET
        && (path.starts_with("/v1/platforms") || path.starts_with("/v1/stores") || path == urls::API_OPENAPI);
    let asked = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.call(request).await?;
    if !applies || response.status() != StatusCode::OK || response.response().error().is_some() {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let (mut response, body) = match body.try_into_bytes() {
        Ok(bytes) => (head, bytes),
        // A stream, which none of these are.
        Err(body) => return Ok(ServiceResponse::new(request, head.set_body(body))),
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]));
    let known = asked.as_ref().is_some_and(|asked| names(asked, &tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
        return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(()))));
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
}

/// RFC 9110: a list of tags, compared weakly, or a star.
fn names(asked: &HeaderValue, tag: &str) -> bool {
    let Ok(asked) = asked.to_str() else { return false };
    asked
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_and_one_of_several_is_enough() {
        let asked = |text: &str| names(&HeaderValue::from_str(text).unwrap(), "\"a\"");
        assert!(asked("\"a\"") && asked("\"b\", W/\"a\"") && asked("*"));
        assert!(!asked("\"b\"") && !asked("a"));
    }
}
