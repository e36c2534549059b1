//! Input of programs: JSON bodies, queries, ids in paths. What is wrong is told by field, all of a query at once; a wrong
//! value is never repeated, for it may be a secret in the wrong place. An id that cannot be one names nothing: 404.

use std::mem;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::de::DeserializeOwned;

use super::clean;
use super::object::Object;
use crate::broker::{self, FieldError};
use crate::domain::id::Id;
use crate::domain::problem::Problem;
use crate::web::Error;

pub const BODY_LIMIT: usize = 1024 * 1024;

/// A request's body, not yet read as anything.
#[derive(Debug)]
pub struct Body {
    bytes: BytesMut,
    media_type: String,
}

impl Body {
    /// The body as JSON. No body counts as `{}`, so that calls without required fields need none.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.bytes.iter().all(u8::is_ascii_whitespace) {
            return parse(b"{}");
        }
        if self.media_type != "application/json" && !self.media_type.ends_with("+json") {
            let told = "The body has to be JSON, `Content-Type: application/json`";
            return Err(Error::of(Problem::InvalidRequest).detail(told));
        }
        parse(&self.bytes)
    }

    /// One value of a form-encoded or JSON body.
    pub fn value(&self, name: &str) -> Result<Option<String>, Error> {
        if self.media_type == "application/x-www-form-urlencoded" {
            let mut pairs = url::form_urlencoded::parse(&self.bytes);
            return Ok(pairs
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.into_owned()));
        }
        let object: serde_json::Map<String, serde_json::Value> = self.read()?;
        Ok(object.get(name).and_then(|value| value.as_str()).map(str::to_owned))
    }
}

impl FromRequest for Body {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let given = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut payload = payload.take();
        Box::pin(async move {
            let mut bytes = BytesMut::new();
            while let Some(piece) = payload.next().await {
                let piece = piece.map_err(|error: PayloadError| {
                    Error::of(Problem::InvalidRequest)
                        .detail("The body broke off")
                        .caused_by(error.to_string())
                })?;
                if bytes.len() + piece.len() > BODY_LIMIT {
                    return Err(Error::of(Problem::TooLarge).detail("A body may have up to 1 MiB"));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(Self { bytes, media_type })
        })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let wrong = clean::check(bytes);
    if !wrong.is_empty() {
        return Err(broker::Error::Invalid(wrong).into());
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(parsed) = serde_path_to_error::deserialize(&mut json).map_err(|error| refused(&error))?;
    json.end()
        .map_err(|_| Error::of(Problem::InvalidRequest).detail("Something follows the JSON value"))?;
    Ok(parsed)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let (mut path, text) = (error.path().to_string(), error.inner().to_string());
    if error.inner().is_syntax() || error.inner().is_eof() {
        let (line, column) = (error.inner().line(), error.inner().column());
        return Error::of(Problem::InvalidRequest).detail(format!("Not JSON at line {line}, column {column}"));
    }
    let named = text.split('`').nth(1).unwrap_or_default();
    let message = if text.starts_with("missing field") {
        // The path ends at the object that lacks it.
        path = if path == "." {
            named.to_owned()
        } else {
            format!("{path}.{named}")
        };
        "is required".to_owned()
    } else if text.starts_with("unknown field") {
        "is not known here".to_owned()
    } else if let Some((_, known)) = text.split_once("; known: ") {
        format!("known: {}", known.split(" at line").next().unwrap_or(known))
    } else if let Some((_, expected)) = text.rsplit_once("expected ") {
        format!("expected {}", expected.split(" at line").next().unwrap_or(expected))
    } else {
        "does not have the expected form".to_owned()
    };
    if path == "." {
        "body".clone_into(&mut path);
    }
    Error::invalid(&path, &message)
}

/// The query, taken apart value by value.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    wrong: Vec<FieldError>,
}

impl Params {
    pub fn of(query: &str) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            wrong: Vec::new(),
        }
    }

