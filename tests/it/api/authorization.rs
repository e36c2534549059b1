//! Who may call what, as a table: each route with everybody who could knock. The table is held against the routes in the
//! sources, so that a route without a row fails.

mod routes;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use llavero::broker::api_key::{self, NewKey};
use llavero::broker::{admins, apps};
use llavero::domain::admin::{Actor, Role};
use llavero::domain::scope::Scope;
use llavero::domain::store::Mode;
use serde_json::{Value, json};

use self::table::{Door, ROWS};
use crate::custom_platforms::sign_in;
use crate::support::connecting::{self, RETURN_URL, Way, connect_for};
use crate::support::partners::{OtherApp, key, other_app};
use crate::support::rows::row;
use crate::support::test_app::{TestApp, Wishes, read};
use crate::support::visitor::{Form, Visitor};

const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Owner];

/// An installation with one of everything, and everybody who knocks.
struct World {
    app: TestApp,
    store: String,
    token: String,
    session: String,
    endpoint: String,
    delivery: String,
    retired_key: String,
    expired_key: String,
    /// A key that the admin pages may roll over and retire.
    key_id: String,
    other: OtherApp,
    /// A browser and its form token for each role, the lowest first.
    admins: Vec<(Role, Visitor, String)>,
    /// An admin that the pages may disable, and a session of it.
    bystander: String,
    bystander_session: String,
}

impl World {
    async fn make() -> Self {
        let settings = vec![("LLAVERO_APP_RATE", "0"), ("LLAVERO_STORE_RATE", "0")];
        let app = connecting::start_with(Wishes {
            settings,
            ..Wishes::default()
        })
        .await;
        let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
        let session = connecting::begin(&app, json!({})).await.id;
        let endpoint = made(
            &app,
            "/v1/webhook-endpoints",
            json!({ "url": "http://127.0.0.1:9/hooks" }),
        )
        .await;
        let endpoint = endpoint["id"].as_str().unwrap().to_owned();
        let delivery = made(&app, &format!("/v1/webhook-endpoints/{endpoint}/test"), Value::Null).await;
        let all = Scope::ALL.to_vec();
        let short = NewKey {
            name: "short".to_owned(),
            scopes: all.clone(),
            expires_at: Some(app.clock.now() + TimeDelta::minutes(1)),
        };
        let expired = api_key::make(&app.app, app.demo.app_id, short, Actor::command())
            .await
            .unwrap();
        app.advance(Duration::from_secs(60));
        let retired = apps::new_key(&app.app, app.demo.app_id, "old", all.clone(), Actor::command())
            .await
            .unwrap();
        apps::revoke_key(&app.app, app.demo.app_id, retired.id, Actor::command())
            .await
            .unwrap();
        let spare = apps::new_key(&app.app, app.demo.app_id, "spare", all, Actor::command())
            .await
            .unwrap();
        let mut admins = Vec::new();
        for role in ROLES {
            let (_, visitor) = admin(&app, role.as_str(), role).await;
            let page = visitor.get(&format!("{}/admin", app.url)).await;
            let form_token = page.form_with("form_token").values["form_token"].clone();
            admins.push((role, visitor, form_token));
        }
        let (bystander, _) = admin(&app, "bystander", Role::Viewer).await;
        let newest = format!(
            "SELECT id::text AS id FROM sessions WHERE admin_id = '{}'",
            bystander.trim_start_matches("admin_")
        );
        let bystander_session = row(&app.database, &newest)["id"].as_str().unwrap().to_owned();
        Self {
            other: other_app(&app, Mode::Sandbox).await,
            store: connected.store_id,
            token: connected.access_token,
            session,
            endpoint,
            delivery: delivery["id"].as_str().unwrap().to_owned(),
            retired_key: retired.key.expose().to_owned(),
            expired_key: expired.key.expose().to_owned(),
            key_id: spare.id.to_string(),
            admins,
            bystander,
            bystander_session,
            app,
        }
    }

