//! What the partner gets: one code, a token for each store; and connecting without a browser.

use llavero::domain::scope::Scope;

use super::*;
use crate::support::bazaar::Bazaar;
use crate::support::connecting::stores;
use crate::support::partners::key;

async fn status(app: &TestApp, token: &Value) -> u16 {
    app.api_as(token.as_str().unwrap(), "GET", "/v1/access", None)
        .await
        .status
}

async fn returned(app: &TestApp) -> Returned {
    let visitor = Visitor::new();
    let page = to_choice(app, &visitor, "customer-1").await;
    way_back(&choose(app, &visitor, &page, &[NORTH, SOUTH]).await)
}

#[tokio::test]
async fn a_code_gives_a_token_for_each_store_and_the_first_one_as_ever() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let returned = returned(&app).await;
    let answer = exchange(&app, returned.code()).await.json();
    let first = &answer["stores"][0];
    assert_eq!(answer["token_type"], "Bearer");
    for field in ["access_token", "reauthorized", "store"] {
        assert_eq!(answer[field], first[field], "{field}");
    }
    assert_eq!(answer["store"]["id"], returned.values["store_id"]);
    for given in answer["stores"].as_array().unwrap() {
        assert_eq!(status(&app, &given["access_token"]).await, 200);
        assert_eq!(given["store"]["customer_id"], "customer-1");
    }
    let path = format!("/v1/connect-sessions/{}", returned.values["session_id"]);
    let session = app.api("GET", &path, None).await.json();
    let ids: Vec<_> = answer["stores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|given| &given["store"]["id"])
        .collect();
    assert_eq!(session["store_ids"].as_array().unwrap().iter().collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn the_same_code_again_gives_new_tokens_and_revokes_the_first_ones() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let returned = returned(&app).await;
    let first = exchange(&app, returned.code()).await.json();
    let other = key(&app, &[Scope::ConnectWrite]).await;
    let body = json!({ "code": returned.code() });
    let foreign = app
        .api_as(&other, "POST", "/v1/access-tokens/exchange", Some(body))
        .await;
    assert_eq!(foreign.status, 404, "a used code is its first key's alone");
    let second = exchange(&app, returned.code()).await.json();
    for at in 0..2 {
        assert_eq!(status(&app, &first["stores"][at]["access_token"]).await, 401);
        assert_eq!(status(&app, &second["stores"][at]["access_token"]).await, 200);
        assert_eq!(first["stores"][at]["store"]["id"], second["stores"][at]["store"]["id"]);
    }
}

#[tokio::test]
async fn a_store_revoked_before_the_exchange_is_left_out() {
    let (app, _bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH])]).await;
    let returned = returned(&app).await;
    app.api("DELETE", &format!("/v1/stores/{}", returned.values["store_id"]), None)
        .await;
    let answer = exchange(&app, returned.code()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["stores"].as_array().unwrap().len(), 1);
    assert_ne!(answer.json()["store"]["id"], returned.values["store_id"]);
}

#[tokio::test]
async fn without_a_browser_the_partner_names_the_shops() {
    let (app, bazaar) = Bazaar::with(&[("ana", &[NORTH, SOUTH, WEST])]).await;
    // A grant that the partner got by itself.
    let connected = connect_shops(&app, &[WEST]).await;
    let tokens = json!({ "access_token": "access-2", "refresh_token": "refresh-3", "expires_in": 3600 });
    let body = json!({ "platform": "bazaar", "customer_id": "customer-1", "tokens": tokens });
    let unnamed = app.api("POST", "/v1/stores", Some(body.clone())).await;
    assert_eq!(unnamed.status, 400, "{}", unnamed.body);
    assert_eq!(unnamed.json()["errors"][0]["field"], "shops");
    assert!(
        unnamed.body.contains("101") && unnamed.body.contains("102"),
        "{}",
        unnamed.body
    );
    for wrong in [json!(["999"]), json!(["101", "999"])] {
        let mut body = body.clone();
        body["shops"] = wrong;
        assert_eq!(app.api("POST", "/v1/stores", Some(body)).await.status, 400);
    }
    assert_eq!(stores(&app).await.len(), 1);
    let mut named = body;
    named["shops"] = json!(["101", "102"]);
    let answer = app.api("POST", "/v1/stores", Some(named)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let given = answer.json()["stores"].as_array().unwrap().clone();
    assert_eq!(given.len(), 2);
    for given in given {
        let token = given["access_token"].as_str().unwrap();
        assert_eq!(reaches(&app, token).await, given["store"]["platform_store_id"]);
    }
    assert_eq!(reaches(&app, &connected[0].token).await, "103");
    drop(bazaar);
}
