//! The `webhooks` of the document: what Llavero sends to a partner's endpoints, event by event. Each kind has its line
//! here, or this does not compile; that the members are those that are sent, a test holds against real deliveries.

use serde_json::{Map, Value, json};

use super::components::parameter;
use super::examples::Examples;
use super::schemas::{Schemas, Shapes, refer};
use crate::domain::event::EventKind;
use crate::domain::id::{AccessTokenId, ConnectSessionId, StoreId, WebhookEndpointId};
use crate::domain::refresh::FailureKind;
use crate::domain::store::StatusReason;

const TAG: &str = "Events and webhooks";

/// By the type of the event.
///
/// Errors: an event has no example.
pub fn webhooks(schemas: &mut Schemas, examples: &mut Examples) -> Result<Value, String> {
    let mut shapes = Shapes::new();
    let mut webhooks = Map::new();
    for kind in EventKind::ALL {
        let of_store = !matches!(kind, EventKind::PlatformAppMisconfigured | EventKind::WebhookTest);
        let (summary, about, mut members) = told(*kind, &mut shapes);
        if of_store {
            members["store_id"] = refer::<StoreId>(&mut shapes);
            members["store_sequence"] = json!({
                "type": "integer", "minimum": 1, "description": "Grows by one with each event of a store.",
            });
            members["store"] = json!({ "$ref": "#/components/schemas/EventStore" });
        }
        let id = operation_id(*kind);
        let example = examples.take(&id, "request")?;
        let headers = ["WebhookId", "WebhookTimestamp", "WebhookSignature"].map(parameter);
        let operation = json!({
            "tags": [TAG],
            "operationId": id,
            "summary": summary,
            "description": about,
            "security": [],
            "parameters": headers,
            "requestBody": { "required": true, "content": { "application/json": {
                "schema": envelope(*kind, &members),
                "example": { "type": kind, "timestamp": "2026-11-02T08:15:00Z", "data": example },
            } } },
            "responses": {
                "2XX": { "description": "Taken. Anything else, a redirect included, is a failure, and sent again." },
                "410": { "description": "The endpoint is disabled: it wants nothing more." },
            },
        });
        webhooks.insert(kind.to_string(), json!({ "post": operation }));
    }
    for (name, shape) in shapes {
        schemas.insert(&name, json!(shape));
    }
    schemas.insert("EventStore", store());
    schemas.insert("EventTrouble", trouble());
    schemas.insert("EventEvidence", evidence());
    Ok(Value::Object(webhooks))
}

/// `store.needs_reauthorization` is `onStoreNeedsReauthorization`.
fn operation_id(kind: EventKind) -> String {
    let words = kind.as_str().split(['.', '_']).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    format!("on{}", words.collect::<String>())
}

/// Members that only some events of a kind have.
const OPTIONAL: [(EventKind, &str); 2] = [
    (EventKind::StoreConnected, "session_id"),
    (EventKind::StoreConnected, "imported"),
];

fn envelope(kind: EventKind, members: &Value) -> Value {
    let names = members.as_object().into_iter().flat_map(Map::keys);
    let names: Vec<&String> = names
        .filter(|name| !OPTIONAL.contains(&(kind, name.as_str())))
        .collect();
    json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": { "const": kind },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it happened." },
            "data": { "type": "object", "required": names, "properties": members },
        },
    })
}

