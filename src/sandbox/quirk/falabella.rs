//! Falabella: every call is one signed URL and every answer, errors too, is HTTP 200 with `SuccessResponse` or
//! `ErrorResponse` inside, XML unless `Format=JSON`. `GetBrands` answers even to a wrong key (reported), so it proves
//! nothing. The allowed clock skew is not published: ten minutes here.
//! <https://developers.falabella.com/v500.0.0/reference/signing-requests>

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::{Answer, Content, Pairs, value};
use crate::sandbox::signature::{hex, hmac_sha256, sorted_query};
use crate::sandbox::world::World;

const WINDOW_MINUTES: i64 = 10;

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let pairs = visit.call.query_pairs();
    let refuse = |number: u16, text: &str| error(visit, &pairs, number, text);
    let wanted = ["Action", "Timestamp", "UserID", "Version", "Signature"];
    if let Some(name) = wanted.iter().find(|name| value(&pairs, name).is_none_or(str::is_empty)) {
        return Err(refuse(1, &format!("E001: Parameter {name} is mandatory")));
    }
    if visit.call.header("user-agent").is_none_or(str::is_empty) {
        return Err(refuse(1, "E001: Header User-Agent is mandatory"));
    }
    let field = |name: &str| value(&pairs, name).unwrap_or_default();
    let (user, action) = (field("UserID"), field("Action"));
    let Some(stated) = read_time(field("Timestamp")) else {
        return Err(refuse(4, "E004: Invalid Timestamp format"));
    };
    if action == "GetBrands" {
        return Ok(Caller {
            account: user.to_owned(),
            grant: None,
            key: None,
        });
    }
    let off = visit.clock(world, Some(user)).signed_duration_since(stated).abs();
    if off > TimeDelta::minutes(WINDOW_MINUTES) {
        return Err(refuse(3, "E003: Timestamp has expired"));
    }
    let signed: Pairs = pairs.iter().filter(|(name, _)| name != "Signature").cloned().collect();
    let text = sorted_query(&signed);
    let key = world.live_registration(visit.behaviour, user, Some(user));
    let fits = key.as_ref().is_some_and(|key| {
        key.secrets
            .iter()
            .any(|secret| hex(&hmac_sha256(secret.as_bytes(), text.as_bytes())) == field("Signature"))
    });
    if !fits {
        return Err(refuse(7, "E007: Login failed. Signature mismatch"));
    }
    if !action.starts_with(|first: char| first.is_ascii_uppercase())
        || !action.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return Err(refuse(8, "E008: Invalid Action"));
    }
    let reads = action.starts_with("Get") || action == "FeedList";
    if key.and_then(|key| key.permission).as_deref() == Some("read") && !reads {
        return Err(refuse(9, "E009: Access Denied"));
    }
    world.note_key(visit.behaviour, Some(user), user);
    Ok(Caller {
        account: user.to_owned(),
        grant: None,
        key: Some(user.to_owned()),
    })
}

fn read_time(text: &str) -> Option<DateTime<Utc>> {
    // `#z` takes `Z` as well as an offset: sellers' clients send either.
    ["%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%dT%H:%M:%S%#z", "%Y-%m-%dT%H:%M%:z"]
        .iter()
        .find_map(|format| DateTime::parse_from_str(text, format).ok())
        .map(|time| time.with_timezone(&Utc))
}

/// The platform's error answer.
fn error(visit: &Visit<'_>, pairs: &[(String, String)], number: u16, text: &str) -> Answer {
    let head = json!({
        "RequestAction": value(pairs, "Action").unwrap_or_default(),
        "ErrorType": "Sender",
        "ErrorCode": number.to_string(),
        "ErrorMessage": text,
    });
    envelope(visit, 200, "ErrorResponse", head, json!(""))
}

/// Wraps an answer that is already decided.
pub fn success(visit: &Visit<'_>, answer: Answer) -> Answer {
    let Content::Json(body) = answer.content else {
        return answer;
    };
    let action = visit.call.query_value("Action").unwrap_or_default();
    let head = json!({
        "RequestId": "",
        "RequestAction": action,
        "ResponseType": action.strip_prefix("Get").unwrap_or_default(),
        "Timestamp": visit.now.to_rfc3339_opts(SecondsFormat::Secs, false),
    });
    let body = if action == "GetProducts" {
        json!({ "Products": { "Product": [], "Echo": body } })
    } else {
        body
    };
    envelope(visit, answer.status, "SuccessResponse", head, body)
}

fn envelope(visit: &Visit<'_>, status: u16, name: &str, head: Value, body: Value) -> Answer {
    if visit
        .call
        .query_value("Format")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    {
        let mut whole = Map::new();
        whole.insert(name.to_owned(), json!({ "Head": head, "Body": body }));
        return Answer::json(status, Value::Object(whole));
    }
    let (head, body) = (xml(&head), xml(&body));
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let xml = format!("{text}<{name}><Head>{head}</Head><Body>{body}</Body></{name}>\n");
    let content = Content::Text("text/xml; charset=utf-8", xml);
    Answer {
        status,
        headers: Pairs::new(),
        content,
    }
}

fn xml(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| format!("<{name}>{}</{name}>", xml(field)))
            .collect(),
        Value::Array(items) => items.iter().map(xml).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        Value::Null => String::new(),
        plain => plain.to_string(),
    }
}
