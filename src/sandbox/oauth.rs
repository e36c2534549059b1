//! The token endpoint of a platform, from its behaviour file: which headers and encodings it wants, who the client is, and
//! the three standard grants. Each check fails on its own problem, in a fixed order, so that a test sees which one.

use serde_json::Value;

use super::api::Visit;
use super::behaviour::{Behaviour, Identity, Owner};
use super::call::{Answer, Pairs, value};
use super::grant::{Lives, has_passed};
use super::own_login::{client_credentials, password, take_pasted, take_pasted_code};
use super::problem::Problem;
use super::quirk;
use super::rules::{ClientAuth, Encoding, Pkce, TokenRules};
use super::settings::Settings;
use super::signature;
use super::token_answer::grant_answer;
use super::world::{ClientRefusal, Grant, Registration, World};

/// A problem and a sentence on it.
pub type Refusal = (Problem, String);

/// The parameters of a token request, from wherever this platform takes them, under their standard names.
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
    for (standard, own) in &rules.names {
        for (name, _) in pairs.iter_mut().filter(|(name, _)| name == own) {
            name.clone_from(standard);
        }
    }
    pairs
}

/// Client id and secret of a token request.
pub fn client_of(auth: &[ClientAuth], visit: &Visit<'_>, pairs: &[(String, String)]) -> Option<(String, String)> {
    let basic = if auth.contains(&ClientAuth::Basic) {
        visit.call.basic()
    } else {
        None
    };
    let body = if auth.contains(&ClientAuth::Body) {
        value(pairs, "client_id").zip(value(pairs, "client_secret"))
    } else {
        None
    };
    basic.or_else(|| body.map(|(id, secret)| (id.to_owned(), secret.to_owned())))
}

/// Answers a request to the token endpoint.
pub fn token(world: &mut World, visit: &Visit<'_>, rules: &TokenRules) -> Answer {
    let answer = match ask(world, visit, rules) {
        Ok(body) => Answer::json(rules.status, body),
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
    let grant_type = grant_type(rules, &pairs).ok_or_else(|| missing("grant_type"))?;
    if !rules.grants.contains(&grant_type) {
        return Err((
            Problem::UnsupportedGrant,
            format!("grant_type {grant_type} is not supported"),
        ));
    }
    if let Some(name) = rules.required.iter().find(|name| value(&pairs, name).is_none()) {
        return Err(missing(name));
    }
    let anonymous = rules.client_auth == [ClientAuth::None] || rules.anonymous_grants.contains(&grant_type);
    let client = if anonymous {
        None
    } else {
        Some(identify(world, visit, &rules.client_auth, &pairs)?)
    };
    match (grant_type.as_str(), client) {
        ("authorization_code", Some(client)) => code(world, visit, rules, &client, &pairs),
        ("refresh_token", client) => refresh(world, visit, rules, client.as_ref(), &pairs),
        ("client_credentials", Some(client)) => client_credentials(world, visit, rules, &client, &pairs),
        ("password", client) => password(world, visit, rules, client.as_ref(), &pairs),
        (_, Some(client)) => quirk::other_grant(world, visit, rules, &client, &pairs),
        (_, None) => Err((Problem::UnknownClient, "the client is not named".to_owned())),
    }
}

fn grant_type(rules: &TokenRules, pairs: &[(String, String)]) -> Option<String> {
    if let Some(sent) = value(pairs, "grant_type") {
        let own = rules.grant_names.get(sent).map_or(sent, String::as_str);
        return Some(own.to_owned());
    }
    let inferred = [
        ("code", "authorization_code"),
        ("refresh_token", "refresh_token"),
        ("username", "password"),
    ];
    let inferred = inferred
        .iter()
        .find(|(name, _)| rules.infers_grant && value(pairs, name).is_some())
        .map(|(_, grant)| (*grant).to_owned());
    inferred.or_else(|| rules.default_grant.clone())
}

/// The client that a request comes from, if it proves to be it in one of the ways of this platform.
pub fn identify(
    world: &mut World,
    visit: &Visit<'_>,
    auth: &[ClientAuth],
    pairs: &[(String, String)],
) -> Result<Registration, Refusal> {
    if auth.contains(&ClientAuth::Signed) {
        return quirk::signed_client(world, visit, pairs);
    }
    let unknown = || (Problem::UnknownClient, "client id is unknown".to_owned());
    let Some((id, secret)) = client_of(auth, visit, pairs) else {
        let id = value(pairs, "client_id").filter(|_| auth.contains(&ClientAuth::Public));
        let id = id.ok_or((Problem::UnknownClient, "client id and secret are missing".to_owned()))?;
        return world.live_registration(visit.behaviour, id, None).ok_or_else(unknown);
    };
    let account = key_account(visit.behaviour, &visit.call.host, &id);
    world
        .check_client(visit.behaviour, &id, &secret, account.as_deref())
        .map_err(|refusal| match refusal {
            ClientRefusal::Unknown => unknown(),
            ClientRefusal::WrongSecret => (Problem::WrongSecret, "client secret is wrong".to_owned()),
        })
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
    take_pasted_code(world, visit, rules, client, text);
    let now = visit.expiry_now(world);
    let refused = |why: &str| (Problem::CodeRefused, why.to_owned());
    let known = world
        .codes
        .get(text)
        .filter(|known| known.platform == visit.behaviour.slug);
    let apart = visit.behaviour.authorize.as_ref().is_some_and(|page| page.client_apart);
    let known = known
        .filter(|known| apart || known.client_id == client.id)
        .cloned()
        .ok_or_else(|| refused("code is unknown"))?;
    if visit.behaviour.identity == Identity::Host && known.account != visit.call.host {
        return Err(refused("code belongs to another shop"));
    }
    if known.used {
        let revokes = visit
            .behaviour
            .authorize
            .as_ref()
            .is_some_and(|page| page.reuse_revokes);
        if revokes
            && !has_passed(Some(known.expires_at), now)
            && let Some(grant) = known.grant.and_then(|number| world.grants.get_mut(&number))
        {
            grant.ended.get_or_insert("its code was used twice");
        }
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
        user: None,
        opened_at: now,
        ended: None,
    };
    let page = visit.behaviour.authorize.as_ref();
    let grant = world.open_grant(grant, page.is_some_and(|page| page.replaces_grant));
    if let Some(most) = page.and_then(|page| page.most_grants) {
        world.keep_newest(grant, most);
    }
    if let Some(code) = world.codes.get_mut(text) {
        code.grant = Some(grant);
    }
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
    client: Option<&Registration>,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let text = value(pairs, "refresh_token").ok_or_else(|| missing("refresh_token"))?;
    let refused = |why: &str| (Problem::RefreshRefused, why.to_owned());
    take_pasted(world, visit, rules, text);
    let grant = world.refresh.get(text).and_then(|known| world.grants.get(&known.grant));
    let account = grant
        .filter(|grant| grant.platform == visit.behaviour.slug)
        .filter(|grant| client.is_none_or(|client| grant.client_id == client.id))
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

/// How long a new pair lives here.
pub fn lives(rules: &TokenRules, settings: &Settings) -> Lives {
    Lives {
        access: settings.access_seconds.or(rules.access_seconds),
        refresh: settings.refresh_seconds.or(rules.refresh_seconds),
        with_refresh: rules.grants.iter().any(|grant| grant == "refresh_token")
            && !settings.grants_no_refresh_token.unwrap_or(false),
    }
}

pub fn missing(parameter: &str) -> Refusal {
    (Problem::MissingParameter, format!("parameter {parameter} is missing"))
}
