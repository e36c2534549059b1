//! The last page of a session: what happened, what to do, and on to the partner. Where the session goes on after all (the
//! platform was down, or somebody has to decide), it says so and offers the next step.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{app_plate, browser, chooses, href, platform_plate, steps, visit};
use crate::app::App;
use crate::broker::connect::{self, Ending, Held, HeldReason, Visit};
use crate::domain::connect::SessionStatus;
use crate::web::page::{Page, see_other};
use crate::web::parts::{Plate, Step};
use crate::web::{Error, Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/connect/done.html")]
struct Done {
    page: Frame,
    steps: Vec<Step>,
    tone: &'static str,
    title: String,
    text: String,
    next: String,
    /// Seconds and address of the way back, taken by itself after success.
    back: String,
    back_label: String,
    forward: bool,
    /// The page looks again by itself.
    reload: bool,
    again: String,
    again_label: String,
}

#[derive(Template)]
#[template(path = "pages/connect/held.html")]
struct Waiting {
    page: Frame,
    left: Plate,
    right: Plate,
    title: String,
    text: String,
    points: Vec<String>,
    action: String,
    can_accept: bool,
    cancel: String,
}

/// `GET /connect/{link}/done`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    mut frame: Frame,
    link: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let visit = visit(&app, &mut frame, &link).await?;
    let cookie = browser(&site, &request, visit.session.id);
    let ending = connect::ending(&app, &visit, cookie.as_ref()).await?;
    let goes_on = !ending.status.has_ended();
    if goes_on && let Some(held) = connect::held(&app, &visit.session)? {
        if held.reason == HeldReason::Shops {
            return Ok(see_other(&href(&frame, &urls::connect_shops(&link), &[])));
        }
        return waiting(&app, frame, &visit, &held).with_status(StatusCode::OK);
    }
    if goes_on && visit.session.is_under_way() {
        return working(&app, frame, &visit).with_status(StatusCode::OK);
    }
    if goes_on && ending.failure.is_none() {
        return Ok(see_other(&href(&frame, &urls::connect(&link), &[])));
    }
    done(&app, frame, &visit, ending).with_status(StatusCode::OK)
}

fn done(app: &App, frame: Frame, visit: &Visit, ending: Ending) -> Page<Done> {
    let link = visit.link.expose();
    let slug = visit.session.platform.as_deref().unwrap_or_default();
    let platform = app
        .catalogue
        .platform(slug)
        .map_or("", |platform| platform.name.as_str());
    let stores: Vec<&str> = ending
        .store
        .iter()
        .chain(&ending.others)
        .map(|store| store.name.as_str())
        .collect();
    let (store, count) = (stores.join(", "), stores.len().to_string());
    let names = [
        ("app", visit.api_app.name.as_str()),
        ("platform", platform),
        ("store", store.as_str()),
        ("count", count.as_str()),
    ];
    let key = match (ending.status, ending.failure) {
        (SessionStatus::Completed, _) if !ending.others.is_empty() => "connect-done-several".to_owned(),
        (SessionStatus::Completed, _) if ending.reauthorized => "connect-done-again".to_owned(),
        (SessionStatus::Completed, _) => "connect-done".to_owned(),
        (SessionStatus::Cancelled, _) => "connect-cancelled".to_owned(),
        (_, Some(why)) => format!("connect-failed-{}", why.as_str().replace('_', "-")),
        (_, None) => "connect-failed-platform-error".to_owned(),
    };
    let completed = ending.status == SessionStatus::Completed;
    let next = match (completed, ending.status.has_ended(), &ending.back) {
        (true, _, Some(_)) => "connect-next-forward",
        (true, _, None) => "connect-next-close",
        (false, true, _) => "connect-next-back",
        (false, false, _) => "connect-next-again",
    };
    let again = if ending.status.has_ended() {
        String::new()
    } else if slug.is_empty() {
        href(&frame, &urls::connect(link), &[])
    } else {
        href(&frame, &urls::connect_platform(link, slug), &[])
    };
    Page(Done {
        steps: if completed {
            steps(&frame, chooses(visit), 3)
        } else {
            Vec::new()
        },
        tone: if completed { "good" } else { "warn" },
        title: frame.say_with(&format!("{key}-title"), names),
        text: frame.say_with(&format!("{key}-text"), names),
        next: frame.say_with(next, names),
        forward: completed && ending.back.is_some(),
        reload: false,
        back: ending.back.unwrap_or_default(),
        back_label: frame.say_with("connect-back", names),
        again,
        again_label: frame.say("connect-again"),
        page: frame,
    })
}

/// The browser broke off and came again while the platform's answer is worked on.
fn working(app: &App, frame: Frame, visit: &Visit) -> Page<Done> {
    let slug = visit.session.platform.as_deref().unwrap_or_default();
    let platform = app.catalogue.platform(slug).map_or("", |found| found.name.as_str());
    let [title, text, next] = ["title", "text", "next"]
        .map(|part| frame.say_with(&format!("connect-working-{part}"), [("platform", platform)]));
    Page(Done {
        steps: steps(&frame, chooses(visit), 1),
        tone: "info",
        title,
        text,
        next,
        back: String::new(),
        back_label: String::new(),
        forward: false,
        reload: true,
        again: href(&frame, &urls::connect_platform(visit.link.expose(), slug), &[]),
        again_label: frame.say("connect-held-again"),
        page: frame,
    })
}

fn waiting(app: &App, frame: Frame, visit: &Visit, held: &Held) -> Page<Waiting> {
    let link = visit.link.expose();
    let slug = visit.session.platform.as_deref().unwrap_or_default();
    let platform = app.catalogue.platform(slug);
    let name = platform.map_or("", |platform| platform.name.as_str());
    let names = [
        ("app", visit.api_app.name.as_str()),
        ("platform", name),
        ("identity", held.identity.as_str()),
    ];
    let key = match held.reason {
        HeldReason::Less | HeldReason::Shops => "connect-held-less",
        HeldReason::Identity => "connect-held-identity",
    };
    let mut points = Vec::new();
    if held.lacking.renewal {
        points.push(frame.say_with("connect-held-renewal", names));
    }
    if !held.lacking.scopes.is_empty() {
        let scopes = held.lacking.scopes.join(", ");
        points.push(frame.say_with("connect-held-scopes", [("scopes", scopes.as_str())]));
    }
    Page(Waiting {
        left: app_plate(visit),
        right: platform.map_or_else(|| Plate::new(slug, ""), platform_plate),
        title: frame.say_with(&format!("{key}-title"), names),
        text: frame.say_with(&format!("{key}-text"), names),
        points,
        action: href(&frame, &urls::connect_decide(link), &[]),
        can_accept: held.reason == HeldReason::Less,
        cancel: href(&frame, &urls::connect_cancel(link), &[]),
        page: frame,
    })
}
