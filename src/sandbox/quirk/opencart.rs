//! OpenCart: from 4.1 each call is signed (HMAC-SHA1 over route, user, host, folder, store, language, currency, body and
//! time) and every refusal is the same 403; before, a log-in gives a session, whose end is an HTTP 200 with an error (3.x)
//! or a missing page (4.0). One shop here takes all three; which log-in was used last tells how a dead session is answered.
//! <https://github.com/opencart/opencart>

use serde_json::json;

use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::{Answer, Call, Content, Pairs, value};
use crate::sandbox::grant::{Lives, after, has_passed};
use crate::sandbox::signature::{base64, hex, hmac_sha1, md5};
use crate::sandbox::template::Values;
use crate::sandbox::world::{Grant, World};

const WINDOW_SECONDS: i64 = 450;
const IDLE_SECONDS: u64 = 3600;
const COOKIE_SECONDS: u64 = 86400;

fn route(visit: &Visit<'_>) -> String {
    visit.call.query_value("route").unwrap_or_default()
}

pub fn is_token_call(visit: &Visit<'_>) -> bool {
    matches!(route(visit).as_str(), "api/login" | "api/account/login")
}

pub fn log_in(world: &mut World, visit: &Visit<'_>) -> Answer {
    let old = route(visit) == "api/login";
    let form = visit.call.form_pairs();
    let (user, key) = (
        value(&form, "username").unwrap_or_default(),
        value(&form, "key").unwrap_or_default(),
    );
    let host = visit.call.host.clone();
    if world.check_client(visit.behaviour, user, key, Some(&host)).is_err() {
        return Answer::json(
            200,
            if old {
                json!([])
            } else {
                json!({ "error": "Warning: No match for API username and/or key." })
            },
        );
    }
    let now = visit.expiry_now(world);
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: user.to_owned(),
        account: host.clone(),
        scope: String::new(),
        user: Some(user.to_owned()),
        opened_at: now,
        ended: None,
    };
    let grant = world.open_grant(grant, false);
    let settings = world.settings_of(&visit.behaviour.slug, Some(&host));
    let seconds = settings
        .access_seconds
        .unwrap_or(if old { IDLE_SECONDS } else { COOKIE_SECONDS });
    let lives = Lives {
        access: Some(seconds),
        refresh: None,
        with_refresh: false,
    };
    let pair = world.issue(visit.behaviour, grant, lives, now);
    let version = Values::from([("version".to_owned(), if old { "3" } else { "4.0" }.into())]);
    world.notes.insert((visit.behaviour.slug.clone(), host), version);
    Answer::json(
        200,
        json!({ "success": "Success: API session successfully started!", "api_token": pair.access }),
    )
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    if visit.call.query_value("signature").is_some() || visit.call.query_value("time").is_some() {
        return signed(world, visit).ok_or_else(|| {
            let text = json!({ "error": "Warning: You do not have permission to access the API!" }).to_string();
            Answer {
                status: 403,
                headers: Pairs::new(),
                content: Content::Text("text/html; charset=utf-8", text),
            }
        });
    }
    session(world, visit).ok_or_else(|| {
        let noted = world
            .notes
            .get(&(visit.behaviour.slug.clone(), visit.call.host.clone()));
        if noted
            .and_then(|note| note.get("version"))
            .is_some_and(|version| version == "4.0")
        {
            return Answer::html(
                404,
                "<!doctype html><title>The page you requested cannot be found!</title>".to_owned(),
            );
        }
        Answer::json(
            200,
            json!({ "error": "Warning: You do not have permission to access the API!" }),
        )
    })
}

fn session(world: &mut World, visit: &Visit<'_>) -> Option<Caller> {
    let token = visit.presented_token()?;
    let now = visit.expiry_now(world);
    let (number, grant) = world.judge_access(&visit.behaviour.slug, &token, now).ok()?;
    let account = grant.account.clone();
    let live = account == visit.call.host && !world.key_ended(&visit.behaviour.slug, &account, &grant.client_id);
    let caller = live.then_some(Caller {
        account,
        grant: Some(number),
        key: None,
    })?;
    // Idle time begins anew with each call.
    if let Some(token) = world.access.get_mut(&token)
        && let Some(fresh) =
            after(now, Some(IDLE_SECONDS)).filter(|fresh| !has_passed(Some(*fresh), token.expires_at.unwrap_or(now)))
    {
        token.expires_at = Some(fresh);
    }
    Some(caller)
}