    /// Takes a text. An empty one is refused: a filter without its value would show everything.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let (given, left): (Vec<_>, Vec<_>) = mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(given, _)| given == name);
        self.pairs = left;
        if given.len() > 1 {
            self.wrong.push(FieldError::new(name, "is given more than once"));
            return None;
        }
        let found = given.into_iter().next().map(|(_, value)| value);
        if found.as_ref().is_some_and(|value| value.chars().any(char::is_control)) {
            self.wrong.push(FieldError::new(name, "no control characters"));
            return None;
        }
        if found.as_ref().is_some_and(String::is_empty) {
            self.wrong.push(FieldError::new(name, "may not be empty"));
            return None;
        }
        found
    }

    /// Takes a value; one that cannot be read is noted with `expected`.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong.push(FieldError::new(name, expected));
        }
        parsed
    }

    /// Takes a value that must lie in a range.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let number = self.parsed(name, &expected)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.wrong.push(FieldError::new(name, expected));
        None
    }

    /// All that was wrong, names that nobody took included.
    pub fn finish(mut self) -> Result<(), Error> {
        self.wrong.extend(self.pairs.iter().map(|(name, _)| {
            let name: String = name.chars().take(40).collect();
            FieldError::new(name, "is not known here")
        }));
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(broker::Error::Invalid(self.wrong).into())
        }
    }
}

impl FromRequest for Params {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.query_string())))
    }
}

/// An id from a path.
pub fn path_id<I: Id>(text: &str) -> Result<I, Error> {
    text.parse().map_err(|_| Error::not_found())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::store::StoreStatus;
    use crate::web::extract::object_or_null;
    use crate::web::urls::Group;
    use actix_web::body::MessageBody;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Shape {
        name: String,
        #[serde(default, deserialize_with = "object_or_null")]
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Inner {
        number: u32,
        status: StoreStatus,
    }

    fn told(json: &str) -> String {
        fields_of(&parse::<Shape>(json.as_bytes()).unwrap_err())
    }

    fn fields_of(error: &Error) -> String {
        let body = error
            .render(Group::Program, None, "request")
            .into_body()
            .try_into_bytes()
            .unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let told = problem["errors"].as_array().unwrap().iter();
        let told = told.map(|one| {
            format!(
                "{}: {}",
                one["field"].as_str().unwrap(),
                one["message"].as_str().unwrap()
            )
        });
        told.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_wrong_field_is_named_and_its_value_is_not_repeated() {
        for (json, wanted) in [
            (r#"{}"#, "name: is required"),
            (r#"{"name": "n", "other": 1}"#, "other: is not known here"),
            (r#"{"name": 5}"#, "name: expected a string"),
            (r#"["n", null]"#, "body: expected an object"),
            (
                r#"{"name": "n", "inner": [1, "connected"]}"#,
                "inner: expected an object",
            ),
            (r#"{"name": "n", "inner": {"number": 1}}"#, "inner.status: is required"),
            (
                r#"{"name": "n", "inner": {"number": "llv_st_x", "status": "connected"}}"#,
                "inner.number: expected u32",
            ),
            (
                r#"{"name": "n", "inner": {"number": 1, "status": "llv_st_x"}}"#,
                "inner.status: known: connected, needs_reauthorization, revoked",
            ),
        ] {
            let told = told(json);
            assert!(told.contains(wanted), "{json}: {told}");
            assert!(!told.contains("llv_st_x"), "{told}");
        }
    }

    #[test]
    fn everything_wrong_in_a_query_is_told_at_once() {
        let mut params = Params::of("q=&limit=0&status=gone&nonsense=1&platform=a&platform=a&customer_id=c");
        assert_eq!(params.text("customer_id").as_deref(), Some("c"));
        assert_eq!(params.text("platform"), None);
        assert_eq!(params.text("q"), None);
        assert_eq!(params.number("limit", 1..=200), None);
        assert_eq!(params.parsed::<StoreStatus>("status", "a status"), None);
        let told = fields_of(&params.finish().unwrap_err());
        assert_eq!(
            told,
            "platform: is given more than once; q: may not be empty; limit: a number from 1 to 200; status: a status; nonsense: is not known here"
        );
    }
}
