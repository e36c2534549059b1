//! The same with the program's own catalogue, at the simulated platforms whose sellers have several shops.

use super::*;
use crate::support::connecting::{OTHER, Way, begin, begin_again, fill_in, press, start, store};
use crate::support::rows::row;

/// From a link to the last page of ours, as the platform's second seller, who has several shops.
async fn as_second_seller(app: &TestApp, visitor: &Visitor, url: &str, way: &Way) -> Answer {
    let login = fill_in(app, visitor, url, way).await;
    press(app, visitor, &login, OTHER).await
}

async fn connect_all(app: &TestApp, way: &Way, shops: &[Shop]) -> Vec<Given> {
    let session = begin(app, json!({ "platform": way.platform })).await;
    let visitor = Visitor::new();
    let page = as_second_seller(app, &visitor, &session.url, way).await;
    assert!(page.url.path().ends_with("/shops"), "{}: {}", page.url, page.text());
    let end = choose(app, &visitor, &page, shops).await;
    let given = given(app, &way_back(&end)).await;
    for (given, (id, name)) in given.iter().zip(shops) {
        assert_eq!(
            (&given.store["platform_store_id"], &given.store["name"]),
            (&json!(id), &json!(name))
        );
    }
    assert_eq!((given.len(), credentials(app)), (shops.len(), 1));
    given
}

