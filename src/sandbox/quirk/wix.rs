//! Wix: the installer comes back with an instance id instead of a code, and with a signed instance that proves it (two
//! parts, HMAC with the app's secret); `token-info` tells whether a signed instance or an access token is good.
//! <https://dev.wix.com/docs/rest/app-management/oauth-2/token-info>

use serde_json::{Value, json};

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Answer, Pairs, value};
use crate::sandbox::jwt::base64url;
use crate::sandbox::signature::hmac_sha256;
use crate::sandbox::world::World;

const LIFE_SECONDS: i64 = 14400;

/// Adds `signedInstance`.
pub fn sign_callback(visit: &Visit<'_>, secret: &str, pairs: &mut Pairs) {
    let Some(instance) = value(pairs, "instanceId") else {
        return;
    };
    let date = visit.now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let site = value(pairs, "tenantId").unwrap_or_default();
    let app = value(pairs, "appId").unwrap_or_default();
    let payload = json!({ "instanceId": instance, "appDefId": app, "siteId": site, "signDate": date });
    pairs.push(("signedInstance".to_owned(), signed(&payload.to_string(), secret)));
}

fn signed(payload: &str, secret: &str) -> String {
    let payload = base64url(payload.as_bytes());
    let signature = base64url(&hmac_sha256(secret.as_bytes(), payload.as_bytes()));
    format!("{signature}.{payload}")
}

pub fn is_token_info(visit: &Visit<'_>) -> bool {
    visit.call.path == "/oauth2/token-info"
}

pub fn token_info(world: &World, visit: &Visit<'_>) -> Answer {
    let pairs = visit.call.json_pairs();
    let token = value(&pairs, "token").unwrap_or_default();
    let now = visit.expiry_now(world).timestamp();
    let tell = |app: &str, instance: &str, until: i64| {
        json!({
            "active": "true",
            "subjectType": "APP",
            "subjectId": app,
            "exp": until.to_string(),
            "iat": now.to_string(),
            "clientId": app,
            "accountId": instance,
            "siteId": instance,
            "instanceId": instance,
        })
    };
    if let Ok((_, grant)) = world.judge_access(&visit.behaviour.slug, token, visit.expiry_now(world)) {
        return Answer::json(200, tell(&grant.client_id, &grant.account, now + LIFE_SECONDS));
    }
    let body = opened(world, visit, token).map(|(app, instance)| tell(&app, &instance, now + LIFE_SECONDS));
    Answer::json(200, body.unwrap_or_else(|| json!({ "active": "false" })))
}

/// App and instance of a signed instance that one of the registered apps' secrets made.
fn opened(world: &World, visit: &Visit<'_>, token: &str) -> Option<(String, String)> {
    use base64::Engine as _;
    let (_, payload) = token.split_once('.')?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let text = String::from_utf8(text).ok()?;
    let told: Value = serde_json::from_str(&text).ok()?;
    let app = told.get("appDefId")?.as_str()?;
    let known = world
        .registrations
        .get(&(visit.behaviour.slug.clone(), app.to_owned()))?;
    let secrets = known.iter().flat_map(|known| &known.secrets);
    let fits = secrets.into_iter().any(|secret| signed(&text, secret) == token);
    fits.then_some((app.to_owned(), told.get("instanceId")?.as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signed_instance_is_as_documented() {
        assert_eq!(
            super::signed(
                r#"{"instanceId":"abc-123","siteId":"site-1"}"#,
                "test-only-not-a-real-wix-secret"
            ),
            "dCQBqXKrzP-U_6XxNd1vs3HORr-BksvK70q-pmzGfDo.eyJpbnN0YW5jZUlkIjoiYWJjLTEyMyIsInNpdGVJZCI6InNpdGUtMSJ9"
        );
    }
}
