//! The control API: what a person or a test does TO the simulated platforms, as a merchant, an administrator or bad luck
//! would. Described in `openapi.json`, which is served beside it.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::control_grants;
use super::control_partner;
use super::control_requests::{
    Advance, ChangeSettings, ControlError, DisableClient, OrderFaults, RegisterClient, RotateSecret, Target, read,
    read_filter,
};
use super::fault::Ordered;
use super::jwt;
use super::server::State;
use super::world::{Registration, World};

const OPENAPI: &str = include_str!("openapi.json");

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(openapi))
        .route("/platforms", web::get().to(platforms))
        .route("/accounts", web::get().to(accounts))
        .route("/stores", web::get().to(stores))
        .route("/expire-access-tokens", web::post().to(expire_access))
        .route("/expire-refresh-tokens", web::post().to(expire_refresh))
        .route("/grants", web::post().to(control_grants::open))
        .route("/revoke", web::post().to(revoke))
        .route("/faults", web::get().to(list_faults))
        .route("/faults", web::post().to(order_faults))
        .route("/faults", web::delete().to(clear_faults))
        .route("/settings", web::get().to(list_settings))
        .route("/settings", web::post().to(change_settings))
        .route("/settings", web::delete().to(clear_settings))
        .route("/clients", web::post().to(register_client))
        .route("/clients/rotate", web::post().to(rotate_secret))
        .route("/clients/disable", web::post().to(disable_client))
        .route("/advance", web::post().to(advance))
        .configure(control_partner::routes)
        .route("/log", web::get().to(log))
        .route("/log", web::delete().to(clear_log))
        .route("/reset", web::post().to(reset))
        .default_service(web::to(|| async {
            HttpResponse::NotFound().json(json!({ "error": "No such call." }))
        }));
}

type Reply = Result<HttpResponse, ControlError>;
type Shared = web::Data<State>;

pub fn known<'a>(state: &'a State, slug: &str) -> Result<&'a Behaviour, ControlError> {
    let found = state.behaviours().iter().find(|behaviour| behaviour.slug == slug);
    found.ok_or_else(|| ControlError::UnknownPlatform(slug.to_owned()))
}

fn changed(count: usize) -> Reply {
    Ok(HttpResponse::Ok().json(json!({ "changed": count })))
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(OPENAPI)
}

