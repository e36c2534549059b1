//! Calls with a credential: is it good, whose is it, and the answer. A few paths have answers of their own (what a
//! connection is verified with, uninstalling); every other path echoes what arrived, so that forwarding can be tested,
//! with the status `_status` and each header `_header=Name:value` of the query (a hostile shop is one call away). A path that ends in `/_stream` sends chunks; one that ends in `/_echo` sends the body back as it comes (`gateway`).

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::behaviour::{Behaviour, Effect, Endpoint, Identity};
use super::call::{Answer, Call, Content, value};
use super::grant::TokenRefusal;
use super::key;
use super::oauth::{Refusal, client_of, identify, parameters};
use super::problem::Problem;
use super::quirk;
use super::rules::AccountMust;
use super::template::{self, Values};
use super::world::World;

/// A request at a platform, at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub behaviour: &'a Behaviour,
    pub call: &'a Call,
    pub now: DateTime<Utc>,
}

/// Who is calling.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: String,
    pub grant: Option<u64>,
    /// The key or fixed token, where there is no grant.
    pub key: Option<String>,
}

impl Visit<'_> {
    /// The moment by which tokens expire.
    pub fn expiry_now(&self, world: &World) -> DateTime<Utc> {
        world.expiry_now(self.now)
    }

    /// What the platform's own clock shows.
    pub fn clock(&self, world: &World, account: Option<&str>) -> DateTime<Utc> {
        let skew = world
            .settings_of(&self.behaviour.slug, account)
            .clock_skew_seconds
            .unwrap_or(0);
        let skew = TimeDelta::try_seconds(skew).unwrap_or_default();
        self.expiry_now(world).checked_add_signed(skew).unwrap_or(self.now)
    }

    pub fn values(&self) -> Values {
        let path = &self.call.path;
        let root = path
            .find("/wp-json")
            .map_or("", |end| path.get(..end).unwrap_or_default());
        Values::from([
            ("method".to_owned(), self.call.method.clone().into()),
            ("path".to_owned(), path.clone().into()),
            ("host".to_owned(), self.call.host.clone().into()),
            (
                "store_url".to_owned(),
                format!("{}://{}{root}", self.call.scheme(), self.call.host).into(),
            ),
            ("timestamp".to_owned(), self.now.timestamp().into()),
            (
                "time".to_owned(),
                self.now.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            ),
        ])
    }

    /// The platform's answer to a problem.
    pub fn refuse(&self, problem: Problem, detail: &str) -> Answer {
        let shape = self.behaviour.shape(problem, &self.call.path);
        let mut values = self.values();
        values.insert("detail".to_owned(), detail.into());
        let body = template::fill(&shape.body, &values);
        let mut answer = Answer::json(shape.status, body);
        if let (Some(kind), Content::Json(Value::String(text))) = (&shape.content_type, &answer.content) {
            answer.content = Content::Typed(kind.clone(), text.clone());
        }
        for (name, text) in &shape.headers {
            answer = answer.with_header(name, template::fill_text(text, &values));
        }
        answer
    }

    pub fn require_headers(&self, names: &[String]) -> Result<(), Refusal> {
        let absent = |name: &&String| self.call.header(name).is_none_or(|value| value.trim().is_empty());
        match names.iter().find(absent) {
            Some(name) => Err((Problem::MissingHeader, format!("header {name} is missing"))),
            None => Ok(()),
        }
    }

    /// The access token that the request carries.
    pub fn presented_token(&self) -> Option<String> {
        self.behaviour
            .call
            .token_in
            .iter()
            .find_map(|place| place.read(self.call))
    }

    /// The store that the request is about, as far as can be told without judging it.
    pub fn subject(&self, world: &World) -> Option<String> {
        if self.behaviour.identity == Identity::Host {
            return Some(self.call.host.clone());
        }
        let by_grant = |number: u64| world.grants.get(&number).map(|grant| grant.account.clone());
        if let Some(rules) = self.behaviour.token_at(&self.call.path) {
            let pairs = parameters(rules, self);
            if let Some(name) = &rules.account_parameter {
                return value(&pairs, name).map(str::to_owned);
            }
            if self.behaviour.identity == Identity::Client {
                let user = value(&pairs, "username")
                    .or_else(|| value(&pairs, "email"))
                    .map(str::to_owned);
                return user.or_else(|| client_of(&rules.client_auth, self, &pairs).map(|(id, _)| id));
            }
            let code = value(&pairs, "code").and_then(|code| world.codes.get(code));
            let refresh = value(&pairs, "refresh_token").and_then(|token| world.refresh.get(token));
            return code
                .map(|code| code.account.clone())
                .or_else(|| refresh.and_then(|token| by_grant(token.grant)));
        }
        let token = self.presented_token();
        let grant = token
            .and_then(|token| world.access.get(&token))
            .and_then(|token| by_grant(token.grant));
        let named = || {
            self.behaviour
                .call
                .account
                .as_ref()
                .and_then(|rule| rule.named(self.call))
        };
        grant
            .or_else(|| quirk::subject(self))
            .or_else(named)
            .or_else(|| key::subject(world, self))
    }
}

