//! The page where a merchant says yes or no: one button for each outcome instead of a log-in. Requests that a platform
//! would not send back (unknown client, foreign redirect URI) end on a page here, as they do there.

use serde_json::Value;

use super::api::Visit;
use super::behaviour::Identity;
use super::call::{Answer, Pairs, value};
use super::grant::after;
use super::quirk;
use super::rules::{Authorize, Pkce, Redirect};
use super::signature::encode;
use super::template;
use super::world::{Code, Registration, World};

const STYLE: &str = ":root{color-scheme:light dark;--ground:#f3f1ec;--sheet:#fff;--line:#d8d4ca;--ink:#1c1b19;\
--sheet-ink:#fff;--mark:#6b4a00;--focus:#8a5a12}\
@media (prefers-color-scheme:dark){:root{--ground:#14130f;--sheet:#1f1d19;--line:#413d35;--ink:#eeebe4;\
--sheet-ink:#1c1b19;--mark:#e0b65e;--focus:#e0b65e}}\
*{box-sizing:border-box}body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:var(--ground);color:var(--ink)}\
main{max-width:34rem;margin:clamp(1rem,6vw,3rem) auto;padding:clamp(1.25rem,5vw,2rem);background:var(--sheet);\
border:1px solid var(--line);border-radius:.5rem;width:calc(100% - 1.5rem)}\
.mark{font-size:.85rem;letter-spacing:.04em;text-transform:uppercase;color:var(--mark);overflow-wrap:anywhere;margin:0}\
h1{font-size:1.4rem;margin:.2rem 0 1rem}dt{font-weight:600}dd{margin:0 0 .6rem;overflow-wrap:anywhere}\
button{font:inherit;display:block;width:100%;padding:.7rem;margin:.6rem 0;border:1px solid var(--ink);\
border-radius:.35rem;background:var(--sheet);color:inherit;cursor:pointer;overflow-wrap:anywhere}\
button.first{background:var(--ink);color:var(--sheet-ink)}\
button:focus-visible{outline:3px solid var(--focus);outline-offset:2px}";

/// A request to the authorization page, shown or submitted.
pub fn authorize(world: &mut World, visit: &Visit<'_>, rules: &Authorize) -> Answer {
    let pairs = parameters(visit, rules);
    let client = match check(world, visit, rules, &pairs) {
        Ok(client) => client,
        Err(why) => return error_page(visit, &why),
    };
    let Some(back_to) = back_to(world, visit, rules, &client, &pairs) else {
        let why = "No address to come back to is registered for this client (control API: /clients or /partner).";
        return error_page(visit, why);
    };
    if visit.call.method != "POST" {
        return show(visit, rules, &client, &pairs);
    }
    let accounts = accounts(visit, rules);
    let account = match value(&visit.call.form_pairs(), "outcome") {
        Some("approve") => Some(accounts.0),
        Some("other") => Some(accounts.1),
        Some("deny") => None,
        _ => return error_page(visit, "Choose one of the buttons."),
    };
    send_back(world, visit, rules, &client, &pairs, account, &back_to)
}

/// The query under the standard names.
fn parameters(visit: &Visit<'_>, rules: &Authorize) -> Pairs {
    let mut pairs = visit.call.query_pairs();
    for (standard, own) in &rules.names {
        for (name, _) in pairs.iter_mut().filter(|(name, _)| name == own) {
            name.clone_from(standard);
        }
    }
    if let Some(id) = rules.client.as_ref().and_then(|place| place.read(visit.call)) {
        pairs.push(("client_id".to_owned(), id));
    }
    quirk::read_authorize(visit, &mut pairs);
    pairs
}

fn back_to(
    world: &World,
    visit: &Visit<'_>,
    rules: &Authorize,
    client: &Registration,
    pairs: &[(String, String)],
) -> Option<String> {
    let sent = value(pairs, "redirect_uri")
        .filter(|uri| url::Url::parse(uri).is_ok())
        .map(str::to_owned);
    if rules.redirect == Redirect::Sent {
        return sent;
    }
    let registered = client.redirect_uris.as_ref().and_then(|known| known.first().cloned());
    let partner = || world.partner.callback_of(&visit.behaviour.slug);
    registered.or(sent).or_else(partner)
}

