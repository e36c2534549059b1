//! Who is told when a store needs its merchant: the merchant in their language with a link, the admins, each incident
//! once, and again when it works.

use serde_json::json;

use super::*;
use crate::support::connecting::{Way, exchange, walk, walk_to_end};
use crate::support::rows::{count, work};
use crate::support::visitor::Visitor;

pub(super) async fn with_merchant(app: &TestApp, locale: &str) -> Connected {
    let merchant = json!({ "email": "ana@example.com", "name": "Ana", "locale": locale });
    let asked = json!({ "customer_id": "customer-1", "platform": "mercado-libre", "merchant": merchant });
    let session = connecting::begin(app, asked).await;
    let way = Way::good("mercado-libre", "authorization");
    let returned = walk(app, &Visitor::new(), &session.url, &way).await;
    let body = exchange(app, returned.code()).await.json();
    Connected {
        access_token: body["access_token"].as_str().unwrap().to_owned(),
        store_id: body["store"]["id"].as_str().unwrap().to_owned(),
        store: body["store"].clone(),
        session_id: session.id,
        returned,
    }
}

async fn kill(app: &TestApp, store: &Connected) {
    app.control("revoke", json!({ "platform": "mercado-libre" })).await;
    app.advance(7 * HOUR);
    assert_eq!(app.call(&store.access_token, "GET", PATH).await.status, 401);
}

pub(super) fn link(text: &str) -> String {
    let start = text.find("http").unwrap_or_else(|| panic!("no link in {text}"));
    text[start..].split_whitespace().next().unwrap().to_owned()
}

/// Follows the link of a notice to the end.
async fn reconnect(app: &TestApp, link: &str) {
    let visitor = Visitor::new();
    let page = visitor.open(link, &[&app.url]).await;
    let start = page
        .forms()
        .into_iter()
        .find(|form| form.action.path().ends_with("/start"))
        .unwrap();
    let begun = visitor.submit(&start, &[]).await;
    let begun = visitor.follow(begun, &[&app.url]).await;
    let way = Way::good("mercado-libre", "authorization");
    let end = walk_to_end(app, &visitor, begun.url.as_str(), &way).await;
    assert_eq!(end.status, 200, "{}", end.text());
}

#[tokio::test]
async fn merchant_and_admins_are_told_once_an_incident_in_the_merchants_language() {
    for (locale, words) in [
        ("es", "Vuelve a conectarla"),
        ("pt", "Conecte-a novamente"),
        ("en", "Please connect it again"),
    ] {
        let app = TestApp::start().await;
        let store = with_merchant(&app, locale).await;
        kill(&app, &store).await;
        for _ in 0..3 {
            app.call(&store.access_token, "GET", PATH).await;
            work(&app).await;
        }
        let mails = app.app.mailer.taken();
        assert_eq!(mails.len(), 2, "{locale}: {mails:?}");
        let merchant = mails.iter().find(|mail| mail.to == "ana@example.com").unwrap();
        assert!(
            merchant.text.contains(words) && merchant.html.contains(words),
            "{}",
            merchant.text
        );
        assert!(
            link(&merchant.text).starts_with(&format!("{}/reconnect/", app.url)),
            "{}",
            merchant.text
        );
        assert!(
            mails.iter().any(|mail| mail.to == llavero::dev::demo::ADMIN),
            "{mails:?}"
        );
        let told = "SELECT count(*) AS n FROM notices WHERE kind = 'needs_reauthorization' AND status = 'sent'";
        assert_eq!(count(&app.database, told), 2);
    }
}

#[tokio::test]
async fn the_link_of_the_notice_leads_back_to_a_working_store_and_the_same_token() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    kill(&app, &store).await;
    work(&app).await;
    let mails = app.app.mailer.taken();
    let link = link(&mails.iter().find(|mail| mail.to == "ana@example.com").unwrap().text);

    // Mail scanners open links: looking changes nothing.
    for _ in 0..3 {
        assert_eq!(Visitor::new().get(&link).await.status, 200);
    }
    reconnect(&app, &link).await;

    works(&app, &store).await;
    assert_eq!(connecting::store(&app, &store.store_id).await["status"], "connected");
    work(&app).await;
    let recovered = app.app.mailer.taken();
    assert!(
        recovered.iter().any(|mail| mail.to == "ana@example.com"),
        "{recovered:?}"
    );

    // The next death is another incident.
    kill(&app, &store).await;
    work(&app).await;
    let again = app.app.mailer.taken();
    assert!(again.iter().any(|mail| mail.to == "ana@example.com"), "{again:?}");
}

#[tokio::test]
async fn a_recovery_that_is_over_before_its_mail_went_out_is_not_told() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    kill(&app, &store).await;
    work(&app).await;
    let mails = app.app.mailer.taken();
    reconnect(
        &app,
        &link(&mails.iter().find(|mail| mail.to == "ana@example.com").unwrap().text),
    )
    .await;
    kill(&app, &store).await;
    work(&app).await;
    let told = "SELECT count(*) AS n FROM notices WHERE kind = 'recovered' AND status = ";
    assert_eq!(count(&app.database, &format!("{told}'skipped'")), 2);
    assert_eq!(app.app.mailer.taken().len(), 2, "that it needs the merchant again");
}

#[tokio::test]
async fn a_merchant_whose_address_nobody_knows_is_reached_by_the_admins_at_least() {
    let app = TestApp::start().await;
    let store = mercado_libre(&app).await;
    kill(&app, &store).await;
    work(&app).await;
    let mails = app.app.mailer.taken();
    assert_eq!(
        mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        [llavero::dev::demo::ADMIN]
    );
}

#[tokio::test]
async fn nobody_is_told_about_failures_that_are_not_deaths() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    app.advance(7 * HOUR);
    for fault in [
        json!({ "status": 503 }),
        json!({ "status": 429, "retry_after": 5 }),
        json!({ "status": 418, "body": {} }),
    ] {
        token_fault(&app, "mercado-libre", 1, fault).await;
        assert!(app.call(&store.access_token, "GET", PATH).await.status >= 500);
        work(&app).await;
        app.advance(2 * HOUR);
    }
    works(&app, &store).await;
    work(&app).await;
    assert_eq!(app.app.mailer.taken().len(), 0);
}
