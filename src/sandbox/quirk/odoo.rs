//! Odoo: the native API key renews itself: a call with the old key makes a new one, and a call with the new key revokes
//! the old. Ten generated keys a user at most; one more is a 422. None lives longer than ninety days.
//! <https://www.odoo.com/documentation/19.0/developer/reference/external_api.html>

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::sandbox::api::{Visit, credential};
use crate::sandbox::call::{Answer, value};
use crate::sandbox::template::Values;
use crate::sandbox::world::{Registration, World};

const MOST: usize = 10;
const LONGEST: Days = Days::new(90);
const GENERATED: &str = "generated";
/// What is noted of a key: its last day, and its host.
const UNTIL: &str = "until";
const AT: &str = "at";

/// Asking for the next key.
pub fn is_token_call(visit: &Visit<'_>) -> bool {
    visit.call.path == "/json/2/res.users.apikeys/generate"
}

/// Keys end with the day that they were asked for.
fn end_keys(world: &mut World, visit: &Visit<'_>) {
    let (slug, today) = (&visit.behaviour.slug, visit.expiry_now(world).date_naive().to_string());
    let text = |note: &Values, name: &str| note.get(name).and_then(Value::as_str).map(str::to_owned);
    let over: Vec<_> = world
        .notes
        .iter()
        .filter(|((platform, _), note)| platform == slug && text(note, UNTIL).is_some_and(|until| until <= today))
        .filter_map(|((platform, key), note)| Some((platform.clone(), text(note, AT)?, key.clone())))
        .collect();
    world.ended_keys.extend(over);
}

/// Answers the two calls that renew a key; `None`: another call.
pub fn renewal(world: &mut World, visit: &Visit<'_>) -> Option<Answer> {
    end_keys(world, visit);
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
    let until = value(&pairs, "expiration_date").and_then(|date| date.parse::<NaiveDate>().ok());
    let longest = visit.expiry_now(world).date_naive().checked_add_days(LONGEST);
    let Some(until) = until.filter(|until| longest.is_some_and(|longest| *until <= longest)) else {
        let wrong = json!({ "name": "odoo.exceptions.UserError", "message": "The API key's duration is not correct." });
        return Some(Answer::json(422, wrong));
    };
    let fresh = world.random_hex(40);
    let note = Values::from([
        (UNTIL.to_owned(), json!(until.to_string())),
        (AT.to_owned(), json!(host)),
    ]);
    world.notes.insert((visit.behaviour.slug.clone(), fresh.clone()), note);
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
