//! A deadline that refreshing does not move is announced 30, 7 and 1 days ahead, once each, with a link that lets the
//! merchant authorize again before anything stops.

use chrono::{DateTime, TimeDelta, Utc};
use llavero::broker::refresh;
use llavero::db::credentials::Granted;
use llavero::db::jobs::End;
use llavero::domain::id::{CredentialId, Id};
use llavero::domain::job::Job;
use serde_json::json;

use super::notices::{link, with_merchant};
use super::*;
use crate::support::connecting::{Way, exchange, walk, walk_to_end};
use crate::support::rows::{count, execute, work};
use crate::support::test_app::beginning;
use crate::support::visitor::Visitor;

const MERCHANT: &str = "ana@example.com";

/// Gives a store's grant a deadline, in the way in which a save does.
async fn ends_at(app: &TestApp, store: &Connected, deadline: DateTime<Utc>) {
    let row = credential(app, store);
    let id = CredentialId::from_uuid(row["id"].as_str().unwrap().parse().unwrap());
    let set = format!(
        "UPDATE credentials SET reauthorize_by = '{deadline}' WHERE id = '{}'",
        id.uuid()
    );
    assert_eq!(execute(&app.database, &set), 1);
    let granted = Granted {
        values_sealed: None,
        access_issued_at: None,
        access_expires_at: None,
        refresh_expires_at: None,
        reauthorize_by: Some(deadline),
        refresh_at: None,
        scopes: None,
    };
    let (tools, owner) = (app.app.clone(), app.demo.app_id);
    app.app
        .db
        .run::<_, llavero::db::Error, _>(move |conn| {
            let platform = tools.catalogue.platform("mercado-libre").unwrap();
            let method = platform.method("authorization").unwrap();
            refresh::first_jobs(conn, &tools, id, owner, "mercado-libre", method, &granted)
        })
        .await
        .unwrap();
}

/// Subjects of the mails to one reader since the last look.
fn mails(app: &TestApp, to: &str) -> Vec<String> {
    let taken = app.app.mailer.taken();
    taken
        .into_iter()
        .filter(|mail| mail.to == to)
        .map(|mail| mail.subject)
        .collect()
}

async fn at(app: &TestApp, moment: DateTime<Utc>) {
    app.clock.set(moment);
    work(app).await;
}

#[tokio::test]
async fn a_deadline_is_announced_thirty_seven_and_one_days_ahead_once_each() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    let deadline = beginning() + TimeDelta::days(60);
    ends_at(&app, &store, deadline).await;
    for ahead in [30, 7, 1] {
        at(&app, deadline - TimeDelta::days(ahead) - TimeDelta::seconds(1)).await;
        assert_eq!(
            mails(&app, MERCHANT),
            Vec::<String>::new(),
            "{ahead} days ahead, and a second"
        );
        at(&app, deadline - TimeDelta::days(ahead)).await;
        let told = app.app.mailer.taken();
        let to: Vec<_> = told.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(to.len(), 2, "{to:?}");
        assert!(
            to.contains(&MERCHANT) && to.contains(&llavero::dev::demo::ADMIN),
            "{to:?}"
        );
        assert!(told[0].subject.contains("2026-05-01"), "{}", told[0].subject);
        work(&app).await;
        assert_eq!(mails(&app, MERCHANT), Vec::<String>::new(), "once");
    }
    at(&app, deadline + TimeDelta::days(3)).await;
    assert_eq!(mails(&app, MERCHANT), Vec::<String>::new());
    let told = "SELECT count(*) AS n FROM notices WHERE kind = 'expiring' AND status = 'sent'";
    assert_eq!(count(&app.database, told), 6);
}

#[tokio::test]
async fn a_worker_that_was_away_announces_only_what_still_matters() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "es").await;
    let deadline = beginning() + TimeDelta::days(60);
    ends_at(&app, &store, deadline).await;
    at(&app, deadline - TimeDelta::days(3)).await;
    assert_eq!(mails(&app, MERCHANT).len(), 1, "not that of 30 days as well");
    at(&app, deadline - TimeDelta::days(1)).await;
    assert_eq!(mails(&app, MERCHANT).len(), 1);
}

