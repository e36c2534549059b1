//! The token endpoint of a platform, from its behaviour file: which headers and encodings it wants, who the client is, and
//! the three standard grants. Each check fails on its own problem, in a fixed order, so that a test sees which one.

use serde_json::Value;

use super::api::Visit;
use super::behaviour::{Behaviour, ClientAuth, Encoding, Identity, Owner, Pkce, TokenRules};
use super::call::{Answer, Pairs, value};
use super::grant::{Lives, Pair, has_passed};
use super::problem::Problem;
use super::quirk;
use super::settings::Settings;
use super::signature;
use super::template;
use super::world::{ClientRefusal, Grant, Registration, World};

/// A problem and a sentence on it.
pub type Refusal = (Problem, String);

/// The parameters of a token request, from wherever this platform takes them.
pub fn parameters(rules: &TokenRules, visit: &Visit<'_>) -> Pairs {
    let mut pairs = Pairs::new();
    for encoding in &rules.encodings {
        match encoding {
            Encoding::Form if visit.call.has_form_body() => pairs.extend(visit.call.form_pairs()),
            Encoding::Json if visit.call.has_json_body() => pairs.extend(visit.call.json_pairs()),
            Encoding::Query => pairs.extend(visit.call.query_pairs()),
            _ => {}
        }
    }
    pairs
}

/// Client id and secret of a token request.
pub fn client_of(rules: &TokenRules, visit: &Visit<'_>, pairs: &[(String, String)]) -> Option<(String, String)> {
    let basic = if rules.client_auth.contains(&ClientAuth::Basic) {
        visit.call.basic()
    } else {
        None
    };
    let body = if rules.client_auth.contains(&ClientAuth::Body) {
        value(pairs, "client_id").zip(value(pairs, "client_secret"))
    } else {
        None
    };
    basic.or_else(|| body.map(|(id, secret)| (id.to_owned(), secret.to_owned())))
}

/// Answers a request to the token endpoint.
pub fn token(world: &mut World, visit: &Visit<'_>, rules: &TokenRules) -> Answer {
    let answer = match ask(world, visit, rules) {
        Ok(body) => Answer::json(200, body),
        Err((problem, detail)) => visit.refuse(problem, &detail),
    };
    quirk::finish_token(visit, answer).with_header("cache-control", "no-store")
}

fn ask(world: &mut World, visit: &Visit<'_>, rules: &TokenRules) -> Result<Value, Refusal> {
    if !rules.methods.contains(&visit.call.method) {
        return Err((
            Problem::MissingParameter,
            format!("{} is not supported here", visit.call.method),
        ));
    }
    visit.require_headers(&rules.required_headers)?;
    let pairs = parameters(rules, visit);
    let grant_type = value(&pairs, "grant_type").or(rules.default_grant.as_deref());
    let grant_type = grant_type.ok_or_else(|| missing("grant_type"))?.to_owned();
    if !rules.grants.contains(&grant_type) {
        return Err((
            Problem::UnsupportedGrant,
            format!("grant_type {grant_type} is not supported"),
        ));
    }
    let (id, secret) = client_of(rules, visit, &pairs)
        .ok_or((Problem::UnknownClient, "client id and secret are missing".to_owned()))?;
    let account = key_account(visit.behaviour, &visit.call.host, &id);
    let client = world
        .check_client(visit.behaviour, &id, &secret, account.as_deref())
        .map_err(|refusal| match refusal {
            ClientRefusal::Unknown => (Problem::UnknownClient, "client id is unknown".to_owned()),
            ClientRefusal::WrongSecret => (Problem::WrongSecret, "client secret is wrong".to_owned()),
        })?;
    match grant_type.as_str() {
        "authorization_code" => code(world, visit, rules, &client, &pairs),
        "refresh_token" => refresh(world, visit, rules, &client, &pairs),
        "client_credentials" => client_credentials(world, visit, rules, &client),
        _ => quirk::other_grant(world, visit, rules, &client, &pairs),
    }
}

/// The account that a key belongs to; none for a partner's client, which serves all accounts.
pub fn key_account(behaviour: &Behaviour, host: &str, id: &str) -> Option<String> {
    match (behaviour.clients.owner, behaviour.identity) {
        (Owner::App, _) => None,
        (Owner::Account, Identity::Host) => Some(host.to_owned()),
        (Owner::Account, _) => Some(id.to_owned()),
    }
}

fn code(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let text = value(pairs, "code").ok_or_else(|| missing("code"))?;
    let now = visit.expiry_now(world);
    let refused = |why: &str| (Problem::CodeRefused, why.to_owned());
    let known = world
        .codes
        .get(text)
        .filter(|known| known.platform == visit.behaviour.slug);
    let known = known
        .filter(|known| known.client_id == client.id)
        .cloned()
        .ok_or_else(|| refused("code is unknown"))?;
    if visit.behaviour.identity == Identity::Host && known.account != visit.call.host {
        return Err(refused("code belongs to another shop"));
    }
    if known.used {
        return Err(refused("code was used before"));
    }
    if has_passed(Some(known.expires_at), now) {
        return Err(refused("code has expired"));
    }
    if rules.repeats_redirect_uri && value(pairs, "redirect_uri") != Some(known.redirect_uri.as_str()) {
        return Err((
            Problem::RedirectMismatch,
            "redirect_uri is not the one of the authorization".to_owned(),
        ));
    }
    check_verifier(visit, known.challenge.as_ref(), value(pairs, "code_verifier"))?;
    if let Some(code) = world.codes.get_mut(text) {
        code.used = true;
    }
    let settings = world.settings_of(&visit.behaviour.slug, Some(&known.account));
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: client.id.clone(),
        account: known.account,
        scope: settings.scope.clone().unwrap_or(known.scope),
        ended: None,
    };
    let replaces = visit
        .behaviour
        .authorize
        .as_ref()
        .is_some_and(|authorize| authorize.replaces_grant);
    let grant = world.open_grant(grant, replaces);
    let expires = rules
        .expires_only_with
        .as_ref()
        .is_none_or(|(name, wanted)| value(pairs, name) == Some(wanted));
    let lives = if expires {
        lives(rules, &settings)
    } else {
        Lives {
            access: None,
            refresh: None,
            with_refresh: false,
        }
    };
    let pair = world.issue(visit.behaviour, grant, lives, now);
    Ok(grant_answer(world, visit, rules, &pair))
}

