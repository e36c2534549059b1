//! The merchant's pages: from the link to the way back. A GET shows and changes nothing (but for the permanent connect
//! page, which makes its session on arrival, and a platform's callback); what was done is told on the page that the
//! browser is redirected to, never at an address that carries a code.

pub mod app_page;
pub mod callback;
pub mod cancel;
pub mod choose;
pub mod decide;
pub mod deliver;
pub mod done;
pub mod fields;
pub mod install;
pub mod reconnect;
pub mod shops;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::app::App;
use crate::broker::connect::{Visit, sessions};
use crate::domain::id::{ConnectSessionId, Id};
use crate::domain::problem::Problem;
use crate::domain::secret::Secret;
use crate::domain::store::Mode;
use crate::platform::Platform;
use crate::web::page::{Page, see_other};
use crate::web::parts::{Plate, Step};
use crate::web::{Error, Frame, Site, urls};

/// A session by the link in the address, and the frame set up for its merchant.
async fn visit(app: &App, frame: &mut Frame, link: &str) -> Result<Visit, Error> {
    let visit = sessions::visit(app, link)
        .await
        .map_err(|error| match Error::from(error) {
            error if error.problem() == Problem::NotFound => {
                Error::of(Problem::NotFound).said(frame.say("connect-no-link-text"))
            }
            error => error,
        })?;
    set_up(frame, &visit);
    Ok(visit)
}

/// Too many came to begin a session: told in the reader's language, with how long to wait.
fn too_many(frame: &Frame, error: crate::broker::Error) -> Error {
    match error {
        crate::broker::Error::RateLimited { .. } => Error::from(error).said(frame.say("connect-too-many-text")),
        other => other.into(),
    }
}

fn set_up(frame: &mut Frame, visit: &Visit) {
    frame.sandbox = visit.api_app.mode == Mode::Sandbox;
    frame.bare |= visit.options.bare;
    if let Some(locale) = visit.options.locale {
        frame.prefer(locale);
    }
}

/// Whether the session goes on; what has ended or waits for a decision is told on its last page.
fn goes_on(app: &App, visit: &Visit) -> bool {
    !visit.session.status_at(app.now()).has_ended() && visit.session.held_sealed.is_none()
}

/// A platform that the session may choose.
fn platform<'a>(app: &'a App, visit: &Visit, slug: &str) -> Result<&'a Platform, Error> {
    app.catalogue
        .platform_for(visit.api_app.id, slug)
        .filter(|platform| visit.allows(&platform.slug))
        .ok_or_else(Error::not_found)
}

/// A page of ours with what has to go along: without frame stays without frame.
fn href(frame: &Frame, path: &str, query: &[(&str, &str)]) -> String {
    let bare = if frame.bare { "true" } else { "" };
    let query: Vec<_> = query.iter().copied().chain([("nobar", bare)]).collect();
    urls::with_query(path, &query)
}

fn to_done(frame: &Frame, link: &Secret) -> HttpResponse {
    see_other(&href(frame, &urls::connect_done(link.expose()), &[]))
}

fn app_plate(visit: &Visit) -> Plate {
    Plate::new(
        visit.api_app.name.as_str(),
        visit.api_app.logo_url.as_deref().unwrap_or_default(),
    )
}

fn platform_plate(platform: &Platform) -> Plate {
    Plate::new(platform.name.as_str(), "")
}

/// The steps of connecting, with the one at `now` under way; choosing is left out where there is no choice.
fn steps(frame: &Frame, chooses: bool, now: usize) -> Vec<Step> {
    let all = ["connect-step-choose", "connect-step-enter", "connect-step-done"];
    let skipped = usize::from(!chooses);
    let labels = all.iter().skip(skipped).map(|key| frame.say(key));
    Step::list(labels, now.saturating_sub(skipped))
}

/// Whether the merchant has a platform to choose.
fn chooses(visit: &Visit) -> bool {
    visit.options.platforms.len() != 1
}

fn cookie_name(site: &Site, session: ConnectSessionId) -> String {
    site.cookie_name(&format!("{COOKIE}{}", session.uuid().simple()))
}

const COOKIE: &str = "llavero_connect_";

/// The cookie that binds this browser to a session.
fn browser(site: &Site, request: &HttpRequest, session: ConnectSessionId) -> Option<Secret> {
    let cookie = request.cookie(&cookie_name(site, session))?;
    Some(Secret::new(cookie.value())).filter(|value| !value.is_empty())
}

/// The cookies of all sessions that this browser began.
fn browsers(site: &Site, request: &HttpRequest) -> Vec<(ConnectSessionId, Secret)> {
    let start = site.cookie_name(COOKIE);
    let Ok(cookies) = request.cookies() else {
        return Vec::new();
    };
    let session = |cookie: &Cookie<'static>| {
        let id = uuid::Uuid::try_parse(cookie.name().strip_prefix(&start)?).ok()?;
        Some((ConnectSessionId::from_uuid(id), Secret::new(cookie.value())))
    };
    cookies.iter().filter_map(session).collect()
}

/// Sent with a top-level redirect back from the platform, hence `Lax`; it outlives the session by the code's time.
fn bind(site: &Site, visit: &Visit, browser: &Secret, now: chrono::DateTime<chrono::Utc>) -> Cookie<'static> {
    let left = (visit.session.expires_at - now).num_seconds().max(0) + 600;
    Cookie::build(cookie_name(site, visit.session.id), browser.expose().to_owned())
        .path("/")
        .secure(site.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(left))
        .finish()
}

/// A page that says what happened and what to do, where there is no session to speak of.
#[derive(Template)]
#[template(path = "pages/connect/told.html")]
struct Told {
    page: Frame,
    tone: &'static str,
    title: String,
    text: String,
    next: String,
}

/// The texts `{key}-title`, `-text` and `-next`.
fn told(page: Frame, status: StatusCode, tone: &'static str, key: &str) -> Result<HttpResponse, Error> {
    let [title, text, next] = ["title", "text", "next"].map(|part| page.say(&format!("{key}-{part}")));
    Page(Told {
        page,
        tone,
        title,
        text,
        next,
    })
    .with_status(status)
}
