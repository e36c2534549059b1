//! Magento 1: each shop is an OAuth 1.0a server. A signed request brings a request token, the shop's admin approves it,
//! a signed request with the verifier brings token and secret, and each call is signed with both. Answers of the token
//! addresses are form-encoded, problems have the names of OAuth 1.0a; calls answer 401 with the same names in JSON.
//! <https://github.com/OpenMage/magento-lts>

use serde_json::json;

use super::oauth1::{Signed, header_pairs};
use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::{Answer, Content, Pairs, value};
use crate::sandbox::login::{error_page, page, with_query};
use crate::sandbox::template::Values;
use crate::sandbox::world::{Registration, World};

const METHODS: [&str; 2] = ["HMAC-SHA1", "HMAC-SHA256"];
const LENGTH: usize = 32;
const TOKEN: &str = "access token";

pub fn is_page(visit: &Visit<'_>) -> bool {
    visit.call.path.ends_with("/oauth_authorize") || visit.call.path.ends_with("/oauth/authorize")
}

pub fn is_token_call(visit: &Visit<'_>) -> bool {
    visit.call.path.ends_with("/oauth/initiate") || visit.call.path.ends_with("/oauth/token")
}

fn status_of(problem: &str) -> u16 {
    let early = [
        "version_rejected",
        "parameter_absent",
        "parameter_rejected",
        "timestamp_refused",
        "signature_method_rejected",
    ];
    if early.contains(&problem) { 400 } else { 401 }
}

fn form(status: u16, pairs: &[(&str, &str)]) -> Answer {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        text.append_pair(name, value);
    }
    Answer {
        status,
        headers: Pairs::new(),
        content: Content::Text("application/x-www-form-urlencoded", text.finish()),
    }
}

/// Answers the two signed calls of the handshake.
pub fn token(world: &mut World, visit: &Visit<'_>) -> Answer {
    let done = if visit.call.path.ends_with("/initiate") {
        initiate(world, visit)
    } else {
        exchange(world, visit)
    };
    done.unwrap_or_else(|problem| form(status_of(problem), &[("oauth_problem", problem)]))
}

