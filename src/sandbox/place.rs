//! Where in a request a value stands: a header, a part of it, the query, the body, the path or the host. Tokens, keys and
//! the store that a call is about are all found with these few words, so that a platform's own place for them is data.

use serde::Deserialize;

use super::behaviour::Pattern;
use super::call::{Call, value};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    Header(String),
    /// A header whose value begins with `Bearer `, in any case.
    BearerHeader(String),
    /// What a pattern takes from a header.
    Match {
        header: String,
        pattern: Pattern,
        take: String,
    },
    Query(String),
    Form(String),
    /// A pointer (`/a/b`) into a JSON body.
    Json(String),
    /// A cookie of this name.
    Cookie(String),
    BasicUser,
    BasicPassword,
    Path {
        pattern: Pattern,
        take: String,
    },
    Host {
        pattern: Pattern,
        take: String,
    },
}

impl Place {
    pub fn read(&self, call: &Call) -> Option<String> {
        match self {
            Self::Header(name) => call.header(name).map(str::to_owned),
            Self::BearerHeader(name) => {
                let (scheme, token) = call.header(name)?.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
            }
            Self::Match { header, pattern, take } => pattern.expand(call.header(header)?.trim(), take),
            Self::Query(name) => call.query_value(name),
            Self::Form(name) => {
                if !call.has_form_body() {
                    return None;
                }
                value(&call.form_pairs(), name).map(str::to_owned)
            }
            Self::Json(pointer) => {
                let body: serde_json::Value = serde_json::from_slice(&call.body).ok()?;
                match body.pointer(pointer)? {
                    serde_json::Value::String(text) => Some(text.clone()),
                    serde_json::Value::Null => None,
                    other => Some(other.to_string()),
                }
            }
            Self::Cookie(name) => call
                .header("cookie")?
                .split(';')
                .filter_map(|part| part.trim().split_once('='))
                .find(|(known, _)| known == name)
                .map(|(_, text)| text.to_owned()),
            Self::BasicUser => call.basic().map(|(user, _)| user),
            Self::BasicPassword => call.basic().map(|(_, password)| password),
            Self::Path { pattern, take } => pattern.expand(&call.path, take),
            Self::Host { pattern, take } => pattern.expand(&call.host, take),
        }
    }
}
