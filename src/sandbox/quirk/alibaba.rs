//! AliExpress and Miravia: every request, token calls included, is signed over all its parameters with the app's secret;
//! on `/rest` the path stands in front of the signed text, on `/sync` nothing does. Errors are HTTP 200: flat on `/rest`,
//! inside `error_response` on `/sync`. Timestamps may be two hours off.
//! <https://openservice.aliexpress.com/doc/doc.htm#/?docId=1385>

use chrono::DateTime;
use serde_json::{Value, json};

use crate::sandbox::api::{Caller, Visit, credential};
use crate::sandbox::call::{Answer, Content, Pairs, value};
use crate::sandbox::oauth::{Refusal, missing};
use crate::sandbox::problem::Problem;
use crate::sandbox::signature::{concatenated, hex, hmac_sha256};
use crate::sandbox::world::{Registration, World};

const WINDOW_SECONDS: i64 = 7200;

/// The app that signed the request.
pub fn signed_client(world: &mut World, visit: &Visit<'_>) -> Result<Registration, Refusal> {
    let pairs = visit.call.sent_pairs();
    let field = |name: &str| {
        value(&pairs, name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| missing(name))
    };
    let (key, timestamp, method, sign) = (
        field("app_key")?,
        field("timestamp")?,
        field("sign_method")?,
        field("sign")?,
    );
    let client = world
        .live_registration(visit.behaviour, key, None)
        .ok_or((Problem::UnknownClient, "app key is unknown".to_owned()))?;
    let stated = timestamp.parse::<i64>().ok().map(|ms| ms / 1000);
    let stated = stated.or_else(|| {
        DateTime::parse_from_rfc3339(timestamp)
            .ok()
            .map(|time| time.timestamp())
    });
    let off = stated.map(|stated| {
        visit
            .clock(world, None)
            .timestamp()
            .saturating_sub(stated)
            .saturating_abs()
    });
    if off.is_none_or(|off| off > WINDOW_SECONDS) {
        return Err((Problem::TimeRefused, "timestamp is not acceptable".to_owned()));
    }
    let signed: Pairs = pairs.iter().filter(|(name, _)| name != "sign").cloned().collect();
    let path = visit.call.path.strip_prefix("/rest").unwrap_or_default();
    let text = format!("{path}{}", concatenated(&signed));
    let fits = client
        .secrets
        .iter()
        .any(|secret| hex(&hmac_sha256(secret.as_bytes(), text.as_bytes())).to_ascii_uppercase() == sign);
    if fits && method == "sha256" {
        Ok(client)
    } else {
        Err((Problem::SignatureRefused, "the signature does not match".to_owned()))
    }
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let judged = signed_client(world, visit).and_then(|client| {
        let caller = credential(world, visit)?;
        let own = caller.grant.and_then(|number| world.grants.get(&number));
        if own.is_none_or(|grant| grant.client_id == client.id) {
            Ok(caller)
        } else {
            Err((Problem::CredentialRefused, "the token is another app's".to_owned()))
        }
    });
    judged.map_err(|(problem, detail)| in_envelope(visit, visit.refuse(problem, &detail)))
}

fn in_envelope(visit: &Visit<'_>, mut answer: Answer) -> Answer {
    if let (true, Content::Json(Value::Object(fields))) = (visit.call.path.starts_with("/sync"), &mut answer.content) {
        if let Some(message) = fields.remove("message") {
            fields.insert("msg".to_owned(), message);
        }
        answer.content = Content::Json(json!({ "error_response": fields }));
    }
    answer
}