fn check(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &Authorize,
    pairs: &[(String, String)],
) -> Result<Registration, String> {
    let id = value(pairs, "client_id").ok_or("client_id is missing.")?;
    let client = world
        .live_registration(visit.behaviour, id, None)
        .ok_or("This client_id is not known here.")?;
    if rules.redirect == Redirect::Sent {
        let redirect_uri = value(pairs, "redirect_uri").ok_or("redirect_uri is missing.")?;
        let registered = client
            .redirect_uris
            .as_ref()
            .is_none_or(|known| known.iter().any(|uri| uri == redirect_uri));
        if !registered || url::Url::parse(redirect_uri).is_err() {
            return Err("redirect_uri is not one of those registered for this client.".to_owned());
        }
    }
    let misshaped = |(name, pattern): &(&String, &super::behaviour::Pattern)| {
        value(pairs, name).is_none_or(|text| !pattern.matches(text))
    };
    if let Some((name, _)) = rules.patterns.iter().find(misshaped) {
        return Err(format!("{name} is missing or not as it must be."));
    }
    if let Some(name) = rules
        .required
        .iter()
        .find(|name| value(pairs, name).is_none_or(str::is_empty))
    {
        return Err(format!("{name} is missing."));
    }
    if value(pairs, "response_type").is_some_and(|kind| kind != "code") {
        return Err("response_type must be code.".to_owned());
    }
    let method = value(pairs, "code_challenge_method");
    match value(pairs, "code_challenge") {
        Some(_) if method.is_some_and(|method| !matches!(method, "S256" | "plain")) => {
            Err("code_challenge_method must be S256 or plain.".to_owned())
        }
        None if rules.pkce == Pkce::Required => Err("code_challenge is missing.".to_owned()),
        _ => Ok(client),
    }
}

/// The account that approves by default, and another one.
fn accounts(visit: &Visit<'_>, rules: &Authorize) -> (String, String) {
    if let Some(named) = rules.account.as_ref().and_then(|place| place.read(visit.call)) {
        let other = visit.behaviour.accounts.iter().find(|account| account.id != named);
        return (named, other.map(|account| account.id.clone()).unwrap_or_default());
    }
    let listed = |index: usize| visit.behaviour.accounts.get(index).map(|account| account.id.clone());
    match visit.behaviour.identity {
        Identity::Listed => (listed(0).unwrap_or_default(), listed(1).unwrap_or_default()),
        // Of two ways in, the one with a page may know its accounts by name.
        Identity::Client if listed(1).is_some() => (listed(0).unwrap_or_default(), listed(1).unwrap_or_default()),
        Identity::Host | Identity::Client => (visit.call.host.clone(), format!("other-{}", visit.call.host)),
    }
}

fn show(visit: &Visit<'_>, rules: &Authorize, client: &Registration, pairs: &[(String, String)]) -> Answer {
    let (account, other) = accounts(visit, rules);
    let facts = [
        ("Client", client.id.as_str()),
        ("Scopes", value(pairs, "scope").unwrap_or("those of the client")),
        ("Back to", value(pairs, "redirect_uri").unwrap_or_default()),
    ];
    let approve = format!("Approve as {account}");
    let other = format!("Approve as another account, {other}");
    page(
        visit,
        200,
        "Allow access to your store?",
        &facts,
        &[("approve", &approve), ("deny", "Deny"), ("other", &other)],
    )
}

