//! What the platforms do towards the partner by order of the control API: send a browser to the app's install address
//! with the platform's own proof, and send the message that a store removed the app, signed as documented.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Visit;
use super::behaviour::Behaviour;
use super::call::{Answer, Call, Pairs};
use super::control_requests::{ControlError, read};
use super::delivery;
use super::jwt;
use super::login::{error_page, issue_code, page, with_query};
use super::partner::Partner;
use super::quirk;
use super::rules::{Hook, Signature};
use super::server::State;
use super::signature::{base64, hex, hmac_sha256};
use super::template::{Values, fill_text};
use super::world::{Registration, World};

type Reply = Result<HttpResponse, ControlError>;
type Shared = web::Data<State>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/partner", web::get().to(show_partner))
        .route("/partner", web::post().to(change_partner))
        .route("/install", web::get().to(install_page))
        .route("/install", web::post().to(install_address))
        .route("/hooks", web::post().to(send_hook));
}

async fn show_partner(state: Shared) -> HttpResponse {
    HttpResponse::Ok().json(&state.world().partner)
}

async fn change_partner(state: Shared, body: Bytes) -> Reply {
    let partner: Partner = read(&body)?;
    state.world().partner = partner;
    Ok(HttpResponse::Ok().json(&state.world().partner))
}

/// An installation that begins in a platform's store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Install {
    platform: String,
    client_id: String,
    /// The app's address for installations.
    url: String,
    /// Default: the platform's first account; for shops on hosts of their own it must be given.
    store: Option<String>,
}

/// With a platform, a client and an address: sends the browser there. Without: a page with a form for them.
async fn install_page(state: Shared, request: HttpRequest) -> Reply {
    if request.query_string().is_empty() {
        let names: String = installing(&state)
            .map(|behaviour| format!("<option value=\"{}\">{}</option>", behaviour.slug, behaviour.name))
            .collect();
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Install from a platform's store</title>\
             </head><body><h1>Install from a platform's store</h1><form><p><label>Platform <select name=\"platform\">\
             {names}</select></label></p><p><label>Client id <input name=\"client_id\" required></label></p><p><label>\
             Install address of the app <input name=\"url\" type=\"url\" required></label></p><p><label>Store (host or \
             account; may stay empty) <input name=\"store\"></label></p><button>Install</button></form></body></html>"
        );
        return Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page));
    }
    let order = web::Query::<Install>::from_query(request.query_string());
    let order = order
        .map_err(|error| ControlError::Malformed(error.to_string()))?
        .into_inner();
    let address = install(&state, &order)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", address)).finish())
}

async fn install_address(state: Shared, body: Bytes) -> Reply {
    let order: Install = read(&body)?;
    Ok(HttpResponse::Ok().json(json!({ "url": install(&state, &order)? })))
}

fn installing(state: &State) -> impl Iterator<Item = &Behaviour> {
    state
        .behaviours()
        .iter()
        .filter(|behaviour| behaviour.install.is_some())
}

fn install(state: &State, order: &Install) -> Result<String, ControlError> {
    let behaviour = installing(state).find(|behaviour| behaviour.slug == order.platform);
    let behaviour = behaviour.ok_or_else(|| ControlError::UnknownPlatform(order.platform.clone()))?;
    let first = behaviour.accounts.first().map(|account| account.id.clone());
    let store = order.store.clone().filter(|store| !store.is_empty()).or(first);
    let store = store.ok_or_else(|| ControlError::Malformed("store is missing".to_owned()))?;
    let call = own_call(&store);
    let visit = Visit {
        behaviour,
        call: &call,
        now: state.now(),
    };
    let mut world = state.world();
    let client = world
        .live_registration(behaviour, &order.client_id, None)
        .ok_or(ControlError::UnknownClient)?;
    Ok(install_at(&mut world, &visit, &client, &order.url, &store))
}

