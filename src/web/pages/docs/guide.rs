//! One guide.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Menu, english};
use crate::web::docs::Guide;
use crate::web::page::Page;
use crate::web::{Error, Frame, Site, urls};
use actix_web::http::StatusCode;

#[derive(Template)]
#[template(path = "pages/docs/guide.html")]
struct GuidePage<'a> {
    page: Frame,
    menu: Menu,
    guide: &'a Guide,
}

/// `GET /docs/{guide}`
pub async fn show(site: web::Data<Site>, frame: Frame, slug: web::Path<String>) -> Result<HttpResponse, Error> {
    let guide = site.docs.guide(&slug).ok_or_else(Error::not_found)?;
    Page(GuidePage {
        page: english(frame),
        menu: Menu::of(&site.docs, &urls::docs_guide(guide.slug)),
        guide,
    })
    .with_status(StatusCode::OK)
}
