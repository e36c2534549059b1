//! Tokens that need no consent in a browser: asked for with the client's own credentials, with a user's password, or with
//! a refresh token that a merchant copied from the platform's pages.

use serde_json::Value;

use super::api::Visit;
use super::behaviour::Identity;
use super::call::value;
use super::grant::{Lives, after};
use super::oauth::{Refusal, lives, missing};
use super::problem::Problem;
use super::rules::TokenRules;
use super::token_answer::grant_answer;
use super::world::{Code, Grant, RefreshToken, Registration, World};

/// A refresh token that a merchant copied from the platform's own pages opens its grant when it is first used.
pub fn take_pasted(world: &mut World, visit: &Visit<'_>, rules: &TokenRules, text: &str) {
    if world.refresh.contains_key(text) {
        return;
    }
    let account = rules
        .pasted
        .iter()
        .find_map(|pasted| pasted.token.expand(text, &pasted.account));
    if let Some(account) = account {
        let grant = Grant {
            platform: visit.behaviour.slug.clone(),
            client_id: String::new(),
            account,
            scope: String::new(),
            user: None,
            opened_at: visit.expiry_now(world),
            ended: None,
        };
        let grant = world.open_grant(grant, false);
        world.refresh.insert(text.to_owned(), RefreshToken::new(grant, None));
    }
}

/// A code that was made on the platform's own pages is there for whichever client brings it first.
pub fn take_pasted_code(world: &mut World, visit: &Visit<'_>, rules: &TokenRules, client: &Registration, text: &str) {
    if world.codes.contains_key(text) {
        return;
    }
    let mut pasted = rules.pasted_codes.iter();
    if let Some(account) = pasted.find_map(|pasted| pasted.token.expand(text, &pasted.account)) {
        let now = visit.expiry_now(world);
        let code = Code {
            platform: visit.behaviour.slug.clone(),
            client_id: client.id.clone(),
            account,
            redirect_uri: String::new(),
            scope: String::new(),
            challenge: None,
            expires_at: after(now, Some(600)).unwrap_or(now),
            used: false,
            grant: None,
        };
        world.codes.insert(text.to_owned(), code);
    }
}

pub fn client_credentials(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let account = match (&rules.account_parameter, visit.behaviour.identity) {
        (Some(name), _) => {
            let account = value(pairs, name).ok_or_else(|| missing(name))?;
            let slug = &visit.behaviour.slug;
            let listed = visit.behaviour.accounts.iter().any(|listed| listed.id == account);
            if !listed || world.key_ended(slug, account, &client.id) {
                let detail = format!("{name} {account} has not installed this app");
                return Err((Problem::UnknownAccount, detail));
            }
            world.note_key(visit.behaviour, Some(account), &client.id);
            account.to_owned()
        }
        (None, Identity::Client) => client.serves.clone().unwrap_or_else(|| client.id.clone()),
        (None, Identity::Host | Identity::Listed) => visit.call.host.clone(),
    };
    let scopes = ["scope", "scopes", "scope[]"].iter().flat_map(|name| {
        pairs
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, scope)| scope.as_str())
    });
    let scope = scopes.collect::<Vec<_>>().join(" ");
    let settings = world.settings_of(&visit.behaviour.slug, Some(&account));
    let lives = Lives {
        access: settings
            .access_seconds
            .or(rules.client_credentials_seconds)
            .or(rules.access_seconds),
        refresh: None,
        with_refresh: false,
    };
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: client.id.clone(),
        account,
        scope: settings.scope.unwrap_or(scope),
        user: None,
        opened_at: visit.expiry_now(world),
        ended: None,
    };
    Ok(log_in(world, visit, rules, grant, lives))
}

pub fn password(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: Option<&Registration>,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let user = value(pairs, "username").or_else(|| value(pairs, "email"));
    let user = user.ok_or_else(|| missing("username"))?;
    let password = value(pairs, "password").ok_or_else(|| missing("password"))?;
    let host = &visit.call.host;
    let known = world.check_client(visit.behaviour, user, password, Some(host));
    let known = known.map_err(|_| (Problem::UserRefused, "user name or password is wrong".to_owned()))?;
    let account = match visit.behaviour.identity {
        Identity::Host => host.clone(),
        Identity::Client | Identity::Listed => known.serves.unwrap_or(known.id),
    };
    let settings = world.settings_of(&visit.behaviour.slug, Some(&account));
    let lives = lives(rules, &settings);
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: client.map_or_else(|| user.to_owned(), |client| client.id.clone()),
        account,
        scope: settings.scope.unwrap_or_default(),
        user: Some(user.to_owned()),
        opened_at: visit.expiry_now(world),
        ended: None,
    };
    Ok(log_in(world, visit, rules, grant, lives))
}

/// A token for this grant: a new one, or the one that still lives where the platform hands that back.
fn log_in(world: &mut World, visit: &Visit<'_>, rules: &TokenRules, grant: Grant, lives: Lives) -> Value {
    let now = visit.expiry_now(world);
    if rules.hands_back_unexpired
        && let Some(pair) = world.unexpired(&visit.behaviour.slug, &grant.client_id, &grant.account, now)
    {
        return grant_answer(world, visit, rules, &pair);
    }
    let grant = world.open_grant(grant, false);
    let pair = world.issue(visit.behaviour, grant, lives, now);
    grant_answer(world, visit, rules, &pair)
}
