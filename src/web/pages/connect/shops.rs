//! The choice among several shops that one authorization covers. A box for each, and a button for all of them, so that
//! nothing needs a script. Only the browser that brought the authorization sees what it covers.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{app_plate, browser, chooses, href, platform_plate, steps, to_done, told, visit};
use crate::app::App;
use crate::broker::connect::{self, Offered, ShopState, Visit};
use crate::web::form::{Form, Input, Submitted};
use crate::web::page::Page;
use crate::web::parts::{Plate, Step};
use crate::web::{Error, Frame, Site, urls};

/// Value of the button that chooses every shop.
const ALL: &str = "all";

#[derive(Template)]
#[template(path = "pages/connect/shops.html")]
struct Shops {
    page: Frame,
    steps: Vec<Step>,
    left: Plate,
    right: Plate,
    title: String,
    lead: String,
    action: String,
    form: Form,
    submit: String,
    submit_all: String,
    /// Names of those that cannot be chosen.
    taken: Vec<String>,
    again: String,
    cancel: String,
}

/// `GET /connect/{link}/shops`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    mut frame: Frame,
    link: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    let Some(offered) = offered(&app, &visit).await? else {
        return Ok(to_done(&frame, &visit.link));
    };
    let cookie = browser(&site, &request, visit.session.id);
    if !connect::began_here(&visit.session, cookie.as_ref()) {
        return told(frame, StatusCode::FORBIDDEN, "warn", "connect-other-browser");
    }
    let form = Form::new(inputs(&frame, &offered));
    page(&app, frame, &visit, &offered, form).with_status(StatusCode::OK)
}

/// `POST /connect/{link}/shops`
pub async fn submit(
    app: web::Data<App>,
    site: web::Data<Site>,
    mut frame: Frame,
    link: web::Path<String>,
    request: HttpRequest,
    submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    let Some(offered) = offered(&app, &visit).await? else {
        return Ok(to_done(&frame, &visit.link));
    };
    let cookie = browser(&site, &request, visit.session.id);
    if !connect::began_here(&visit.session, cookie.as_ref()) {
        return told(frame, StatusCode::FORBIDDEN, "warn", "connect-other-browser");
    }
    let all = submitted.text("choose") == ALL;
    let free = offered.iter().filter(|shop| shop.state != ShopState::Taken);
    let chosen: Vec<String> = free
        .filter(|shop| all || submitted.is_checked(&name_of(shop)))
        .map(|shop| shop.id.clone())
        .collect();
    match connect::choose_shops(&app, &visit, &chosen).await {
        // Decided in another window meanwhile.
        Ok(Ok(())) | Err(crate::broker::Error::LinkExpired) => Ok(to_done(&frame, &visit.link)),
        Ok(Err(_)) => {
            let key = if chosen.is_empty() {
                "connect-shops-none"
            } else {
                "connect-shops-refused"
            };
            let mut form = Form::new(inputs(&frame, &offered)).filled(&submitted);
            form.refuse("", frame.say(key));
            page(&app, frame, &visit, &offered, form).with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(error.into()),
    }
}

async fn offered(app: &App, visit: &Visit) -> Result<Option<Vec<Offered>>, Error> {
    if visit.session.status_at(app.now()).has_ended() {
        return Ok(None);
    }
    Ok(connect::offered(app, visit).await?)
}

/// The box of a shop: its id in a form that can stand in a page and stays the same whatever else is listed.
fn name_of(shop: &Offered) -> String {
    let digits: String = shop.id.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("shop-{digits}")
}

fn inputs(frame: &Frame, offered: &[Offered]) -> Vec<Input> {
    let free = offered.iter().filter(|shop| shop.state != ShopState::Taken);
    let input = |shop: &Offered| {
        let connected = shop.state == ShopState::Connected;
        let key = if connected {
            "connect-shops-connected"
        } else {
            "connect-shops-id"
        };
        let input = Input::check(&name_of(shop), shop.name.as_deref().unwrap_or(&shop.id));
        input
            .value(if connected { "true" } else { "" })
            .help(frame.say_with(key, [("id", shop.id.as_str())]))
    };
    free.map(input).collect()
}

fn page(app: &App, frame: Frame, visit: &Visit, offered: &[Offered], form: Form) -> Page<Shops> {
    let link = visit.link.expose();
    let slug = visit.session.platform.as_deref().unwrap_or_default();
    let platform = app.catalogue.platform(slug);
    let count = form.inputs.len().to_string();
    let names = [
        ("app", visit.api_app.name.as_str()),
        ("platform", platform.map_or(slug, |platform| platform.name.as_str())),
        ("count", count.as_str()),
    ];
    let taken = offered.iter().filter(|shop| shop.state == ShopState::Taken);
    let named = |shop: &Offered| match &shop.name {
        Some(name) => format!("{name} ({})", shop.id),
        None => shop.id.clone(),
    };
    Page(Shops {
        steps: steps(&frame, chooses(visit), 1),
        left: app_plate(visit),
        right: platform.map_or_else(|| Plate::new(slug, ""), platform_plate),
        title: frame.say_with("connect-shops-title", names),
        lead: frame.say_with("connect-shops-lead", names),
        action: href(&frame, &urls::connect_shops(link), &[]),
        form,
        submit: frame.say("connect-shops-submit"),
        submit_all: frame.say_with("connect-shops-submit-all", names),
        taken: taken.map(named).collect(),
        again: href(&frame, &urls::connect_decide(link), &[]),
        cancel: href(&frame, &urls::connect_cancel(link), &[]),
        page: frame,
    })
}
