//! Calls with a credential: is it good, whose is it, and the answer. A few paths have answers of their own (what a
//! connection is verified with, uninstalling); every other path echoes what arrived, so that forwarding can be tested,
//! with the status `_status` and each header `_header=Name:value` of the query (a hostile shop is one call away). A path that ends in `/_stream` sends chunks; one that ends in `/_echo` sends the body back as it comes (`gateway`).

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::behaviour::{Behaviour, Effect, Identity, TokenPlace};
use super::call::{Answer, Call, Content, value};
use super::grant::TokenRefusal;
use super::oauth::{Refusal, client_of, parameters};
use super::problem::Problem;
use super::quirk;
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
        let shape = self.behaviour.shape(problem);
        let mut values = self.values();
        values.insert("detail".to_owned(), detail.into());
        let mut answer = Answer::json(shape.status, template::fill(&shape.body, &values));
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
        self.behaviour.call.token_in.iter().find_map(|place| match place {
            TokenPlace::Header(name) => self.call.header(name).map(str::to_owned),
            TokenPlace::BearerHeader(name) => {
                let (scheme, token) = self.call.header(name)?.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
            }
            TokenPlace::Query(name) => self.call.query_value(name),
        })
    }

    /// The store that the request is about, as far as can be told without judging it.
    pub fn subject(&self, world: &World) -> Option<String> {
        if self.behaviour.identity == Identity::Host {
            return Some(self.call.host.clone());
        }
        let by_grant = |number: u64| world.grants.get(&number).map(|grant| grant.account.clone());
        if let Some(rules) = self
            .behaviour
            .token
            .as_ref()
            .filter(|rules| rules.path.matches(&self.call.path))
        {
            let pairs = parameters(rules, self);
            if self.behaviour.identity == Identity::Client {
                return client_of(rules, self, &pairs).map(|(id, _)| id);
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
        grant.or_else(|| quirk::subject(self))
    }
}

/// Judges the credential of a call.
pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    if let Some(judged) = quirk::authenticate(world, visit) {
        return judged;
    }
    let refuse = |(problem, detail): Refusal| visit.refuse(problem, &detail);
    visit
        .require_headers(&visit.behaviour.call.required_headers)
        .map_err(refuse)?;
    let token = visit
        .presented_token()
        .ok_or_else(|| visit.refuse(Problem::CredentialMissing, "access token is missing"))?;
    let slug = &visit.behaviour.slug;
    if visit.behaviour.call.fixed_tokens.contains(&token) && !world.key_ended(slug, &visit.call.host, &token) {
        world.note_key(visit.behaviour, Some(&visit.call.host), &token);
        return Ok(Caller {
            account: visit.call.host.clone(),
            grant: None,
            key: Some(token),
        });
    }
    let (grant, account) = match world.judge_access(slug, &token, visit.expiry_now(world)) {
        Ok((number, grant)) => (number, grant.account.clone()),
        Err(TokenRefusal::Expired) => {
            return Err(visit.refuse(Problem::CredentialExpired, "access token has expired"));
        }
        Err(_) => return Err(visit.refuse(Problem::CredentialRefused, "access token is invalid")),
    };
    if visit.behaviour.identity == Identity::Host && account != visit.call.host {
        return Err(visit.refuse(Problem::CredentialRefused, "access token belongs to another shop"));
    }
    Ok(Caller {
        account,
        grant: Some(grant),
        key: None,
    })
}

/// Answers any call that is neither a page nor a token call.
pub fn answer(world: &mut World, visit: &Visit<'_>) -> Answer {
    let endpoint = visit.behaviour.endpoints.iter().find(|endpoint| {
        endpoint.method.eq_ignore_ascii_case(&visit.call.method) && endpoint.path.matches(&visit.call.path)
    });
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
    let mut values = visit.values();
    values.extend(world.account_values(visit.behaviour, &caller.account));
    if endpoint.effect == Effect::Revoke {
        match caller.grant {
            Some(grant) => end_grant(world, grant),
            None => end_key(world, visit, &caller),
        }
    }
    quirk::finish_call(
        visit,
        Answer::json(endpoint.status, template::fill(&endpoint.body, &values)),
    )
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
