//! An installation where nothing simulates the platforms: apps in sandbox mode are told so, whatever they ask for.

use llavero::broker::access_token::mint;
use serde_json::json;

use crate::support::connecting::start_with;
use crate::support::planted::plant;
use crate::support::test_app::Wishes;

#[tokio::test]
async fn whatever_meets_a_platform_is_refused_as_invalid() {
    let app = start_with(Wishes {
        settings: vec![("LLAVERO_SANDBOX_URL", "")],
        ..Wishes::default()
    })
    .await;
    let planted = plant(&app, ("woocommerce", "keys"), None, 1);
    let (store, owner) = (planted.stores[0], app.demo.app_id);
    let minted = mint(&app.app);
    let token = minted.secret.expose().to_owned();
    app.app
        .db
        .run_blocking(move |conn| minted.insert(conn, store, owner))
        .unwrap_or_else(|error: llavero::db::Error| panic!("{error}"));

    let key = app.demo.api_key.expose().to_owned();
    let direct = json!({
        "platform": "woocommerce", "customer_id": "customer-2",
        "fields": {
            "store_url": "https://shop.example.com",
            "consumer_key": "ck_5a00000000000000000000000000000000000001",
            "consumer_secret": "cs_5a00000000000000000000000000000000000001",
        },
    });
    let session = json!({ "customer_id": "customer-2", "return_url": format!("{}/demo/return", app.url) });
    for (bearer, method, path, body) in [
        (&key, "POST", "/v1/connect-sessions".to_owned(), Some(session)),
        (&key, "POST", "/v1/stores".to_owned(), Some(direct)),
        (&key, "POST", format!("/v1/stores/{store}/refresh"), None),
        (&key, "POST", format!("/v1/stores/{store}/verify"), None),
        (&key, "POST", "/v1/platforms/mercado-libre/app/test".to_owned(), None),
        (&token, "GET", "/v1/access".to_owned(), None),
        (&token, "GET", "/v1/proxy/wp-json/wc/v3/products".to_owned(), None),
    ] {
        let answer = app.api_as(bearer, method, &path, body).await;
        let told = answer.json();
        assert_eq!(
            (
                answer.status,
                told["code"].as_str(),
                told["errors"][0]["field"].as_str()
            ),
            (400, Some("invalid_request"), Some("app")),
            "{method} {path}: {}",
            answer.body
        );
    }
}
