//! Authorizing again, and connecting what is connected already.

use super::*;
use crate::support::bazaar::Bazaar;
use crate::support::connecting::{Way, begin_again, connect_for, store, stores, walk};

#[tokio::test]
async fn one_store_authorized_again_renews_all_that_share_the_credential() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let before = connect_shops(&app, &[NORTH, SOUTH]).await;
    bazaar.end_grants();
    for given in &before {
        assert_eq!(reaches(&app, &given.token).await, "401");
        assert_eq!(store(&app, &given.id).await["status"], "needs_reauthorization");
    }
    let session = begin_again(&app, &before[1].id, json!({})).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(returned.values["store_id"], before[1].id, "nobody is asked which shop");
    let answer = exchange(&app, returned.code()).await.json();
    assert_eq!(
        (&answer["access_token"], answer["stores"].as_array().unwrap().len()),
        (&Value::Null, 1)
    );
    for given in &before {
        assert_eq!(store(&app, &given.id).await["status"], "connected");
        assert_eq!(reaches(&app, &given.token).await, given.store["platform_store_id"]);
    }
    assert_eq!((stores(&app).await.len(), credentials(&app)), (2, 1));
}

#[tokio::test]
async fn an_authorization_that_does_not_list_the_stores_shop_is_another_shops() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH]), ("eva", &[WEST, ("104", "East")])]).await;
    let before = connect_shops(&app, &[NORTH, SOUTH]).await;
    bazaar.log_in("eva");
    let session = begin_again(&app, &before[0].id, json!({})).await;
    let end = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(way_back(&end).error(), "other_store");
    for given in &before {
        assert_eq!(reaches(&app, &given.token).await, given.store["platform_store_id"]);
    }
}

#[tokio::test]
async fn the_same_seller_without_that_shop_any_more_is_refused_and_the_other_stores_go_on() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let before = connect_shops(&app, &[NORTH, SOUTH]).await;
    bazaar.sells("ana", &[SOUTH]);
    let session = begin_again(&app, &before[0].id, json!({})).await;
    let end = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(way_back(&end).error(), "other_store");
    // That authorization ended the one before, but its grant was kept for the shop that it covers.
    assert_eq!(reaches(&app, &before[1].token).await, "102");
}

#[tokio::test]
async fn a_store_that_the_new_authorization_does_not_cover_keeps_its_own_credential() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH]), ("eva", &[SOUTH, WEST])]).await;
    let before = connect_shops(&app, &[NORTH, SOUTH]).await;
    bazaar.log_in("eva");
    let session = begin_again(&app, &before[1].id, json!({})).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(returned.values["store_id"], before[1].id);
    assert_eq!(credentials(&app), 2);
    for given in &before {
        assert_eq!(reaches(&app, &given.token).await, given.store["platform_store_id"]);
    }
}

#[tokio::test]
async fn connecting_again_renews_what_is_connected_and_adds_what_is_not() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH, WEST])]).await;
    let before = connect_shops(&app, &[NORTH]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    assert_eq!(
        reaches(&app, &before[0].token).await,
        "101",
        "it goes on while the merchant chooses, though its own grant has ended"
    );
    assert!(page.text().contains("connected already"), "{}", page.text());
    assert_eq!(form(&page).values.get(&name_of(NORTH)).unwrap(), "true");
    let end = choose(&app, &visitor, &page, &[NORTH, SOUTH]).await;
    let answer = exchange(&app, way_back(&end).code()).await.json();
    let given = answer["stores"].as_array().unwrap();
    assert_eq!(given.len(), 2);
    assert_eq!(given[0]["store"]["name"], "South", "new stores come first");
    assert_eq!(answer["access_token"], given[0]["access_token"]);
    assert_eq!(given[0]["reauthorized"], false);
    assert_eq!(
        (&given[1]["store"]["id"], &given[1]["reauthorized"]),
        (&json!(before[0].id), &json!(true))
    );
    assert_eq!(given[1]["access_token"], Value::Null);
    assert_eq!(reaches(&app, &before[0].token).await, "101");
    assert_eq!(reaches(&app, given[0]["access_token"].as_str().unwrap()).await, "102");
    assert_eq!((stores(&app).await.len(), credentials(&app)), (2, 1));
}

#[tokio::test]
async fn stores_of_two_authorizations_come_to_share_the_newer_one() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH]), ("eva", &[SOUTH])]).await;
    let north = connect_for(&app, "customer-1", &way()).await;
    bazaar.log_in("eva");
    let south = connect_for(&app, "customer-1", &way()).await;
    assert_eq!(credentials(&app), 2);
    bazaar.sells("eva", &[NORTH, SOUTH]);
    connect_shops(&app, &[NORTH, SOUTH]).await;
    assert_eq!(reaches(&app, &north.access_token).await, "101");
    assert_eq!(reaches(&app, &south.access_token).await, "102");
    assert_eq!((stores(&app).await.len(), credentials(&app)), (2, 1));
}

#[tokio::test]
async fn a_new_authorization_for_one_shop_carries_the_connected_others_over() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let typed = Way::with("bazaar", "typed", &[("shop", "101")]);
    let north = connect_for(&app, "customer-1", &typed).await;
    let south = connect_for(&app, "customer-2", &typed.but("shop", "102")).await;
    assert_eq!(reaches(&app, &north.access_token).await, "101");
    assert_eq!(reaches(&app, &south.access_token).await, "102");
    assert_eq!(credentials(&app), 1);
}
