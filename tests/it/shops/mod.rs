//! One authorization that covers several shops: each chosen one is a store of its own, and all share one credential.

mod again;
mod api;
mod choice;
mod platforms;
mod revoking;
mod sharing;

use serde_json::{Value, json};

use crate::support::bazaar::{Shop, way};
use crate::support::connecting::{Returned, begin, exchange, walk_to_end, way_back};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Form, Visitor};

const NORTH: Shop = ("101", "North");
const SOUTH: Shop = ("102", "South");
const WEST: Shop = ("103", "West");

/// A store with its token.
#[derive(Debug, Clone)]
struct Given {
    id: String,
    token: String,
    store: Value,
}

/// From a new link of the customer to the page with the choice.
async fn to_choice(app: &TestApp, visitor: &Visitor, customer: &str) -> Answer {
    let session = begin(app, json!({ "customer_id": customer, "platform": "bazaar" })).await;
    let page = walk_to_end(app, visitor, &session.url, &way()).await;
    assert!(page.url.path().ends_with("/shops"), "{}: {}", page.url, page.text());
    page
}

fn form(page: &Answer) -> Form {
    let forms = page.forms();
    let found = forms.into_iter().find(|form| form.action.path().ends_with("/shops"));
    found.unwrap_or_else(|| panic!("no choice on {}:\n{}", page.url, page.text()))
}

/// The box of a shop.
fn name_of(shop: Shop) -> String {
    let digits: String = shop.0.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("shop-{digits}")
}

/// Ticks exactly these boxes and sends them.
async fn choose(app: &TestApp, visitor: &Visitor, page: &Answer, shops: &[Shop]) -> Answer {
    let mut form = form(page);
    form.values.retain(|name, _| !name.starts_with("shop-"));
    let names: Vec<String> = shops.iter().map(|shop| name_of(*shop)).collect();
    let ticked: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "true")).collect();
    let answer = visitor.submit(&form, &ticked).await;
    visitor.follow(answer, &[&app.url]).await
}

/// The stores that a code gives, with their tokens, in order of their shops' ids.
async fn given(app: &TestApp, returned: &Returned) -> Vec<Given> {
    let answer = exchange(app, returned.code()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut given: Vec<Given> = answer.json()["stores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|given| Given {
            id: given["store"]["id"].as_str().unwrap().to_owned(),
            token: given["access_token"].as_str().unwrap_or_default().to_owned(),
            store: given["store"].clone(),
        })
        .collect();
    given.sort_by_key(|given| given.store["platform_store_id"].to_string());
    given
}

/// Connects these shops of the seller for `customer-1`.
async fn connect_shops(app: &TestApp, shops: &[Shop]) -> Vec<Given> {
    let visitor = Visitor::new();
    let page = to_choice(app, &visitor, "customer-1").await;
    let end = choose(app, &visitor, &page, shops).await;
    given(app, &way_back(&end)).await
}

/// Which shop answers a call with this token; its status where none does.
async fn reaches(app: &TestApp, token: &str) -> String {
    let answer = app.call(token, "GET", "/items").await;
    if answer.status == 200 {
        answer.json()["shop"].as_str().unwrap().to_owned()
    } else {
        answer.status.to_string()
    }
}

fn credentials(app: &TestApp) -> i64 {
    crate::support::rows::count(
        &app.database,
        "SELECT count(*) AS n FROM credentials WHERE values_sealed IS NOT NULL",
    )
}
