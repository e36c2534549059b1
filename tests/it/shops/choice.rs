//! What the merchant meets: the page with the shops, and what becomes of the answer.

use serde_json::json;

use super::*;
use crate::support::bazaar::Bazaar;
use crate::support::connecting::{Way, assert_connects_nothing, connect_for, session_status, stores, walk};

#[tokio::test]
async fn the_only_shop_is_the_store() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH])]).await;
    let connected = connect_for(&app, "customer-1", &way()).await;
    assert_eq!(
        (&connected.store["platform_store_id"], &connected.store["name"]),
        (&json!("101"), &json!("North"))
    );
    assert_eq!(reaches(&app, &connected.access_token).await, "101");
    assert_eq!(bazaar.received("/items")[0]["cipher"], "cipher-101");
}

#[tokio::test]
async fn each_chosen_shop_becomes_a_store_of_its_own() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH, WEST])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    for (id, name) in [NORTH, SOUTH, WEST] {
        assert!(
            page.text().contains(id) && page.text().contains(name),
            "{}",
            page.text()
        );
    }
    assert!(stores(&app).await.is_empty(), "nothing is connected before the choice");
    let end = choose(&app, &visitor, &page, &[NORTH, WEST]).await;
    assert!(end.text().contains("2 stores are connected"), "{}", end.text());
    assert!(
        end.text().contains("North") && end.text().contains("West"),
        "{}",
        end.text()
    );
    let given = given(&app, &way_back(&end)).await;
    let ids: Vec<_> = given.iter().map(|given| &given.store["platform_store_id"]).collect();
    assert_eq!(ids, ["101", "103"]);
    assert_ne!(given[0].token, given[1].token);
    assert_eq!(reaches(&app, &given[0].token).await, "101");
    assert_eq!(reaches(&app, &given[1].token).await, "103");
    assert_eq!((stores(&app).await.len(), credentials(&app)), (2, 1));
}

#[tokio::test]
async fn one_button_takes_them_all() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    let end = visitor.press(&page, "Connect all 2").await;
    let end = visitor.follow(end, &[&app.url]).await;
    assert_eq!(given(&app, &way_back(&end)).await.len(), 2);
}

#[tokio::test]
async fn choosing_nothing_is_told_and_the_authorization_waits() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    let again = choose(&app, &visitor, &page, &[]).await;
    assert_eq!(again.status, 422);
    assert!(again.text().contains("Choose at least one shop"), "{}", again.text());
    let unlisted = choose(&app, &visitor, &again, &[WEST]).await;
    assert_eq!(unlisted.status, 422, "a shop that was not listed is none");
    let end = choose(&app, &visitor, &unlisted, &[SOUTH]).await;
    assert_eq!(given(&app, &way_back(&end)).await[0].store["name"], "South");
}

#[tokio::test]
async fn the_page_speaks_the_merchants_language() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    for (locale, words) in [("es", "¿Qué tiendas?"), ("pt", "Quais lojas?"), ("en", "Which shops?")] {
        let body = json!({ "platform": "bazaar", "merchant": { "locale": locale } });
        let session = begin(&app, body).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
        assert!(page.text().contains(words), "{locale}: {}", page.text());
    }
}

#[tokio::test]
async fn another_browser_sees_no_shops_and_chooses_none() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    let stranger = Visitor::new();
    let seen = stranger.open(page.url.as_str(), &[&app.url]).await;
    assert_eq!(seen.status, 403);
    assert!(!seen.text().contains("North"), "{}", seen.text());
    let foreign = choose(&app, &stranger, &page, &[NORTH]).await;
    assert!((400..500).contains(&foreign.status), "{}", foreign.status);
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn the_choice_is_made_once() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    choose(&app, &visitor, &page, &[NORTH]).await;
    let late = choose(&app, &visitor, &page, &[SOUTH]).await;
    assert!(late.text().contains("North is connected"), "{}", late.text());
    assert_eq!(stores(&app).await.len(), 1);
}

#[tokio::test]
async fn beginning_again_forgets_the_authorization() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH]), ("eva", &[WEST])]).await;
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-1").await;
    let start = visitor.press(&page, "again").await;
    let start = visitor.follow(start, &[&app.url]).await;
    let held = "SELECT count(*) AS n FROM connect_sessions WHERE held_sealed IS NOT NULL";
    assert_eq!(crate::support::rows::count(&app.database, held), 0);
    bazaar.log_in("eva");
    let returned = walk(&app, &visitor, start.url.as_str(), &way()).await;
    assert_eq!(given(&app, &returned).await[0].store["name"], "West");
}

#[tokio::test]
async fn a_shop_of_another_customer_cannot_be_chosen() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH]), ("eva", &[NORTH, SOUTH])]).await;
    let first = connect_for(&app, "customer-1", &way()).await;
    bazaar.log_in("eva");
    let visitor = Visitor::new();
    let page = to_choice(&app, &visitor, "customer-2").await;
    assert!(page.text().contains("Connected for another account"), "{}", page.text());
    assert_eq!(choose(&app, &visitor, &page, &[NORTH]).await.status, 422);
    let end = choose(&app, &visitor, &page, &[NORTH, SOUTH]).await;
    let given = given(&app, &way_back(&end)).await;
    assert_eq!((given.len(), &given[0].store["name"]), (1, &json!("South")));
    let known = crate::support::connecting::store(&app, &first.store_id).await;
    assert_eq!(known["customer_id"], "customer-1");
    assert_eq!(reaches(&app, &first.access_token).await, "101");
}

#[tokio::test]
async fn where_all_shops_are_another_customers_nothing_is_offered() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let stores = connect_shops(&app, &[NORTH, SOUTH]).await;
    let body = json!({ "platform": "bazaar", "customer_id": "customer-2" });
    let session = begin(&app, body).await;
    let end = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(way_back(&end).error(), "store_already_connected");
    for store in stores {
        assert_eq!(reaches(&app, &store.token).await, store.store["platform_store_id"]);
    }
}

#[tokio::test]
async fn a_typed_shop_is_taken_and_without_one_the_merchant_chooses() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let typed = Way::with("bazaar", "typed", &[("shop", "102")]);
    let connected = connect_for(&app, "customer-1", &typed).await;
    assert_eq!(connected.store["name"], "South");
    assert_eq!(reaches(&app, &connected.access_token).await, "102");

    let session = begin(&app, json!({ "platform": "bazaar" })).await;
    let visitor = Visitor::new();
    let page = walk_to_end(&app, &visitor, &session.url, &typed.but("shop", "")).await;
    let end = choose(&app, &visitor, &page, &[NORTH]).await;
    assert_eq!(given(&app, &way_back(&end)).await[0].store["name"], "North");
}

#[tokio::test]
async fn a_typed_shop_that_is_not_listed_connects_nothing() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let session = begin(&app, json!({ "platform": "bazaar" })).await;
    let typed = Way::with("bazaar", "typed", &[("shop", "999")]);
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &typed).await;
    assert_connects_nothing(&page);
    assert!(page.text().contains("refused what was entered"), "{}", page.text());
    assert_eq!(session_status(&app, &session.id).await, "open");
    assert!(stores(&app).await.is_empty());
}

#[tokio::test]
async fn an_authorization_without_shops_connects_nothing() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[])]).await;
    let session = begin(&app, json!({ "platform": "bazaar" })).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way()).await;
    assert_eq!(way_back(&page).error(), "platform_error");
}
