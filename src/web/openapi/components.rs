//! What calls share and refer to by name: headers, parameters, the two kinds of keys, and the headings.

use serde_json::{Value, json};

/// The heading of calls with a store's token.
pub const STORE_CALLS: &str = "Store calls";

/// A reference to a header.
pub fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// A reference to a parameter.
pub fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

pub fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "RequestId": {
            "description": "The caller's, if it is harmless, else one of ours; it names the request in logs and errors.",
            "required": true,
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
            "example": "6f1d2c9a4b7e43d0a1c58e7f90b23d64",
        },
        "RateLimit": text("What is left of the budget, and seconds until it is whole. Absent without a limit.", "\"app\";r=599;t=1"),
        "RateLimitPolicy": text("The budget: requests and seconds of the window. Absent without a limit.", "\"app\";q=600;w=60"),
        "RetryAfter": {
            "description": "Seconds after which asking again makes sense.",
            "schema": { "type": "integer", "minimum": 0 },
            "example": 5,
        },
        "Challenge": {
            "description": "RFC 6750.",
            "required": true,
            "schema": { "type": "string" },
            "example": "Bearer error=\"invalid_token\"",
        },
        "Tag": {
            "description": "For `If-None-Match`.",
            "required": true,
            "schema": { "type": "string" },
            "example": "\"mZ3b0pT1c9Xf8Qe2r5s7tA\"",
        },
        "Replayed": text("`true`: the answer to the first request with this Idempotency-Key, given again.", "true"),
        "Source": {
            "description": "`platform`: status and body are the platform's; `llavero`: they are ours.",
            "required": true,
            "schema": { "type": "string", "enum": ["platform", "llavero"] },
            "example": "platform",
        },
    })
}

pub fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A new one for each request that is to be done once, the same for repeating it.",
            "schema": { "type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$" },
            "example": "c2b1f0d4-7a55-4a6e-9a0c-0d4c1b7a8e11",
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "An ETag that the caller holds: the answer is 304 if it is still the same.",
            "schema": { "type": "string" },
            "example": "\"mZ3b0pT1c9Xf8Qe2r5s7tA\"",
        },
        "Limit": {
            "name": "limit",
            "in": "query",
            "description": "Most rows of the page.",
            "schema": { "type": "integer", "minimum": 1, "maximum": crate::web::api::page::MOST, "default": crate::web::api::page::DEFAULT },
            "example": 50,
        },
        "Cursor": {
            "name": "cursor",
            "in": "query",
            "description": "`next_cursor` of the page before, as it is.",
            "schema": { "type": "string", "minLength": 1 },
            "example": "AZjAobLDfU6PkKGyw9Tl9g",
        },
        "WebhookId": {
            "name": "webhook-id",
            "in": "header",
            "required": true,
            "description": "The event's id, the same over all retries and replays.",
            "schema": { "type": "string" },
            "example": "evt_0198c0a1b2c37d4e8f90a1b2c3d4e5f6",
        },
        "WebhookTimestamp": {
            "name": "webhook-timestamp",
            "in": "header",
            "required": true,
            "description": "Seconds since 1970 of this attempt. Refuse what is more than five minutes off.",
            "schema": { "type": "string", "pattern": "^[0-9]+$" },
            "example": "1793607300",
        },
        "WebhookSignature": {
            "name": "webhook-signature",
            "in": "header",
            "required": true,
            "description": "Standard Webhooks: one `v1,` signature, or two with a blank between them during a roll-over.",
            "schema": { "type": "string" },
            "example": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        },
    })
}

pub fn security_schemes() -> Value {
    json!({
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "llv_sk_...",
            "description": "An API key of the app. Each call names the scope that the key needs.",
        },
        "storeToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "llv_st_...",
            "description": "A store's own access token.",
        },
    })
}

pub fn tags() -> Value {
    let tag = |name: &str, description: &str| json!({ "name": name, "description": description });
    json!([
        tag("App", "The app that a key belongs to."),
        tag("Connecting", "Links for merchants, and what comes back with them."),
        tag("Stores", "Connected stores: read, change, renew, revoke."),
        tag("Access tokens", "The one token of a store."),
        tag("Platforms", "What can be connected, how, and with which client."),
        tag("Events and webhooks", "What happened, and being told of it."),
        tag(STORE_CALLS, "With a store's own token."),
        tag("Description", "This document."),
    ])
}
