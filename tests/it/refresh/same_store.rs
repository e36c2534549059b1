//! A re-authorization must come back with the same store, and says at once what it did not bring.

use serde_json::json;

use super::*;
use crate::support::connecting::{Way, begin_again, fill_in, press};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_reauthorization_with_another_account_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    let before = credential(&app, &store);
    let session = begin_again(&app, &store.store_id, json!({})).await;
    let visitor = Visitor::new();
    let page = fill_in(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let end = press(&app, &visitor, &page, "Approve as another account").await;
    assert_eq!(end.status, 200, "{}", end.text());
    assert_eq!(connecting::session_status(&app, &session.id).await, "failed");
    let after = credential(&app, &store);
    assert_eq!(
        (&after["grant_no"], &after["values_sealed"]),
        (&before["grant_no"], &before["values_sealed"])
    );
    works(&app, &store).await;
    assert_eq!(connecting::stores(&app).await.len(), 1);
}

#[tokio::test]
async fn a_grant_without_the_refresh_token_that_was_expected_is_told_at_once() {
    let app = TestApp::start().await;
    settings(&app, "mercado-libre", json!({ "grants_no_refresh_token": true })).await;
    let session = connecting::begin(
        &app,
        json!({ "customer_id": "customer-1", "platform": "mercado-libre" }),
    )
    .await;
    let visitor = Visitor::new();
    let page = fill_in(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let end = press(&app, &visitor, &page, "Approve as").await;
    assert_ne!(
        connecting::session_status(&app, &session.id).await,
        "completed",
        "{}",
        end.text()
    );
}
