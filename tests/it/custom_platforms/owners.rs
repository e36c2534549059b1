//! Whose a platform is: an app's own is seen and used by nobody else, and only an owner defines one.

use llavero::broker::admins;
use llavero::domain::admin::{Actor, Role};
use llavero::domain::store::Mode;
use serde_json::json;

use super::*;
use crate::support::connecting::{self, RETURN_URL, Way, connect_for};
use crate::support::partners::other_app;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apps_own_platform_is_not_there_for_another_app() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    let other = other_app(&app, Mode::Sandbox).await;
    let own = app.demo.app_id.to_string();
    for (kind, answers) in [("key", KEY), ("code", CODE)] {
        let with_owner = [answers, &[("owner", &*own)]].concat();
        defined(&app, &owner, kind, &with_owner).await;
    }
    connect_for(
        &app,
        "customer-1",
        &Way::with("x-keys", "keys", &[("api_key", "sandbox-key-one")]),
    )
    .await;

    let slugs = |answer: Answer| -> Vec<String> {
        let body = answer.json();
        let all = body["data"].as_array().unwrap().iter();
        all.map(|one| one["slug"].as_str().unwrap().to_owned())
            .filter(|slug| slug.starts_with("x-"))
            .collect()
    };
    assert_eq!(
        slugs(app.api("GET", "/v1/platforms", None).await),
        ["x-generic", "x-keys"]
    );
    assert!(slugs(app.api_as(&other.key, "GET", "/v1/platforms", None).await).is_empty());

    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let session = json!({ "customer_id": "c", "return_url": RETURN_URL, "platform": "x-keys" });
    let store = json!({ "customer_id": "c", "platform": "x-keys", "fields": { "api_key": "sandbox-key-one" } });
    for (method, path, body, status) in [
        ("GET", "/v1/platforms/x-keys", None, 404),
        ("PUT", "/v1/platforms/x-generic/app", Some(client.clone()), 404),
        ("POST", "/v1/platforms/x-generic/app/test", Some(json!({})), 404),
        ("POST", "/v1/connect-sessions", Some(session), 400),
        ("POST", "/v1/stores", Some(store), 400),
    ] {
        let answer = app.api_as(&other.key, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    // Its merchants cannot choose it either, not even by the address.
    let asked = json!({ "customer_id": "c", "return_url": RETURN_URL });
    let made = app
        .api_as(&other.key, "POST", "/v1/connect-sessions", Some(asked))
        .await
        .json();
    let visitor = Visitor::new();
    let url = made["url"].as_str().unwrap();
    let choice = visitor.open(url, &[&app.url]).await;
    assert!(!choice.body.contains("x-keys"), "{}", choice.body);
    assert_eq!(visitor.get(&format!("{url}/with/x-keys")).await.status, 404);
    let hook = format!("{}/hooks/{}/x-keys", app.url, other.id);
    assert_eq!(visitor.get(&hook).await.status, 404);
    let install = format!("{}/connect/install/{}/x-generic?code=1", app.url, other.id);
    assert_eq!(visitor.get(&install).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_owner_defines_platforms_and_viewers_see_them() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "key", KEY).await;
    for role in [Role::Viewer, Role::Operator] {
        let made = admins::add(
            &app.app,
            &format!("{}@example.com", role.as_str()),
            role,
            Actor::command(),
        )
        .await;
        let visitor = sign_in(&app.url, &made.unwrap().1).await;
        let list = visitor.get(&format!("{}{LIST}", app.url)).await;
        assert!(list.status == 200 && list.text().contains("x-keys"), "{}", list.text());
        assert!(!list.body.contains(NEW));
        for path in [
            NEW,
            "/admin/custom-platforms/x-keys",
            "/admin/custom-platforms/x-keys/delete",
        ] {
            assert_eq!(visitor.get(&format!("{}{path}", app.url)).await.status, 403, "{path}");
        }
        let mut form = list.forms().remove(0);
        form.action = format!("{}{NEW}", app.url).parse().unwrap();
        let refused = visitor
            .submit(&form, &[("kind", "text"), ("definition", "slug = \"x-mine\"")])
            .await;
        assert_eq!(refused.status, 403);
    }
}
