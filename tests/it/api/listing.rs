//! The list of stores: filters, search and pages.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use llavero::web::urls::encode;
use serde_json::{Value, json};

use crate::support::connecting::{Way, connect_for, start};
use crate::support::rows::execute;
use crate::support::test_app::TestApp;

/// Six stores of three customers on three platforms, a minute apart; their ids, oldest first.
async fn six(app: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..6 {
        let way = match number % 3 {
            0 => Way::good("woocommerce", "keys").but("store_url", &format!("https://s{number}.example.com")),
            1 => Way::good("walmart", "keys").but("client_id", &format!("sandbox-{number}")),
            _ => Way::good("falabella", "keys").but("user_id", &format!("sandbox-{number}@example.com")),
        };
        ids.push(
            connect_for(app, &format!("customer-{}", number / 2), &way)
                .await
                .store_id,
        );
        app.advance(Duration::from_secs(60));
    }
    ids
}

async fn list(app: &TestApp, query: &str) -> Value {
    let answer = app.api("GET", &format!("/v1/stores{query}"), None).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.json()
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let listed = list(app, query).await;
    let mut ids: Vec<String> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|store| store["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn picked(all: &[String], numbers: &[usize]) -> Vec<String> {
    let mut ids: Vec<String> = numbers.iter().map(|number| all[*number].clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn each_filter_narrows_and_all_of_them_together() {
    let app = start().await;
    let all = six(&app).await;
    app.api("DELETE", &format!("/v1/stores/{}", all[0]), None).await;
    assert_eq!(ids(&app, "?platform=walmart").await, picked(&all, &[1, 4]));
    assert_eq!(ids(&app, "?customer_id=customer-1").await, picked(&all, &[2, 3]));
    assert_eq!(
        ids(&app, "?customer_id=customer-1&platform=falabella").await,
        picked(&all, &[2])
    );
    assert_eq!(ids(&app, "?status=revoked").await, picked(&all, &[0]));
    assert_eq!(
        ids(&app, "?status=connected&platform=woocommerce").await,
        picked(&all, &[3])
    );
    assert_eq!(
        ids(&app, "?health=ok&customer_id=customer-2").await,
        picked(&all, &[4, 5])
    );
    assert_eq!(ids(&app, "?health=refresh_failing").await, Vec::<String>::new());
    assert_eq!(ids(&app, "?customer_id=nobody").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_search_finds_names_addresses_and_identities() {
    let app = start().await;
    let all = six(&app).await;
    app.api(
        "PATCH",
        &format!("/v1/stores/{}", all[4]),
        Some(json!({ "name": "Zapatería Ñandú" })),
    )
    .await;
    assert_eq!(ids(&app, "?q=s3.example").await, picked(&all, &[3]));
    assert_eq!(ids(&app, "?q=zapater").await, picked(&all, &[4]));
    assert_eq!(
        ids(&app, "?q=R-2").await,
        picked(&all, &[4, 5]),
        "the customer's id, in any case"
    );
    let falabella = app.api("GET", &format!("/v1/stores/{}", all[2]), None).await.json();
    let identity = falabella["platform_store_id"].as_str().unwrap().to_owned();
    let of_identity = ids(&app, &format!("?q={}", encode(&identity))).await;
    assert!(of_identity.contains(&all[2]), "{identity}: {of_identity:?}");
    assert_eq!(ids(&app, "?q=zapater&platform=falabella").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_pattern_would_mean_is_searched_as_letters() {
    let app = start().await;
    let all = six(&app).await;
    for (store, name) in all.iter().zip(["50% off", "a_b", "c\\d", "d'e", "50 off", "axb"]) {
        let changed = app
            .api("PATCH", &format!("/v1/stores/{store}"), Some(json!({ "name": name })))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    for (part, number) in [("0%25", 0), ("a_b", 1), ("_", 1), ("c%5Cd", 2), ("%5C", 2), ("%27", 3)] {
        assert_eq!(
            ids(&app, &format!("?q={part}")).await,
            picked(&all, &[number]),
            "{part}"
        );
    }
}

#[tokio::test]
async fn stores_changed_since_a_moment_are_found() {
    let app = start().await;
    let all = six(&app).await;
    let moment = app.clock.now();
    app.advance(Duration::from_secs(60));
    app.api(
        "PATCH",
        &format!("/v1/stores/{}", all[2]),
        Some(json!({ "name": "new" })),
    )
    .await;
    let since = moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(ids(&app, &format!("?updated_since={since}")).await, picked(&all, &[2]));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = start().await;
    let all = six(&app).await;
    let mut seen: Vec<String> = Vec::new();
    let mut query = "?limit=2".to_owned();
    for _ in 0..4 {
        let page = list(&app, &query).await;
        assert!(page["data"].as_array().unwrap().len() <= 2);
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|store| store["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!(sorted, picked(&all, &[0, 1, 2, 3, 4, 5]));
    assert_eq!(list(&app, "?limit=200").await["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_page_keeps_its_place_while_stores_are_added() {
    let app = start().await;
    let all = six(&app).await;
    let first = list(&app, "?limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let way = Way::good("woocommerce", "keys").but("store_url", "https://late.example.com");
    connect_for(&app, "customer-9", &way).await;
    let rest = ids(&app, &format!("?limit=200&cursor={cursor}")).await;
    let early: Vec<&str> = first["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|store| store["id"].as_str().unwrap())
        .collect();
    assert!(rest.iter().all(|id| !early.contains(&id.as_str())));
    assert!(all.iter().all(|id| early.contains(&id.as_str()) || rest.contains(id)));
}

#[tokio::test]
async fn what_a_listing_does_not_understand_is_refused() {
    let app = start().await;
    for query in [
        "?limit=0",
        "?limit=201",
        "?limit=x",
        "?cursor=nonsense",
        "?status=no",
        "?health=no",
        "?updated_since=yesterday",
        "?expires_before=soon",
        "?updated_since=",
        "?expires_before=",
        "?customer_id=",
        "?platform=",
        "?q=",
        "?cursor=",
        "?customer_id=a&customer_id=b",
        "?nonsense=1",
    ] {
        let answer = app.api("GET", &format!("/v1/stores{query}"), None).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("invalid_request")),
            "{query}"
        );
        let field = query[1..].split('=').next().unwrap();
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.body);
    }
}

#[tokio::test]
async fn stores_that_will_expire_are_found() {
    let app = start().await;
    let renewed = connect_for(&app, "c", &Way::good("mercado-libre", "authorization")).await;
    let consented = connect_for(&app, "c", &Way::good("falabella", "keys")).await.store_id;
    connect_for(&app, "c", &Way::good("woocommerce", "keys")).await;
    let before = async |at: DateTime<Utc>| {
        let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        ids(&app, &format!("?expires_before={at}")).await
    };
    let shown = app.api("GET", &format!("/v1/stores/{}", renewed.store_id), None).await;
    let end: DateTime<Utc> = shown.json()["refresh"]["expires_at"].as_str().unwrap().parse().unwrap();
    let moment = TimeDelta::seconds(1);
    assert_eq!(before(end - moment).await, Vec::<String>::new());
    assert_eq!(before(end).await, Vec::<String>::new());
    assert_eq!(before(end + moment).await, std::slice::from_ref(&renewed.store_id));

    // A consent that ends counts as well, whatever is renewed.
    let consent = end - TimeDelta::days(30);
    let uuid = consented.trim_start_matches("store_");
    let changed = execute(
        &app.database,
        &format!(
            "UPDATE credentials SET reauthorize_by = '{}' FROM stores
             WHERE stores.id = '{uuid}' AND credentials.id = stores.credential_id",
            consent.to_rfc3339()
        ),
    );
    assert_eq!(changed, 1);
    assert_eq!(before(consent).await, Vec::<String>::new());
    assert_eq!(before(consent + moment).await, std::slice::from_ref(&consented));
    let mut both = [renewed.store_id, consented];
    both.sort();
    assert_eq!(before(end + moment).await, both);
}

#[tokio::test]
async fn a_revoked_store_needs_its_merchant_no_more() {
    let app = start().await;
    let store = connect_for(&app, "customer-1", &Way::good("mercado-libre", "authorization")).await;
    let query = "?expires_before=2100-01-01T00:00:00Z";
    assert_eq!(ids(&app, query).await, [store.store_id.as_str()]);
    app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert!(ids(&app, query).await.is_empty());
    // Nor where its credential goes on for another store.
    execute(
        &app.database,
        "UPDATE credentials SET refresh_expires_at = '2026-04-01'",
    );
    assert!(ids(&app, query).await.is_empty());
}
