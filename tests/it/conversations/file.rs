//! The form of a file of conversations (its README says what each key means). Read strictly: a key or a kind that is not
//! known is an error, and so is an expectation that its kind would never look at, for a case that cannot fail proves
//! nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use llavero::platform::{PlatformAnswer, SignMoment, Values};
use serde::Deserialize;
use toml::{Table, Value};

use super::expected::Expect;

pub struct Conversations {
    pub platform: String,
    pub source: Vec<String>,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    platform: String,
    source: Vec<String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default, rename = "case")]
    cases: Vec<Table>,
    #[serde(default, rename = "table")]
    tables: Vec<Table>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    First,
    Authorize,
    Callback,
    Delivery,
    Exchange,
    Refresh,
    Call,
    Verdict,
    Verify,
    Revoke,
    Install,
    Hook,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub method: String,
    pub kind: Kind,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    #[serde(default)]
    moment: Moment,
    pub query: Option<String>,
    pub body: Option<String>,
    pub request: Option<Request>,
    pub answer: Option<Answer>,
    pub hook: Option<Webhook>,
    pub expect: Expect,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moment {
    now: Option<DateTime<Utc>>,
    nonce: Option<String>,
    request_id: Option<uuid::Uuid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    json: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub body: String,
}

impl Webhook {
    pub fn headers(&self) -> HeaderMap {
        headers(&self.headers)
    }
}

/// Reads a file: rows become cases, and each case knows its method's values.
pub fn read(text: &str) -> Result<Conversations, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut tables = file.cases;
    for table in file.tables {
        tables.extend(rows(table)?);
    }
    let mut cases = Vec::new();
    for table in tables {
        let name = table.get("name").map(Value::to_string).unwrap_or_default();
        let mut case: Case = table.try_into().map_err(|error| format!("{name}: {error}"))?;
        for (key, value) in file.values.get(&case.method).into_iter().flatten() {
            case.values.entry(key.clone()).or_insert_with(|| value.clone());
        }
        case.check()?;
        cases.push(case);
    }
    Ok(Conversations {
        platform: file.platform,
        source: file.source,
        cases,
    })
}

/// Each row over what stands above it; `expect` is merged key by key.
fn rows(mut table: Table) -> Result<Vec<Table>, String> {
    let rows = table.remove("rows").and_then(|rows| rows.try_into::<Vec<Table>>().ok());
    let rows = rows.ok_or("a table without rows")?.into_iter().map(|row| {
        let mut case = table.clone();
        for (key, value) in row {
            match (case.get_mut(&key), value) {
                (Some(Value::Table(above)), Value::Table(own)) if key == "expect" => above.extend(own),
                (_, value) => drop(case.insert(key, value)),
            }
        }
        case
    });
    Ok(rows.collect())
}

impl Case {
    /// Refuses what the kind does not take, and a case that expects nothing.
    fn check(&self) -> Result<(), String> {
        let expect = &self.expect;
        let given = [
            (self.query.is_some(), "query"),
            (self.body.is_some(), "body"),
            (self.request.is_some(), "request"),
            (self.answer.is_some(), "answer"),
            (expect.nothing, "expect.nothing"),
            (expect.url.is_some(), "expect.url"),
            (!expect.values.is_empty(), "expect.values"),
            (expect.request.is_some(), "expect.request"),
            (expect.callback.is_some(), "expect.callback"),
            (expect.delivery.is_some(), "expect.delivery"),
            (expect.grant.is_some(), "expect.grant"),
            (expect.failure.is_some(), "expect.failure"),
            (expect.verdict.is_some(), "expect.verdict"),
            (expect.store.is_some(), "expect.store"),
            (expect.shops.is_some(), "expect.shops"),
            (self.hook.is_some(), "hook"),
            (expect.install.is_some(), "expect.install"),
            (expect.hook.is_some(), "expect.hook"),
        ];
        let given: Vec<&str> = given
            .iter()
            .filter(|(is_given, _)| *is_given)
            .map(|(_, name)| *name)
            .collect();
        let (needs, takes): (&[&str], &[&str]) = match self.kind {
            Kind::First => (
                &[],
                &[
                    "answer",
                    "expect.nothing",
                    "expect.request",
                    "expect.values",
                    "expect.failure",
                ],
            ),
            Kind::Authorize => (&[], &["expect.url", "expect.nothing"]),
            Kind::Callback => (&["query", "expect.callback"], &[]),
            Kind::Delivery => (&["body", "expect.delivery"], &[]),
            Kind::Exchange | Kind::Refresh => (
                &[],
                &[
                    "answer",
                    "expect.nothing",
                    "expect.request",
                    "expect.grant",
                    "expect.failure",
                ],
            ),
            Kind::Call => (&["request", "expect.request"], &[]),
            Kind::Verdict => (&["answer", "expect.verdict"], &[]),
            Kind::Verify => (
                &[],
                &[
                    "answer",
                    "expect.request",
                    "expect.store",
                    "expect.shops",
                    "expect.failure",
                ],
            ),
            Kind::Install => (&["query", "expect.install"], &[]),
            Kind::Hook => (&["hook", "expect.hook"], &[]),
            Kind::Revoke => (&["expect.request"], &[]),
        };
        let has = |name| given.contains(&name);
        let judged = [
            "expect.grant",
            "expect.failure",
            "expect.store",
            "expect.shops",
            "expect.verdict",
            "expect.values",
        ]
        .into_iter()
        .any(has);
        let is_right = needs.iter().all(|name| has(name))
            && given.iter().all(|name| needs.contains(name) || takes.contains(name))
            && given.iter().any(|name| name.starts_with("expect."))
            && has("answer") == judged;
        if is_right {
            Ok(())
        } else {
            Err(format!("{}: {:?} is not a case of {given:?}", self.name, self.kind))
        }
    }

    pub fn known(&self) -> Values {
        values(&self.values)
    }

    /// A case that leaves its moment out does not depend on it.
    pub fn moment(&self) -> SignMoment {
        let nonce = self
            .moment
            .nonce
            .as_deref()
            .map(|hex| u128::from_str_radix(hex, 16).unwrap());
        SignMoment {
            now: self
                .moment
                .now
                .unwrap_or_else(|| Utc.timestamp_opt(1_795_383_000, 0).unwrap()),
            nonce: nonce.unwrap_or(1).to_be_bytes(),
            request_id: self.moment.request_id.unwrap_or(uuid::Uuid::from_u128(1)),
        }
    }
}

impl Request {
    pub fn headers(&self) -> HeaderMap {
        headers(&self.headers)
    }
}

impl Answer {
    pub fn received(&self) -> PlatformAnswer {
        let mut headers = headers(&self.headers);
        let body = match (&self.json, &self.body) {
            (Some(json), _) => {
                headers
                    .entry(header::CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                json.to_string()
            }
            (None, body) => body.clone().unwrap_or_default(),
        };
        PlatformAnswer {
            status: StatusCode::from_u16(self.status).unwrap(),
            headers,
            body: body.into(),
        }
    }
}

pub fn values(pairs: &BTreeMap<String, String>) -> Values {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn headers(pairs: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    pairs.iter().map(header).collect()
}
