//! How long a request may take: a body that arrives byte by byte, or an answer that never comes, must not hold a
//! connection for ever. Time is the program's own. The proxy has limits of its own, for both its bodies stream; work that
//! has to come to its end whoever hangs up goes on when its request is given up.

use std::io;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, web};
use futures_util::{StreamExt as _, stream};

use crate::domain::problem::Problem;
use crate::web::{Error, Site, urls};

/// For a body of up to 1 MiB to arrive.
pub const BODY: Duration = Duration::from_secs(30);
/// For the whole request: longer than connecting takes, platforms' slowest answers included.
pub const WHOLE: Duration = Duration::from_secs(300);
/// Between two looks at the clock.
const LOOK: Duration = Duration::from_secs(1);

/// To be wrapped inside `edge`, which renders its errors.
pub async fn limited(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody + 'static>, actix_web::Error> {
    let site = request.app_data::<web::Data<Site>>().cloned();
    let Some(site) = site.filter(|_| !urls::is_proxied(urls::routed(request.request()))) else {
        return next.call(request).await;
    };
    let started = (site.options.monotonic)();
    let body = match request.take_payload() {
        Payload::None => Payload::None,
        body => timely(body, site.clone(), started),
    };
    request.set_payload(body);
    tokio::select! {
        answered = next.call(request) => answered,
        () = past(&site, started, WHOLE) => {
            Err(Error::of(Problem::Unavailable).caused_by("the request was given up: it took too long").into())
        }
    }
}

fn timely(body: Payload, site: web::Data<Site>, started: Instant) -> Payload {
    let pieces = stream::unfold(Some(body), move |body| {
        let site = site.clone();
        async move {
            let mut body = body?;
            tokio::select! {
                piece = body.next() => piece.map(|piece| (piece, Some(body))),
                () = past(&site, started, BODY) => {
                    let late = io::Error::new(io::ErrorKind::TimedOut, "the body took too long");
                    Some((Err(PayloadError::Io(late)), None))
                }
            }
        }
    });
    Payload::Stream {
        payload: Box::pin(pieces),
    }
}

/// Returns once `limit` has passed since `started`.
async fn past(site: &Site, started: Instant, limit: Duration) {
    while (site.options.monotonic)().saturating_duration_since(started) < limit {
        tokio::time::sleep(LOOK).await;
    }
}
