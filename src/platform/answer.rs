//! The third axis: how answers show failure. Rules of the catalogue come first, in their order; then what holds
//! everywhere. A bare status is never proof that a credential is dead: such a rule needs a code or words of the body,
//! and an answer that no rule knows is `Unknown`.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode, header};
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::descriptor::{ClientOwner, Method, optional_duration};
use super::failure::Failure;
use super::transport::PlatformAnswer;
use super::wait;
use crate::domain::refresh::FailureKind;

/// How much of a body is looked at where the status alone does not tell.
const PEEK: usize = 4096;

/// What failures look like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRules {
    /// JSON pointers to codes; `*` stands for every item of a list or an object.
    #[serde(default)]
    pub code_at: Vec<String>,
    /// Answers of the token calls.
    #[serde(default)]
    pub token: Vec<FailureRule>,
    /// Answers of the verify call.
    #[serde(default)]
    pub verify: Vec<FailureRule>,
    /// A header that says in milliseconds how long to wait; `Retry-After` is always read.
    #[serde(default, deserialize_with = "wait_header")]
    pub wait_millis: Option<HeaderName>,
    /// A header that says until when (RFC 3339).
    #[serde(default, deserialize_with = "wait_header")]
    pub wait_until: Option<HeaderName>,
    /// JSON pointers to the seconds to wait, with or without words around the number.
    #[serde(default)]
    pub wait_at: Vec<String>,
    /// Answers of forwarded calls that mean: this credential is not accepted.
    #[serde(default)]
    pub unauthorized: Vec<Condition>,
    /// Answers of forwarded calls that mean this, or that something is wrong with the call: the verify call is asked before
    /// anything is renewed. Of the verify call itself they mean the former.
    #[serde(default)]
    pub unclear: Vec<Condition>,
}

/// A class, and what must be seen for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRule {
    pub kind: FailureKind,
    pub on: Condition,
    /// How long to wait where the answer does not tell.
    #[serde(default, deserialize_with = "optional_duration")]
    pub wait: Option<Duration>,
}

/// What an answer must show: all that is given, of each list one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    #[serde(default)]
    pub status: Vec<u16>,
    #[serde(default)]
    pub code: Vec<String>,
    /// Where the code stands, if not where this platform's codes usually do.
    #[serde(default)]
    pub at: Vec<String>,
    /// Words anywhere in the body, in whatever case.
    #[serde(default)]
    pub contains: Vec<String>,
    /// The `error` of a challenge in `WWW-Authenticate` (RFC 6750, 3).
    #[serde(default)]
    pub challenge: Vec<String>,
    /// A header that is there, whatever it says.
    #[serde(default)]
    pub header: Vec<String>,
    /// Codes that say otherwise, whatever words stand around them.
    #[serde(default)]
    pub but_code: Vec<String>,
}

impl Condition {
    /// Whether the body has a say.
    pub fn reads_body(&self) -> bool {
        !self.code.is_empty() || !self.contains.is_empty()
    }

    fn fits_status(&self, status: StatusCode) -> bool {
        self.status.is_empty() || self.status.contains(&status.as_u16())
    }

    fn holds(&self, rules: &AnswerRules, status: StatusCode, headers: &HeaderMap, body: &Body<'_>) -> bool {
        let at = if self.at.is_empty() { &rules.code_at } else { &self.at };
        self.fits_status(status)
            && (self.challenge.is_empty() || challenge_errors(headers).any(|error| self.challenge.contains(&error)))
            && (self.header.is_empty() || self.header.iter().any(|name| headers.contains_key(name.as_str())))
            && (self.code.is_empty() || body.codes(at).iter().any(|code| self.code.contains(code)))
            && (self.contains.is_empty() || self.contains.iter().any(|words| body.contains(words)))
            && (self.but_code.is_empty() || !body.codes(at).iter().any(|code| self.but_code.contains(code)))
    }
}

/// The `error` parameters of all challenges, quoted or not. What stands in another parameter's quotes is none.
fn challenge_errors(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|text| {
        let mut quoted = false;
        let parameters = text.split(move |c: char| {
            quoted ^= c == '"';
            !quoted && (c == ',' || c.is_whitespace())
        });
        let error = |parameter: &str| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("error")
                .then(|| value.trim_matches('"').to_owned())
        };
        parameters.filter_map(error).collect::<Vec<_>>()
    })
}

