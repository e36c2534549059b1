//! How failures leave the process. `Error` is one `Problem` (whose list holds the only status table) with what may be said
//! about it; the cause stays inside and is logged once, by the edge, which also knows the request id and whether a person
//! or a program asked: it renders a page or problem+json.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError, web};
use askama::Template;
use serde_json::{Map, Value};

use super::page::Frame;
use super::urls::{self, Group};
use crate::domain::problem::Problem;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure on its way out.
pub struct Error(Box<Inner>);

struct Inner {
    problem: Problem,
    detail: Cow<'static, str>,
    said: String,
    form_refused: bool,
    extra: Map<String, Value>,
    retry_after: Option<u32>,
    allow: Option<HeaderValue>,
    cause: Option<Cause>,
}

impl Error {
    pub fn of(problem: Problem) -> Self {
        Self(Box::new(Inner {
            problem,
            detail: Cow::Borrowed(problem.title()),
            said: String::new(),
            form_refused: false,
            extra: Map::new(),
            retry_after: None,
            allow: None,
            cause: None,
        }))
    }

    pub fn not_found() -> Self {
        Self::of(Problem::NotFound)
    }

    /// One field that is wrong; more with further calls of `and_field`.
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::of(Problem::InvalidRequest).and_field(field, message)
    }

    pub fn and_field(mut self, field: &str, message: &str) -> Self {
        let error = serde_json::json!({ "field": field, "message": message });
        match self.0.extra.entry("errors").or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(errors) => errors.push(error),
            other => *other = Value::Array(vec![error]),
        }
        self
    }

    /// A safe English sentence for programs.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// What the page says instead of the general text, in the reader's language.
    pub fn said(mut self, text: impl Into<String>) -> Self {
        self.0.said = text.into();
        self
    }

    /// The page explains that the form has to be opened again.
    pub fn form_refused(mut self) -> Self {
        self.0.form_refused = true;
        self
    }

    /// A further member of the problem, such as `store_id`.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Whether a further member is there.
    pub fn tells(&self, name: &str) -> bool {
        self.0.extra.contains_key(name)
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The methods that would do, as an `Allow` header names them.
    pub fn allow(mut self, allow: Option<HeaderValue>) -> Self {
        self.0.allow = allow;
        self
    }

    /// For the log alone.
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub fn problem(&self) -> Problem {
        self.0.problem
    }

    /// The cause and what lies below it, in one line.
    pub fn cause_line(&self) -> Option<String> {
        let cause = self.0.cause.as_deref()?;
        let mut line = cause.to_string();
        let mut below = cause.source();
        while let Some(error) = below {
            line.push_str(": ");
            line.push_str(&error.to_string());
            below = error.source();
        }
        Some(line)
    }

    fn seconds_to_wait(&self) -> Option<u32> {
        self.0.retry_after.or(match self.0.problem {
            // An outage of ours: asking again soon is right.
            Problem::Unavailable => Some(5),
            Problem::CredentialRenewed => Some(0),
            // Where the platform says nothing: about what it takes to come back, or for a minute's budget to be there.
            Problem::PlatformUnavailable => Some(30),
            Problem::PlatformThrottled => Some(60),
            // Somebody has to enter a secret first.
            Problem::PlatformAppMisconfigured => Some(300),
            _ => None,
        })
    }

    fn builder(&self) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(self.status_code());
        if self.status_code() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, self.challenge()));
        }
        if let Some(seconds) = self.seconds_to_wait() {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(allow) = &self.0.allow {
            answer.insert_header((header::ALLOW, allow.clone()));
        }
        answer
    }

    /// RFC 6750: without credentials the scheme alone, else why they do not do.
    fn challenge(&self) -> &'static str {
        match self.0.problem {
            Problem::Unauthenticated => "Bearer",
            _ => "Bearer error=\"invalid_token\"",
        }
    }

    /// Renders for `group`. `frame` is there for people.
    pub fn render(&self, group: Group, frame: Option<Frame>, request_id: &str) -> HttpResponse {
        match (group, frame) {
            (Group::Merchant | Group::Admin, Some(frame)) => self.render_page(group, frame, request_id),
            _ => self.render_problem(request_id),
        }
    }

    fn render_problem(&self, request_id: &str) -> HttpResponse {
        let problem = self.0.problem;
        let mut body = self.0.extra.clone();
        for (name, value) in [
            ("type", Value::from(format!("{}#{}", urls::DOCS, problem.code()))),
            ("title", Value::from(problem.title())),
            ("status", Value::from(problem.status())),
            ("detail", Value::from(self.0.detail.as_ref())),
            ("code", Value::from(problem.code())),
            ("request_id", Value::from(request_id)),
        ] {
            body.insert(name.to_owned(), value);
        }
        self.builder()
            .content_type("application/problem+json")
            .body(Value::Object(body).to_string())
    }

    fn render_page(&self, group: Group, page: Frame, request_id: &str) -> HttpResponse {
        let key = if self.0.form_refused {
            "form".to_owned()
        } else {
            self.0.problem.code().replace('_', "-")
        };
        let text = match self.0.said.is_empty() {
            true => page.say(&format!("error-{key}-text")),
            false => self.0.said.clone(),
        };
        let wait = self
            .seconds_to_wait()
            .map(|seconds| page.say_with("retry-after", [("seconds", &*seconds.to_string())]));
        let (next_href, next_label) = match group {
            Group::Admin if self.0.problem == Problem::Unauthenticated => {
                (urls::ADMIN_SIGN_IN, page.say("admin-sign-in"))
            }
            Group::Admin => (urls::ADMIN, page.say("error-to-admin")),
            _ => ("", String::new()),
        };
        let rendered = ErrorPage {
            title: page.say(&format!("error-{key}-title")),
            text,
            wait: wait.unwrap_or_default(),
            tone: if self.0.problem.status() >= 500 { "bad" } else { "warn" },
            next_href,
            next_label,
            request_id,
            page,
        }
        .render();
        match rendered {
            Ok(body) => self.builder().content_type("text/html; charset=utf-8").body(body),
            Err(_) => self
                .builder()
                .content_type("text/plain; charset=utf-8")
                .body(self.0.problem.title()),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage<'a> {
    page: Frame,
    title: String,
    text: String,
    wait: String,
    tone: &'static str,
    next_href: &'static str,
    next_label: String,
    request_id: &'a str,
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Bare: the edge renders.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.problem.code())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}, {:?})", self.0.problem.code(), self.cause_line())
    }
}

