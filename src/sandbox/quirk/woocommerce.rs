//! WooCommerce: over https keys come as Basic or as query parameters, over plain http the call is signed with one-legged
//! OAuth 1.0a (a timestamp within 15 minutes, a nonce once). `/wc-auth/v1/authorize` lets a merchant make keys with one
//! click: the STORE posts them to `callback_url`, wants exactly 200, and only then sends the browser on.
//! <https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication>

use serde_json::{Map, Value, json};

use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::{Answer, Call, Content, Pairs, value};
use crate::sandbox::delivery::Delivery;
use crate::sandbox::gateway::Next;
use crate::sandbox::login::{error_page, page, with_query};
use crate::sandbox::signature::{base64, hmac_sha1, hmac_sha256, oauth1_base};
use crate::sandbox::world::{Registration, World};

const WINDOW_SECONDS: i64 = 15 * 60;
const FAILED: &str = "woocommerce_rest_authentication_error";

fn refuse(code: &str, message: &str) -> Answer {
    Answer::json(
        401,
        json!({ "code": code, "message": message, "data": { "status": 401 } }),
    )
}

/// A request without a known key counts as anonymous, and is told that it may not do this.
fn anonymous(call: &Call) -> Answer {
    let (verb, what) = match call.method.as_str() {
        "POST" => ("create", "create"),
        "PUT" | "PATCH" => ("edit", "edit"),
        "DELETE" => ("delete", "delete"),
        _ => ("view", "list"),
    };
    refuse(
        &format!("woocommerce_rest_cannot_{verb}"),
        &format!("Sorry, you cannot {what} resources."),
    )
}

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    let key = if visit.call.https {
        plain_key(world, visit)?
    } else {
        signed_key(world, visit)?
    };
    let reads = matches!(visit.call.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    match key.permission.as_deref() {
        Some("read") if !reads => return Err(refuse(FAILED, "The API key provided does not have write permissions.")),
        Some("write") if reads => return Err(refuse(FAILED, "The API key provided does not have read permissions.")),
        _ => {}
    }
    world.note_key(visit.behaviour, Some(&visit.call.host), &key.id);
    Ok(Caller {
        account: visit.call.host.clone(),
        grant: None,
        key: Some(key.id),
    })
}

fn plain_key(world: &mut World, visit: &Visit<'_>) -> Result<Registration, Answer> {
    let query = visit
        .call
        .query_value("consumer_key")
        .zip(visit.call.query_value("consumer_secret"));
    let (id, secret) = visit.call.basic().or(query).ok_or_else(|| anonymous(visit.call))?;
    let key = world
        .live_registration(visit.behaviour, &id, Some(&visit.call.host))
        .ok_or_else(|| anonymous(visit.call))?;
    if key.secrets.contains(&secret) {
        Ok(key)
    } else {
        Err(refuse(FAILED, "Consumer secret is invalid."))
    }
}

fn signed_key(world: &mut World, visit: &Visit<'_>) -> Result<Registration, Answer> {
    let query = visit.call.query_pairs();
    let header = header_pairs(visit.call);
    let sent = |name: &str| value(&query, name).or_else(|| value(&header, name));
    let names = ["consumer_key", "timestamp", "nonce", "signature", "signature_method"];
    if sent("oauth_consumer_key").is_none() && sent("oauth_signature").is_none() {
        return Err(anonymous(visit.call));
    }
    let absent: Vec<String> = names
        .iter()
        .map(|name| format!("oauth_{name}"))
        .filter(|name| sent(name).is_none())
        .collect();
    if !absent.is_empty() {
        let message = format!("Missing OAuth parameters: {}", absent.join(", "));
        return Err(refuse("woocommerce_rest_authentication_missing_parameter", &message));
    }
    let field = |name: &str| sent(name).unwrap_or_default().to_owned();
    let key = world
        .live_registration(visit.behaviour, &field("oauth_consumer_key"), Some(&visit.call.host))
        .ok_or_else(|| refuse(FAILED, "Consumer key is invalid."))?;
    if !signature_fits(
        visit.call,
        &query,
        &header,
        &key,
        &field("oauth_signature_method"),
        &field("oauth_signature"),
    ) {
        return Err(refuse(FAILED, "Invalid signature - provided signature does not match."));
    }
    let now = visit.clock(world, Some(&visit.call.host));
    let stated: i64 = field("oauth_timestamp").parse().unwrap_or(0);
    if now.timestamp().saturating_sub(stated).saturating_abs() > WINDOW_SECONDS {
        return Err(refuse(FAILED, "Invalid timestamp."));
    }
    world
        .nonces
        .retain(|_, met| now.signed_duration_since(*met).num_seconds().abs() <= 2 * WINDOW_SECONDS);
    let nonce = (visit.call.host.clone(), key.id.clone(), field("oauth_nonce"));
    if world.nonces.insert(nonce, now).is_some() {
        return Err(refuse(FAILED, "Invalid nonce - nonce has already been used."));
    }
    Ok(key)
}

fn signature_fits(call: &Call, query: &Pairs, header: &Pairs, key: &Registration, method: &str, sent: &str) -> bool {
    let mut pairs = last_of_each(numbered(query));
    pairs.extend(header.iter().filter(|(name, _)| name.as_str() != "realm").cloned());
    if call.has_form_body() {
        pairs.extend(numbered(&call.form_pairs()));
    }
    pairs.retain(|(name, _)| name != "oauth_signature");
    let base = oauth1_base(&call.method, &call.address(), &pairs);
    key.secrets.iter().any(|secret| {
        let secret = format!("{secret}&");
        match method {
            "HMAC-SHA256" => base64(&hmac_sha256(secret.as_bytes(), base.as_bytes())) == sent,
            "HMAC-SHA1" => base64(&hmac_sha1(secret.as_bytes(), base.as_bytes())) == sent,
            _ => false,
        }
    })
}