/// The app's address with what this platform adds to it.
pub fn install_at(world: &mut World, visit: &Visit<'_>, client: &Registration, url: &str, store: &str) -> String {
    let mut values = values_of(world, visit, client, store);
    let parameters = visit.behaviour.install.iter().flat_map(|install| &install.parameters);
    let parameters: Pairs = parameters.map(|(name, text)| (name.clone(), text.clone())).collect();
    if let (Some(rules), true) = (
        &visit.behaviour.authorize,
        parameters.iter().any(|(_, text)| text.contains("{code}")),
    ) {
        let scope = visit
            .behaviour
            .install
            .as_ref()
            .and_then(|install| install.scope.clone());
        let mut sent = vec![("redirect_uri".to_owned(), url.to_owned())];
        sent.extend(scope.map(|scope| ("scope".to_owned(), scope)));
        let code = issue_code(world, visit, rules, client, &sent, store);
        values.insert("code".to_owned(), code.into());
    }
    let mut filled: Pairs = parameters
        .into_iter()
        .map(|(name, text)| (name, fill_text(&text, &values)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let secret = client.secrets.first().map(String::as_str).unwrap_or_default();
    quirk::sign_install(visit, secret, &mut filled);
    with_query(url, &filled)
}

pub fn is_store_page(visit: &Visit<'_>) -> bool {
    let page = visit
        .behaviour
        .install
        .as_ref()
        .and_then(|install| install.page.as_ref());
    page.is_some_and(|page| page.matches(&visit.call.path))
}

/// The app's page in the platform's store: one button, which opens the app's address as the platform does.
pub fn store_page(world: &mut World, visit: &Visit<'_>) -> Answer {
    let last = visit.call.path.rsplit('/').next().unwrap_or_default();
    let id = visit.call.query_value("client_id").unwrap_or_else(|| last.to_owned());
    let Some(client) = world.live_registration(visit.behaviour, &id, None) else {
        return error_page(visit, "This app is not known here.");
    };
    let registered = client.redirect_uris.as_ref().and_then(|known| known.first().cloned());
    let Some(url) = registered.or_else(|| world.partner.install_of(&visit.behaviour.slug)) else {
        return error_page(
            visit,
            "No address is registered for this app (control API: /clients or /partner).",
        );
    };
    if visit.call.method != "POST" {
        return page(
            visit,
            200,
            "Install this app?",
            &[("App", id.as_str())],
            &[("approve", "Install")],
        );
    }
    let store = visit
        .behaviour
        .accounts
        .first()
        .map(|account| account.id.clone())
        .unwrap_or_default();
    Answer::see_other(install_at(world, visit, &client, &url, &store))
}

fn own_call(store: &str) -> Call {
    Call {
        method: "GET".to_owned(),
        https: true,
        host: store.to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Pairs::new(),
        body: Bytes::new(),
        body_bytes: 0,
    }
}

fn values_of(world: &mut World, visit: &Visit<'_>, client: &Registration, store: &str) -> Values {
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, store));
    let clock = visit.clock(world, Some(store)).timestamp();
    values.insert("timestamp".to_owned(), clock.into());
    values.insert("day_later".to_owned(), (clock + 86400).into());
    values.insert("client_id".to_owned(), client.id.clone().into());
    values.insert("random".to_owned(), world.random_hex(32).into());
    values
}

/// The message that a store removed the app.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SendHook {
    platform: String,
    client_id: String,
    /// The app's address for messages.
    url: String,
    store: Option<String>,
    /// The store's grants and keys end as well, as they do when a merchant removes the app.
    #[serde(default = "yes")]
    revoke: bool,
    /// Spoils the signature.
    #[serde(default)]
    forged: bool,
}

fn yes() -> bool {
    true
}

async fn send_hook(state: Shared, body: Bytes) -> Reply {
    let order: SendHook = read(&body)?;
    let found = state
        .behaviours()
        .iter()
        .find(|behaviour| behaviour.slug == order.platform);
    let hooked = found.and_then(|behaviour| Some((behaviour, behaviour.hook.as_ref()?)));
    let (behaviour, hook) = hooked.ok_or_else(|| ControlError::UnknownPlatform(order.platform.clone()))?;
    let store = order
        .store
        .clone()
        .or_else(|| behaviour.accounts.first().map(|account| account.id.clone()));
    let store = store.ok_or_else(|| ControlError::Malformed("store is missing".to_owned()))?;
    let call = own_call(&store);
    let visit = Visit {
        behaviour,
        call: &call,
        now: state.now(),
    };
    let message = {
        let mut world = state.world();
        let client = world
            .live_registration(behaviour, &order.client_id, None)
            .ok_or(ControlError::UnknownClient)?;
        if order.revoke {
            world.end_store(&order.platform, Some(&store));
        }
        let values = values_of(&mut world, &visit, &client, &store);
        compose(hook, values, &client, &order)
    };
    let answered = delivery::send(&message).await;
    let told = match &answered {
        Ok(status) => json!({ "status": status }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    Ok(HttpResponse::Ok().json(json!({
        "sent": { "method": message.method, "url": message.url, "headers": message.headers, "body": message.body },
        "answer": told,
    })))
}

fn compose(hook: &Hook, mut values: Values, client: &Registration, order: &SendHook) -> delivery::Message {
    let secret = client.secrets.first().map(String::as_bytes).unwrap_or_default();
    if !hook.body.contains("{signature}") {
        values.insert("body".to_owned(), fill_text(&hook.body, &values).into());
    }
    let signed = fill_text(&hook.signed, &values);
    let code = || hmac_sha256(secret, signed.as_bytes());
    let mut signature = match hook.signature {
        Signature::Hex => hex(&code()),
        Signature::Base64 => base64(&code()),
        Signature::JwtHs256 => jwt::hs256(&signed, secret),
        Signature::JwtRs256 => jwt::rs256(&signed),
        // Another message's: the header itself is in order.
        Signature::PublishedKey if order.forged => quirk::published_key(&client.id),
        Signature::PublishedKey => quirk::published_key(&signed),
    };
    if order.forged && hook.signature != Signature::PublishedKey {
        signature = signature.chars().rev().collect();
    }
    values.insert("signature".to_owned(), signature.into());
    let filled = |(name, text): (&String, &String)| (name.clone(), fill_text(text, &values));
    let query: Pairs = hook.query.iter().map(filled).collect();
    let mut headers: Pairs = hook.headers.iter().map(filled).collect();
    headers.push(("Content-Type".to_owned(), hook.content_type.clone()));
    let url = if query.is_empty() {
        order.url.clone()
    } else {
        with_query(&order.url, &query)
    };
    let body = match values.get("body").and_then(Value::as_str) {
        Some(body) => body.to_owned(),
        None => fill_text(&hook.body, &values),
    };
    delivery::Message {
        method: hook.method.clone(),
        url,
        headers,
        body,
    }
}
