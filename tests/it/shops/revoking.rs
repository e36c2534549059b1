//! The grant is taken back with the last of its stores, and not before.

use super::*;
use crate::support::bazaar::Bazaar;
use crate::support::connecting::store;

async fn revoke(app: &TestApp, given: &Given) {
    let answer = app.api("DELETE", &format!("/v1/stores/{}", given.id), None).await;
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
}

fn own_values(app: &TestApp, given: &Given) -> bool {
    let query = format!(
        "SELECT values_sealed IS NOT NULL AS kept FROM stores WHERE id = '{}'",
        given
            .id
            .parse::<llavero::domain::id::StoreId>()
            .map(llavero::domain::id::Id::uuid)
            .unwrap()
    );
    crate::support::rows::row(&app.database, &query)["kept"] == true
}

#[tokio::test]
async fn revoking_one_store_leaves_the_others_alive() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let given = connect_shops(&app, &[NORTH, SOUTH]).await;
    revoke(&app, &given[0]).await;
    assert!(bazaar.received("/revoke").is_empty() && bazaar.standing() == 1);
    assert_eq!(reaches(&app, &given[0].token).await, "401");
    assert_eq!(reaches(&app, &given[1].token).await, "102");
    assert_eq!(store(&app, &given[1].id).await["status"], "connected");
    assert_eq!(
        (own_values(&app, &given[0]), own_values(&app, &given[1])),
        (false, true)
    );
}

#[tokio::test]
async fn revoking_the_last_store_takes_the_grant_back() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let given = connect_shops(&app, &[NORTH, SOUTH]).await;
    revoke(&app, &given[0]).await;
    revoke(&app, &given[1]).await;
    let sent = bazaar.received("/revoke");
    assert_eq!((sent.len(), &sent[0]["cipher"]), (1, &json!("cipher-102")));
    assert_eq!((bazaar.standing(), credentials(&app)), (0, 0));
    assert!(!own_values(&app, &given[1]));
}

#[tokio::test]
async fn both_revoked_at_once_take_the_grant_back_and_leave_no_secret() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let given = connect_shops(&app, &[NORTH, SOUTH]).await;
    tokio::join!(revoke(&app, &given[0]), revoke(&app, &given[1]));
    assert_eq!((bazaar.standing(), credentials(&app)), (0, 0));
}

#[tokio::test]
async fn revoking_what_was_connected_while_the_merchant_chooses_ends_the_choice() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let before = connect_shops(&app, &[NORTH]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    revoke(&app, &before[0]).await;
    // The grant that waits is that store's as well, and was taken back with it.
    let end = choose(&app, &visitor, &page, &[SOUTH]).await;
    assert_eq!(end.status, 422, "{}", end.text());
    assert_eq!(crate::support::connecting::stores(&app).await.len(), 1);
}
