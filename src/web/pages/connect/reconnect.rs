//! From a notice to a merchant: authorize exactly this store again, or disconnect it. Looking changes nothing, so that
//! mail scanners can; both deeds are buttons.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{href, told, too_many};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::connect::reconnect::{self, Reconnect};
use crate::broker::disconnect;
use crate::domain::connect::Language;
use crate::domain::problem::Problem;
use crate::domain::store::Mode;
use crate::web::extract::ClientAddress;
use crate::web::form::Submitted;
use crate::web::page::{Page, see_other};
use crate::web::parts::Plate;
use crate::web::{Error, Frame, urls};

#[derive(Template)]
#[template(path = "pages/connect/reconnect.html")]
struct Again {
    page: Frame,
    left: Plate,
    right: Plate,
    title: String,
    text: String,
    action: String,
    disconnect: String,
}

#[derive(Template)]
#[template(path = "pages/connect/disconnect.html")]
struct Disconnect {
    page: Frame,
    title: String,
    text: String,
    action: String,
    back: String,
}

async fn open(app: &App, frame: &mut Frame, token: &str) -> Result<Reconnect, Error> {
    let opened = reconnect::open(app, token)
        .await
        .map_err(|error| match Error::from(error) {
            error if error.problem() == Problem::LinkExpired => {
                Error::of(Problem::LinkExpired).said(frame.say("reconnect-expired-text"))
            }
            error => error,
        })?;
    frame.sandbox = opened.api_app.mode == Mode::Sandbox;
    let locale = opened.store.merchant_locale.as_deref().and_then(Language::from_tag);
    if let Some(locale) = locale {
        frame.prefer(locale);
    }
    Ok(opened)
}

/// `GET /reconnect/{token}`
pub async fn show(app: web::Data<App>, mut frame: Frame, token: web::Path<String>) -> Result<HttpResponse, Error> {
    let opened = open(&app, &mut frame, &token).await?;
    let platform = app
        .catalogue
        .platform(&opened.store.platform)
        .map_or("", |platform| platform.name.as_str());
    let names = [
        ("app", opened.api_app.name.as_str()),
        ("platform", platform),
        ("store", opened.store.name.as_str()),
    ];
    Page(Again {
        left: Plate::new(
            opened.api_app.name.as_str(),
            opened.api_app.logo_url.as_deref().unwrap_or_default(),
        ),
        right: Plate::new(platform, ""),
        title: frame.say_with("reconnect-title", names),
        text: frame.say_with("reconnect-text", names),
        action: href(&frame, &urls::reconnect_start(&token), &[]),
        disconnect: href(&frame, &urls::reconnect_disconnect(&token), &[]),
        page: frame,
    })
    .with_status(StatusCode::OK)
}

/// `POST /reconnect/{token}/start`
pub async fn start(
    app: web::Data<App>,
    mut frame: Frame,
    token: web::Path<String>,
    address: ClientAddress,
    _submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let opened = open(&app, &mut frame, &token).await?;
    let created = reconnect::start(&app, &opened, frame.language, &address.0)
        .await
        .map_err(|error| too_many(&frame, error))?;
    Ok(see_other(&href(&frame, &urls::connect(created.link.expose()), &[])))
}

/// `GET /reconnect/{token}/disconnect`
pub async fn ask(app: web::Data<App>, mut frame: Frame, token: web::Path<String>) -> Result<HttpResponse, Error> {
    let opened = open(&app, &mut frame, &token).await?;
    let names = [
        ("app", opened.api_app.name.as_str()),
        ("store", opened.store.name.as_str()),
    ];
    Page(Disconnect {
        title: frame.say_with("reconnect-disconnect-title", names),
        text: frame.say_with("reconnect-disconnect-text", names),
        action: href(&frame, &urls::reconnect_disconnect(&token), &[]),
        back: href(&frame, &urls::reconnect(&token), &[]),
        page: frame,
    })
    .with_status(StatusCode::OK)
}

/// `POST /reconnect/{token}/disconnect`
pub async fn disconnect(
    app: web::Data<App>,
    mut frame: Frame,
    token: web::Path<String>,
    _submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let opened = open(&app, &mut frame, &token).await?;
    disconnect::revoke(&app, &Asker::merchant(opened.api_app.id), opened.store.id).await?;
    told(frame, StatusCode::OK, "good", "reconnect-disconnected")
}
