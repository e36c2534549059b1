//! What the merchant decides about a grant that is held: take it although it is less than asked, or begin again.

use actix_web::{HttpResponse, web};

use super::{href, to_done, visit};
use crate::app::App;
use crate::broker::connect;
use crate::domain::problem::Problem;
use crate::web::form::Submitted;
use crate::web::page::see_other;
use crate::web::{Error, Frame, urls};

/// `POST /connect/{link}/decide`
pub async fn submit(
    app: web::Data<App>,
    mut frame: Frame,
    link: web::Path<String>,
    submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    if visit.session.held_sealed.is_none() {
        return Ok(to_done(&frame, &visit.link));
    }
    match submitted.text("decision") {
        "accept" => match connect::accept(&app, &visit).await? {
            Ok(()) => Ok(to_done(&frame, &visit.link)),
            Err(refused) => Err(Error::of(Problem::Conflict).detail(refused.detail)),
        },
        "again" => {
            connect::start_over(&app, &visit).await?;
            Ok(see_other(&href(&frame, &urls::connect(&link), &[])))
        }
        _ => Err(Error::of(Problem::InvalidRequest)),
    }
}