fn send_back(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &Authorize,
    client: &Registration,
    pairs: &[(String, String)],
    account: Option<String>,
    redirect_uri: &str,
) -> Answer {
    let mut values = visit.values();
    let clock = visit.clock(world, account.as_deref());
    values.insert("timestamp".to_owned(), clock.timestamp().to_string().into());
    if let Some(state) = value(pairs, "state") {
        values.insert("state".to_owned(), state.into());
    }
    values.insert("client_id".to_owned(), client.id.clone().into());
    let parameters = match account {
        Some(account) => {
            values.extend(world.account_values(visit.behaviour, &account));
            world
                .ended_keys
                .remove(&(visit.behaviour.slug.clone(), account.clone(), client.id.clone()));
            let code = issue_code(world, visit, rules, client, pairs, &account);
            values.insert("code".to_owned(), code.into());
            &rules.approved
        }
        None => &rules.denied,
    };
    let mut back = Pairs::new();
    for (name, text) in parameters {
        match template::fill(&Value::String(text.clone()), &values) {
            Value::String(text) => back.push((name.clone(), text)),
            Value::Null => {}
            other => back.push((name.clone(), other.to_string())),
        }
    }
    quirk::sign_callback(
        visit,
        client.secrets.first().map(String::as_str).unwrap_or_default(),
        &mut back,
    );
    Answer::see_other(with_query(redirect_uri, &back)).with_header("cache-control", "no-store")
}

pub fn issue_code(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &Authorize,
    client: &Registration,
    pairs: &[(String, String)],
    account: &str,
) -> String {
    let now = visit.expiry_now(world);
    let values = template::Values::from([("random".to_owned(), world.random_hex(32).into())]);
    let text = template::fill_text(&rules.code_format, &values);
    let method = value(pairs, "code_challenge_method").unwrap_or("plain");
    let code = Code {
        platform: visit.behaviour.slug.clone(),
        client_id: client.id.clone(),
        account: account.to_owned(),
        redirect_uri: value(pairs, "redirect_uri").unwrap_or_default().to_owned(),
        scope: value(pairs, "scope").unwrap_or_default().to_owned(),
        challenge: value(pairs, "code_challenge").map(|challenge| (method.to_owned(), challenge.to_owned())),
        expires_at: after(now, Some(rules.code_seconds)).unwrap_or(now),
        used: false,
        grant: None,
    };
    world.codes.insert(text.clone(), code);
    text
}

/// `address` with more query parameters.
pub fn with_query(address: &str, pairs: &[(String, String)]) -> String {
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", encoded.join("&"))
}

/// A page without anything to do on it.
pub fn error_page(visit: &Visit<'_>, why: &str) -> Answer {
    page(visit, 400, why, &[], &[])
}

/// A page with facts and a button for each outcome; posts back to its own address, query included.
pub fn page(visit: &Visit<'_>, status: u16, heading: &str, facts: &[(&str, &str)], buttons: &[(&str, &str)]) -> Answer {
    let name = escape(&visit.behaviour.name);
    let heading = escape(heading);
    let facts: String = facts
        .iter()
        .map(|(term, text)| format!("<dt>{}</dt><dd>{}</dd>", escape(term), escape(text)))
        .collect();
    let buttons: String = buttons
        .iter()
        .enumerate()
        .map(|(index, (outcome, label))| {
            let class = if index == 0 { " class=\"first\"" } else { "" };
            format!(
                "<button{class} name=\"outcome\" value=\"{outcome}\">{}</button>",
                escape(label)
            )
        })
        .collect();
    let form = if buttons.is_empty() {
        String::new()
    } else {
        format!("<form method=\"post\">{buttons}</form>")
    };
    let list = if facts.is_empty() {
        String::new()
    } else {
        format!("<dl>{facts}</dl>")
    };
    let host = escape(&visit.call.host);
    Answer::html(
        status,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Simulated {name}</title>\
             <style>{STYLE}</style></head><body><main><p class=\"mark\">Simulated {name} at {host}</p>\
             <h1>{heading}</h1>{list}{form}<p>Nothing here reaches the real {name}.</p></main></body></html>"
        ),
    )
    .with_header("cache-control", "no-store")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
