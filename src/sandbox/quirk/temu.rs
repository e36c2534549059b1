//! Temu: one address, one kind of request: a JSON body that names its `type`, carries the token beside the business
//! members and is signed (MD5 over all top-level members as they were sent, between two copies of the app's secret).
//! Errors are HTTP 200 with a number. A code is exchanged by a call of the same kind, once, for a token without renewal.
//! <https://partner-us.temu.com/documentation>

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::sandbox::api::{Caller, Visit, answer_as};
use crate::sandbox::call::Answer;
use crate::sandbox::grant::{Lives, has_passed};
use crate::sandbox::key;
use crate::sandbox::oauth::Refusal;
use crate::sandbox::problem::Problem;
use crate::sandbox::rules::TokenRules;
use crate::sandbox::signature::{hex, md5};
use crate::sandbox::token_answer::grant_answer;
use crate::sandbox::world::{Grant, Registration, World};

const WINDOW_SECONDS: i64 = 300;
const EXCHANGE: &str = "bg.open.accesstoken.create";

type Members = BTreeMap<String, Box<RawValue>>;

fn members(visit: &Visit<'_>) -> Option<Members> {
    serde_json::from_slice(&visit.call.body).ok()
}

/// The value as it counts in the signed text: JSON without quotes at its ends.
fn bare(raw: &RawValue) -> &str {
    let text = raw.get();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

fn text_of(members: &Members, name: &str) -> Option<String> {
    members.get(name).map(|raw| bare(raw).to_owned())
}

pub fn is_token_call(visit: &Visit<'_>) -> bool {
    members(visit)
        .and_then(|members| text_of(&members, "type"))
        .is_some_and(|kind| kind == EXCHANGE)
}

pub fn answer(world: &mut World, visit: &Visit<'_>) -> Answer {
    judge(world, visit).unwrap_or_else(|(problem, detail)| visit.refuse(problem, &detail))
}

fn judge(world: &mut World, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let missing = |name: &str| (Problem::MissingParameter, format!("{name} is missing"));
    let members = members(visit).ok_or_else(|| missing("a JSON body"))?;
    let field = |name: &str| text_of(&members, name).ok_or_else(|| missing(name));
    let (kind, app_key, timestamp, sign) = (field("type")?, field("app_key")?, field("timestamp")?, field("sign")?);
    let client = world
        .live_registration(visit.behaviour, &app_key, None)
        .ok_or((Problem::UnknownClient, "app_key is unknown".to_owned()))?;
    let now = visit.clock(world, None).timestamp();
    let off = timestamp
        .parse::<i64>()
        .map_or(i64::MAX, |stated| now.saturating_sub(stated).saturating_abs());
    if off > WINDOW_SECONDS {
        return Err((Problem::TimeRefused, "timestamp is out of range".to_owned()));
    }
    let signed: String = members
        .iter()
        .filter(|(name, _)| name.as_str() != "sign")
        .map(|(name, raw)| format!("{name}{}", bare(raw)))
        .collect();
    let fits = |secret: &String| hex(&md5(format!("{secret}{signed}{secret}").as_bytes())).eq_ignore_ascii_case(&sign);
    if !client.secrets.iter().any(fits) {
        return Err((Problem::SignatureRefused, "sign does not match".to_owned()));
    }
    if kind == EXCHANGE {
        let rules = visit.behaviour.token.as_ref().ok_or_else(|| missing("token rules"))?;
        return exchange(world, visit, rules, &client, &field("code")?);
    }
    let caller = caller(world, visit, &client, &field("access_token")?)?;
    Ok(answer_as(world, visit, &caller, &kind))
}

fn caller(world: &mut World, visit: &Visit<'_>, client: &Registration, token: &str) -> Result<Caller, Refusal> {
    let now = visit.expiry_now(world);
    if !world.access.contains_key(token) {
        let unknown = || (Problem::CredentialRefused, "access_token is unknown".to_owned());
        return key::judge(world, visit).unwrap_or_else(|| Err(unknown()));
    }
    let (number, grant) = world.judge_access(&visit.behaviour.slug, token, now).map_err(|_| {
        (
            Problem::CredentialExpired,
            "access_token has expired or was replaced".to_owned(),
        )
    })?;
    if grant.client_id != client.id {
        return Err((Problem::WrongAccount, "access_token is another app's".to_owned()));
    }
    Ok(Caller {
        account: grant.account.clone(),
        grant: Some(number),
        key: None,
    })
}

fn exchange(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    text: &str,
) -> Result<Answer, Refusal> {
    let refused = || (Problem::CodeRefused, "code is unknown, used or expired".to_owned());
    let now = visit.expiry_now(world);
    let code = world.codes.get_mut(text).ok_or_else(refused)?;
    if code.used || has_passed(Some(code.expires_at), now) || code.client_id != client.id {
        return Err(refused());
    }
    code.used = true;
    let grant = Grant {
        platform: visit.behaviour.slug.clone(),
        client_id: client.id.clone(),
        account: code.account.clone(),
        scope: String::new(),
        user: None,
        opened_at: now,
        ended: None,
    };
    let settings = world.settings_of(&visit.behaviour.slug, Some(&grant.account));
    let lives = Lives {
        access: settings.access_seconds.or(rules.access_seconds),
        refresh: None,
        with_refresh: false,
    };
    let grant = world.open_grant(grant, true);
    let pair = world.issue(visit.behaviour, grant, lives, now);
    Ok(Answer::json(200, grant_answer(world, visit, rules, &pair)))
}