async fn platforms(state: Shared) -> HttpResponse {
    let all: Vec<Value> = state
        .behaviours()
        .iter()
        .map(|behaviour| {
            json!({
                "slug": behaviour.slug,
                "name": behaviour.name,
                "documentation": behaviour.documentation,
                "assumed": behaviour.assumed,
                "grace": behaviour.refresh.grace,
                "access_seconds": behaviour.token.as_ref().and_then(|token| token.access_seconds),
                "refresh_seconds": behaviour.token.as_ref().and_then(|token| token.refresh_seconds),
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({ "data": all }))
}

/// Accounts, demonstration keys, ids registered on first use, and all that is registered now.
async fn accounts(state: Shared) -> HttpResponse {
    let world = state.world();
    let describe = |behaviour: &Behaviour| {
        let accounts: Vec<Value> = behaviour
            .accounts
            .iter()
            .map(|account| json!({ "id": account.id, "name": account.name }))
            .collect();
        let demo: Vec<Value> = behaviour
            .clients
            .demo
            .iter()
            .map(|key| json!({ "id": key.id, "secret": key.secret, "permission": key.permission, "note": key.note }))
            .collect();
        let rules: Vec<&str> = behaviour
            .clients
            .on_first_use
            .iter()
            .map(|rule| rule.note.as_str())
            .collect();
        let rules_of_tokens = behaviour.token.iter().chain(&behaviour.more_tokens);
        let pasted: Vec<&str> = rules_of_tokens
            .flat_map(|rules| rules.pasted.iter().chain(&rules.pasted_codes))
            .map(|pasted| pasted.note.as_str())
            .collect();
        let registered: Vec<&Registration> = world
            .registrations
            .values()
            .flatten()
            .filter(|key| key.platform == behaviour.slug)
            .collect();
        json!({
            "platform": behaviour.slug,
            "accounts": accounts,
            "demo_keys": demo,
            "fixed_tokens": behaviour.call.fixed_tokens,
            "pasted_tokens": pasted,
            "install": behaviour.install.as_ref().map(|install| install.note.as_str()),
            "hook": behaviour.hook.is_some(),
            "registered_on_first_use": rules,
            "registered": registered,
        })
    };
    let all: Vec<Value> = state.behaviours().iter().map(describe).collect();
    HttpResponse::Ok().json(json!({ "data": all, "platform_public_key": jwt::PUBLIC_KEY }))
}

async fn stores(state: Shared, request: actix_web::HttpRequest) -> Reply {
    let filter = read_filter(&request)?;
    let world = state.world();
    let wanted = |platform: &str, account: &str| {
        filter.platform.as_deref().is_none_or(|slug| slug == platform)
            && filter.store.as_deref().is_none_or(|store| store == account)
    };
    let grants: Vec<Value> = world
        .grants
        .iter()
        .filter(|(_, grant)| wanted(&grant.platform, &grant.account))
        .map(|(number, grant)| {
            let access: Vec<Value> = world
                .access
                .iter()
                .filter(|(_, token)| token.grant == *number)
                .map(|(text, token)| json!({ "token": text, "expires_at": token.expires_at, "retired": token.retired }))
                .collect();
            let refresh: Vec<Value> = world
                .refresh
                .iter()
                .filter(|(_, token)| token.grant == *number)
                .map(|(text, token)| {
                    json!({
                        "token": text,
                        "expires_at": token.expires_at,
                        "first_used_at": token.first_used_at,
                        "retired": token.retired,
                    })
                })
                .collect();
            json!({
                "platform": grant.platform,
                "store": grant.account,
                "client_id": grant.client_id,
                "scope": grant.scope,
                "ended": grant.ended,
                "access_tokens": access,
                "refresh_tokens": refresh,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "data": grants })))
}

/// Numbers of the grants that an order is about.
fn targeted(world: &World, target: &Target) -> Vec<u64> {
    let meant = world.grants.iter().filter(|(_, grant)| {
        grant.platform == target.platform && target.store.as_ref().is_none_or(|store| *store == grant.account)
    });
    meant.map(|(number, _)| *number).collect()
}

async fn expire_access(state: Shared, body: Bytes) -> Reply {
    let target: Target = read(&body)?;
    known(&state, &target.platform)?;
    let mut world = state.world();
    let now = world.expiry_now(state.now());
    let grants = targeted(&world, &target);
    let tokens = world.access.values_mut().filter(|token| grants.contains(&token.grant));
    changed(
        tokens
            .map(|token| token.expires_at = Some(token.expires_at.map_or(now, |at| at.min(now))))
            .count(),
    )
}

async fn expire_refresh(state: Shared, body: Bytes) -> Reply {
    let target: Target = read(&body)?;
    known(&state, &target.platform)?;
    let mut world = state.world();
    let now = world.expiry_now(state.now());
    let grants = targeted(&world, &target);
    let tokens = world.refresh.values_mut().filter(|token| grants.contains(&token.grant));
    changed(
        tokens
            .map(|token| token.expires_at = Some(token.expires_at.map_or(now, |at| at.min(now))))
            .count(),
    )
}

/// As if the merchant had removed the app or deleted the keys: grants end, and so do the keys used there so far.
async fn revoke(state: Shared, body: Bytes) -> Reply {
    let target: Target = read(&body)?;
    known(&state, &target.platform)?;
    changed(state.world().end_store(&target.platform, target.store.as_deref()))
}

async fn list_faults(state: Shared) -> HttpResponse {
    let world = state.world();
    let all: Vec<&Ordered> = world.faults.list().collect();
    HttpResponse::Ok().json(json!({ "data": all }))
}

async fn order_faults(state: Shared, body: Bytes) -> Reply {
    let order: OrderFaults = read(&body)?;
    known(&state, &order.platform)?;
    let ordered = Ordered {
        platform: order.platform,
        store: order.store,
        times: order.times.max(1),
        fault: order.fault,
    };
    state.world().faults.order(ordered);
    changed(1)
}

async fn clear_faults(state: Shared, request: actix_web::HttpRequest) -> Reply {
    let filter = read_filter(&request)?;
    state.world().faults.clear(filter.platform.as_deref());
    Ok(HttpResponse::NoContent().finish())
}

async fn list_settings(state: Shared) -> HttpResponse {
    let world = state.world();
    let all: Vec<Value> = world
        .settings
        .iter()
        .map(|((platform, store), settings)| json!({ "platform": platform, "store": store, "settings": settings }))
        .collect();
    HttpResponse::Ok().json(json!({ "data": all }))
}

async fn change_settings(state: Shared, body: Bytes) -> Reply {
    let change: ChangeSettings = read(&body)?;
    known(&state, &change.platform)?;
    let mut world = state.world();
    let settings = world.settings.entry((change.platform, change.store)).or_default();
    *settings = change.settings.over(settings);
    Ok(HttpResponse::Ok().json(&*settings))
}

async fn clear_settings(state: Shared, request: actix_web::HttpRequest) -> Reply {
    let filter = read_filter(&request)?;
    state.world().settings.retain(|(platform, store), _| {
        filter.platform.as_ref().is_some_and(|slug| slug != platform)
            || filter.store.as_ref().is_some_and(|id| Some(id) != store.as_ref())
    });
    Ok(HttpResponse::NoContent().finish())
}

async fn register_client(state: Shared, body: Bytes) -> Reply {
    let client: RegisterClient = read(&body)?;
    known(&state, &client.platform)?;
    let registration = Registration {
        platform: client.platform,
        id: client.id,
        secrets: client.secrets,
        redirect_uris: client.redirect_uris,
        account: client.store,
        serves: None,
        permission: client.permission,
        disabled: false,
    };
    let told = json!(registration);
    state.world().register(registration);
    Ok(HttpResponse::Created().json(told))
}

async fn rotate_secret(state: Shared, body: Bytes) -> Reply {
    let order: RotateSecret = read(&body)?;
    let behaviour = known(&state, &order.platform)?;
    let mut world = state.world();
    world.registration(behaviour, &order.id, None);
    let key = (order.platform.clone(), order.id.clone());
    let registrations = world.registrations.get_mut(&key).ok_or(ControlError::UnknownClient)?;
    for registration in registrations.iter_mut() {
        if !order.keep {
            registration.secrets.clear();
        }
        registration.secrets.insert(0, order.secret.clone());
    }
    let count = registrations.len();
    if order.end_grants {
        let meant = world.grants.values_mut();
        for grant in meant.filter(|grant| {
            grant.platform == order.platform && (grant.client_id == order.id || grant.user.as_ref() == Some(&order.id))
        }) {
            grant.ended.get_or_insert("the client's secret was renewed");
        }
    }
    changed(count)
}

async fn disable_client(state: Shared, body: Bytes) -> Reply {
    let order: DisableClient = read(&body)?;
    let behaviour = known(&state, &order.platform)?;
    let mut world = state.world();
    world.registration(behaviour, &order.id, None);
    let registrations = world
        .registrations
        .get_mut(&(order.platform, order.id))
        .ok_or(ControlError::UnknownClient)?;
    for registration in registrations.iter_mut() {
        registration.disabled = order.disabled;
    }
    changed(registrations.len())
}

async fn advance(state: Shared, body: Bytes) -> Reply {
    let order: Advance = read(&body)?;
    let by = TimeDelta::try_seconds(order.seconds);
    let by = by.ok_or_else(|| ControlError::Malformed("seconds is out of range".to_owned()))?;
    let mut world = state.world();
    world.advanced = world.advanced.checked_add(&by).unwrap_or(world.advanced);
    Ok(HttpResponse::Ok().json(json!({ "advanced_seconds": world.advanced.num_seconds() })))
}

async fn log(state: Shared, request: actix_web::HttpRequest) -> Reply {
    let filter = read_filter(&request)?;
    let world = state.world();
    let (entries, counts) = world
        .log
        .list(filter.platform.as_deref(), filter.store.as_deref(), filter.after);
    Ok(HttpResponse::Ok().json(json!({ "data": entries, "counts": counts })))
}

async fn clear_log(state: Shared) -> HttpResponse {
    state.world().log.clear();
    HttpResponse::NoContent().finish()
}

async fn reset(state: Shared) -> HttpResponse {
    state.world().reset(state.behaviours());
    HttpResponse::NoContent().finish()
}
