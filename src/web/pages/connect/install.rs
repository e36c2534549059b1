//! Where connections that start at a platform arrive: the browser goes on to the platform, or to the page of the session
//! that was made for it. Some platforms open this address inside a page of their own, where no cookie of ours would hold:
//! all that is shown there, and to that platform's pages alone, is a link that leads out, to the same address.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::callback::arrived;
use super::{bind, browsers, href, platform_plate, to_done, told, too_many};
use crate::app::App;
use crate::broker::connect::{Installed, Returned, install};
use crate::domain::id::AppId;
use crate::domain::problem::Problem;
use crate::platform::obtain::framed_by;
use crate::web::extract::ClientAddress;
use crate::web::page::{Page, see_other};
use crate::web::parts::Plate;
use crate::web::{Error, Frame, Site, urls};

/// `GET /connect/install/{app_id}/{slug}`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    path: web::Path<(String, String)>,
    address: ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    arrive(app, site, frame, path.into_inner(), None, address, request).await
}

/// `GET /connect/install/{app_id}/{slug}/{state}`: platforms that know this address alone, and bring no state back.
pub async fn show_with_state(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    path: web::Path<(String, String, String)>,
    address: ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (app_id, slug, state) = path.into_inner();
    arrive(app, site, frame, (app_id, slug), Some(&state), address, request).await
}

async fn arrive(
    app: web::Data<App>,
    site: web::Data<Site>,
    frame: Frame,
    (app_id, slug): (String, String),
    path_state: Option<&str>,
    address: ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let app_id: AppId = app_id.parse().map_err(|_| Error::not_found())?;
    if let Some(platform) = app.catalogue.platform(&slug).filter(|_| is_framed(&request)) {
        let origins = framed_by(platform);
        if !origins.is_empty() {
            return out_of_frame(frame, platform_plate(platform), &request, &origins);
        }
    }
    let returned = Returned {
        raw_query: request.query_string(),
        path_state,
        install: Some(app_id),
        browsers: &browsers(&site, &request),
    };
    let installed = install(&app, app_id, &slug, returned, &address.0)
        .await
        .map_err(|error| too_many(&frame, error))?;
    let (visit, mut response, browser) = match installed {
        Installed::Leave { visit, to, browser } => (visit, see_other(to.as_str()), Some(browser)),
        Installed::Session { visit, browser } => {
            let response = match &browser {
                Some(_) => to_done(&frame, &visit.link),
                None => see_other(&href(&frame, &urls::connect(visit.link.expose()), &[])),
            };
            (visit, response, browser)
        }
        Installed::Returned(arrival) => return arrived(frame, &arrival),
        Installed::NotBelieved => return told(frame, StatusCode::FORBIDDEN, "warn", "connect-install-refused"),
        Installed::Impossible => return Err(Error::not_found()),
    };
    if let Some(browser) = browser {
        let cookie = bind(&site, &visit, &browser, app.now());
        response
            .add_cookie(&cookie)
            .map_err(|error| Error::of(Problem::Internal).caused_by(error.to_string()))?;
    }
    Ok(response)
}

/// Whether the browser opens this inside another page, as far as it says so.
fn is_framed(request: &HttpRequest) -> bool {
    let asked_for = request.headers().get("sec-fetch-dest");
    asked_for.is_some_and(|kind| {
        ["iframe", "frame", "embed", "object"]
            .iter()
            .any(|framed| kind == framed)
    })
}

/// The link that leads out of a platform's page.
#[derive(Template)]
#[template(path = "pages/connect/framed.html")]
struct Framed {
    page: Frame,
    platform: Plate,
    /// This address itself: nothing of it has been used.
    to: String,
}

fn out_of_frame(
    mut page: Frame,
    platform: Plate,
    request: &HttpRequest,
    origins: &[&str],
) -> Result<HttpResponse, Error> {
    page.bare = true;
    let to = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut response = Page(Framed { page, platform, to }).with_status(StatusCode::OK)?;
    // Nothing here but a link: neither form nor script, for a frame that somebody else lays out.
    let policy = format!(
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors {}",
        origins.join(" ")
    );
    let policy =
        HeaderValue::from_str(&policy).map_err(|error| Error::of(Problem::Internal).caused_by(error.to_string()))?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