fn consumer(world: &mut World, visit: &Visit<'_>, signed: &Signed) -> Result<Registration, &'static str> {
    let key = signed.field("oauth_consumer_key").ok_or("parameter_absent")?;
    if key.len() != LENGTH {
        return Err("consumer_key_rejected");
    }
    let known = world.live_registration(visit.behaviour, key, Some(&visit.call.host));
    known
        .filter(|known| known.permission.as_deref() != Some(TOKEN))
        .ok_or("consumer_key_rejected")
}

fn secret(known: &Registration) -> &str {
    known.secrets.first().map(String::as_str).unwrap_or_default()
}

fn initiate(world: &mut World, visit: &Visit<'_>) -> Result<Answer, &'static str> {
    let signed = Signed::read(visit.call, true);
    let consumer = consumer(world, visit, &signed)?;
    let callback = signed.field("oauth_callback").ok_or("parameter_absent")?.to_owned();
    if callback != "oob" && url::Url::parse(&callback).is_err() {
        return Err("parameter_rejected");
    }
    signed.check(world, visit, &METHODS, (secret(&consumer), ""))?;
    let (token, token_secret) = (world.random_hex(LENGTH), world.random_hex(LENGTH));
    let note = Values::from([
        ("secret".to_owned(), token_secret.clone().into()),
        ("callback".to_owned(), callback.into()),
        ("consumer".to_owned(), consumer.id.into()),
        ("host".to_owned(), visit.call.host.clone().into()),
    ]);
    world.notes.insert((visit.behaviour.slug.clone(), token.clone()), note);
    let told = [
        ("oauth_token", token.as_str()),
        ("oauth_token_secret", token_secret.as_str()),
        ("oauth_callback_confirmed", "true"),
    ];
    Ok(form(200, &told))
}

fn text(note: &Values, name: &str) -> String {
    note.get(name)
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// The admin's page, shown or submitted.
pub fn authorize(world: &mut World, visit: &Visit<'_>) -> Answer {
    let token = visit.call.query_value("oauth_token").unwrap_or_default();
    let key = (visit.behaviour.slug.clone(), token.clone());
    let Some(note) = world
        .notes
        .get(&key)
        .cloned()
        .filter(|note| text(note, "host") == visit.call.host)
    else {
        return error_page(visit, "This request token is not known here.");
    };
    if visit.call.method != "POST" {
        let consumer = text(&note, "consumer");
        let buttons = [("approve", "Authorize"), ("deny", "Reject")];
        return page(
            visit,
            200,
            "Give this application access?",
            &[("Consumer", consumer.as_str())],
            &buttons,
        );
    }
    let approved = value(&visit.call.form_pairs(), "outcome") == Some("approve");
    let mut back = vec![("oauth_token".to_owned(), token)];
    if approved {
        let verifier = world.random_hex(LENGTH);
        if let Some(note) = world.notes.get_mut(&key) {
            note.insert("verifier".to_owned(), verifier.clone().into());
        }
        back.push(("oauth_verifier".to_owned(), verifier));
    } else {
        world.notes.remove(&key);
        back.push(("rejected".to_owned(), "1".to_owned()));
    }
    Answer::see_other(with_query(&text(&note, "callback"), &back))
}

fn exchange(world: &mut World, visit: &Visit<'_>) -> Result<Answer, &'static str> {
    let signed = Signed::read(visit.call, true);
    let consumer = consumer(world, visit, &signed)?;
    let token = signed.field("oauth_token").ok_or("parameter_absent")?;
    let verifier = signed.field("oauth_verifier").ok_or("parameter_absent")?;
    let key = (visit.behaviour.slug.clone(), token.to_owned());
    let note = world.notes.get(&key).cloned().ok_or("token_rejected")?;
    if text(&note, "consumer") != consumer.id || text(&note, "host") != visit.call.host {
        return Err("token_rejected");
    }
    signed.check(world, visit, &METHODS, (secret(&consumer), &text(&note, "secret")))?;
    if text(&note, "verifier") != verifier {
        return Err("verifier_invalid");
    }
    world.notes.remove(&key);
    let host = visit.call.host.clone();
    // The same consumer and admin hold one token at a time.
    for known in world.registrations.values_mut().flatten() {
        if known.account.as_ref() == Some(&host) && known.serves.as_ref() == Some(&consumer.id) {
            known.disabled = true;
        }
    }
    let (token, token_secret) = (world.random_hex(LENGTH), world.random_hex(LENGTH));
    world.register(Registration {
        platform: visit.behaviour.slug.clone(),
        id: token.clone(),
        secrets: vec![token_secret.clone()],
        redirect_uris: None,
        account: Some(host.clone()),
        serves: Some(consumer.id),
        permission: Some(TOKEN.to_owned()),
        disabled: false,
    });
    world.note_key(visit.behaviour, Some(&host), &token);
    Ok(form(
        200,
        &[
            ("oauth_token", token.as_str()),
            ("oauth_token_secret", token_secret.as_str()),
        ],
    ))
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let refuse = |status: u16, message: String| {
        Answer::json(
            status,
            json!({ "messages": { "error": [{ "code": status, "message": message }] } }),
        )
    };
    if header_pairs(visit.call).is_empty() {
        return Err(refuse(403, "Access denied".to_owned()));
    }
    judge(world, visit).map_err(|problem| refuse(401, format!("oauth_problem={problem}")))
}

fn judge(world: &mut World, visit: &Visit<'_>) -> Result<Caller, &'static str> {
    let signed = Signed::read(visit.call, false);
    let consumer = consumer(world, visit, &signed)?;
    let token = signed.field("oauth_token").ok_or("parameter_absent")?;
    let host = &visit.call.host;
    let known = world
        .registration(visit.behaviour, token, Some(host))
        .ok_or("token_rejected")?;
    if known.permission.as_deref() != Some(TOKEN) || known.serves.as_ref().is_some_and(|owner| *owner != consumer.id) {
        return Err("token_rejected");
    }
    if known.disabled {
        return Err("token_rejected");
    }
    if world.key_ended(&visit.behaviour.slug, host, token) {
        return Err("token_revoked");
    }
    signed.check(world, visit, &METHODS, (secret(&consumer), secret(&known)))?;
    world.note_key(visit.behaviour, Some(host), token);
    Ok(Caller {
        account: host.clone(),
        grant: None,
        key: Some(token.to_owned()),
    })
}
