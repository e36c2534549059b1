//! Magento 2: four values sign every call (OAuth 1.0a, HMAC-SHA256 alone), or the access token stands alone as Bearer
//! where the shop allows that (this one does, but for hosts that begin with `strict`). A missing permission is 401 too.
//! <https://developer.adobe.com/commerce/webapi/get-started/authentication/gs-authentication-oauth/>

use serde_json::{Value, json};

use super::oauth1::{Signed, header_pairs};
use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::Answer;
use crate::sandbox::world::World;

const LENGTH: usize = 32;

fn refuse(status: u16, message: &str, parameters: Value) -> Answer {
    Answer::json(status, json!({ "message": message, "parameters": parameters }))
}

fn unknown() -> Answer {
    let resources = json!({ "resources": "Magento_Catalog::products" });
    refuse(401, "The consumer isn't authorized to access %resources.", resources)
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let host = visit.call.host.clone();
    if header_pairs(visit.call).is_empty() {
        let bearer = visit
            .call
            .header("authorization")
            .and_then(|header| header.split_once(' '));
        let token = bearer
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token);
        let token = token.filter(|_| !host.starts_with("strict")).ok_or_else(unknown)?;
        let known = world
            .live_registration(visit.behaviour, token, Some(&host))
            .ok_or_else(unknown)?;
        known
            .permission
            .as_deref()
            .filter(|kind| *kind == "token")
            .ok_or_else(unknown)?;
        return Ok(caller(world, visit, token));
    }
    let signed = Signed::read(visit.call, false);
    for name in ["oauth_consumer_key", "oauth_token", "oauth_nonce", "oauth_signature"] {
        if signed.field(name).is_none() {
            let told = json!({ "fieldName": name });
            return Err(refuse(400, "\"%fieldName\" is required. Enter and try again.", told));
        }
    }
    let field = |name: &str| signed.field(name).unwrap_or_default().to_owned();
    let (consumer, token) = (field("oauth_consumer_key"), field("oauth_token"));
    if consumer.len() != LENGTH {
        return Err(refuse(401, "Consumer key is not the correct length", json!([])));
    }
    if token.len() != LENGTH {
        return Err(refuse(
            401,
            "The token length is invalid. Check the length and try again.",
            json!([]),
        ));
    }
    let secret_of = |world: &mut World, id: &str| {
        let known = world.live_registration(visit.behaviour, id, Some(&host));
        known.and_then(|known| known.secrets.first().cloned())
    };
    let no_consumer = || refuse(401, "A consumer with the specified key does not exist.", json!([]));
    let consumer_secret = secret_of(world, &consumer).ok_or_else(no_consumer)?;
    let no_token = || refuse(401, "Specified token does not exist", json!([]));
    let token_secret = secret_of(world, &token).ok_or_else(no_token)?;
    let checked = signed.check(world, visit, &["HMAC-SHA256"], (&consumer_secret, &token_secret));
    checked.map_err(|problem| match problem {
        "signature_method_rejected" => {
            let method = field("oauth_signature_method");
            refuse(400, "Signature method %1 is not supported", json!([method]))
        }
        "timestamp_refused" => refuse(
            401,
            "The oauth_timestamp value in the oauth_timestamp parameter is in the future.",
            json!([]),
        ),
        "nonce_used" => refuse(
            401,
            "The nonce is already being used by the consumer with ID %1.",
            json!(["1"]),
        ),
        _ => refuse(401, "The signature is invalid. Verify and try again.", json!([])),
    })?;
    Ok(caller(world, visit, &token))
}

fn caller(world: &mut World, visit: &Visit<'_>, token: &str) -> Caller {
    world.note_key(visit.behaviour, Some(&visit.call.host), token);
    Caller {
        account: visit.call.host.clone(),
        grant: None,
        key: Some(token.to_owned()),
    }
}
