//! What an export leaves where it is, and what a frozen store is like.

use llavero::broker::moving::LeftOut;
use serde_json::json;

use super::{Lines, export_to};
use crate::support::connecting::{self, MERCADO_LIBRE, WOOCOMMERCE, start};
use crate::support::rows::{count, execute};

const PATH: &str = "/anything";

#[tokio::test]
async fn a_store_whose_refresh_is_under_way_or_in_doubt_stays_behind_and_works_on() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    for busy in [
        "lease_attempt = 1, lease_since = llavero_now(), lease_until = llavero_now() + interval '1 min'",
        "lease_attempt = NULL, in_doubt_since = llavero_now()",
    ] {
        execute(&app.database, &format!("UPDATE credentials SET {busy}"));
        let told = export_to(&app, &Lines::default(), false).await.unwrap();
        assert_eq!(told.stores, 0);
        let (id, _, why) = &told.left_out[0];
        assert_eq!((id.to_string(), *why), (store.store_id.clone(), LeftOut::Busy));
        assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200, "{busy}");
    }
}

#[tokio::test]
async fn a_copy_leaves_out_what_rotates_and_freezes_nothing() {
    let app = start().await;
    let rotating = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let fixed = connecting::connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    let told = export_to(&app, &Lines::default(), true).await.unwrap();
    assert_eq!(told.stores, 1);
    let (id, _, why) = &told.left_out[0];
    assert_eq!((id.to_string(), *why), (rotating.store_id.clone(), LeftOut::Rotates));
    for store in [&rotating, &fixed] {
        assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 200);
    }
}

#[tokio::test]
async fn a_frozen_store_says_so_is_not_refreshed_verified_or_authorized_again_and_can_be_revoked() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let calls = app.token_calls("mercado-libre").await;
    let lines = Lines::default();
    export_to(&app, &lines, false).await.unwrap();
    let plain = String::from_utf8(lines.bytes()).unwrap();
    assert!(!plain.contains(&store.access_token) && !plain.contains("refresh_token"));

    let answer = app.call(&store.access_token, "GET", PATH).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (409, Some("store_frozen"))
    );
    for action in ["refresh", "verify"] {
        let answer = app
            .api("POST", &format!("/v1/stores/{}/{action}", store.store_id), None)
            .await;
        assert_eq!(answer.json()["code"], "store_frozen", "{action}: {}", answer.body);
    }
    let waiting = "SELECT count(*) AS n FROM jobs WHERE status = 'ready' AND kind IN \
        ('refresh_credential', 'verify_credential', 'announce_deadline')";
    assert_eq!(count(&app.database, waiting), 0);

    // A direct connect of the same shop is a re-authorization of it.
    let session = connecting::begin(&app, json!({ "platform": "mercado-libre" })).await;
    let visitor = crate::support::visitor::Visitor::new();
    let way = connecting::Way::good("mercado-libre", "authorization");
    let page = connecting::walk_to_end(&app, &visitor, &session.url, &way).await;
    assert_eq!(connecting::way_back(&page).error(), "store_already_connected");
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM frozen_credentials"), 1);

    let asked = app.received("mercado-libre").await.len();
    let revoked = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert_eq!(revoked.status, 204, "{}", revoked.body);
    assert_eq!(
        app.received("mercado-libre").await.len(),
        asked,
        "the grant lives on elsewhere"
    );
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM frozen_credentials"), 0);
    // The walk's own exchange, and no refresh.
    assert!(app.token_calls("mercado-libre").await <= calls + 1);
}

