//! Shopify: the callback is signed (hex HMAC-SHA256 with the client secret over the sorted, encoded query), and a stored
//! token that never expires can be exchanged, once, for an expiring pair; the old one then dies, but a repeated exchange
//! answers the same pair for seven days, until that pair is refreshed.
//! <https://shopify.dev/docs/apps/build/authentication-authorization/migrate-to-expiring-offline-access-tokens>

use chrono::TimeDelta;
use serde_json::Value;

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Pairs, value};
use crate::sandbox::grant::{Lives, Pair, seconds_left};
use crate::sandbox::oauth::{Refusal, lives, missing};
use crate::sandbox::problem::Problem;
use crate::sandbox::rules::TokenRules;
use crate::sandbox::signature::{base64, hex, hmac_sha256, sorted_query};
use crate::sandbox::token_answer::grant_answer;
use crate::sandbox::world::{Grant, Migration, Registration, World};

/// Adds `hmac` and, at Shopify itself, `host`; Shoplazza signs the same way.
pub fn sign_callback(visit: &Visit<'_>, secret: &str, pairs: &mut Pairs) {
    let own = visit.behaviour.slug == "shopify";
    if let Some(shop) = value(pairs, "shop").filter(|_| own) {
        let label = shop.split('.').next().unwrap_or_default();
        let host = base64(format!("admin.shopify.com/store/{label}").as_bytes());
        pairs.push(("host".to_owned(), host));
    }
    let signature = hex(&hmac_sha256(secret.as_bytes(), sorted_query(pairs).as_bytes()));
    pairs.push(("hmac".to_owned(), signature));
}

/// Turns a token without expiry into an expiring pair.
pub fn exchange_token(
    world: &mut World,
    visit: &Visit<'_>,
    rules: &TokenRules,
    client: &Registration,
    pairs: &[(String, String)],
) -> Result<Value, Refusal> {
    let old = value(pairs, "subject_token")
        .ok_or_else(|| missing("subject_token"))?
        .to_owned();
    if value(pairs, "expiring") != Some("1") {
        return Err(missing("expiring"));
    }
    let refused = || (Problem::SubjectRefused, "subject token is invalid".to_owned());
    let now = visit.expiry_now(world);
    if let Some(done) = world.migrations.get(&old).cloned() {
        let refreshed = world
            .refresh
            .get(&done.refresh)
            .is_none_or(|token| token.first_used_at.is_some());
        let recent = now.signed_duration_since(done.at) < TimeDelta::days(7);
        let alive = world
            .grants
            .get(&done.grant)
            .is_some_and(|grant| grant.ended.is_none() && grant.client_id == client.id);
        if refreshed || !recent || !alive {
            return Err(refused());
        }
        let expires_at = world.access.get(&done.access).and_then(|token| token.expires_at);
        let refresh_expires_at = world.refresh.get(&done.refresh).and_then(|token| token.expires_at);
        let pair = Pair {
            grant: done.grant,
            access: done.access,
            expires_in: seconds_left(expires_at, now),
            refresh: Some(done.refresh),
            refresh_expires_in: seconds_left(refresh_expires_at, now),
        };
        return Ok(grant_answer(world, visit, rules, &pair));
    }
    let never_expires = world.access.get(&old).is_some_and(|token| token.expires_at.is_none());
    let (_, earlier) = world
        .judge_access(&visit.behaviour.slug, &old, now)
        .map_err(|_| refused())?;
    if !never_expires || earlier.client_id != client.id || earlier.account != visit.call.host {
        return Err(refused());
    }
    let grant = Grant {
        ended: None,
        ..earlier.clone()
    };
    let settings = world.settings_of(&visit.behaviour.slug, Some(&grant.account));
    let grant = world.open_grant(grant, true);
    let lives = Lives {
        with_refresh: true,
        ..lives(rules, &settings)
    };
    let pair = world.issue(visit.behaviour, grant, lives, now);
    if let Some(refresh) = pair.refresh.clone() {
        world.migrations.insert(
            old,
            Migration {
                grant,
                access: pair.access.clone(),
                refresh,
                at: now,
            },
        );
    }
    Ok(grant_answer(world, visit, rules, &pair))
}
