//! Odoo: the native API key renews itself: a call with the old key makes a new one, and a call with the new key revokes
//! the old. Ten generated keys a user at most; one more is a 422.
//! <https://www.odoo.com/documentation/19.0/developer/reference/external_api.html>

use serde_json::json;

use crate::sandbox::api::{Visit, credential};
use crate::sandbox::call::{Answer, value};
use crate::sandbox::world::{Registration, World};

const MOST: usize = 10;
const GENERATED: &str = "generated";

/// Answers the two calls that renew a key; `None`: another call.
pub fn renewal(world: &mut World, visit: &Visit<'_>) -> Option<Answer> {
    let call = visit.call.path.strip_prefix("/json/2/res.users.apikeys/")?;
    if !matches!(call, "generate" | "revoke") {
        return None;
    }
    let caller = match credential(world, visit) {
        Ok(caller) => caller,
        Err((problem, detail)) => return Some(visit.refuse(problem, &detail)),
    };
    let host = caller.account;
    let pairs = visit.call.json_pairs();
    let key = value(&pairs, "key").unwrap_or_default().to_owned();
    if call == "revoke" {
        let forbidden =
            json!({ "name": "werkzeug.exceptions.Forbidden", "message": "The provided API key is invalid." });
        if world.live_registration(visit.behaviour, &key, Some(&host)).is_none() {
            return Some(Answer::json(403, forbidden));
        }
        world.ended_keys.insert((visit.behaviour.slug.clone(), host, key));
        return Some(Answer::json(200, json!(null)));
    }
    let own = |known: &&Registration| {
        known.account.as_ref() == Some(&host)
            && known.permission.as_deref() == Some(GENERATED)
            && !world.key_ended(&visit.behaviour.slug, &host, &known.id)
    };
    if world.registrations.values().flatten().filter(own).count() >= MOST {
        let full = json!({ "name": "odoo.exceptions.ValidationError", "message": "Limit of 10 API keys is reached" });
        return Some(Answer::json(422, full));
    }
    if world.live_registration(visit.behaviour, &key, Some(&host)).is_none() {
        let forbidden =
            json!({ "name": "werkzeug.exceptions.Forbidden", "message": "The provided API key is invalid." });
        return Some(Answer::json(403, forbidden));
    }
    let fresh = world.random_hex(40);
    world.register(Registration {
        platform: visit.behaviour.slug.clone(),
        id: fresh.clone(),
        secrets: vec![fresh.clone()],
        redirect_uris: None,
        account: Some(host),
        serves: None,
        permission: Some(GENERATED.to_owned()),
        disabled: false,
    });
    Some(Answer::json(200, json!(fresh)))
}