/// Judges the credential of a call.
pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    if let Some(judged) = quirk::authenticate(world, visit) {
        return judged;
    }
    credential(world, visit).map_err(|(problem, detail)| visit.refuse(problem, &detail))
}

/// Judges a token or key in its place, and all that must be said beside it.
pub fn credential(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Refusal> {
    let rules = &visit.behaviour.call;
    visit.require_headers(&rules.required_headers)?;
    for rule in &rules.headers {
        let concerns = rule.methods.is_empty() || rule.methods.contains(&visit.call.method);
        let fits = visit
            .call
            .header(&rule.name)
            .is_some_and(|text| rule.pattern.matches(text));
        if concerns && !fits {
            return Err((rule.problem, format!("header {} is missing or wrong", rule.name)));
        }
    }
    let caller = match visit.presented_token() {
        Some(token) if world.access.contains_key(&token) => own_token(world, visit, &token)?,
        token => match key::judge(world, visit) {
            Some(judged) => judged?,
            None => pasted_token(world, visit, token)?,
        },
    };
    named_account(visit, caller)
}

fn pasted_token(world: &mut World, visit: &Visit<'_>, token: Option<String>) -> Result<Caller, Refusal> {
    let token = token.ok_or((Problem::CredentialMissing, "access token is missing".to_owned()))?;
    let fixed = visit.behaviour.call.fixed_tokens.contains(&token);
    if !fixed || world.key_ended(&visit.behaviour.slug, &visit.call.host, &token) {
        return Err((Problem::CredentialRefused, "access token is invalid".to_owned()));
    }
    world.note_key(visit.behaviour, Some(&visit.call.host), &token);
    Ok(Caller {
        account: visit.call.host.clone(),
        grant: None,
        key: Some(token),
    })
}

fn own_token(world: &mut World, visit: &Visit<'_>, token: &str) -> Result<Caller, Refusal> {
    let (number, grant) = match world.judge_access(&visit.behaviour.slug, token, visit.expiry_now(world)) {
        Ok((number, grant)) => (number, grant.clone()),
        Err(TokenRefusal::Expired) => return Err((Problem::CredentialExpired, "access token has expired".to_owned())),
        Err(_) => return Err((Problem::CredentialRefused, "access token is invalid".to_owned())),
    };
    if visit.behaviour.identity == Identity::Host && grant.account != visit.call.host {
        let detail = "access token belongs to another shop".to_owned();
        return Err((Problem::CredentialRefused, detail));
    }
    if let Some(rule) = &visit.behaviour.call.client_header {
        let client = world.registration(visit.behaviour, &grant.client_id, None);
        let fits = client.is_some_and(|client| {
            client.secrets.iter().any(|secret| {
                let mut values = Values::from([("client_id".to_owned(), client.id.clone().into())]);
                values.insert("client_secret".to_owned(), secret.clone().into());
                visit.call.header(&rule.name) == Some(template::fill_text(&rule.value, &values).as_str())
            })
        });
        if !fits {
            return Err((Problem::ClientHeaderRefused, format!("header {} is wrong", rule.name)));
        }
    }
    let scoped = !visit.behaviour.call.needs_scope || !grant.scope.trim().is_empty();
    if !scoped && !endpoint_of(visit).is_some_and(|endpoint| endpoint.any_scope) {
        return Err((Problem::ScopeMissing, "the token has no scope".to_owned()));
    }
    if let Some(token) = world.access.get_mut(token) {
        token.used = true;
    }
    Ok(Caller {
        account: grant.account,
        grant: Some(number),
        key: None,
    })
}

/// Holds the caller against the store that the call names.
fn named_account(visit: &Visit<'_>, caller: Caller) -> Result<Caller, Refusal> {
    let Some(rule) = &visit.behaviour.call.account else {
        return Ok(caller);
    };
    let Some(named) = rule.named(visit.call) else {
        return if rule.required {
            Err((Problem::UnknownAccount, "the store is not named".to_owned()))
        } else {
            Ok(caller)
        };
    };
    match rule.must {
        AccountMust::BeOwn if caller.account != named => Err((
            Problem::WrongAccount,
            "the credential is not good for this store".to_owned(),
        )),
        AccountMust::BeListed if !visit.behaviour.accounts.iter().any(|listed| listed.id == named) => {
            Err((Problem::UnknownAccount, "there is no such store".to_owned()))
        }
        _ => Ok(Caller {
            account: named,
            ..caller
        }),
    }
}

fn endpoint_of<'a>(visit: &Visit<'a>) -> Option<&'a Endpoint> {
    visit.behaviour.endpoints.iter().find(|endpoint| {
        endpoint.method.eq_ignore_ascii_case(&visit.call.method)
            && endpoint.path.matches(&visit.call.path)
            && endpoint
                .query
                .iter()
                .all(|(name, pattern)| visit.call.sent(name).is_some_and(|text| pattern.matches(&text)))
    })
}

