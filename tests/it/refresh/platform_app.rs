//! When the platform refuses the OAuth client, or many stores at once, the stores are not to blame: refreshing pauses or
//! verdicts are held, admins are told, and it resumes by itself. A store's own client is the store's own affair.

use serde_json::json;

use super::*;
use crate::support::connecting::{WALMART, Way};
use crate::support::rows::{count, row, work};

async fn disable(app: &TestApp, disabled: bool) {
    let order = json!({ "platform": "shopify", "id": "sandbox-client", "disabled": disabled });
    app.control("clients/disable", order).await;
}

async fn shown(app: &TestApp, store: &Connected) -> Value {
    let shown = connecting::store(app, &store.store_id).await;
    json!([shown["status"], shown["health"]])
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("shop-{number}"))
}

#[tokio::test]
async fn a_refused_client_pauses_its_platform_app_only_and_resumes_after_a_success() {
    let app = TestApp::start().await;
    let stores = shops(&app, names(3)).await;
    let elsewhere = mercado_libre(&app).await;
    app.advance(7 * HOUR);
    disable(&app, true).await;

    let refused = app.call(&stores[0].access_token, "GET", PATH).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (503, Some("platform_app_misconfigured")),
        "{}",
        refused.body
    );
    assert_eq!(shown(&app, &stores[0]).await, json!(["connected", "app_misconfigured"]));
    assert_eq!(renewals(&app, "shopify").await.len(), 1);

    // The others do not even ask: the pause is the client's.
    for store in &stores[1..] {
        let paused = app.call(&store.access_token, "GET", PATH).await;
        assert_eq!(
            (paused.status, paused.json()["code"].as_str()),
            (503, Some("platform_app_misconfigured"))
        );
        assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
    }
    assert_eq!(renewals(&app, "shopify").await.len(), 1);
    works(&app, &elsewhere).await;
    let paused = row(
        &app.database,
        "SELECT pause_code FROM platform_apps WHERE paused_at IS NOT NULL",
    );
    assert_eq!(paused["pause_code"], "invalid_client");

    work(&app).await;
    let mails = app.app.mailer.taken();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, llavero::dev::demo::ADMIN);

    // Probes fail while it lasts, and kill nobody.
    for _ in 0..6 {
        app.advance(HOUR);
        assert_eq!(app.call(&stores[0].access_token, "GET", PATH).await.status, 503);
    }
    assert!(renewals(&app, "shopify").await.len() < 12);
    disable(&app, false).await;
    app.advance(HOUR);
    for store in &stores {
        works(&app, store).await;
        assert_eq!(shown(&app, store).await, json!(["connected", "ok"]));
    }
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM platform_apps WHERE paused_at IS NOT NULL"
        ),
        0
    );
    work(&app).await;
}

#[tokio::test]
async fn what_may_not_be_claimed_does_not_use_up_the_try_of_a_paused_client() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let stores = shops(&app, names(2)).await;
    app.advance(2 * HOUR);
    disable(&app, true).await;
    assert_eq!(app.call(&stores[0].access_token, "GET", PATH).await.status, 503);
    app.app.in_flight.idle().await;
    // The other's last attempt was left behind, and nobody has said that nothing of it is held.
    let id = stores[1].store_id.strip_prefix("store_").unwrap();
    let left_behind = format!(
        "UPDATE credentials SET lease_attempt = next_attempt, next_attempt = next_attempt + 1,
         lease_owner = gen_random_uuid(), lease_since = llavero_now() - interval '3 min',
         lease_until = llavero_now() - interval '2 min'
         WHERE id = (SELECT credential_id FROM stores WHERE id = '{id}')"
    );
    rows::execute(&app.database, &left_behind);
    app.advance(MINUTE + Duration::from_secs(1));
    disable(&app, false).await;
    llavero::broker::refresh::tend(&app.app).await.unwrap();
    app.app.in_flight.idle().await;
    works(&app, &stores[0]).await;
}

#[tokio::test]
async fn a_refused_client_of_the_store_itself_is_dead() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = connecting::connect(&app, "walmart", "keys", WALMART).await;
    let order =
        json!({ "platform": "walmart", "id": "sandbox-seller", "secret": "another-secret", "end_grants": true });
    app.control("clients/rotate", order).await;
    app.advance(HOUR);
    let refused = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("store_needs_reauthorization")),
        "{}",
        refused.body
    );
    let end = connecting::store(&app, &store.store_id).await;
    assert_eq!(
        (&end["status"], &end["status_reason"]),
        (&json!("needs_reauthorization"), &json!("grant_refused"))
    );
}

