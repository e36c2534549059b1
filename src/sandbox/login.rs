//! The page where a merchant says yes or no: one button for each outcome instead of a log-in. Requests that a platform
//! would not send back (unknown client, foreign redirect URI) end on a page here, as they do there.

use serde_json::Value;

use super::api::Visit;
use super::behaviour::{Authorize, Identity, Pkce};
use super::call::{Answer, Pairs, value};
use super::grant::after;
use super::quirk;
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
    let pairs = visit.call.query_pairs();
    let client = match check(world, visit, rules, &pairs) {
        Ok(client) => client,
        Err(why) => return error_page(visit, &why),
    };
    if visit.call.method != "POST" {
        return show(visit, &client, &pairs);
    }
    let accounts = accounts(visit);
    let account = match value(&visit.call.form_pairs(), "outcome") {
        Some("approve") => Some(accounts.0),
        Some("other") => Some(accounts.1),
        Some("deny") => None,
        _ => return error_page(visit, "Choose one of the buttons."),
    };
    send_back(world, visit, rules, &client, &pairs, account)
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
    let redirect_uri = value(pairs, "redirect_uri").ok_or("redirect_uri is missing.")?;
    let registered = client
        .redirect_uris
        .as_ref()
        .is_none_or(|known| known.iter().any(|uri| uri == redirect_uri));
    if !registered || url::Url::parse(redirect_uri).is_err() {
        return Err("redirect_uri is not one of those registered for this client.".to_owned());
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
fn accounts(visit: &Visit<'_>) -> (String, String) {
    let listed = |index: usize| visit.behaviour.accounts.get(index).map(|account| account.id.clone());
    match visit.behaviour.identity {
        Identity::Listed => (listed(0).unwrap_or_default(), listed(1).unwrap_or_default()),
        Identity::Host | Identity::Client => (visit.call.host.clone(), format!("other-{}", visit.call.host)),
    }
}

fn show(visit: &Visit<'_>, client: &Registration, pairs: &[(String, String)]) -> Answer {
    let (account, other) = accounts(visit);
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
) -> Answer {
    let mut values = visit.values();
    let clock = visit.clock(world, account.as_deref());
    values.insert("timestamp".to_owned(), clock.timestamp().to_string().into());
    if let Some(state) = value(pairs, "state") {
        values.insert("state".to_owned(), state.into());
    }
    let redirect_uri = value(pairs, "redirect_uri").unwrap_or_default().to_owned();
    let parameters = match account {
        Some(account) => {
            values.extend(world.account_values(visit.behaviour, &account));
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
    Answer::see_other(with_query(&redirect_uri, &back)).with_header("cache-control", "no-store")
}

fn issue_code(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &Authorize,
    client: &Registration,
    pairs: &[(String, String)],
    account: &str,
) -> String {
    let now = visit.expiry_now(world);
    let text = world.random_hex(32);
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