/// Of a name that is sent twice PHP keeps the last value. WooCommerce's own clients send each parameter twice over http.
fn last_of_each(pairs: Pairs) -> Pairs {
    let mut kept = Pairs::new();
    for (name, text) in pairs {
        kept.retain(|(known, _)| *known != name);
        kept.push((name, text));
    }
    kept
}

/// `name[]` as PHP reads it: `name[0]`, `name[1]`, ...
fn numbered(pairs: &Pairs) -> Pairs {
    let mut counts: Map<String, Value> = Map::new();
    let mut renamed = Pairs::new();
    for (name, text) in pairs {
        let name = match name.strip_suffix("[]") {
            Some(list) => {
                let index = counts.get(list).and_then(Value::as_u64).unwrap_or(0);
                counts.insert(list.to_owned(), (index + 1).into());
                format!("{list}[{index}]")
            }
            None => name.clone(),
        };
        renamed.push((name, text.clone()));
    }
    renamed
}

fn header_pairs(call: &Call) -> Pairs {
    let Some(list) = call
        .header("authorization")
        .and_then(|header| header.strip_prefix("OAuth "))
    else {
        return Pairs::new();
    };
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    list.split(',')
        .filter_map(|part| part.trim().split_once('='))
        .map(|(name, text)| (decode(name), decode(text.trim_matches('"'))))
        .collect()
}

/// Keeps what `_fields` names, as WordPress does.
pub fn only_fields(visit: &Visit<'_>, mut answer: Answer) -> Answer {
    let wanted = visit.call.query_value("_fields");
    if let (Some(wanted), Content::Json(body)) = (wanted, &mut answer.content) {
        let names: Vec<&str> = wanted.split(',').collect();
        let keep = |item: &mut Value| {
            if let Value::Object(fields) = item {
                fields.retain(|name, _| names.contains(&name.as_str()));
            }
        };
        match body {
            Value::Array(items) => items.iter_mut().for_each(keep),
            one => keep(one),
        }
    }
    answer
}

pub fn is_key_page(visit: &Visit<'_>) -> bool {
    visit.call.path.trim_end_matches('/').ends_with("/wc-auth/v1/authorize")
}

/// The page that makes keys, shown or submitted.
pub fn key_page(world: &mut World, visit: &Visit<'_>) -> Next {
    let pairs = visit.call.query_pairs();
    let names = ["app_name", "scope", "user_id", "return_url", "callback_url"];
    if let Some(name) = names.iter().find(|name| value(&pairs, name).is_none_or(str::is_empty)) {
        return Next::Answer(error_page(visit, &format!("Missing parameter {name}.")));
    }
    // Both addresses are decoded once more than the query already was.
    let decoded = |name: &str| {
        percent_encoding::percent_decode_str(value(&pairs, name).unwrap_or_default())
            .decode_utf8_lossy()
            .into_owned()
    };
    let (return_url, callback_url) = (decoded("return_url"), decoded("callback_url"));
    let scope = value(&pairs, "scope").unwrap_or_default().to_owned();
    if !matches!(scope.as_str(), "read" | "write" | "read_write") {
        return Next::Answer(error_page(visit, &format!("Invalid scope {scope}.")));
    }
    let user = value(&pairs, "user_id").unwrap_or_default().to_owned();
    if !user
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return Next::Answer(error_page(
            visit,
            "user_id would be cleaned: letters, digits, - and _ only.",
        ));
    }
    if visit.call.method != "POST" {
        let facts = [
            ("App", value(&pairs, "app_name").unwrap_or_default()),
            ("Access", scope.as_str()),
        ];
        let buttons = [("approve", "Approve"), ("deny", "No, thank you")];
        return Next::Answer(page(visit, 200, "Connect this app to your store?", &facts, &buttons));
    }
    let back = |success: &str| {
        let told = [
            ("success".to_owned(), success.to_owned()),
            ("user_id".to_owned(), user.clone()),
        ];
        with_query(&return_url, &told)
    };
    if value(&visit.call.form_pairs(), "outcome") != Some("approve") {
        return Next::Answer(Answer::see_other(back("0")));
    }
    let key = Registration {
        platform: visit.behaviour.slug.clone(),
        id: format!("ck_{}", world.random_hex(40)),
        secrets: vec![format!("cs_{}", world.random_hex(40))],
        redirect_uris: None,
        account: Some(visit.call.host.clone()),
        serves: None,
        permission: Some(scope.clone()),
        disabled: false,
    };
    let number = world.registrations.len();
    let body = json!({
        "key_id": number,
        "user_id": user,
        "consumer_key": key.id,
        "consumer_secret": key.secrets.first(),
        "key_permissions": scope,
    });
    let delivered = Answer::see_other(back("1"));
    let failed = error_page(
        visit,
        "The app did not take the keys; they were deleted. Go back and try again.",
    );
    let key_id = (key.platform.clone(), key.id.clone());
    world.register(key);
    Next::Deliver(Delivery {
        url: callback_url,
        body: body.to_string(),
        key: key_id,
        delivered,
        failed,
    })
}
