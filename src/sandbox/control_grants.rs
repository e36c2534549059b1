//! Grants by order of the control API: as if these accounts had allowed this client in a browser, one after another. For
//! load and endurance tests, which need thousands of stores and have no use for thousands of log-ins.

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::known;
use super::control_requests::{ControlError, read};
use super::oauth::lives;
use super::server::State;
use super::world::Grant;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenGrants {
    platform: String,
    client_id: String,
    /// Account ids, or hosts where each shop has its own; listed ones and others.
    stores: Vec<String>,
}

/// Opens a grant for each store and answers its first tokens.
pub async fn open(state: web::Data<State>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let order: OpenGrants = read(&body)?;
    let behaviour = known(&state, &order.platform)?;
    let rules = behaviour.token.as_ref();
    let rules = rules.ok_or_else(|| ControlError::Malformed("this platform gives no tokens".to_owned()))?;
    let mut world = state.world();
    let client = world.live_registration(behaviour, &order.client_id, None);
    let client = client.ok_or(ControlError::UnknownClient)?;
    let now = world.expiry_now(state.now());
    let replaces = behaviour.authorize.as_ref().is_some_and(|page| page.replaces_grant);
    let mut opened: Vec<Value> = Vec::new();
    for store in order.stores {
        let settings = world.settings_of(&behaviour.slug, Some(&store));
        let grant = Grant {
            platform: behaviour.slug.clone(),
            client_id: client.id.clone(),
            account: store.clone(),
            scope: settings.scope.clone().unwrap_or_default(),
            user: None,
            opened_at: now,
            ended: None,
        };
        let grant = world.open_grant(grant, replaces);
        let pair = world.issue(behaviour, grant, lives(rules, &settings), now);
        opened.push(json!({
            "store": store,
            "access_token": pair.access,
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh,
            "refresh_expires_in": pair.refresh_expires_in,
        }));
    }
    Ok(HttpResponse::Created().json(json!({ "data": opened })))
}