struct Body<'a> {
    json: Option<Value>,
    text: std::borrow::Cow<'a, str>,
}

impl<'a> Body<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            json: serde_json::from_slice(bytes).ok(),
            text: String::from_utf8_lossy(bytes),
        }
    }

    fn codes(&self, at: &[String]) -> Vec<String> {
        let Some(json) = &self.json else { return Vec::new() };
        at.iter()
            .flat_map(|at| found_at(json, at))
            .filter_map(as_text)
            .collect()
    }

    fn contains(&self, words: &str) -> bool {
        self.text.to_lowercase().contains(&words.to_lowercase())
    }
}

/// The values at a JSON pointer in which `*` stands for every item of a list or an object.
pub(super) fn found_at<'a>(json: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let mut found = vec![json];
    for step in pointer.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|value| match (value, step) {
                (Value::Array(items), "*") => items.iter().collect(),
                (Value::Array(items), _) => step
                    .parse()
                    .ok()
                    .and_then(|i: usize| items.get(i))
                    .into_iter()
                    .collect(),
                (Value::Object(object), "*") => object.values().collect(),
                (Value::Object(object), _) => object.get(step).into_iter().collect::<Vec<_>>(),
                _ => Vec::new(),
            })
            .collect();
    }
    found
}

/// A text or a number as text.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn text_at(json: &Value, pointer: &str) -> Option<String> {
    found_at(json, pointer).into_iter().find_map(as_text)
}

/// What a forwarded call's answer says about the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallAnswer {
    Passed,
    Unauthorized,
    /// Maybe unauthorized: only the verify call tells.
    Unclear,
}

/// Looks at status, headers and the first bytes of a body (see `peeks_body`).
pub fn judge_call(method: &Method, status: StatusCode, headers: &HeaderMap, body_start: &[u8]) -> CallAnswer {
    if let Some(quirk) = &method.quirk
        && let Some(judged) = quirk.judge_call(status, headers, body_start)
    {
        return judged;
    }
    let (rules, body) = (&method.answer, Body::new(body_start));
    let shows = |any: &[Condition]| any.iter().any(|on| on.holds(rules, status, headers, &body));
    if shows(&rules.unauthorized) {
        CallAnswer::Unauthorized
    } else if shows(&rules.unclear) {
        CallAnswer::Unclear
    } else {
        CallAnswer::Passed
    }
}

/// How many bytes of a body with this status must be seen before it can be judged; 0 where the status tells.
pub fn peeks_body(method: &Method, status: StatusCode) -> usize {
    let reads = judged_by(method).any(|on| on.reads_body() && on.fits_status(status));
    if reads { PEEK } else { 0 }
}

/// Whether any answer's body has a say, and so must come in a form that can be read.
pub fn reads_bodies(method: &Method) -> bool {
    judged_by(method).any(Condition::reads_body)
}

fn judged_by(method: &Method) -> impl Iterator<Item = &Condition> {
    method.answer.unauthorized.iter().chain(&method.answer.unclear)
}

/// The failure in an answer of a token call that is no grant.
pub fn judge_token(method: &Method, answer: &PlatformAnswer) -> Failure {
    judge(method, &method.answer.token, answer)
}

/// Whether the platform may have granted behind an answer to a token call that is no grant: a gateway gave up on it, it
/// broke down without a word of its own, or its success cannot be read. A 503 says that the request was not handled, and
/// any other answer is the platform's last word.
pub fn may_hide_a_grant(method: &Method, answer: &PlatformAnswer) -> bool {
    let body = Body::new(&answer.body);
    match answer.status.as_u16() {
        502 | 504 => true,
        503 => false,
        500.. => !body.json.as_ref().is_some_and(Value::is_object),
        200..=299 => {
            let said = body.codes(&method.answer.code_at).iter().any(|code| is_a_word(code));
            !said && ruled(method, &method.answer.token, answer, &body).is_none()
        }
        _ => false,
    }
}

