//! Which addresses are never called: a merchant's word for a host is not believed.

use llavero::domain::store::Mode;
use serde_json::json;

use crate::support::connecting::{Way, connect_for, start_with};
use crate::support::partners::other_app;
use crate::support::test_app::Wishes;
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_live_app_cannot_be_made_to_call_a_private_address() {
    let app = start_with(Wishes {
        strict_hosts: true,
        ..Wishes::default()
    })
    .await;
    let live = other_app(&app, Mode::Live).await;
    let port = app.sandbox.rsplit(':').next().unwrap().to_owned();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
    ] {
        let body = json!({
            "platform": "woocommerce", "method": "keys", "customer_id": "c",
            "fields": {
                "store_url": format!("https://{host}:{port}"),
                "consumer_key": "ck_5a00000000000000000000000000000000000001",
                "consumer_secret": "cs_5a00000000000000000000000000000000000001",
            },
        });
        let answer = app.api_as(&live.key, "POST", "/v1/stores", Some(body)).await;
        assert!(
            matches!(answer.status, 400 | 502),
            "{host}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.json()["delivered"].as_str().unwrap_or("no"), "no", "{host}");
    }
    let log = Visitor::new()
        .get(&format!("{}/_control/log", app.sandbox))
        .await
        .json();
    assert_eq!(log["data"], json!([]));
}

#[tokio::test]
async fn a_sandbox_app_still_reaches_the_simulated_platforms_where_the_policy_is_strict() {
    let app = start_with(Wishes {
        strict_hosts: true,
        ..Wishes::default()
    })
    .await;
    let connected = connect_for(&app, "c", &Way::good("woocommerce", "keys")).await;
    let answer = app
        .call(&connected.access_token, "GET", "/wp-json/wc/v3/products")
        .await;
    assert_eq!(
        (answer.status, answer.header("llavero-source")),
        (200, "platform"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_metadata_address_is_refused_even_where_private_ones_are_allowed() {
    let app = start_with(Wishes::default()).await;
    let live = other_app(&app, Mode::Live).await;
    for host in ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "224.0.0.1"] {
        let body = json!({
            "platform": "woocommerce", "method": "keys", "customer_id": "c",
            "fields": {
                "store_url": format!("http://{host}"),
                "consumer_key": "ck_5a00000000000000000000000000000000000001",
                "consumer_secret": "cs_5a00000000000000000000000000000000000001",
            },
        });
        let answer = app.api_as(&live.key, "POST", "/v1/stores", Some(body)).await;
        assert!(
            matches!(answer.status, 400 | 502),
            "{host}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.json()["delivered"].as_str().unwrap_or("no"), "no", "{host}");
    }
}
