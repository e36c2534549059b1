//! The documentation's first page: what there is, and the errors by code, since the `type` of a problem leads here.

use actix_web::web;
use askama::Template;

use super::{Menu, english};
use crate::domain::problem::Problem;
use crate::web::page::Page;
use crate::web::{Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/docs/index.html")]
pub struct Index {
    page: Frame,
    menu: Menu,
    errors: Vec<ErrorLine>,
}

struct ErrorLine {
    code: &'static str,
    status: u16,
    title: &'static str,
    href: String,
}

/// `GET /docs`
pub async fn show(site: web::Data<Site>, frame: Frame) -> Page<Index> {
    let errors = Problem::ALL.iter().map(|problem| ErrorLine {
        code: problem.code(),
        status: problem.status(),
        title: problem.title(),
        href: format!("{}#{}", urls::docs_guide("errors"), problem.code()),
    });
    Page(Index {
        page: english(frame),
        menu: Menu::of(&site.docs, urls::DOCS),
        errors: errors.collect(),
    })
}
