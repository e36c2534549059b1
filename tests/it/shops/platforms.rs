//! The same with the program's own catalogue, at the simulated platform whose sellers have several shops.

use super::*;
use crate::support::connecting::{Way, begin, start, store};

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
