//! A platform whose clock is off refuses signatures with our time; its answers say what time it has, and the next call is
//! signed with that.

use serde_json::json;

use crate::support::connecting::{FALABELLA, connect, store};
use crate::support::test_app::TestApp;

const PATH: &str = "/?Action=GetOrders&Format=JSON";

#[tokio::test]
async fn calls_are_signed_by_the_clock_of_the_platform() {
    let app = TestApp::start().await;
    let connected = connect(&app, "falabella", "keys", FALABELLA).await;
    assert_eq!(app.call(&connected.access_token, "GET", PATH).await.status, 200);
    for seconds in [1800, -7200, 0] {
        app.control(
            "settings",
            json!({ "platform": "falabella", "settings": { "clock_skew_seconds": seconds } }),
        )
        .await;
        let refused = app.call(&connected.access_token, "GET", PATH).await;
        assert!(
            refused.body.contains("Timestamp has expired"),
            "{seconds}: {}",
            refused.body
        );
        let answer = app.call(&connected.access_token, "GET", PATH).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains("ErrorResponse"), "{seconds}: {}", answer.body);
    }
    assert_eq!(store(&app, &connected.store_id).await["status"], "connected");
}