#[tokio::test]
async fn verdicts_are_held_when_many_stores_of_one_client_come_out_dead_at_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let stores = shops(&app, names(12)).await;
    app.advance(2 * HOUR);
    // A defect at the platform, not twelve merchants who changed their minds.
    token_fault(&app, "shopify", 1000, json!({ "effect": "refuse" })).await;
    let mut answers = Vec::new();
    for store in &stores {
        answers.push(app.call(&store.access_token, "GET", PATH).await.status);
    }
    let dead = count(
        &app.database,
        "SELECT count(*) AS n FROM stores WHERE status <> 'connected'",
    );
    assert_eq!(dead, 5, "the sixth and all after it are held: {answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 503).count(), 7);
    let held = count(
        &app.database,
        "SELECT count(*) AS n FROM platform_apps WHERE verdicts_held_at IS NOT NULL",
    );
    assert_eq!(held, 1);
    work(&app).await;
    let told = count(
        &app.database,
        "SELECT count(*) AS n FROM notices WHERE kind = 'verdicts_held' AND audience = 'admins'",
    );
    assert_eq!(told, 1);

    // The platform recovers; the next success lifts it, and each is asked once more.
    nothing_wrong(&app, "shopify").await;
    let fresh = shops(&app, ["fresh".to_owned()].into_iter()).await;
    app.advance(2 * HOUR);
    works(&app, &fresh[0]).await;
    app.app.in_flight.idle().await;
    work(&app).await;
    for store in &stores {
        if connecting::store(&app, &store.store_id).await["status"] == "connected" {
            works(&app, store).await;
        }
    }
    let held = count(
        &app.database,
        "SELECT count(*) AS n FROM platform_apps WHERE verdicts_held_at IS NOT NULL",
    );
    assert_eq!(held, 0);
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM stores WHERE status = 'connected'"
        ),
        8
    );
}

#[tokio::test]
async fn held_verdicts_that_were_right_are_believed_the_second_time() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let stores = shops(&app, names(8)).await;
    app.advance(2 * HOUR);
    for store in &stores {
        let shop = store.store["platform_store_id"].as_str().unwrap();
        app.control("revoke", json!({ "platform": "shopify", "store": shop }))
            .await;
        app.call(&store.access_token, "GET", PATH).await;
    }
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM stores WHERE status = 'connected'"
        ),
        3
    );
    let fresh = shops(&app, ["fresh".to_owned()].into_iter()).await;
    app.advance(2 * HOUR);
    works(&app, &fresh[0]).await;
    app.app.in_flight.idle().await;
    for store in &stores {
        app.call(&store.access_token, "GET", PATH).await;
    }
    work(&app).await;
    assert_eq!(
        count(
            &app.database,
            "SELECT count(*) AS n FROM stores WHERE status = 'connected'"
        ),
        1
    );
}

#[tokio::test]
async fn one_dead_store_among_many_living_ones_is_believed_at_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let stores = shops(&app, names(3)).await;
    app.advance(2 * HOUR);
    app.control(
        "revoke",
        json!({ "platform": "shopify", "store": "shop-1.myshopify.com" }),
    )
    .await;
    works(&app, &stores[0]).await;
    assert_eq!(app.call(&stores[1].access_token, "GET", PATH).await.status, 401);
    works(&app, &stores[2]).await;
    assert_eq!(shown(&app, &stores[1]).await[0], "needs_reauthorization");
}

#[tokio::test]
async fn verdicts_on_fixed_tokens_are_held_too_and_believed_after_one_is_found_alive() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let fixed = async |name: &str| {
        let shop = format!("{name}.myshopify.com");
        let way = Way::with("shopify", "fixed", &[("shop", &shop)]);
        connecting::connect_for(&app, "customer-1", &way).await
    };
    let mut stores = Vec::new();
    for name in names(8) {
        stores.push(fixed(&name).await);
    }
    let connected = "SELECT count(*) AS n FROM stores WHERE status = 'connected'";
    let held = "SELECT count(*) AS n FROM platform_apps WHERE verdicts_held_at IS NOT NULL";
    for store in &stores {
        let shop = store.store["platform_store_id"].as_str().unwrap();
        app.control("revoke", json!({ "platform": "shopify", "store": shop }))
            .await;
        app.call(&store.access_token, "GET", PATH).await;
    }
    assert_eq!((count(&app.database, connected), count(&app.database, held)), (3, 1));
    assert_eq!(shown(&app, &stores[7]).await, json!(["connected", "refresh_failing"]));

    let fresh = fixed("fresh").await;
    let verified = app
        .api("POST", &format!("/v1/stores/{}/verify", fresh.store_id), None)
        .await;
    assert_eq!(verified.json()["verdict"], "alive", "{}", verified.body);
    assert_eq!(count(&app.database, held), 0);
    app.advance(2 * MINUTE);
    work(&app).await;
    assert_eq!(count(&app.database, connected), 1, "asked once more, and then believed");
}