    /// The pattern with what stands there in this world.
    fn path(&self, pattern: &str) -> String {
        let job = || {
            let found = row(
                &self.app.database,
                "SELECT replace(id::text, '-', '') AS id FROM jobs LIMIT 1",
            );
            format!("job_{}", found["id"].as_str().unwrap())
        };
        let id = match pattern {
            _ if pattern.contains("/stores/") => self.store.clone(),
            _ if pattern.contains("/connect-sessions/") => self.session.clone(),
            _ if pattern.contains("/webhook-endpoints/") => self.endpoint.clone(),
            _ if pattern.starts_with("/v1/webhook-deliveries/") => self.delivery.clone(),
            _ if pattern.starts_with("/admin/apps/") => self.app.demo.app_id.to_string(),
            _ if pattern.starts_with("/admin/jobs/") => job(),
            _ if pattern.starts_with("/admin/admins/") => self.bystander.clone(),
            _ if pattern.starts_with("/admin/sessions/") => self.bystander_session.clone(),
            _ => String::new(),
        };
        let slug = if pattern.contains("/custom-platforms/") {
            "x-none"
        } else {
            "shopify"
        };
        pattern
            .replace("{id}", &id)
            .replace("{app_id}", &self.app.demo.app_id.to_string())
            .replace("{key_id}", &self.key_id)
            .replace("{delivery_id}", &self.delivery)
            .replace("{slug}", slug)
            .replace("{mode}", "sandbox")
            .replace("{customer_id}", "customer-1")
            .replace("{path:.*}", "wp-json/wc/v3/products")
            .replace("{name}", "none.css")
            .replace("{state}", "nonsense")
            .replace("{link}", "llv_cs_nonsense")
            .replace("{token}", "nonsense")
    }

    async fn with_bearer(&self, bearer: &str, method: &str, pattern: &str) -> u16 {
        let method = if method == "ANY" { "GET" } else { method };
        let body = match (method, pattern) {
            ("GET" | "DELETE", _) => None,
            (_, "/v1/connect-sessions") => Some(json!({ "customer_id": "c", "return_url": RETURN_URL })),
            (_, "/v1/stores/{id}/reauthorize") => Some(json!({ "return_url": RETURN_URL })),
            (_, "/v1/webhook-endpoints") => Some(json!({ "url": "http://127.0.0.1:9/more" })),
            (_, "/v1/access-tokens/exchange") => Some(json!({ "code": "x" })),
            (_, "/v1/webhook-endpoints/{id}/replay") => Some(json!({ "since": "2026-03-02T00:00:00Z" })),
            (_, "/v1/introspect") => Some(json!({ "token": "x" })),
            _ => Some(json!({})),
        };
        self.app.api_as(bearer, method, &self.path(pattern), body).await.status
    }

    /// Without any credential.
    async fn as_nobody(&self, method: &str, pattern: &str) -> u16 {
        self.in_browser(&Visitor::new(), method, pattern, None).await
    }

    /// With a browser's cookies; forms with their token if there is one.
    async fn in_browser(&self, visitor: &Visitor, method: &str, pattern: &str, form_token: Option<&str>) -> u16 {
        let url = format!("{}{}", self.app.url, self.path(pattern));
        match method {
            "GET" | "ANY" => visitor.get(&url).await.status,
            "POST" => {
                let form = Form {
                    action: url.parse().unwrap(),
                    method: "post".to_owned(),
                    values: form_token
                        .map(|token| ("form_token".to_owned(), token.to_owned()))
                        .into_iter()
                        .collect(),
                    buttons: Vec::new(),
                };
                visitor.submit(&form, &[]).await.status
            }
            "DELETE" => visitor.delete(&url).await.status,
            // Browsers send nothing else by themselves.
            _ => {
                read(self.app.request("", method, &self.path(pattern)).send().await.unwrap())
                    .await
                    .status
            }
        }
    }
}

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let answer = app.api("POST", path, Some(body).filter(|body| !body.is_null())).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
    answer.json()
}

/// A new admin, signed in.
async fn admin(app: &TestApp, name: &str, role: Role) -> (String, Visitor) {
    let email = format!("{name}@example.com");
    let (id, link) = admins::add(&app.app, &email, role, Actor::command()).await.unwrap();
    (id.to_string(), sign_in(&app.url, &link).await)
}

#[test]
fn every_route_has_its_row_and_every_row_its_route() {
    let rows: BTreeSet<(String, String)> = ROWS.iter().map(|row| (row.0.to_owned(), row.1.to_owned())).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row stands twice");
    let routes = routes::all();
    let without: Vec<_> = routes.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&routes).collect();
    assert!(
        without.is_empty(),
        "routes without a row in the table of authorization: {without:?}"
    );
    assert!(gone.is_empty(), "rows of no route: {gone:?}");
}

