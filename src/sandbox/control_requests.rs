//! Bodies and queries of the control API. All are strict: an unknown member is refused, since a mistyped order that
//! silently does nothing makes a test pass for the wrong reason.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::fault::Fault;
use super::settings::Settings;

/// What is wrong with an order.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("{0}")]
    Malformed(String),
    #[error("There is no simulated platform {0}.")]
    UnknownPlatform(String),
    #[error("There is no such client or key.")]
    UnknownClient,
}

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::UnknownPlatform(_) | Self::UnknownClient => StatusCode::NOT_FOUND,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({ "error": self.to_string() }))
    }
}

pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError::Malformed(error.to_string()))
}

pub fn read_filter(request: &HttpRequest) -> Result<Filter, ControlError> {
    let query = web::Query::<Filter>::from_query(request.query_string());
    query
        .map(web::Query::into_inner)
        .map_err(|error| ControlError::Malformed(error.to_string()))
}

/// A platform, or one store of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub platform: String,
    pub store: Option<String>,
}

/// A narrowing of a listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    pub platform: Option<String>,
    pub store: Option<String>,
    /// Log entries with a greater number.
    pub after: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFaults {
    pub platform: String,
    pub store: Option<String>,
    #[serde(default = "once")]
    pub times: u64,
    pub fault: Fault,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    pub platform: String,
    pub store: Option<String>,
    pub settings: Settings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterClient {
    pub platform: String,
    pub id: String,
    pub secrets: Vec<String>,
    pub redirect_uris: Option<Vec<String>>,
    /// The account whose key this is.
    pub store: Option<String>,
    pub permission: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    pub platform: String,
    pub id: String,
    pub secret: String,
    /// The earlier secrets stay good beside the new one.
    #[serde(default)]
    pub keep: bool,
    /// All grants of this client end.
    #[serde(default)]
    pub end_grants: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisableClient {
    pub platform: String,
    pub id: String,
    #[serde(default = "yes")]
    pub disabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    pub seconds: i64,
}

fn once() -> u64 {
    1
}

fn yes() -> bool {
    true
}
