//! The merchant changes his mind. Asked once more, because the link is spent afterwards.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{goes_on, href, to_done, visit};
use crate::app::App;
use crate::broker::connect::sessions;
use crate::web::form::Submitted;
use crate::web::page::Page;
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/connect/cancel.html")]
struct Cancel {
    page: Frame,
    app_name: String,
    action: String,
    back: String,
}

/// `GET /connect/{link}/cancel`
pub async fn show(app: web::Data<App>, mut frame: Frame, link: web::Path<String>) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    if visit.session.status_at(app.now()).has_ended() {
        return Ok(to_done(&frame, &visit.link));
    }
    let back = if goes_on(&app, &visit) {
        urls::connect(&link)
    } else {
        urls::connect_done(&link)
    };
    Page(Cancel {
        app_name: visit.api_app.name.clone(),
        action: href(&frame, &urls::connect_cancel(&link), &[]),
        back: href(&frame, &back, &[]),
        page: frame,
    })
    .with_status(StatusCode::OK)
}

/// `POST /connect/{link}/cancel`
pub async fn submit(
    app: web::Data<App>,
    mut frame: Frame,
    link: web::Path<String>,
    _submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    sessions::cancel_visit(&app, &visit).await?;
    Ok(to_done(&frame, &visit.link))
}