/// Revoking the first leaves the second at work; says what the platform received meanwhile, by method.
async fn revoke_first(app: &TestApp, given: &[Given], call: &str) {
    let answer = app.api("DELETE", &format!("/v1/stores/{}", given[0].id), None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    assert_eq!(app.call(&given[0].token, "GET", call).await.status, 401);
    let answer = app.call(&given[1].token, "GET", call).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(store(app, &given[1].id).await["status"], "connected");
}

/// The second store's own authorization, without any choice.
async fn authorize_again(app: &TestApp, given: &Given, way: &Way) {
    let session = begin_again(app, &given.id, json!({})).await;
    let page = as_second_seller(app, &Visitor::new(), &session.url, way).await;
    let returned = way_back(&page);
    assert_eq!(returned.values["store_id"], given.id.as_str());
    let body = exchange(app, returned.code()).await.json();
    assert_eq!(body["reauthorized"], true, "{body}");
}

async fn deletions(app: &TestApp, platform: &str) -> Vec<String> {
    let received = app.received(platform).await;
    let deletes = received.iter().filter(|entry| entry["method"] == "DELETE");
    deletes
        .filter_map(|entry| entry["url"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_global_sellers_marketplaces_share_one_authorization() {
    let app = start().await;
    let way = Way::with("mercado-libre", "global", &[]);
    let shops = [("538932857", "MLC remote"), ("538932858", "MLM fulfillment")];
    let given = connect_all(&app, &way, &shops).await;
    let call = "/marketplace/users/987654321";
    for given in &given {
        assert_eq!(app.call(&given.token, "GET", call).await.status, 200);
    }
    revoke_first(&app, &given, call).await;
    assert!(deletions(&app, "mercado-libre").await.is_empty());
    authorize_again(&app, &given[1], &way).await;
    assert_eq!(app.call(&given[1].token, "GET", call).await.status, 200);
    let answer = app.api("DELETE", &format!("/v1/stores/{}", given[1].id), None).await;
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    let deleted = deletions(&app, "mercado-libre").await;
    assert!(
        deleted.len() == 1 && deleted[0].contains("/users/987654321/applications/"),
        "{deleted:?}"
    );
    assert_eq!(credentials(&app), 0);
}

/// Gives the app its client at Amazon.
async fn amazon(app: &TestApp) -> Way {
    let fields = json!({
        "application_id": "amzn1.sp.solution.0001", "client_id": "sandbox-client", "client_secret": "sandbox-secret",
    });
    let client = app
        .api("PUT", "/v1/platforms/amazon/app", Some(json!({ "fields": fields })))
        .await;
    assert!((200..300).contains(&client.status), "{} {}", client.status, client.body);
    Way::with("amazon", "authorization", &[("marketplace", "US")])
}

#[tokio::test]
async fn a_sellers_marketplaces_share_one_authorization() {
    let app = start().await;
    let way = amazon(&app).await;
    let shops = [
        ("A3TESTSELLER02/A2EUQ1WTGCTBG2", "Amazon.ca"),
        ("A3TESTSELLER02/ATVPDKIKX0DER", "Amazon.com"),
    ];
    let given = connect_all(&app, &way, &shops).await;
    let call = "/orders/v0/orders";
    for given in &given {
        assert_eq!(app.call(&given.token, "GET", call).await.status, 200);
    }
    revoke_first(&app, &given, call).await;
    authorize_again(&app, &given[1], &way).await;
    assert_eq!(app.call(&given[1].token, "GET", call).await.status, 200);
}

#[tokio::test]
async fn a_seller_at_one_marketplace_sees_no_choice_and_is_no_other_sellers_store() {
    let app = start().await;
    let way = amazon(&app).await;
    let connected = crate::support::connecting::connect_for(&app, "customer-1", &way).await;
    assert_eq!(connected.store["platform_store_id"], "A3TESTSELLER01/A1AM78C64UM0Y8");
    let session = begin_again(&app, &connected.store_id, json!({})).await;
    let page = as_second_seller(&app, &Visitor::new(), &session.url, &way).await;
    assert_eq!(way_back(&page).error(), "other_store");
    let answer = app.call(&connected.access_token, "GET", "/orders/v0/orders").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Nothing signs Amazon's callback, and no call tells the seller: whoever writes another seller's id into it must not have
/// his grant laid under that seller's stores.
#[tokio::test]
async fn a_grant_that_only_an_unsigned_callback_names_is_put_under_no_other_customers_store() {
    let app = start().await;
    let way = amazon(&app).await;
    let shops = [
        ("A3TESTSELLER02/A2EUQ1WTGCTBG2", "Amazon.ca"),
        ("A3TESTSELLER02/ATVPDKIKX0DER", "Amazon.com"),
    ];
    let held = connect_all(&app, &way, &shops[..1]).await;
    let id = held[0].id.trim_start_matches("store_");
    let own =
        format!("SELECT c.grant_no FROM credentials c JOIN stores s ON s.credential_id = c.id WHERE s.id = '{id}'");
    let before = row(&app.database, &own);
    // The taken shop is refused to another customer, who is shown the free one beside it.
    let asked = json!({ "customer_id": "customer-2", "platform": "amazon" });
    let visitor = Visitor::new();
    let page = as_second_seller(&app, &visitor, &begin(&app, asked).await.url, &way).await;
    assert!(page.url.path().ends_with("/shops"), "{}", page.text());
    assert_eq!(
        (row(&app.database, &own), credentials(&app)),
        (before.clone(), 1),
        "while nothing is chosen"
    );
    let end = choose(&app, &visitor, &page, &shops[1..]).await;
    let other = given(&app, &way_back(&end)).await;
    assert_eq!(other.len(), 1);
    assert_eq!(credentials(&app), 2, "each customer has a grant of its own");
    assert_eq!(row(&app.database, &own), before);
    for given in held.iter().chain(&other) {
        assert_eq!(app.call(&given.token, "GET", "/orders/v0/orders").await.status, 200);
    }
}

#[tokio::test]
async fn a_store_that_only_an_unsigned_callback_names_is_handed_over_by_its_own_link_only() {
    let app = start().await;
    let way = amazon(&app).await;
    let held = crate::support::connecting::connect_for(&app, "customer-1", &way).await;
    let grants = "SELECT sum(grant_no)::int AS n, count(*) AS of FROM credentials";
    let before = row(&app.database, grants);
    for asked in [
        json!({ "customer_id": "customer-2", "platform": "amazon" }),
        json!({ "customer_id": "customer-2", "platform": "amazon", "transfer": true }),
    ] {
        let session = begin(&app, asked.clone()).await;
        let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
        assert_eq!(way_back(&page).error(), "store_already_connected", "{asked}");
        assert_eq!(row(&app.database, grants), before, "{asked}");
    }
    let session = begin_again(&app, &held.store_id, json!({})).await;
    let page = walk_to_end(&app, &Visitor::new(), &session.url, &way).await;
    assert!(page.text().contains("is connected"), "{}", page.text());
}

#[tokio::test]
async fn a_sellers_shops_are_listed_and_each_store_calls_with_its_own_cipher() {
    let app = start().await;
    let callback = format!("{}/connect/callback/{{platform}}", app.url);
    app.control("partner", json!({ "callback": callback })).await;
    let fields = json!({ "app_key": "sandbox-client", "app_secret": "sandbox-secret", "service_id": "sandbox-client" });
    let client = app
        .api(
            "PUT",
            "/v1/platforms/tiktok-shop/app",
            Some(json!({ "fields": fields })),
        )
        .await;
    assert!((200..300).contains(&client.status), "{} {}", client.status, client.body);
    let session = begin(&app, json!({ "platform": "tiktok-shop" })).await;
    let visitor = Visitor::new();
    let way = Way::with("tiktok-shop", "authorization", &[("market", "row")]);
    let page = walk_to_end(&app, &visitor, &session.url, &way).await;
    let shops = [
        ("7000714532876273420", "Simulated shop MX"),
        ("7000714532876273421", "Simulated shop BR"),
    ];
    let end = choose(&app, &visitor, &page, &shops).await;
    let given = given(&app, &way_back(&end)).await;
    for (given, (id, name)) in given.iter().zip(shops) {
        let known = store(&app, &given.id).await;
        assert_eq!(
            (&known["platform_store_id"], &known["name"]),
            (&json!(id), &json!(name))
        );
        let answer = app.call(&given.token, "GET", "/order/202309/orders").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let called: Vec<String> = app
        .received("tiktok-shop")
        .await
        .iter()
        .filter_map(|entry| entry["url"].as_str().map(str::to_owned))
        .filter(|url| url.contains("/orders"))
        .collect();
    assert_eq!(called.len(), 2);
    for (url, cipher) in called.iter().zip(["ROW_cipher0001", "ROW_cipher0002"]) {
        assert!(url.contains(&format!("shop_cipher={cipher}&")), "{url}");
    }
}
