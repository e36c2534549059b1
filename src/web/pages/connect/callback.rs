//! Where platforms send the browser back to. Nothing is shown at this address, which carries a code: the browser goes on
//! to the page of its session. Two cases have no session that may be spoken of, and a page of their own.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{browsers, to_done, told};
use crate::app::App;
use crate::broker::connect::{Arrival, Returned, complete};
use crate::web::{Error, Frame, Site};

/// `GET /connect/callback/{slug}`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    arrive(&app, &site, frame, &slug, None, &request).await
}

/// `GET /connect/callback/{slug}/{state}`
pub async fn show_with_state(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (slug, state) = path.into_inner();
    arrive(&app, &site, frame, &slug, Some(&state), &request).await
}

async fn arrive(
    app: &web::Data<App>,
    site: &Site,
    frame: Frame,
    slug: &str,
    path_state: Option<&str>,
    request: &HttpRequest,
) -> Result<HttpResponse, Error> {
    let returned = Returned {
        raw_query: request.query_string(),
        path_state,
        install: None,
        browsers: &browsers(site, request),
    };
    arrived(frame, &complete(app, slug, returned).await?)
}

/// What is shown of it.
pub(super) fn arrived(frame: Frame, arrival: &Arrival) -> Result<HttpResponse, Error> {
    match arrival {
        Arrival::Session { link } => Ok(to_done(&frame, link)),
        Arrival::Unknown => told(frame, StatusCode::GONE, "warn", "connect-unknown"),
        Arrival::OtherBrowser => told(frame, StatusCode::FORBIDDEN, "warn", "connect-other-browser"),
    }
}
