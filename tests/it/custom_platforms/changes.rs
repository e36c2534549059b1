//! A definition that is in use: stores outlive each change that is allowed, and it cannot be removed under them.

use serde_json::json;

use super::*;
use crate::support::connecting::{self, Way, begin, connect_for};
use crate::support::rows;

const EDIT: &str = "/admin/custom-platforms/x-keys";

async fn edit(app: &TestApp, owner: &Visitor, changed: &[(&str, &str)]) -> Answer {
    let page = owner.get(&format!("{}{EDIT}", app.url)).await;
    let mut all = vec![("do", "save")];
    all.extend_from_slice(changed);
    owner.submit(&page.form_with("kind"), &all).await
}

async fn remove(app: &TestApp, owner: &Visitor) -> Answer {
    let page = owner.get(&format!("{}{EDIT}/delete", app.url)).await;
    let done = owner.submit(&page.form_with("confirmed"), &[]).await;
    owner.follow(done, &[&app.url]).await
}

fn there(app: &TestApp) -> i64 {
    rows::count(&app.database, "SELECT count(*) AS n FROM custom_platforms")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_stores_would_not_outlive_is_refused_and_others_hold_at_once() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "key", KEY).await;
    let way = Way::with("x-keys", "keys", &[("api_key", "sandbox-key-one")]);
    let store = connect_for(&app, "customer-1", &way).await;

    let refused = edit(&app, &owner, &[("store_id", "")]).await;
    assert_eq!(refused.status, 422, "the identity would be another");
    let refused = edit(&app, &owner, &[("place", "basic"), ("user_label", "User")]).await;
    assert_eq!(refused.status, 422, "stores have no user");
    let faults = refused.select(".callout.bad ul[lang=en]").unwrap();
    assert!(faults.contains("methods[0].fields[0]"), "{faults}");

    let done = edit(
        &app,
        &owner,
        &[("name", "Better keys"), ("place", "query"), ("place_name", "api_key")],
    )
    .await;
    assert_eq!(done.status, 303, "{}", done.text());
    let answer = app.call(&store.access_token, "GET", "/orders").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = app.received("generic").await;
    let last = sent
        .iter()
        .rfind(|entry| entry["url"].to_string().contains("/v1/orders"))
        .unwrap()
        .to_string();
    assert!(last.contains("api_key=sandbox-key-one"), "{last}");

    let by_hand = edit(&app, &owner, &[("do", "by_hand")]).await;
    let form = by_hand.form_with("definition");
    let other = form.values["definition"].replace("id = \"keys\"", "id = \"others\"");
    let page = owner.submit(&form, &[("do", "save"), ("definition", &other)]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.text().contains("stores are connected with the method `keys`"),
        "{}",
        page.text()
    );

    let actions = rows::rows(
        &app.database,
        "SELECT action, details->>'definition' AS text FROM audit_events WHERE subject = 'x-keys' ORDER BY action",
    );
    assert_eq!(actions.len(), 2, "what was refused changed nothing");
    assert_eq!(actions[1]["action"], "custom_platform.changed");
    assert!(actions[1]["text"].as_str().unwrap().contains("Better keys"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_is_removed_once_nothing_uses_it_and_its_clients_go_with_it() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    let answers: Vec<_> = CODE.iter().copied().filter(|(name, _)| *name != "slug").collect();
    defined(&app, &owner, "code", &[&answers[..], &[("slug", "x-keys")]].concat()).await;
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    app.api("PUT", "/v1/platforms/x-keys/app", Some(client)).await;

    let session = begin(&app, json!({ "platform": "x-keys" })).await;
    let visitor = Visitor::new();
    let way = Way::with("x-keys", "authorization", &[]);
    let page = connecting::fill_in(&app, &visitor, &session.url, &way).await;
    assert!(connecting::at_platform(&app, &page));
    assert!(remove(&app, &owner).await.text().contains("sessions under way: 1"));
    let done = connecting::press(&app, &visitor, &page, connecting::APPROVE).await;
    let store = connecting::exchange(&app, connecting::way_back(&done).code())
        .await
        .json();
    let store = store["store"]["id"].as_str().unwrap().to_owned();

    assert!(remove(&app, &owner).await.text().contains("connected stores: 1"));
    assert_eq!(there(&app), 1);
    let gone = app.api("DELETE", &format!("/v1/stores/{store}"), None).await;
    assert!(gone.status < 300, "{}", gone.body);
    remove(&app, &owner).await;
    assert_eq!(there(&app), 0);
    assert_eq!(app.api("GET", "/v1/platforms/x-keys", None).await.status, 404);
    let named = app.api("GET", &format!("/v1/stores/{store}"), None).await;
    assert_eq!(named.status, 200, "{}", named.body);

    // Another platform of that name is not sent the secrets of the first.
    defined(&app, &owner, "code", &[&answers[..], &[("slug", "x-keys")]].concat()).await;
    let client = app.api("GET", "/v1/platforms/x-keys", None).await.json()["app"].clone();
    assert!(client.is_null() || client["fields"] == json!({}), "{client}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_began_under_a_method_that_is_gone_makes_no_store() {
    let app = connecting::start().await;
    let owner = owner(&app).await;
    defined(&app, &owner, "code", CODE).await;
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    app.api("PUT", "/v1/platforms/x-generic/app", Some(client)).await;
    let session = begin(&app, json!({ "platform": "x-generic" })).await;
    let visitor = Visitor::new();
    let way = Way::with("x-generic", "authorization", &[]);
    let page = connecting::fill_in(&app, &visitor, &session.url, &way).await;

    // In the row alone, as if another process were about to tell.
    rows::execute(&app.database, "UPDATE custom_platforms SET methods = '{other}'");
    let done = connecting::press(&app, &visitor, &page, connecting::APPROVE).await;
    assert_eq!(done.status, 409, "{}", done.text());
    assert!(connecting::stores(&app).await.is_empty());
}