#[tokio::test]
async fn each_route_answers_each_caller_as_the_table_says() {
    let world = World::make().await;
    let mut wrong = Vec::new();
    for &(method, pattern, door, wanted) in ROWS {
        let mut expect = |who: &str, found: u16, wanted: u16| {
            if found != wanted {
                wrong.push(format!("{method} {pattern}, {who}: {found}, not {wanted}"));
            }
        };
        match door {
            Door::Open => open(&world, method, pattern, (wanted, wanted), &mut expect).await,
            Door::SignIn => open(&world, method, pattern, (wanted, 303), &mut expect).await,
            Door::Key { scope, foreign } => {
                by_key(&world, method, pattern, scope, &mut expect).await;
                let found = world.with_bearer(&world.other.key, method, pattern).await;
                expect("another app's key", found, foreign);
                let only = key(&world.app, &[scope.unwrap_or(Scope::WebhooksWrite)]).await;
                expect(
                    "a key with the scope",
                    world.with_bearer(&only, method, pattern).await,
                    wanted,
                );
            }
            Door::Token => {
                for (who, bearer) in [
                    ("a key", world.app.demo.api_key.expose()),
                    ("another app's key", &world.other.key),
                    ("a mistyped token", &format!("{}x", world.token)),
                ] {
                    expect(who, world.with_bearer(bearer, method, pattern).await, 401);
                }
                expect("nobody", world.as_nobody(method, pattern).await, 401);
                for (role, visitor, form_token) in &world.admins {
                    let found = world.in_browser(visitor, method, pattern, Some(form_token)).await;
                    expect(role.as_str(), found, 401);
                }
                expect(
                    "the store's token",
                    world.with_bearer(&world.token, method, pattern).await,
                    wanted,
                );
            }
            Door::Session(role) => by_session(&world, method, pattern, (role, wanted), &mut expect).await,
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Everybody gets the same, whatever they carry; `signed_in`: what admins get.
async fn open(
    world: &World,
    method: &str,
    pattern: &str,
    (wanted, signed_in): (u16, u16),
    expect: &mut impl FnMut(&str, u16, u16),
) {
    expect("nobody", world.as_nobody(method, pattern).await, wanted);
    for (who, bearer) in [
        ("a key", world.app.demo.api_key.expose()),
        ("a retired key", &world.retired_key),
        ("a store's token", &world.token),
    ] {
        expect(who, world.with_bearer(bearer, method, pattern).await, wanted);
    }
    for (role, visitor, _) in &world.admins {
        expect(
            role.as_str(),
            world.in_browser(visitor, method, pattern, None).await,
            signed_in,
        );
    }
}

/// Everybody who has no business with the route of a key.
async fn by_key(
    world: &World,
    method: &str,
    pattern: &str,
    scope: Option<Scope>,
    expect: &mut impl FnMut(&str, u16, u16),
) {
    let mistyped = format!("{}x", world.app.demo.api_key.expose());
    for (who, bearer) in [
        ("a retired key", &world.retired_key),
        ("an expired key", &world.expired_key),
        ("a mistyped key", &mistyped),
        ("a store's token", &world.token),
    ] {
        expect(who, world.with_bearer(bearer, method, pattern).await, 401);
    }
    expect("nobody", world.as_nobody(method, pattern).await, 401);
    for (role, visitor, form_token) in &world.admins {
        let found = world.in_browser(visitor, method, pattern, Some(form_token)).await;
        expect(role.as_str(), found, 401);
    }
    let Some(scope) = scope else { return };
    let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
    let without = key(&world.app, &others).await;
    expect(
        "a key without the scope",
        world.with_bearer(&without, method, pattern).await,
        403,
    );
    if scope != Scope::StoresRead {
        let reader = key(&world.app, &[Scope::StoresRead]).await;
        expect(
            "a key that reads",
            world.with_bearer(&reader, method, pattern).await,
            403,
        );
    }
}

/// An admin page: below the role 403; of the role as the table says, above it let in; no form without its token.
async fn by_session(
    world: &World,
    method: &str,
    pattern: &str,
    (least, wanted): (Role, u16),
    expect: &mut impl FnMut(&str, u16, u16),
) {
    // A page leads to the sign-in; a form sent by nobody is refused.
    let outside = if method == "GET" { 303 } else { 401 };
    expect("nobody", world.as_nobody(method, pattern).await, outside);
    for (who, bearer) in [
        ("a key", world.app.demo.api_key.expose()),
        ("a store's token", &world.token),
    ] {
        expect(who, world.with_bearer(bearer, method, pattern).await, outside);
    }
    let mut first = true;
    for (role, visitor, form_token) in &world.admins {
        if method == "POST" {
            let found = world.in_browser(visitor, method, pattern, None).await;
            expect(&format!("{role} without the form's token"), found, 403);
        }
        let found = world.in_browser(visitor, method, pattern, Some(form_token)).await;
        if *role < least {
            expect(role.as_str(), found, 403);
        } else if first {
            expect(role.as_str(), found, wanted);
            first = false;
        } else if matches!(found, 401 | 403) || found >= 500 {
            // What the one before did may not be possible twice, but it is not forbidden.
            expect(role.as_str(), found, wanted);
        }
    }
}
