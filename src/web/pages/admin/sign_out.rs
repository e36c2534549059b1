//! Sign-out: ends this session. It needs no right, only a form of ours.

use actix_session::Session;
use actix_web::HttpResponse;

use crate::web::form::Submitted;
use crate::web::page::see_other;
use crate::web::{session, urls};

pub async fn submit(session: Session, _: Submitted) -> HttpResponse {
    session::sign_out(&session);
    see_other(urls::ADMIN_SIGN_IN)
}