#[tokio::test]
async fn a_grant_that_begins_near_its_deadline_is_announced_only_from_then_on() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    let deadline = beginning() + TimeDelta::days(10);
    ends_at(&app, &store, deadline).await;
    work(&app).await;
    assert_eq!(
        mails(&app, MERCHANT),
        Vec::<String>::new(),
        "the merchant was here a moment ago"
    );
    at(&app, deadline - TimeDelta::days(7)).await;
    assert_eq!(mails(&app, MERCHANT).len(), 1);
}

#[tokio::test]
async fn the_link_of_the_announcement_authorizes_again_once_and_the_deadline_is_forgotten() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    let deadline = beginning() + TimeDelta::days(60);
    ends_at(&app, &store, deadline).await;
    at(&app, deadline - TimeDelta::days(30)).await;
    let mails_now = app.app.mailer.taken();
    let mail = mails_now.iter().find(|mail| mail.to == MERCHANT).unwrap();
    let link = link(&mail.text);
    assert!(link.starts_with(&format!("{}/reconnect/", app.url)), "{link}");
    assert!(mail.html.contains(&link));

    works(&app, &store).await;
    let visitor = Visitor::new();
    let page = visitor.open(&link, &[&app.url]).await;
    let start = page
        .forms()
        .into_iter()
        .find(|form| form.action.path().ends_with("/start"))
        .unwrap();
    app.advance(MINUTE);
    let begun = visitor.submit(&start, &[]).await;
    let begun = visitor.follow(begun, &[&app.url]).await;
    let way = Way::good("mercado-libre", "authorization");
    let end = walk_to_end(&app, &visitor, begun.url.as_str(), &way).await;
    assert_eq!(end.status, 200, "{}", end.text());
    works(&app, &store).await;
    assert_eq!(Visitor::new().get(&link).await.status, 410, "used is used");

    assert_eq!(credential(&app, &store)["reauthorize_by"], json!(null));
    for ahead in [7, 1] {
        at(&app, deadline - TimeDelta::days(ahead)).await;
        assert_eq!(
            mails(&app, MERCHANT),
            Vec::<String>::new(),
            "another grant, another deadline"
        );
    }
}

#[tokio::test]
async fn an_announcement_that_is_not_true_any_more_when_it_is_sent_is_not_sent() {
    let app = TestApp::start().await;
    let store = with_merchant(&app, "en").await;
    let deadline = beginning() + TimeDelta::days(60);
    ends_at(&app, &store, deadline).await;
    let revoked = app.api("DELETE", &format!("/v1/stores/{}", store.store_id), None).await;
    assert!((200..300).contains(&revoked.status), "{}", revoked.body);
    at(&app, deadline - TimeDelta::days(30)).await;
    assert_eq!(mails(&app, MERCHANT), Vec::<String>::new());
}

/// QuickBooks' answers may or may not tell when its five years are over.
#[tokio::test]
async fn an_end_that_no_answer_tells_counts_from_the_consent_and_no_refresh_moves_it() {
    let app = connecting::start().await;
    let way = Way::with("quickbooks", "authorization", &[]);
    let store = connecting::connect_for(&app, "customer-1", &way).await;
    let five_years = beginning() + TimeDelta::days(1826);
    let ends = |store: &Value| -> DateTime<Utc> { store["reauthorize_by"].as_str().unwrap().parse().unwrap() };
    let first = ends(&store.store);
    assert!((first - five_years).abs() < TimeDelta::minutes(5), "{first}");
    app.advance(30 * DAY);
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    assert_eq!(app.api("POST", &path, None).await.status, 200);
    let answer = app.api("GET", &format!("/v1/stores/{}", store.store_id), None).await;
    assert_eq!(ends(&answer.json()), first);
}

