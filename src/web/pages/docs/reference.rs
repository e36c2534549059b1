//! The reference: the list of all operations, one page for each tag, one for the webhooks that come, and one for the named
//! schemas.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Menu, english};
use crate::web::docs::{Operation, Reference, SchemaPage, Tag};
use crate::web::page::Page;
use crate::web::{Error, Frame, Site, urls};
use actix_web::http::StatusCode;

#[derive(Template)]
#[template(path = "pages/docs/reference.html")]
struct Overview<'a> {
    page: Frame,
    menu: Menu,
    reference: &'a Reference,
    description: &'static str,
    webhooks: String,
    schemas: String,
}

#[derive(Template)]
#[template(path = "pages/docs/tag.html")]
struct TagPage<'a> {
    page: Frame,
    menu: Menu,
    tag: &'a Tag,
    overview: &'static str,
}

#[derive(Template)]
#[template(path = "pages/docs/webhooks.html")]
struct Webhooks<'a> {
    page: Frame,
    menu: Menu,
    events: &'a [Operation],
    overview: &'static str,
    guide: String,
}

#[derive(Template)]
#[template(path = "pages/docs/schemas.html")]
struct Schemas<'a> {
    page: Frame,
    menu: Menu,
    schemas: &'a [SchemaPage],
    overview: &'static str,
}

/// `GET /docs/api`
pub async fn show(site: web::Data<Site>, frame: Frame) -> Result<HttpResponse, Error> {
    let reference = site.docs.reference.as_ref().ok_or_else(Error::not_found)?;
    Page(Overview {
        page: english(frame),
        menu: Menu::of(&site.docs, urls::DOCS_API),
        reference,
        description: urls::API_OPENAPI,
        webhooks: urls::docs_tag("webhooks"),
        schemas: urls::docs_tag("schemas"),
    })
    .with_status(StatusCode::OK)
}

/// `GET /docs/api/{tag}`
pub async fn tag(site: web::Data<Site>, frame: Frame, slug: web::Path<String>) -> Result<HttpResponse, Error> {
    let reference = site.docs.reference.as_ref().ok_or_else(Error::not_found)?;
    let menu = Menu::of(&site.docs, urls::DOCS_API);
    let (page, overview) = (english(frame), urls::DOCS_API);
    if slug.as_str() == "schemas" {
        let schemas = &reference.schemas;
        return Page(Schemas {
            page,
            menu,
            schemas,
            overview,
        })
        .with_status(StatusCode::OK);
    }
    if slug.as_str() == "webhooks" {
        return Page(Webhooks {
            page,
            menu,
            events: &reference.webhooks,
            overview,
            guide: urls::docs_guide("webhooks"),
        })
        .with_status(StatusCode::OK);
    }
    let tag = reference.tag(&slug).ok_or_else(Error::not_found)?;
    Page(TagPage {
        page,
        menu,
        tag,
        overview,
    })
    .with_status(StatusCode::OK)
}
