//! The choice of a platform: those that the partner allows and the app can use, in a list that can be narrowed without a
//! script, and with it while one types. Where there is one only, the browser goes on to its form.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{app_plate, goes_on, href, platform_plate, steps, to_done, visit};
use crate::app::App;
use crate::broker::connect;
use crate::platform::Platform;
use crate::web::page::{Page, see_other};
use crate::web::parts::{Plate, PlatformChoice, Step};
use crate::web::{Error, Frame, urls};
use actix_web::http::StatusCode;

/// With fewer a search is in the way.
const SEARCHABLE: usize = 7;

#[derive(Template)]
#[template(path = "pages/connect/choose.html")]
struct Choose {
    page: Frame,
    steps: Vec<Step>,
    left: Plate,
    app_name: String,
    action: String,
    /// The page without a search.
    all: String,
    searchable: bool,
    search: String,
    choices: Vec<PlatformChoice>,
    cancel: String,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

/// What is compared of a name or a search: letters and digits alone, so that `mercadolibre` finds "Mercado Libre".
/// `choose.js` does the same.
fn folded(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// All names of a platform, folded, with a blank between them that no search reaches across.
fn names(platform: &Platform) -> String {
    let names = std::iter::once(&platform.name).chain(&platform.also);
    names.map(|name| folded(name)).collect::<Vec<_>>().join(" ")
}

/// `GET /connect/{link}`
pub async fn show(
    app: web::Data<App>,
    mut frame: Frame,
    link: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    if !goes_on(&app, &visit) || visit.session.is_under_way() {
        return Ok(to_done(&frame, &visit.link));
    }
    if let [only] = visit.options.platforms.as_slice() {
        return Ok(see_other(&href(&frame, &urls::connect_platform(&link, only), &[])));
    }
    let slugs = connect::choices(&app, &visit).await?;
    let search = asked.q.trim().to_owned();
    let wanted = folded(&search);
    let choices = app
        .catalogue
        .all_for(visit.api_app.id)
        .into_iter()
        .filter(|platform| slugs.contains(&platform.slug))
        .map(|platform| PlatformChoice {
            plate: platform_plate(platform),
            href: href(&frame, &urls::connect_platform(&link, &platform.slug), &[]),
            note: platform.also.join(", "),
            find: names(platform),
        })
        .filter(|choice| choice.find.contains(&wanted))
        .collect();
    Page(Choose {
        steps: steps(&frame, true, 0),
        left: app_plate(&visit),
        app_name: visit.api_app.name.clone(),
        action: urls::connect(&link),
        all: href(&frame, &urls::connect(&link), &[]),
        searchable: slugs.len() >= SEARCHABLE || !search.is_empty(),
        search,
        choices,
        cancel: href(&frame, &urls::connect_cancel(&link), &[]),
        page: frame,
    })
    .with_status(StatusCode::OK)
}