fn signed(world: &mut World, visit: &Visit<'_>) -> Option<Caller> {
    let query = visit.call.query_pairs();
    let field = |name: &str| value(&query, name).unwrap_or_default().to_owned();
    let (route, user, time) = (field("route").to_ascii_lowercase(), field("username"), field("time"));
    if !matches!(route.as_str(), "api/order" | "api/subscription") {
        return None;
    }
    let host = visit.call.host.clone();
    let key = world.live_registration(visit.behaviour, &user, Some(&host))?;
    let now = visit.clock(world, Some(&host)).timestamp();
    let off = now.saturating_sub(time.parse::<i64>().ok()?).saturating_abs();
    if off > WINDOW_SECONDS {
        return None;
    }
    let folder = visit
        .call
        .path
        .rfind('/')
        .and_then(|end| visit.call.path.get(..=end))
        .unwrap_or("/");
    let body = hex(&md5(canonical_body(visit.call).as_bytes()));
    let parts = [
        route.as_str(),
        &field("call"),
        &user,
        &host,
        folder,
        &field("store_id"),
        &field("language"),
        &field("currency"),
        &body,
        &time,
        "",
    ];
    let text = parts.join("\n");
    let fits = |secret: &String| base64(&hmac_sha1(secret.as_bytes(), text.as_bytes())) == field("signature");
    if !key.secrets.iter().any(fits) {
        return None;
    }
    world.note_key(visit.behaviour, Some(&host), &user);
    Some(Caller {
        account: host,
        grant: None,
        key: Some(user),
    })
}

/// The form as PHP has read and cleaned it, written out again: what lies in one list stands where its first item stood.
fn canonical_body(call: &Call) -> String {
    if !call.has_form_body() {
        return String::new();
    }
    let mut fields: Vec<(Vec<String>, String)> = Vec::new();
    for (name, text) in call.form_pairs() {
        let keys = numbered(keys_of(&name), &fields);
        match fields.iter_mut().find(|(known, _)| *known == keys) {
            Some(field) => field.1 = text,
            None => fields.push((keys, text)),
        }
    }
    let place = |keys: &[String]| fields.iter().position(|(known, _)| known.starts_with(keys));
    let places = |keys: &[String]| -> Vec<_> { (1..=keys.len()).map(|end| place(keys.get(..end)?)).collect() };
    let mut order: Vec<_> = fields.iter().map(|(keys, text)| (places(keys), keys, text)).collect();
    order.sort();
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    for (_, keys, text) in order {
        let (top, below) = keys
            .split_first()
            .map_or(("", keys.as_slice()), |(top, below)| (top, below));
        let below: String = below.iter().map(|key| format!("[{}]", cleaned(key))).collect();
        written.append_pair(&format!("{}{below}", cleaned(top)), &cleaned(text));
    }
    // The form serialiser leaves the asterisk alone; PHP does not.
    written.finish().replace('*', "%2A")
}

/// `a[b][]` is `a`, `b` and an empty key.
fn keys_of(name: &str) -> Vec<String> {
    let mut pieces = name.split('[');
    let top = pieces.next().unwrap_or_default().trim_start().replace(['.', ' '], "_");
    let below = pieces.map(|piece| piece.trim_end_matches(']').to_owned());
    std::iter::once(top).chain(below).collect()
}

/// Empty keys get the next number of their list.
fn numbered(mut keys: Vec<String>, before: &[(Vec<String>, String)]) -> Vec<String> {
    for at in 1..keys.len() {
        if keys.get(at).is_some_and(String::is_empty) {
            let (list, _) = keys.split_at(at);
            let own = before.iter().filter(|(known, _)| known.starts_with(list));
            let used = own.filter_map(|(known, _)| known.get(at)?.parse::<u32>().ok());
            let next = used.max().map_or(0, |last| u64::from(last) + 1);
            if let Some(key) = keys.get_mut(at) {
                *key = next.to_string();
            }
        }
    }
    keys
}

fn cleaned(text: &str) -> String {
    text.trim()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn rebuilt(body: &'static str) -> String {
        let call = Call {
            method: "POST".into(),
            https: true,
            host: "shop.example.com".into(),
            path: "/store/index.php".into(),
            query: String::new(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: Bytes::from_static(body.as_bytes()),
            body_bytes: 0,
        };
        canonical_body(&call)
    }

    #[test]
    fn the_body_is_rebuilt_as_the_shop_does() {
        let body = "comment=Fish+%26+%3CChips%3E+%22ok%22+it%27s+%7E1%2A&product%5B%5D=42&product%5B%5D=43&note=+x+";
        assert_eq!(hex(&md5(rebuilt(body).as_bytes())), "e8a7712bca0f27cd984b296294529c12");
        assert_eq!(
            rebuilt("l[]=1&a.b=2&l[]=3&l[k][]=4&a.b=5&l[k][]=6"),
            "l%5B0%5D=1&l%5B1%5D=3&l%5Bk%5D%5B0%5D=4&l%5Bk%5D%5B1%5D=6&a_b=5"
        );
    }
}
