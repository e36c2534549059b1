//! Keys that merchants paste: a lone secret, or an id with its secret, in whatever places the behaviour file names.
//! Which store a key is about follows from the call, from the key, or from the host.

use super::api::{Caller, Visit};
use super::behaviour::Identity;
use super::oauth::Refusal;
use super::problem::Problem;
use super::rules::KeyRule;
use super::world::{Registration, World};

/// The first key rule that the request speaks to; `None` if it carries no key at all.
pub fn judge(world: &mut World, visit: &Visit<'_>) -> Option<Result<Caller, Refusal>> {
    let rules = visit.behaviour.call.keys.iter();
    let mut met = rules
        .filter(|rule| rule.paths.as_ref().is_none_or(|paths| paths.matches(&visit.call.path)))
        .filter(|rule| {
            rule.secret
                .read(visit.call)
                .is_some_and(|secret| rule.id.is_some() || !secret.is_empty())
        })
        .map(|rule| judge_one(world, visit, rule))
        .collect::<Vec<_>>();
    let good = met.iter().position(Result::is_ok);
    match good {
        Some(index) => Some(met.swap_remove(index)),
        None => met.into_iter().next(),
    }
}

fn judge_one(world: &mut World, visit: &Visit<'_>, rule: &KeyRule) -> Result<Caller, Refusal> {
    let refused = |why: &str| (Problem::CredentialRefused, why.to_owned());
    let secret = rule.secret.read(visit.call).unwrap_or_default();
    let id = match &rule.id {
        Some(place) => place.read(visit.call).ok_or_else(|| refused("the key is missing"))?,
        None => secret.clone(),
    };
    let named = visit
        .behaviour
        .call
        .account
        .as_ref()
        .and_then(|rule| rule.named(visit.call));
    let known = world.registration(visit.behaviour, &id, named.as_deref());
    let account = named.unwrap_or_else(|| owner(visit, known.as_ref(), &id));
    world
        .check_client(visit.behaviour, &id, &secret, Some(&account))
        .map_err(|_| refused("the key is wrong"))?;
    for place in &rule.also {
        let further = place.read(visit.call).ok_or_else(|| refused("a key is missing"))?;
        world
            .check_client(visit.behaviour, &further, &further, None)
            .map_err(|_| refused("a key is wrong"))?;
    }
    Ok(Caller {
        account,
        grant: None,
        key: Some(id),
    })
}

fn owner(visit: &Visit<'_>, key: Option<&Registration>, id: &str) -> String {
    if visit.behaviour.identity == Identity::Host {
        return visit.call.host.clone();
    }
    if let Some(account) = key.and_then(|key| key.serves.clone()) {
        return account;
    }
    let first = visit.behaviour.accounts.first();
    match (visit.behaviour.identity, first) {
        (Identity::Listed, Some(first)) => first.id.clone(),
        _ => id.to_owned(),
    }
}

/// The account of the key in a request, as far as it is known already.
pub fn subject(world: &World, visit: &Visit<'_>) -> Option<String> {
    visit.behaviour.call.keys.iter().find_map(|rule| {
        let id = rule.id.as_ref().unwrap_or(&rule.secret).read(visit.call)?;
        let known = world.registrations.get(&(visit.behaviour.slug.clone(), id.clone()));
        Some(owner(visit, known.and_then(|known| known.first()), &id))
    })
}
