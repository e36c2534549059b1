//! What happens around every request, in one place and one order: request id, browser key, the handler, rendering of
//! errors, cookies, security headers, log line. One function rather than four layers, because errors that reach the
//! outermost layer without a response (a session that can't be read) must get all of these, too.

pub mod conditional;
pub mod idempotency;
pub mod log;
pub mod patience;
pub mod rate_limit;
pub mod request_id;
pub mod security_headers;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};

use super::csrf::BrowserKey;
use super::page::{LANGUAGE_COOKIE, asked_language, see_other};
use super::urls::{self, Group};
use super::{Error, Frame, Site, error};
use crate::app::rates::Budget;
use crate::domain::problem::Problem;
use request_id::RequestId;

/// Marks answers of the proxy that are the platform's own.
const SOURCE: &str = "llavero-source";

/// To be wrapped around the whole app: `App::new().wrap(from_fn(middleware::edge))`, with `web::Data<Site>` registered.
pub async fn edge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(site) = request.app_data::<web::Data<Site>>().cloned() else {
        let missing = Error::of(Problem::Internal).caused_by("the site is not registered");
        return Ok(request.error_response(missing));
    };
    let started = (site.options.monotonic)();
    let id = RequestId::of(&site, request.headers());
    let path = urls::routed(request.request());
    let (group, proxied) = (Group::of_path(path), urls::is_proxied(path));
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    let key = (group != Group::Program).then(|| BrowserKey::of(&site, request.request()));
    if let Some(key) = &key {
        request.extensions_mut().insert(key.clone());
    }
    let spare_frame = key.as_ref().map(|_| Frame::of(site.clone(), request.request()));
    let language = asked_language(request.request());

    let finish = |answer: &mut HttpResponse, route: &str, failure: Option<log::Failure>| {
        let by_platform = by_platform(answer.headers());
        if proxied && !by_platform {
            answer
                .headers_mut()
                .insert(HeaderName::from_static(SOURCE), HeaderValue::from_static("llavero"));
        }
        if let (false, Some(key)) = (by_platform, &key) {
            let language = language.map(|language| language_cookie(&site, language.as_str()));
            for cookie in key.cookie(&site).into_iter().chain(language) {
                if let Err(error) = answer.add_cookie(&cookie) {
                    tracing::error!("a cookie could not be set: {error}");
                }
            }
        }
        security_headers::add(answer.headers_mut(), group, by_platform, &site);
        id.add(answer.headers_mut());
        log::write(&log::Line {
            request_id: &id,
            method: &method,
            route,
            status: answer.status(),
            took: (site.options.monotonic)().saturating_duration_since(started),
            failure,
        });
    };

    match next.call(request).await {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            let route = log::route(response.request());
            let rendered = Failure::of(response.response()).map(|failure| {
                let failure = failure.error();
                let signs_in = group == Group::Admin && failure.problem() == Problem::Unauthenticated;
                let mut rendered = if signs_in && method == Method::GET {
                    see_other(&urls::with_query(
                        urls::ADMIN_SIGN_IN,
                        &[("next", response.request().path())],
                    ))
                } else {
                    let frame = key.is_some().then(|| Frame::of(site.clone(), response.request()));
                    failure.render(group, frame, id.as_str())
                };
                for cookie in response.headers().get_all(header::SET_COOKIE) {
                    rendered.headers_mut().append(header::SET_COOKIE, cookie.clone());
                }
                (rendered, log::Failure::of(failure))
            });
            let failure = rendered.map(|(rendered, failure)| {
                *response.response_mut() = rendered;
                failure
            });
            let budget = response.request().extensions().get::<Budget>().copied();
            if let (Some(budget), false) = (budget, by_platform(response.headers())) {
                rate_limit::add(response.headers_mut(), &budget);
            }
            finish(response.response_mut(), &route, failure);
            Ok(response)
        }
        Err(error) => {
            // Handlers never end here; outside of them the session's rows can fail, and a request can take too long.
            let made;
            let failure = match error.as_error::<Error>() {
                Some(ours) => ours,
                None => {
                    made = Error::of(Problem::Unavailable).caused_by(error.to_string());
                    &made
                }
            };
            let mut rendered = failure.render(group, spare_frame, id.as_str());
            finish(&mut rendered, "(before routing)", Some(log::Failure::of(failure)));
            Err(InternalError::from_response("rendered", rendered).into())
        }
    }
}

fn by_platform(headers: &HeaderMap) -> bool {
    headers.get(SOURCE).is_some_and(|source| source == "platform")
}

/// The failure that a response stands for: one of ours that actix keeps beside it, or one made of what actix says.
enum Failure<'a> {
    Kept(&'a Error),
    Made(Error),
}

impl<'a> Failure<'a> {
    fn of(response: &'a HttpResponse) -> Option<Self> {
        if let Some(error) = response.error() {
            return Some(match error.as_error::<Error>() {
                Some(ours) => Self::Kept(ours),
                None => Self::Made(error::of_status(
                    error.as_response_error().status_code(),
                    error.to_string(),
                )),
            });
        }
        // The router's own answer to a wrong method; a platform's 405 names its source.
        let routers = response.status() == StatusCode::METHOD_NOT_ALLOWED
            && matches!(response.body().size(), BodySize::None | BodySize::Sized(0))
            && !response.headers().contains_key(SOURCE);
        let allow = || response.headers().get(header::ALLOW).cloned();
        routers.then(|| Self::Made(Error::of(Problem::MethodNotAllowed).allow(allow())))
    }

    fn error(&self) -> &Error {
        match self {
            Self::Kept(error) => error,
            Self::Made(error) => error,
        }
    }
}

fn language_cookie(site: &Site, code: &'static str) -> Cookie<'static> {
    Cookie::build(site.cookie_name(LANGUAGE_COOKIE), code)
        .path("/")
        .secure(site.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(actix_web::cookie::time::Duration::days(365))
        .finish()
}

#[cfg(test)]
mod tests;