/// Summary, what it does not say, and the members beside those that every event about a store has.
fn told(kind: EventKind, shapes: &mut Shapes) -> (&'static str, &'static str, Value) {
    let session = |shapes: &mut Shapes| json!({ "session_id": refer::<ConnectSessionId>(shapes) });
    match kind {
        EventKind::StoreConnected => {
            let mut members = session(shapes);
            members["imported"] = json!({
                "type": "boolean", "description": "`true`: it came from another installation, with its tokens.",
            });
            let about = "Its token waits for the exchange; one that was imported has its tokens and no session.";
            ("A store is new", about, members)
        }
        EventKind::StoreReauthorized => (
            "The merchant authorized a store again",
            "The same token works.",
            session(shapes),
        ),
        EventKind::StoreNeedsReauthorization => (
            "Only the merchant can make a store work again",
            "`reauthorize_url` is for the merchant: made when the event is sent, good for 45 days.",
            json!({
                "reason": refer::<StatusReason>(shapes),
                "evidence": { "$ref": "#/components/schemas/EventEvidence" },
                "reauthorize_url": link(),
            }),
        ),
        EventKind::StoreExpiring => (
            "A store will need its merchant",
            "30, 7 and 1 days ahead of a deadline that refreshing does not move.",
            json!({
                "deadline": { "type": "string", "format": "date-time" },
                "days": { "type": "integer", "enum": [30, 7, 1] },
                "reauthorize_url": link(),
            }),
        ),
        EventKind::StoreRecovered => (
            "What was told as trouble is over",
            "Without the merchant.",
            json!({ "from": { "type": "string", "enum": [
                EventKind::StoreRefreshFailing, EventKind::StoreNeedsReauthorization,
            ], "description": "What told of the trouble." } }),
        ),
        EventKind::StoreRefreshFailing => (
            "The platform refuses to renew",
            "In words that decide nothing yet; calls may still work.",
            json!({ "failure": { "$ref": "#/components/schemas/EventTrouble" } }),
        ),
        EventKind::StoreRevoked => (
            "A store is revoked",
            "Final: its token has stopped.",
            json!({ "reason": refer::<StatusReason>(shapes) }),
        ),
        EventKind::StoreAccessTokenRotated => (
            "Somebody made a new access token",
            "",
            json!({
                "access_token_id": refer::<AccessTokenId>(shapes),
                "others_end_at": {
                    "type": ["string", "null"], "format": "date-time",
                    "description": "When those before end. `null`: they have ended.",
                },
            }),
        ),
        EventKind::PlatformAppMisconfigured => (
            "The platform refuses an OAuth client",
            "No store is touched, and refreshing resumes by itself.",
            json!({
                "platform": { "type": "string" },
                "code": { "type": ["string", "null"], "description": "The platform's." },
                "since": { "type": "string", "format": "date-time" },
                "own": { "type": "boolean", "description": "The app's own client, not the installation's." },
            }),
        ),
        EventKind::WebhookTest => (
            "A test that was asked for",
            "Sent whatever types the endpoint wants.",
            json!({ "webhook_endpoint_id": refer::<WebhookEndpointId>(shapes) }),
        ),
    }
}

fn link() -> Value {
    json!({
        "type": ["string", "null"], "format": "uri",
        "description": "For the merchant. `null`: it would not help any more.",
    })
}

/// The store as it was when it happened.
fn store() -> Value {
    let mut shapes = Shapes::new();
    let id = refer::<StoreId>(&mut shapes);
    object(json!({
        "id": id,
        "platform": { "type": "string" },
        "method": { "type": "string" },
        "platform_store_id": { "type": "string" },
        "name": { "type": "string" },
        "url": { "type": ["string", "null"] },
        "customer_id": { "type": ["string", "null"] },
    }))
}

fn trouble() -> Value {
    let classes: Vec<&str> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
    object(json!({
        "class": { "type": "string", "enum": classes },
        "code": { "type": ["string", "null"], "description": "The platform's." },
        "status": { "type": ["integer", "null"], "description": "Of the platform's answer." },
        "detail": { "type": "string" },
    }))
}

fn evidence() -> Value {
    let mut evidence = trouble();
    evidence["properties"]["at"] = json!({ "type": "string", "format": "date-time" });
    object(evidence["properties"].take())
}

fn object(members: Value) -> Value {
    let names: Vec<&String> = members.as_object().into_iter().flat_map(Map::keys).collect();
    json!({ "type": "object", "required": names, "properties": members })
}