fn ruled<'a>(
    method: &Method,
    rules: &'a [FailureRule],
    answer: &PlatformAnswer,
    body: &Body<'_>,
) -> Option<&'a FailureRule> {
    // Words found in a page are a firewall's or a proxy's, whatever they say: only the platform's JSON is a verdict.
    let believed = |rule: &&FailureRule| rule.kind != FailureKind::Dead || body.json.is_some();
    rules
        .iter()
        .filter(believed)
        .find(|rule| rule.on.holds(&method.answer, answer.status, &answer.headers, body))
}

pub(super) fn judge(method: &Method, rules: &[FailureRule], answer: &PlatformAnswer) -> Failure {
    let body = Body::new(&answer.body);
    let rule = ruled(method, rules, answer, &body);
    let kind = rule
        .map(|rule| rule.kind)
        .or_else(|| refused_client(method, answer))
        .unwrap_or_else(|| everywhere(answer, &body));
    let code = body
        .codes(&method.answer.code_at)
        .into_iter()
        .find(|code| is_a_word(code));
    let status = answer.status.as_u16();
    let detail = match &code {
        Some(code) => format!("HTTP {status}, {code}"),
        None => format!("HTTP {status}"),
    };
    Failure {
        kind,
        code,
        status: Some(status),
        detail,
        retry_after: wait::told(&method.answer, &answer.headers, body.json.as_ref()).or_else(|| rule?.wait),
    }
}

/// The two standard codes whose meaning depends on whose the OAuth client is.
fn refused_client(method: &Method, answer: &PlatformAnswer) -> Option<FailureKind> {
    if !matches!(answer.status.as_u16(), 400 | 401) {
        return None;
    }
    let error: BasicErrorResponse = serde_json::from_slice(&answer.body).ok()?;
    match (error.error(), method.client) {
        (BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient, ClientOwner::App) => {
            Some(FailureKind::AppBroken)
        }
        (BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient, ClientOwner::Store) => {
            Some(FailureKind::Dead)
        }
        _ => None,
    }
}

fn everywhere(answer: &PlatformAnswer, body: &Body<'_>) -> FailureKind {
    let html = answer
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
    let start = body.text.trim_start().get(..9).unwrap_or_default().to_ascii_lowercase();
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        FailureKind::Throttled
    } else if answer.status.is_server_error()
        || answer.status == StatusCode::REQUEST_TIMEOUT
        || html
        || start == "<!doctype"
        || start.starts_with("<html")
    {
        // A page is a firewall or a proxy speaking, not the platform.
        FailureKind::Down
    } else {
        FailureKind::Unknown
    }
}

/// Short, and without a run of characters that could be a token.
fn is_a_word(code: &str) -> bool {
    code.len() <= 80
        && code.chars().all(|c| c.is_ascii_alphanumeric() || " _-.:/".contains(c))
        && code
            .split(|c: char| !c.is_ascii_alphanumeric())
            .all(|run| run.len() <= 24)
}

fn wait_header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    super::call::header_name(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_go_through_lists() {
        let json = serde_json::json!({"errors": [{"code": "A"}, {"code": 7}], "error": {"code": "B"}});
        let texts = |at: &str| found_at(&json, at).into_iter().filter_map(as_text).collect::<Vec<_>>();
        assert_eq!(texts("/errors/*/code"), ["A", "7"]);
        assert_eq!(texts("/errors/1/code"), ["7"]);
        assert_eq!(texts("/error/code"), ["B"]);
        assert!(texts("/none/*").is_empty());
    }

    #[test]
    fn a_challenge_names_its_error_with_or_without_quotes() {
        let errors = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, http::HeaderValue::from_static(value))]);
            challenge_errors(&headers).collect::<Vec<_>>()
        };
        assert_eq!(errors(r#"Bearer realm="a", error="invalid_token""#), ["invalid_token"]);
        assert_eq!(errors("Bearer error=invalid_token"), ["invalid_token"]);
        assert_eq!(errors(r#"Basic realm="x",Bearer realm="y",Error="b""#), ["b"]);
        assert!(errors(r#"Bearer error_description="say error=invalid_token, or error=x""#).is_empty());
        assert!(errors("Bearer").is_empty());
    }

    #[test]
    fn what_could_be_a_token_is_no_code() {
        assert!(is_a_word("UNAUTHORIZED.GMP_GATEWAY_API") && is_a_word("invalid access token"));
        assert!(!is_a_word("abcd_0123456789abcdef0123456789abcdef") && !is_a_word("<b>"));
    }
}
