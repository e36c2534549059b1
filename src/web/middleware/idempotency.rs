//! `Idempotency-Key` on every POST of the partner API, in one place, so that no handler can forget it. The request runs to
//! its end whoever hangs up: a lost answer is the very case that the key is for.

use std::sync::Arc;

use actix_web::body::{self, BoxBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, web};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::app::App;
use crate::broker::api_key;
use crate::broker::idempotency::{self, Kept, Turn};
use crate::domain::id::IdempotentRequestId;
use crate::domain::problem::Problem;
use crate::web::extract::{BODY_LIMIT, bearer, count_app};
use crate::web::{Error, urls};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST: usize = 255;

type Answer = Result<ServiceResponse<BoxBody>, actix_web::Error>;

/// To be wrapped inside `edge`, which renders its errors.
pub async fn once(request: ServiceRequest, next: Next<BoxBody>) -> Answer {
    let path = urls::routed(request.request());
    let ours = path.starts_with("/v1/") && !urls::is_proxied(path);
    let key = request.headers().get(KEY).cloned();
    match (key, request.app_data::<web::Data<App>>().cloned()) {
        (Some(key), Some(tools)) if ours && request.method() == Method::POST => {
            run(tools.into_inner(), &key, request, next).await
        }
        _ => next.call(request).await,
    }
}

async fn run(tools: Arc<App>, key: &HeaderValue, mut request: ServiceRequest, next: Next<BoxBody>) -> Answer {
    let taken = async {
        let admitted = api_key::admit(&tools, &bearer(request.request())?).await?;
        // A repetition is a request like any other; the handler does not count it a second time.
        count_app(request.request(), &tools, admitted.app.id)?;
        let key = read_key(key)?;
        let body = whole(request.take_payload()).await?;
        let head = format!("{} {}\n", request.method(), request.uri());
        let turn = idempotency::begin(&tools, &admitted, &key, &[head.as_bytes(), &body].concat()).await?;
        Ok::<_, Error>((turn, body))
    };
    let (turn, body) = match taken.await {
        Ok(taken) => taken,
        Err(error) => return Ok(request.error_response(error)),
    };
    let id = match turn {
        Turn::Run(id) => id,
        Turn::Answered(kept) => return Ok(request.into_response(replay(&kept))),
        refused => return Ok(request.error_response(refusal(&refused))),
    };
    request.set_payload(Payload::Stream {
        payload: Box::pin(stream::iter([Ok(body)])),
    });
    let busy = tools.in_flight.busy();
    let running = actix_web::rt::spawn(async move {
        let answer = answer(&tools, id, request, next).await;
        drop(busy);
        answer
    });
    running
        .await
        .unwrap_or_else(|error| Err(Error::of(Problem::Internal).caused_by(error).into()))
}

/// Runs the request, and keeps its answer if it did something.
async fn answer(tools: &Arc<App>, id: IdempotentRequestId, request: ServiceRequest, next: Next<BoxBody>) -> Answer {
    let answered = next.call(request).await;
    let succeeded = answered
        .as_ref()
        .is_ok_and(|answer| answer.status().is_success() && answer.response().error().is_none());
    let (Ok(answer), true) = (&answered, succeeded) else {
        note(idempotency::forget(tools, id).await);
        return answered;
    };
    let (status, content_type) = (
        answer.status().as_u16(),
        answer
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    );
    let (request, answer) = answered?.into_parts();
    let (head, body) = answer.into_parts();
    let body = body::to_bytes(body)
        .await
        .map_err(|error| Error::of(Problem::Internal).caused_by(error.to_string()))?;
    let kept = Kept {
        status,
        content_type,
        body: body.to_vec(),
    };
    note(idempotency::keep(tools, id, &kept).await);
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(body))))
}

/// What could not be written down costs the repetition, not the request.
fn note(written: Result<(), crate::broker::Error>) {
    if let Err(error) = written {
        tracing::warn!(%error, "the end of a request with an idempotency key is lost");
    }
}

fn read_key(value: &HeaderValue) -> Result<String, Error> {
    let text = value.to_str().unwrap_or_default().trim();
    let plain = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plain {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid("Idempotency-Key", "1 to 255 printable ASCII characters"))
    }
}

async fn whole(mut payload: Payload) -> Result<Bytes, Error> {
    let mut bytes = bytes::BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| {
            Error::of(Problem::InvalidRequest)
                .detail("The body broke off")
                .caused_by(error.to_string())
        })?;
        if bytes.len() + piece.len() > BODY_LIMIT {
            return Err(Error::of(Problem::TooLarge).detail("A body may have up to 1 MiB"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

fn refusal(turn: &Turn) -> Error {
    match turn {
        Turn::Mismatch => Error::of(Problem::IdempotencyMismatch)
            .detail("This Idempotency-Key came with another request before: use a new key for each request"),
        Turn::Forgotten => Error::of(Problem::Conflict)
            .detail("The request was done before, and its answer held a secret and is no longer kept"),
        _ => Error::of(Problem::Conflict)
            .detail("The first request with this Idempotency-Key is still under way")
            .retry_after(1),
    }
}

fn replay(kept: &Kept) -> HttpResponse {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((REPLAYED, "true"));
    if let Some(content_type) = &kept.content_type {
        answer.content_type(content_type.as_str());
    }
    answer.body(kept.body.clone())
}