/// A store of QuickBooks with a merchant, whose next answers tell that its five years end then.
async fn quickbooks(app: &TestApp) -> Connected {
    let merchant = json!({ "email": MERCHANT, "name": "Ana", "locale": "en" });
    let asked = json!({ "customer_id": "customer-1", "platform": "quickbooks", "merchant": merchant });
    let session = connecting::begin(app, asked).await;
    let way = Way::with("quickbooks", "authorization", &[]);
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

/// Refreshes; the answer tells that the consent ends at `deadline`.
async fn told_again(app: &TestApp, store: &Connected, deadline: DateTime<Utc>) {
    let left = (deadline - app.clock.now()).num_seconds();
    let body = json!({
        "token_type": "bearer", "expires_in": 3600, "access_token": format!("access-{left}"),
        "refresh_token": format!("refresh-{left}"), "x_refresh_token_expires_in": 8_726_400,
        "x_refresh_token_hard_expires_in": left
    });
    token_fault(app, "quickbooks", 1, json!({ "status": 200, "body": body })).await;
    let path = format!("/v1/stores/{}/refresh", store.store_id);
    let answer = app.api("POST", &path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Leaves no other jobs.
fn only_announcements(app: &TestApp) {
    execute(
        &app.database,
        "DELETE FROM jobs WHERE kind NOT IN ('announce_deadline', 'send_notice')",
    );
}

/// Makes the announcement that is due, and leaves its mails.
async fn announce(app: &TestApp, store: &Connected) {
    let due = format!(
        "SELECT count(*) AS n FROM jobs WHERE kind = 'announce_deadline' AND status = 'ready' AND due_at <= '{}'",
        app.clock.now()
    );
    assert_eq!(count(&app.database, &due), 1, "it is due");
    let id = credential(app, store)["id"].as_str().unwrap().parse().unwrap();
    let credential = CredentialId::from_uuid(id);
    let end = llavero::jobs::run(&app.app, Job::AnnounceDeadline { credential }, 1).await;
    assert_eq!(end, End::Done);
}

#[tokio::test]
async fn a_deadline_that_each_answer_tells_some_seconds_off_is_announced_all_the_same_and_once() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = quickbooks(&app).await;
    let deadline = beginning() + TimeDelta::days(60);
    told_again(&app, &store, deadline).await;
    let mut off = [-40, 40, -5, 5, -70, 3].into_iter().map(TimeDelta::seconds);
    for ahead in [30, 7, 1] {
        only_announcements(&app);
        // Due, and told again before the worker comes by.
        app.clock.set(deadline - TimeDelta::days(ahead) + TimeDelta::seconds(1));
        told_again(&app, &store, deadline + off.next().unwrap()).await;
        only_announcements(&app);
        // Made, and told again before the mail goes out.
        announce(&app, &store).await;
        told_again(&app, &store, deadline + off.next().unwrap()).await;
        only_announcements(&app);
        app.advance(2 * MINUTE);
        work(&app).await;
        assert_eq!(mails(&app, MERCHANT).len(), 1, "{ahead} days ahead");
    }
    let made = "SELECT count(*) AS n FROM notices WHERE kind = 'expiring' AND audience = 'merchant'";
    assert_eq!(count(&app.database, made), 3);
}

#[tokio::test]
async fn a_deadline_that_moves_for_good_takes_its_announcement_along() {
    let mut app = TestApp::start().await;
    app.jobs_may_wait();
    let store = quickbooks(&app).await;
    let deadline = beginning() + TimeDelta::days(60);
    told_again(&app, &store, deadline).await;
    only_announcements(&app);
    app.clock.set(deadline - TimeDelta::days(30) + TimeDelta::seconds(1));
    // The mark is past under both: it is made, with the new day.
    told_again(&app, &store, deadline - TimeDelta::days(2)).await;
    only_announcements(&app);
    work(&app).await;
    let told = app.app.mailer.taken();
    let to_merchant: Vec<_> = told.iter().filter(|mail| mail.to == MERCHANT).collect();
    assert_eq!(to_merchant.len(), 1);
    assert!(
        to_merchant[0].subject.contains("2026-04-29"),
        "{}",
        to_merchant[0].subject
    );
    // A year more: nothing is near.
    told_again(&app, &store, deadline + TimeDelta::days(365)).await;
    only_announcements(&app);
    at(&app, deadline - TimeDelta::days(7)).await;
    assert_eq!(mails(&app, MERCHANT), Vec::<String>::new());
}
