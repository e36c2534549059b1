//! The way back in EcartAPI's form: nobody gets it who did not ask for it, who did gets exactly its parameters, and the
//! token in it is one that works, the same however often the page is shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::custom_platforms::sign_in;
use crate::support::connecting::{
    DENY, MERCADO_LIBRE, Returned, Way, begin, begin_again, fill_in, press, session_status, start, walk, walk_to_end,
    way_back,
};
use crate::support::partners::signing_secret;
use crate::support::rows::count;
use crate::support::test_app::TestApp;
use crate::support::visitor::Visitor;

fn names(returned: &Returned) -> Vec<&str> {
    returned.values.keys().map(String::as_str).collect()
}

/// A Llavero whose demo app has it switched on, by an owner.
async fn start_with_it() -> (TestApp, Visitor) {
    let app = start().await;
    let owner = sign_in(&app.url, &app.demo.admin_link).await;
    switch(&app, &owner, true).await;
    (app, owner)
}

async fn switch(app: &TestApp, owner: &Visitor, on: bool) {
    let page = owner
        .get(&format!("{}/admin/apps/{}/edit", app.url, app.demo.app_id))
        .await;
    let mut form = page.form_with("return_urls");
    form.values.remove("ecartapi_redirect");
    let checked: &[(&str, &str)] = if on { &[("ecartapi_redirect", "true")] } else { &[] };
    let saved = owner.submit(&form, checked).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(app.api("GET", "/v1/app", None).await.json()["ecartapi_redirect"], on);
}

fn key(app: &TestApp, token: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}&{token}", app.demo.app_id).as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn an_app_that_did_not_ask_for_it_has_no_token_in_an_address() {
    let app = start().await;
    assert_eq!(app.api("GET", "/v1/app", None).await.json()["ecartapi_redirect"], false);
    let way = Way::good("mercado-libre", "authorization");
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let returned = walk(&app, &Visitor::new(), &session.url, &way).await;
    assert!(!returned.url.as_str().contains("llv_st_"), "{}", returned.url);
    assert!(!returned.values.contains_key("access_token"), "{}", returned.url);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM access_tokens"), 0);
}

#[tokio::test]
async fn an_app_that_asked_for_it_gets_exactly_the_parameters_of_ecartapi() {
    let (app, _) = start_with_it().await;
    let visitor = Visitor::new();
    let session = begin(&app, json!({ "platform": "woocommerce", "state": "s" })).await;
    let end = walk_to_end(&app, &visitor, &session.url, &Way::good("woocommerce", "keys")).await;
    let returned = way_back(&end);
    assert_eq!(
        names(&returned),
        ["access_token", "ecartapi_key", "ecommerce", "name", "url", "userId"]
    );
    let token = returned.values["access_token"].clone();
    let asked = app.api_as(&token, "GET", "/v1/access", None).await.json();
    assert_eq!(asked["usable"], true, "{asked}");
    let told = |name: &str| json!(returned.values[name]);
    assert_eq!(told("ecommerce"), "WooCommerce");
    assert_eq!(told("userId"), "customer-1");
    assert_eq!(
        (told("name"), told("url")),
        (asked["store"]["name"].clone(), asked["store"]["url"].clone())
    );
    let secret = signing_secret(&app).await;
    assert_eq!(returned.values["ecartapi_key"], key(&app, &token, &secret));

    // Shown again, in two windows at once: the same token, for the first one is kept by somebody by now.
    let (second, third) = tokio::join!(visitor.get(end.url.as_str()), visitor.get(end.url.as_str()));
    assert_eq!(way_back(&second).values, returned.values);
    assert_eq!(way_back(&third).values, returned.values);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM access_tokens"), 1);
    assert_eq!(session_status(&app, &session.id).await, "completed");
    // Another browser gets none.
    let other = Visitor::new().get(end.url.as_str()).await;
    assert!(!other.body.contains("llv_st_"), "{}", other.text());
}

#[tokio::test]
async fn a_reauthorization_has_no_token_to_send_and_none_is_made() {
    let (app, _) = start_with_it().await;
    let way = Way::with("mercado-libre", "authorization", MERCADO_LIBRE);
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let first = walk(&app, &Visitor::new(), &session.url, &way).await;
    let token = &first.values["access_token"];
    let asked = app.api_as(token, "GET", "/v1/access", None).await.json();
    let again = begin_again(&app, asked["store"]["id"].as_str().unwrap(), json!({})).await;
    let returned = walk(&app, &Visitor::new(), &again.url, &way).await;
    // What the platform does not tell is left out as well: here the shop's address.
    assert_eq!(names(&returned), ["ecommerce", "name", "userId"]);
    assert_eq!(count(&app.database, "SELECT count(*) AS n FROM access_tokens"), 1);
    assert_eq!(
        app.api_as(token, "GET", "/v1/access", None).await.json()["usable"],
        true
    );
}

#[tokio::test]
async fn a_failure_is_told_and_signed_as_everywhere() {
    let (app, _) = start_with_it().await;
    let visitor = Visitor::new();
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let login = fill_in(
        &app,
        &visitor,
        &session.url,
        &Way::good("mercado-libre", "authorization"),
    )
    .await;
    let returned = way_back(&press(&app, &visitor, &login, DENY).await);
    assert!(returned.values.contains_key("signature"), "{}", returned.url);
    assert_eq!(returned.error(), "access_denied");
}

#[tokio::test]
async fn switched_off_again_a_code_comes_back() {
    let (app, owner) = start_with_it().await;
    switch(&app, &owner, false).await;
    let session = begin(&app, json!({ "platform": "mercado-libre" })).await;
    let way = Way::good("mercado-libre", "authorization");
    let returned = walk(&app, &Visitor::new(), &session.url, &way).await;
    assert!(returned.code().starts_with("llv_cd_"));
}
