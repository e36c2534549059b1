//! What is sent is what the description says: a delivery of every type of event, held member by member against the
//! `webhooks` of the document.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use llavero::domain::event::EventKind;
use llavero::web::openapi;
use serde_json::{Value, json};

use crate::support::connecting::{self, Connected, MERCADO_LIBRE, Way, begin_again, start, walk};
use crate::support::receiver::Receiver;
use crate::support::rows::{execute, work};
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::webhooks::Listening;

const HOUR: Duration = Duration::from_secs(3600);
const PATH: &str = "/anything";

/// One store through all that can be told of it, with the events in the order of its life.
async fn live(app: &TestApp) {
    let store = connecting::connect(app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let path = format!("/v1/stores/{}", store.store_id);
    let rotated = app
        .api(
            "POST",
            &format!("{path}/access-tokens"),
            Some(json!({ "overlap_seconds": 604_800 })),
        )
        .await;
    assert!(rotated.status < 300, "{}", rotated.body);
    fail_and_recover(app, &store).await;
    expire(app).await;
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    app.advance(7 * HOUR);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
    work(app).await;
    let session = begin_again(app, &store.store_id, json!({})).await;
    let way = Way::good("mercado-libre", "authorization");
    walk(app, &Visitor::new(), &session.url, &way).await;
    refuse_client(app, &store).await;
    assert_eq!(app.api("DELETE", &path, None).await.status, 204);
}

async fn fail_and_recover(app: &TestApp, store: &Connected) {
    app.advance(7 * HOUR);
    let fault = json!({ "status": 418, "body": {}, "calls": "token" });
    app.control(
        "faults",
        json!({ "platform": "mercado-libre", "times": 1, "fault": fault }),
    )
    .await;
    assert!(app.call(&store.access_token, "GET", PATH).await.status >= 500);
    app.advance(HOUR);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200);
}

/// A deadline of the grant comes near.
async fn expire(app: &TestApp) {
    let deadline = app.clock.now() + chrono::TimeDelta::days(30);
    execute(
        &app.database,
        &format!("UPDATE credentials SET reauthorize_by = '{}'", deadline.to_rfc3339()),
    );
    execute(
        &app.database,
        &format!(
            "INSERT INTO jobs (id, kind, payload, app_id, platform, unique_key, due_at) SELECT gen_random_uuid(), \
             'announce_deadline', jsonb_build_object('credential', name), app_id, platform, \
             'announce_deadline:' || name, '{}' FROM (SELECT *, 'cred_' || replace(id::text, '-', '') AS name \
             FROM credentials) named",
            app.clock.now().to_rfc3339()
        ),
    );
    work(app).await;
}

async fn refuse_client(app: &TestApp, store: &Connected) {
    app.advance(7 * HOUR);
    let order = json!({ "platform": "mercado-libre", "id": "sandbox-client", "secret": "changed" });
    app.control("clients/rotate", order).await;
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 503);
}

/// Names of the members that a shape has, references followed.
fn members(document: &Value, shape: &Value) -> BTreeSet<String> {
    let shape = resolved(document, shape);
    shape["properties"].as_object().unwrap().keys().cloned().collect()
}

fn resolved<'a>(document: &'a Value, shape: &'a Value) -> &'a Value {
    match shape["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => shape,
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn every_event_is_sent_with_the_members_that_are_described() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let listening = Listening::to(&app, &receiver).await;
    live(&app).await;
    listening.test(&app).await;
    work(&app).await;

    let document = openapi::document().unwrap();
    let mut sent: BTreeMap<String, Value> = BTreeMap::new();
    for request in receiver.requests() {
        sent.insert(request.kind(), request.json());
    }
    let kinds: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(sent.keys().map(String::as_str).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(
        names(&document["webhooks"])
            .iter()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        kinds
    );
    for (kind, body) in &sent {
        let media = &document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"];
        let (schema, example) = (&media["schema"], &media["example"]);
        for told in [body, example] {
            assert_eq!(names(told), members(&document, schema), "{kind}");
            assert_eq!(told["type"], schema["properties"]["type"]["const"], "{kind}");
            let data = &schema["properties"]["data"];
            let (told_of, described) = (names(&told["data"]), members(&document, data));
            assert!(told_of.is_subset(&described), "{kind}: {told_of:?}");
            let required = data["required"].as_array().unwrap();
            let missing: Vec<_> = required
                .iter()
                .filter(|name| !told_of.contains(name.as_str().unwrap()))
                .collect();
            assert!(missing.is_empty(), "{kind}: {missing:?}");
            // An import's event has no session, and is sent nowhere here.
            assert!(described.difference(&told_of).all(|name| name == "imported"), "{kind}");
            for (name, value) in told["data"].as_object().unwrap() {
                if value.is_object() {
                    let shape = &data["properties"][name];
                    assert_eq!(names(value), members(&document, shape), "{kind}: {name}");
                }
            }
        }
    }
}
