//! A call that lacks a right is a 401 on some platforms, as a refused token is. The first costs a renewal and a verify call;
//! a caller that goes on asking costs neither, or it would eat the platform's limit of token calls for everybody.

use serde_json::json;

use crate::support::bazaar::{Bazaar, way};
use crate::support::connecting::connect_for;
use crate::support::test_app::TestApp;

async fn status(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app.call(token, "GET", "/items").await;
    (answer.status, answer.header("llavero-source").to_owned())
}

#[tokio::test]
async fn a_caller_that_goes_on_without_a_right_costs_no_token_calls() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[("101", "North")])]).await;
    let store = connect_for(&app, "customer-1", &way()).await;
    bazaar.lacks_right(true);
    let refusal = (401, "platform".to_owned());
    assert_eq!(status(&app, &store.access_token).await, refusal);
    let (tokens, verified) = (bazaar.received("/token").len(), bazaar.received("/shops").len());
    for _ in 0..10 {
        assert_eq!(status(&app, &store.access_token).await, refusal);
    }
    assert_eq!(bazaar.received("/token").len(), tokens);
    assert_eq!(bazaar.received("/shops").len(), verified);
    // Some minutes later the verify call is asked once, and not for a renewal.
    app.advance(std::time::Duration::from_secs(120));
    for _ in 0..10 {
        assert_eq!(status(&app, &store.access_token).await, refusal);
    }
    assert_eq!(bazaar.received("/token").len(), tokens);
    assert_eq!(bazaar.received("/shops").len(), verified + 1);
    assert_eq!(
        crate::support::connecting::store(&app, &store.store_id).await["status"],
        json!("connected")
    );
}

#[tokio::test]
async fn a_token_that_ends_after_that_is_renewed_within_minutes() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[("101", "North")])]).await;
    let store = connect_for(&app, "customer-1", &way()).await;
    bazaar.lacks_right(true);
    assert_eq!(status(&app, &store.access_token).await.0, 401);
    bazaar.lacks_right(false);
    bazaar.drop_access_tokens();
    app.advance(std::time::Duration::from_secs(120));
    assert_eq!(status(&app, &store.access_token).await, (200, "platform".to_owned()));
}
