//! `ANY /v1/proxy/{path}`: the seam between this server's types and the broker's. The request line is taken as it was
//! written; both bodies stream, the caller's through a channel, because a server's body belongs to its thread.

use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::extract::StoreToken;
use super::{Error, urls};
use crate::broker::proxy::body::IncomingBody;
use crate::broker::proxy::path::Target;
use crate::broker::proxy::{self, ProxyAnswer, ProxyRequest};
use crate::domain::problem::Problem;

/// Pieces that wait between the caller and the platform; a slow platform slows the caller down.
const PIECES: usize = 4;

pub async fn forward(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    answer(&request, body.into_inner()).await.map_err(|error| {
        // What failed before anything was sent says so, too.
        if error.tells("delivered") {
            error
        } else {
            error.with("delivered", "no")
        }
    })
}

async fn answer(request: &HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let by = StoreToken::extract(request).await?;
    let asked = ProxyRequest {
        method: method(request)?,
        target: target(request)?,
        headers: headers(request.headers()),
        body: incoming(request, body)?,
    };
    let is_head = asked.method == http::Method::HEAD;
    relay(proxy::forward(&by.tools, &by.admitted, asked).await?, is_head)
}

/// Any but TRACE, whose answer repeats the request, and what it was signed with, and CONNECT, which names no path.
fn method(request: &HttpRequest) -> Result<http::Method, Error> {
    if matches!(request.method().as_str(), "TRACE" | "CONNECT") {
        let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        return Err(Error::of(Problem::MethodNotAllowed).allow(Some(allow)));
    }
    http::Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| Error::of(Problem::MethodNotAllowed))
}

/// Path and query byte for byte, not as the router decoded them.
fn target(request: &HttpRequest) -> Result<Target, Error> {
    let path = request
        .uri()
        .path()
        .strip_prefix(urls::PROXY_START)
        .ok_or_else(Error::not_found)?;
    Ok(Target {
        path: path.to_owned(),
        query: request.uri().query().map(str::to_owned),
    })
}

/// Between two versions of the same types. A value that is not text passes as the bytes that it is.
fn headers(from: &header::HeaderMap) -> http::HeaderMap {
    let pairs = from.iter().filter_map(|(name, value)| {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    let mut headers = http::HeaderMap::new();
    pairs.for_each(|(name, value)| {
        headers.append(name, value);
    });
    headers
}

fn incoming(request: &HttpRequest, mut body: Payload) -> Result<IncomingBody, Error> {
    let length = request.headers().get(header::CONTENT_LENGTH).map(|value| {
        let text = value.to_str().ok();
        text.and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| Error::invalid("Content-Length", "a number"))
    });
    let length = length.transpose()?;
    if length.unwrap_or(0) == 0 && !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Ok(IncomingBody::none());
    }
    let (sender, receiver) = mpsc::channel(PIECES);
    actix_web::rt::spawn(async move {
        while let Some(piece) = body.next().await {
            // Nobody listens any more: the call has ended.
            if sender.send(piece.map_err(std::io::Error::other)).await.is_err() {
                return;
            }
        }
    });
    Ok(IncomingBody::new(receiver, length))
}

fn relay(answer: ProxyAnswer, is_head: bool) -> Result<HttpResponse, Error> {
    let status = StatusCode::from_u16(answer.status.as_u16())
        .map_err(|error| Error::of(Problem::PlatformRejected).caused_by(error))?;
    let mut response = HttpResponse::build(status);
    let mut length = None;
    for (name, value) in &answer.headers {
        if name == http::header::CONTENT_LENGTH {
            length = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            continue;
        }
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            response.append_header((name, value));
        }
    }
    Ok(match length {
        Some(length) => response.body(SizedStream::new(length, answer.body)),
        None if is_head => response.finish(),
        None => response.body(BodyStream::new(answer.body)),
    })
}
