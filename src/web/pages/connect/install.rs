//! Where connections that start at a platform arrive: the browser goes on to the platform, or to the page of the session
//! that was made for it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::callback::arrived;
use super::{bind, browsers, href, to_done, told, too_many};
use crate::app::App;
use crate::broker::connect::{Installed, Returned, install};
use crate::domain::id::AppId;
use crate::domain::problem::Problem;
use crate::web::extract::ClientAddress;
use crate::web::page::see_other;
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
    let (app_id, slug) = path.into_inner();
    let app_id: AppId = app_id.parse().map_err(|_| Error::not_found())?;
    let returned = Returned {
        raw_query: request.query_string(),
        path_state: None,
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
