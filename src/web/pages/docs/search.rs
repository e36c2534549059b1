//! What a search finds. It is asked by a plain form and answered here, so it works without a script.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Menu, english};
use crate::web::docs::Hit;
use crate::web::page::Page;
use crate::web::{Error, Frame, Site, urls};
use actix_web::http::StatusCode;

/// Nobody's question is longer.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "pages/docs/search.html")]
struct Found {
    page: Frame,
    menu: Menu,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

/// `GET /docs/search?q=`
pub async fn show(site: web::Data<Site>, frame: Frame, asked: web::Query<Asked>) -> Result<HttpResponse, Error> {
    let query: String = asked.q.trim().chars().take(LONGEST).collect();
    let mut menu = Menu::of(&site.docs, urls::DOCS_SEARCH);
    menu.query.clone_from(&query);
    Page(Found {
        page: english(frame),
        menu,
        hits: site.docs.search(&query),
    })
    .with_status(StatusCode::OK)
}