#[tokio::test]
async fn nobody_who_connects_its_shop_brings_a_frozen_store_back_to_life() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let link = connecting::begin_again(&app, &store.store_id, json!({})).await;
    export_to(&app, &Lines::default(), false).await.unwrap();
    let way = connecting::Way::good("mercado-libre", "authorization");

    let other = json!({ "customer_id": "customer-2", "platform": "mercado-libre" });
    let session = connecting::begin(&app, other).await;
    let visitor = crate::support::visitor::Visitor::new();
    let page = connecting::walk_to_end(&app, &visitor, &session.url, &way).await;
    assert_eq!(connecting::way_back(&page).error(), "store_already_connected");
    let living = "SELECT count(*) AS n FROM credentials WHERE values_sealed IS NOT NULL";
    assert_eq!(count(&app.database, living), 0);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 409);

    // A new grant may end the one that the store has where it is now: none is asked for.
    let exchanged = app.token_calls("mercado-libre").await;
    let path = format!("/v1/stores/{}/reauthorize", store.store_id);
    let refused = app
        .api("POST", &path, Some(json!({ "return_url": connecting::RETURN_URL })))
        .await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (409, Some("store_frozen"))
    );
    let visitor = crate::support::visitor::Visitor::new();
    let page = connecting::fill_in(&app, &visitor, &link.url, &way).await;
    assert_eq!(page.status, 409, "{}", page.text());
    assert_eq!(app.token_calls("mercado-libre").await, exchanged);
}

#[tokio::test]
async fn an_export_that_broke_off_is_made_again_with_what_it_had_frozen() {
    let app = start().await;
    let one = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    connecting::connect(&app, "woocommerce", "keys", WOOCOMMERCE).await;
    // Header, origin and one store.
    let full = Lines {
        most: Some(3),
        ..Lines::default()
    };
    assert!(export_to(&app, &full, false).await.is_err());
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM frozen_credentials"), 1);
    let told = export_to(&app, &Lines::default(), false).await.unwrap();
    assert_eq!((told.stores, told.left_out.len()), (2, 0));
    assert_eq!(app.call(&one.access_token, "GET", PATH).await.status, 409);
    let exported = "SELECT count(*) AS n FROM audit_events WHERE action = 'store.exported'";
    assert_eq!(count(&app.database, exported), 2);
}

#[tokio::test]
async fn a_frozen_store_takes_no_change_that_would_be_lost() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    let session = connecting::begin(&app, json!({ "customer_id": "customer-2", "platform": "woocommerce" })).await;
    let way = connecting::Way::with("woocommerce", "keys", WOOCOMMERCE);
    let visitor = crate::support::visitor::Visitor::new();
    let returned = connecting::walk(&app, &visitor, &session.url, &way).await;
    export_to(&app, &Lines::default(), false).await.unwrap();

    let path = format!("/v1/stores/{}", store.store_id);
    let answers = [
        app.api("POST", &format!("{path}/access-tokens"), Some(json!({}))).await,
        app.api("PATCH", &path, Some(json!({ "name": "Lost" }))).await,
        connecting::exchange(&app, returned.code()).await,
    ];
    for answer in answers {
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (409, Some("store_frozen")),
            "{}",
            answer.body
        );
    }
    let living = "SELECT count(*) AS n FROM access_tokens WHERE revoked_at IS NULL AND ends_at IS NULL";
    assert_eq!(count(&app.database, living), 1);
    assert_eq!(
        count(&app.database, "SELECT count(*) AS n FROM stores WHERE name = 'Lost'"),
        0
    );
}

#[tokio::test]
async fn a_frozen_store_is_told_as_one_that_cannot_be_called_for() {
    let app = start().await;
    let store = connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    export_to(&app, &Lines::default(), false).await.unwrap();
    let answer = app.api_as(&store.access_token, "GET", "/v1/access", None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.json();
    assert_eq!(
        (&told["usable"], &told["problem"]["code"]),
        (&json!(false), &json!("store_frozen"))
    );
    assert_eq!(told["store"]["id"], store.store_id);
}

#[tokio::test]
async fn a_frozen_credential_whose_revocation_was_cut_off_is_erased_by_the_purge() {
    let app = start().await;
    connecting::connect(&app, "mercado-libre", "authorization", MERCADO_LIBRE).await;
    export_to(&app, &Lines::default(), false).await.unwrap();
    let cut_off = "UPDATE stores SET status = 'revoked', status_reason = 'revoked_by_partner'";
    execute(&app.database, cut_off);
    app.advance(std::time::Duration::from_secs(2 * 3600));
    assert_eq!(llavero::broker::disconnect::erase_unused(&app.app).await.unwrap(), 1);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM frozen_credentials"), 0);
}