#[tokio::test]
async fn a_fixed_token_whose_held_verdict_was_wrong_is_well_again() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let mut stores = Vec::new();
    for name in names(7) {
        let shop = format!("{name}.myshopify.com");
        let way = Way::with("shopify", "fixed", &[("shop", &shop)]);
        stores.push(connecting::connect_for(&app, "customer-1", &way).await);
    }
    // A defect at the platform: calls and verify calls are refused alike.
    let fault = json!({ "calls": "api", "effect": "refuse" });
    app.control(
        "faults",
        json!({ "platform": "shopify", "times": 1000, "fault": fault }),
    )
    .await;
    for store in &stores {
        app.call(&store.access_token, "GET", PATH).await;
    }
    assert_eq!(shown(&app, &stores[6]).await, json!(["connected", "refresh_failing"]));
    nothing_wrong(&app, "shopify").await;
    for store in &stores[5..] {
        let verify = format!("/v1/stores/{}/verify", store.store_id);
        assert_eq!(app.api("POST", &verify, None).await.json()["verdict"], "alive");
        assert_eq!(shown(&app, store).await, json!(["connected", "ok"]));
    }
    let held = "SELECT count(*) AS n FROM credentials WHERE held_verdict_at IS NOT NULL";
    assert_eq!(count(&app.database, held), 0);
}

/// The app's own client, with one set of secrets and one that stands by.
async fn rolls_over(app: &TestApp, current: &str, standby: &str) {
    let body = json!({
        "fields": { "client_id": "sandbox-own", "client_secret": current }, "standby": { "client_secret": standby },
    });
    let answer = app.api("PUT", "/v1/platforms/mercado-libre/app", Some(body)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn secrets_used(app: &TestApp) -> Value {
    let shown = app.api("GET", "/v1/platforms/mercado-libre", None).await.json()["app"].clone();
    json!([shown["secrets_used"], shown["secrets_used_since"]])
}

async fn refreshed(app: &TestApp, store: &Connected) {
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    let answer = app.api("POST", &path, None).await;
    assert_eq!(answer.json()["outcome"], "renewed", "{}", answer.body);
}

#[tokio::test]
async fn which_of_two_secrets_the_platform_takes_is_known_and_written_when_it_changes_only() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    rolls_over(&app, "the-secret-before", "sandbox-secret").await;
    assert_eq!(secrets_used(&app).await, json!([null, null]));
    // Connecting tells it, and so does every refresh after it.
    let store = mercado_libre(&app).await;
    let since = json!(["standby", "2026-03-02T09:00:00Z"]);
    assert_eq!(secrets_used(&app).await, since);
    let version = "SELECT xmin::text AS version FROM platform_apps WHERE app_id IS NOT NULL";
    let written = row(&app.database, version);
    for _ in 0..3 {
        app.advance(MINUTE);
        refreshed(&app, &store).await;
    }
    assert_eq!(row(&app.database, version), written, "no write by each refresh");
    assert_eq!(secrets_used(&app).await, since);

    // The roll-over is finished; other values begin anew.
    rolls_over(&app, "sandbox-secret", "the-secret-after").await;
    assert_eq!(secrets_used(&app).await, json!([null, null]));
    app.advance(MINUTE);
    refreshed(&app, &store).await;
    assert_eq!(secrets_used(&app).await, json!(["current", "2026-03-02T09:04:00Z"]));
    let own = format!("{}/admin/apps/{}/platforms/mercado-libre", app.url, app.demo.app_id);
    let owner = crate::support::visitor::Visitor::new();
    let link = format!("{}/admin/sign-in/{}", app.url, app.demo.admin_link.expose());
    let page = owner.get(&link).await;
    owner
        .submit(&page.form_with("password"), &[("password", "a long enough password")])
        .await;
    let page = owner.get(&own).await;
    assert!(page.text().contains("has taken the first set"), "{}", page.text());
}

#[tokio::test]
async fn a_client_with_one_secret_has_nothing_to_tell_apart() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = mercado_libre(&app).await;
    refreshed(&app, &store).await;
    assert_eq!(secrets_used(&app).await, json!([null, null]));
}
