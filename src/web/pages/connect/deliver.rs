//! Where a store's server posts keys: 200 once they are sealed and saved, and only then.

use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::broker::connect;
use crate::web::Error;

/// `POST /connect/deliver/{link}`
pub async fn receive(app: web::Data<App>, link: web::Path<String>, body: web::Bytes) -> Result<HttpResponse, Error> {
    connect::deliver(&app, &link, &body).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n"))
}
