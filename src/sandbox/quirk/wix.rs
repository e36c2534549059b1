//! Wix: the installer comes back with an instance id instead of a code, and with a signed instance that proves it (two
//! parts, HMAC with the app's secret); `token-info` tells whether a signed instance or an access token is good.
//! <https://dev.wix.com/docs/rest/app-management/oauth-2/token-info>

use serde_json::{Value, json};

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Answer, Pairs, value};
use crate::sandbox::jwt::base64url;
use crate::sandbox::login::{error_page, issue_code, page, with_query};
use crate::sandbox::signature::hmac_sha256;
use crate::sandbox::template::Values;
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

/// The installer of older apps.
pub fn is_installer(visit: &Visit<'_>) -> bool {
    visit.call.path == "/installer/install"
}

/// Without a token the installer opens the app's address with one; with it, it asks the owner and brings a code.
pub fn installer(world: &mut World, visit: &Visit<'_>) -> Answer {
    let asked = |name: &str| visit.call.query_value(name).unwrap_or_default();
    let Some(client) = world.live_registration(visit.behaviour, &asked("appId"), None) else {
        return error_page(visit, "This app is not known here.");
    };
    let slug = visit.behaviour.slug.clone();
    if asked("token").is_empty() {
        let Some(address) = world.partner.install_of(&slug) else {
            return error_page(visit, "The app has no address (control API: /partner).");
        };
        let token = world.random_hex(32);
        let note = Values::from([("app".to_owned(), client.id.into())]);
        world.notes.insert((slug, token.clone()), note);
        return Answer::see_other(with_query(&address, &[("token".to_owned(), token)]));
    }
    let noted = world.notes.get(&(slug, asked("token")));
    let of_app = noted.and_then(|note| note.get("app")).and_then(Value::as_str) == Some(client.id.as_str());
    let (Some(rules), true) = (&visit.behaviour.authorize, of_app) else {
        return error_page(visit, "This token is not known here.");
    };
    let [one, other] = visit.behaviour.accounts.as_slice() else {
        return error_page(visit, "There are no sites.");
    };
    if visit.call.method != "POST" {
        let approve = format!("Approve as {}", one.id);
        let another = format!("Approve as another account, {}", other.id);
        let buttons = [("approve", &*approve), ("deny", "Deny"), ("other", &*another)];
        return page(
            visit,
            200,
            "Add this app to your site?",
            &[("App", &*client.id)],
            &buttons,
        );
    }
    let account = match value(&visit.call.form_pairs(), "outcome") {
        Some("approve") => Some(one.id.clone()),
        Some("other") => Some(other.id.clone()),
        _ => None,
    };
    let mut back = match account {
        Some(account) => {
            let pairs = [("redirect_uri".to_owned(), asked("redirectUrl"))];
            let code = issue_code(world, visit, rules, &client, &pairs, &account);
            vec![("code".to_owned(), code), ("instanceId".to_owned(), account)]
        }
        None => vec![("error".to_owned(), "access_denied".to_owned())],
    };
    back.push(("state".to_owned(), asked("state")));
    Answer::see_other(with_query(&asked("redirectUrl"), &back))
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
