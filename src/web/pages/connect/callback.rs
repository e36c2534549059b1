//! Where platforms send the browser back to. Nothing is shown at this address, which carries a code: the browser goes on
//! to the page of its session. Two cases have no session that may be spoken of, and a page of their own.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{browser, to_done, told};
use crate::app::App;
use crate::broker::connect::{Arrival, complete};
use crate::web::{Error, Frame, Site};

/// `GET /connect/callback/{slug}`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let arrival = complete(&app, &slug, request.query_string(), |session| {
        browser(&site, &request, session)
    })
    .await?;
    match arrival {
        Arrival::Session { link } => Ok(to_done(&frame, &link)),
        Arrival::Unknown => told(frame, StatusCode::GONE, "warn", "connect-unknown"),
        Arrival::OtherBrowser => told(frame, StatusCode::FORBIDDEN, "warn", "connect-other-browser"),
    }
}