fn check_verifier(visit: &Visit<'_>, sent: Option<&(String, String)>, verifier: Option<&str>) -> Result<(), Refusal> {
    let rule = visit
        .behaviour
        .authorize
        .as_ref()
        .map_or(Pkce::None, |authorize| authorize.pkce);
    match (rule, sent, verifier) {
        (Pkce::None, _, _) | (Pkce::Supported, None, _) => Ok(()),
        (Pkce::Required, None, _) => Err((Problem::PkceMissing, "code_challenge was missing".to_owned())),
        (_, Some(_), None) => Err((Problem::PkceMissing, "code_verifier is missing".to_owned())),
        (_, Some((method, challenge)), Some(verifier)) => {
            let fits = signature::challenge(method, verifier).as_ref() == Some(challenge);
            if fits {
                Ok(())
            } else {
                Err((Problem::PkceRefused, "code_verifier is wrong".to_owned()))
            }
        }
    }
}

fn refresh(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let text = value(pairs, "refresh_token").ok_or_else(|| missing("refresh_token"))?;
    let refused = |why: &str| (Problem::RefreshRefused, why.to_owned());
    let grant = world.refresh.get(text).and_then(|known| world.grants.get(&known.grant));
    let account = grant
        .filter(|grant| grant.platform == visit.behaviour.slug && grant.client_id == client.id)
        .map(|grant| grant.account.clone())
        .ok_or_else(|| refused("refresh token is unknown"))?;
    if visit.behaviour.identity == Identity::Host && account != visit.call.host {
        return Err(refused("refresh token belongs to another shop"));
    }
    let settings = world.settings_of(&visit.behaviour.slug, Some(&account));
    let now = visit.expiry_now(world);
    let lives = Lives {
        with_refresh: true,
        ..lives(rules, &settings)
    };
    let pair = world
        .renew(visit.behaviour, text, &settings, lives, now)
        .map_err(|_| refused("refresh token is invalid, expired or was used before"))?;
    Ok(grant_answer(world, visit, rules, &pair))
}

fn client_credentials(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
) -> Result<Value, Refusal> {
    let account = match visit.behaviour.identity {
        Identity::Client => client.id.clone(),
        Identity::Host | Identity::Listed => visit.call.host.clone(),
    };
    let settings = world.settings_of(&visit.behaviour.slug, Some(&account));
    let now = visit.expiry_now(world);
    if rules.hands_back_unexpired
        && let Some(pair) = world.unexpired(&visit.behaviour.slug, &client.id, &account, now)
    {
        return Ok(grant_answer(world, visit, rules, &pair));
    }
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: client.id.clone(),
        account,
        scope: settings.scope.clone().unwrap_or_default(),
        ended: None,
    };
    let grant = world.open_grant(grant, false);
    let access = settings
        .access_seconds
        .or(rules.client_credentials_seconds)
        .or(rules.access_seconds);
    let pair = world.issue(
        visit.behaviour,
        grant,
        Lives {
            access,
            refresh: None,
            with_refresh: false,
        },
        now,
    );
    Ok(grant_answer(world, visit, rules, &pair))
}

/// How long a new pair lives here.
pub fn lives(rules: &TokenRules, settings: &Settings) -> Lives {
    Lives {
        access: settings.access_seconds.or(rules.access_seconds),
        refresh: settings.refresh_seconds.or(rules.refresh_seconds),
        with_refresh: rules.grants.iter().any(|grant| grant == "refresh_token")
            && !settings.grants_no_refresh_token.unwrap_or(false),
    }
}

/// The answer that tells a pair.
pub fn grant_answer(world: &World, visit: &Visit<'_>, rules: &TokenRules, pair: &Pair) -> Value {
    let grant = world.grants.get(&pair.grant);
    let account = grant.map(|grant| grant.account.clone()).unwrap_or_default();
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, &account));
    values.insert("access_token".to_owned(), pair.access.clone().into());
    let optional = [
        ("expires_in", pair.expires_in),
        ("refresh_expires_in", pair.refresh_expires_in),
    ];
    for (name, seconds) in optional {
        if let Some(seconds) = seconds {
            values.insert(name.to_owned(), seconds.into());
        }
    }
    if let Some(refresh) = &pair.refresh {
        values.insert("refresh_token".to_owned(), refresh.clone().into());
    }
    if let Some(grant) = grant {
        values.insert("scope".to_owned(), grant.scope.clone().into());
        values.insert("client_id".to_owned(), grant.client_id.clone().into());
    }
    template::fill(&rules.answer, &values)
}

pub fn missing(parameter: &str) -> Refusal {
    (Problem::MissingParameter, format!("parameter {parameter} is missing"))
}
