//! Where platforms send their webhooks: 200 once what they say is done and saved, 401 where the proof does not hold, 503
//! where they should send again. Some ask first, by GET, whether the address is ours.

use actix_web::{HttpRequest, HttpResponse, web};

use super::Error;
use crate::app::App;
use crate::broker::hooks::{Heard, challenge, hear};
use crate::domain::id::AppId;
use crate::domain::problem::Problem;
use crate::platform::hook::Received;

/// `GET` and `POST /hooks/{app_id}/{slug}`
pub async fn receive(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Error> {
    let (app_id, slug) = path.into_inner();
    let app_id: AppId = app_id.parse().map_err(|_| Error::not_found())?;
    if request.method() == actix_web::http::Method::GET
        && let Some(answer) = challenge(&app, app_id, &slug, request.query_string()).await?
    {
        return Ok(HttpResponse::Ok().content_type("application/json").body(answer));
    }
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect();
    let received = Received {
        headers: &headers,
        query: request.query_string(),
        body: &body,
    };
    match hear(&app, app_id, &slug, &received).await? {
        Heard::Done => Ok(HttpResponse::Ok().finish()),
        // A platform reads the status alone.
        Heard::Refused => Ok(HttpResponse::Unauthorized()
            .content_type("text/plain; charset=utf-8")
            .body("the proof does not hold\n")),
        Heard::Later => Err(Error::of(Problem::Unavailable).said("Send it again in a minute.")),
    }
}