/// What actix itself refuses, by status.
pub fn of_status(status: StatusCode, cause: String) -> Error {
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        other if other.is_client_error() => Problem::InvalidRequest,
        _ => Problem::Internal,
    };
    Error::of(problem).caused_by(cause)
}

/// Lets the extractors of actix fail our way. What serde says about a body or query is about its shape, names the field
/// and may be told; a path that can't be read is an address that does not exist.
pub fn extractors(config: &mut web::ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(1024 * 1024).error_handler(|error, _| {
            let refused = match &error {
                actix_web::error::JsonPayloadError::Deserialize(shape) => {
                    Error::of(Problem::InvalidRequest).detail(shape_of(shape))
                }
                actix_web::error::JsonPayloadError::ContentType => {
                    Error::of(Problem::InvalidRequest).detail("The body has to be JSON, Content-Type: application/json")
                }
                other => of_status(other.status_code(), String::new()),
            };
            refused.caused_by("the body was refused").into()
        }))
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            let told = format!("The query is not valid: {error}");
            // The same as for bodies: a wrong value is not repeated.
            let told = if told.contains("missing field") {
                told
            } else {
                "The query is not valid".to_owned()
            };
            Error::of(Problem::InvalidRequest).detail(told).into()
        }))
        .app_data(web::PathConfig::default().error_handler(|_, _| Error::not_found().into()));
}

/// Where JSON stops making sense. serde repeats a wrong value in its message ("invalid type: string "llv_..""), and a
/// value can be a secret, so only names and the place are told.
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let told = ["missing field", "unknown field", "duplicate field"]
        .iter()
        .any(|start| text.starts_with(start));
    match told {
        true => format!("The body is not valid: {text}"),
        false => format!(
            "The body is not valid at line {}, column {}",
            error.line(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_503_says_when_to_come_back() {
        for problem in Problem::ALL.iter().filter(|problem| problem.status() == 503) {
            let answer = Error::of(*problem).render(Group::Program, None, "request");
            let wait = answer
                .headers()
                .get(header::RETRY_AFTER)
                .map(|wait| wait.to_str().unwrap());
            assert!(
                wait.is_some_and(|wait| wait.parse::<u32>().is_ok()),
                "{problem}: {wait:?}"
            );
            let told = Error::of(*problem)
                .retry_after(7)
                .render(Group::Program, None, "request");
            assert_eq!(told.headers().get(header::RETRY_AFTER).unwrap(), "7", "{problem}");
        }
    }
}
