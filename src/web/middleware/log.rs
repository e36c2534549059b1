//! One line a request. It names the route's pattern, never the path or the query, which can hold link tokens and codes;
//! and the cause of a failure, which is logged here and nowhere else.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};

use super::request_id::RequestId;
use crate::web::Error;

/// What is known when a request was answered.
pub struct Line<'a> {
    pub request_id: &'a RequestId,
    pub method: &'a Method,
    pub route: &'a str,
    pub status: StatusCode,
    pub took: Duration,
    pub failure: Option<Failure>,
}

/// What the log tells of a failure.
#[derive(Debug)]
pub struct Failure {
    code: &'static str,
    cause: Option<String>,
}

impl Failure {
    pub fn of(error: &Error) -> Self {
        Self {
            code: error.problem().code(),
            cause: error.cause_line(),
        }
    }
}

/// The pattern that matched.
pub fn route(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "(no route)".to_owned())
}

pub fn write(line: &Line<'_>) {
    let (id, method, route) = (line.request_id.as_str(), line.method.as_str(), line.route);
    let (status, milliseconds) = (line.status.as_u16(), line.took.as_millis());
    let code = line.failure.as_ref().map(|failure| failure.code);
    let cause = line.failure.as_ref().and_then(|failure| failure.cause.as_deref());
    if status >= 500 {
        tracing::error!(
            request.id = id,
            http.method = method,
            http.route = route,
            http.status = status,
            http.milliseconds = milliseconds,
            error.code = code,
            error.cause = cause,
            "request failed: {method} {route} {status}"
        );
    } else {
        tracing::info!(
            request.id = id,
            http.method = method,
            http.route = route,
            http.status = status,
            http.milliseconds = milliseconds,
            error.code = code,
            error.cause = cause,
            "request answered: {method} {route} {status}"
        );
    }
}
