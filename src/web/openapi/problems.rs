//! Errors in the description: one shape, an example of each code, and for each status of a call the codes that it can have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::components::header;
use crate::domain::problem::Problem;
use crate::domain::store::StatusReason;
use crate::web::urls;

/// `Problem`, with the members that only some errors have.
pub fn schema() -> Value {
    let codes: Vec<&str> = Problem::ALL.iter().map(|problem| problem.code()).collect();
    let reasons: Vec<&str> = StatusReason::ALL.iter().map(|reason| reason.as_str()).collect();
    json!({
        "type": "object",
        "description": "An error (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Where the code is explained." },
            "title": { "type": "string", "description": "The same for every occurrence of a code." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "One sentence about this occurrence." },
            "code": { "type": "string", "enum": codes },
            "request_id": { "type": "string" },
            "errors": {
                "type": "array",
                "description": "With `invalid_request`: what is wrong, field by field.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": { "field": { "type": "string" }, "message": { "type": "string" } },
                },
            },
            "delivered": {
                "type": "string",
                "enum": ["no", "unknown"],
                "description": "Whether the platform can have received the request.",
            },
            "store_id": { "type": "string", "description": "With `store_needs_reauthorization`." },
            "since": {
                "type": "string",
                "format": "date-time",
                "description": "With `store_needs_reauthorization`: since when.",
            },
            "reason": {
                "type": ["string", "null"],
                "enum": reasons.iter().map(|reason| json!(reason)).chain([Value::Null]).collect::<Vec<_>>(),
                "description": "With `store_needs_reauthorization`: why.",
            },
        },
    })
}

/// One for each code.
pub fn examples() -> Value {
    let examples: Map<String, Value> = Problem::ALL
        .iter()
        .map(|problem| {
            let example = json!({ "summary": problem.title(), "value": example(*problem) });
            (problem.code().to_owned(), example)
        })
        .collect();
    Value::Object(examples)
}

fn example(problem: Problem) -> Value {
    let mut value = json!({
        "type": format!("{}#{}", urls::DOCS, problem.code()),
        "title": problem.title(),
        "status": problem.status(),
        "detail": problem.title(),
        "code": problem.code(),
        "request_id": "6f1d2c9a4b7e43d0a1c58e7f90b23d64",
    });
    match problem {
        Problem::InvalidRequest => value["errors"] = json!([{ "field": "customer_id", "message": "is required" }]),
        Problem::StoreNeedsReauthorization => {
            value["store_id"] = json!("store_0198c0a1b2c37d4e8f90a1b2c3d4e5f6");
            value["since"] = json!("2026-11-02T08:15:00Z");
            value["reason"] = json!(StatusReason::GrantRefused);
        }
        Problem::PlatformRejected | Problem::PlatformUnavailable | Problem::PlatformThrottled => {
            value["delivered"] = json!("no");
        }
        Problem::PlatformTimeout | Problem::CredentialRenewed => value["delivered"] = json!("unknown"),
        _ => {}
    }
    value
}

/// The answers with these problems, by status.
pub fn answers(problems: &[Problem]) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in Problem::ALL.iter().filter(|problem| problems.contains(problem)) {
        by_status.entry(problem.status()).or_default().push(*problem);
    }
    by_status
        .into_iter()
        .map(|(status, problems)| (status.to_string(), answer(status, &problems)))
        .collect()
}

fn answer(status: u16, problems: &[Problem]) -> Value {
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code()).collect();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| format!("`{}`: {}.", problem.code(), problem.title()))
        .collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            (
                (*code).to_owned(),
                json!({ "$ref": format!("#/components/examples/{code}") }),
            )
        })
        .collect();
    let mut headers = json!({
        "X-Request-Id": header("RequestId"),
        "RateLimit": header("RateLimit"),
        "RateLimit-Policy": header("RateLimitPolicy"),
    });
    if status == 401 {
        headers["WWW-Authenticate"] = header("Challenge");
    }
    if matches!(status, 409 | 429 | 502..=504) {
        headers["Retry-After"] = header("RetryAfter");
    }
    json!({
        "description": told.join(" "),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "properties": { "status": { "const": status }, "code": { "enum": codes } } },
            ] },
            "examples": examples,
        } },
    })
}