/// Answers any call that is neither a page nor a token call.
pub fn answer(world: &mut World, visit: &Visit<'_>) -> Answer {
    let endpoint = endpoint_of(visit);
    let anonymous = endpoint.is_some_and(|endpoint| endpoint.anonymous);
    let caller = if anonymous {
        Caller {
            account: visit.subject(world).unwrap_or_default(),
            grant: None,
            key: None,
        }
    } else {
        match authenticate(world, visit) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        }
    };
    let Some(endpoint) = endpoint else {
        return quirk::finish_call(visit, echo(visit, &caller));
    };
    answer_endpoint(world, visit, &caller, endpoint)
}

/// Answers a judged call that is told by a word instead of by its path.
pub fn answer_as(world: &mut World, visit: &Visit<'_>, caller: &Caller, word: &str) -> Answer {
    let endpoints = visit.behaviour.endpoints.iter();
    match endpoints.into_iter().find(|endpoint| endpoint.path.matches(word)) {
        Some(endpoint) => answer_endpoint(world, visit, caller, endpoint),
        None => quirk::finish_call(visit, echo(visit, caller)),
    }
}

fn answer_endpoint(world: &mut World, visit: &Visit<'_>, caller: &Caller, endpoint: &Endpoint) -> Answer {
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, &caller.account));
    values.extend(quirk::more_values(world, visit, caller));
    if let Some(grant) = caller.grant.and_then(|number| world.grants.get(&number)) {
        values.insert("client_id".to_owned(), grant.client_id.clone().into());
        values.insert("scope".to_owned(), grant.scope.clone().into());
    }
    match endpoint.effect {
        Effect::None => {}
        Effect::Revoke => match caller.grant {
            Some(grant) => end_grant(world, grant),
            None => end_key(world, visit, caller),
        },
        Effect::RevokeToken => {
            if let Err((problem, detail)) = revoke_token(world, visit, endpoint) {
                return visit.refuse(problem, &detail);
            }
        }
    }
    quirk::finish_call(
        visit,
        Answer::json(endpoint.status, template::fill(&endpoint.body, &values)),
    )
}

fn revoke_token(world: &mut World, visit: &Visit<'_>, endpoint: &Endpoint) -> Result<(), Refusal> {
    if !endpoint.client_auth.is_empty() {
        let pairs = visit.call.form_pairs();
        identify(world, visit, &endpoint.client_auth, &pairs)?;
    }
    let token = endpoint.token.as_ref().and_then(|place| place.read(visit.call));
    let token = token.ok_or((Problem::MissingParameter, "token is missing".to_owned()))?;
    let grant = world.refresh.get(&token).map(|token| token.grant);
    let grant = grant.or_else(|| world.access.get(&token).map(|token| token.grant));
    let grant = grant.ok_or((Problem::RefreshRefused, "token is unknown".to_owned()))?;
    end_grant(world, grant);
    Ok(())
}

fn end_grant(world: &mut World, grant: u64) {
    if let Some(grant) = world.grants.get_mut(&grant) {
        grant.ended.get_or_insert("revoked by the client");
    }
}

fn end_key(world: &mut World, visit: &Visit<'_>, caller: &Caller) {
    if let Some(key) = &caller.key {
        world
            .ended_keys
            .insert((visit.behaviour.slug.clone(), caller.account.clone(), key.clone()));
    }
}

fn echo(visit: &Visit<'_>, caller: &Caller) -> Answer {
    let number = |name: &str, default: u64| {
        visit
            .call
            .query_value(name)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(default)
    };
    if visit.call.path.ends_with("/_stream") {
        let count = u32::try_from(number("chunks", 5)).unwrap_or(u32::MAX);
        let bytes = usize::try_from(number("bytes", 1024).min(1 << 20)).unwrap_or(1024);
        let content = Content::Chunks {
            count,
            bytes,
            pause_ms: number("pause_ms", 0),
        };
        return Answer {
            status: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            content,
        };
    }
    let status = u16::try_from(number("_status", 200))
        .ok()
        .filter(|status| (200..600).contains(status));
    let mut answer = Answer::json(status.unwrap_or(200), echo_body(visit, &caller.account));
    for (name, header) in visit.call.query_pairs() {
        if let ("_header", Some((name, text))) = (name.as_str(), header.split_once(':')) {
            answer = answer.with_header(name.trim(), text.trim());
        }
    }
    answer
}

/// What a path without an answer of its own tells about the request.
pub fn echo_body(visit: &Visit<'_>, account: &str) -> Value {
    json!({
        "simulated": visit.behaviour.name,
        "account": account,
        "method": visit.call.method,
        "path": visit.call.path,
        "query": visit.call.query,
        "body_bytes": visit.call.body_bytes,
    })
}
