//! API keys from their making to their end: typos, terms, roll-overs, and who may do it on the admin pages.

use std::time::Duration;

use chrono::TimeDelta;
use llavero::broker::api_key::{self, NewKey};
use llavero::broker::{apps, last_used};
use llavero::domain::admin::{Actor, Role};
use llavero::domain::scope::Scope;
use llavero::domain::store::Mode;

use crate::custom_platforms::owner;
use crate::support::connecting::{Way, begin, start, walk};
use crate::support::partners::{key, other_app, signing_secret};
use crate::support::rows::{row, rows, work};
use crate::support::test_app::TestApp;
use crate::support::visitor::{Answer, Visitor};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn status(app: &TestApp, key: &str) -> u16 {
    app.api_as(key, "GET", "/v1/app", None).await.status
}

async fn app_page(app: &TestApp, visitor: &Visitor) -> Answer {
    let page = visitor
        .get(&format!("{}/admin/apps/{}", app.url, app.demo.app_id))
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
    page
}

/// The secret that a page shows this once.
fn shown(page: &Answer, prefix: &str) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let start = text.find(prefix).unwrap_or_else(|| panic!("no {prefix} in {text}"));
    text[start..]
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .collect()
}

/// A key made on the admin pages, with every scope.
async fn made_on_page(app: &TestApp, visitor: &Visitor, name: &str, term: &str) -> String {
    let form = app_page(app, visitor).await.link("New API key");
    let form = visitor.get(&form).await.form_with("term");
    let boxes: Vec<String> = Scope::ALL
        .iter()
        .map(|scope| format!("scope-{}", scope.as_str().replace(':', "-")))
        .collect();
    let mut values = vec![("name", name), ("term", term)];
    values.extend(boxes.iter().map(|name| (name.as_str(), "true")));
    shown(&visitor.submit(&form, &values).await, "llv_sk_")
}

#[tokio::test]
async fn a_mistyped_key_or_token_is_refused_without_asking_the_database() {
    let app = start().await;
    let (good, token) = (app.demo.api_key.expose().to_owned(), "llv_st_");
    let before = app.asked();
    let swapped = format!(
        "{}{}",
        &good[..good.len() - 20],
        good[good.len() - 20..].chars().rev().collect::<String>()
    );
    for wrong in [
        &good[..good.len() - 1],
        &format!("{good}0"),
        &swapped,
        "llv_sk_",
        token,
        "",
        "llv_sk_\u{e9}",
    ] {
        for path in ["/v1/app", "/v1/stores", "/v1/access", "/v1/proxy/products"] {
            let answer = app
                .request("", "GET", path)
                .header("authorization", format!("Bearer {wrong}"));
            assert_eq!(answer.send().await.unwrap().status(), 401, "{wrong} {path}");
        }
    }
    assert_eq!(app.asked() - before, 0, "the checksum alone tells a typo");
    // Well written, but nobody's.
    let unknown = llavero::domain::access_token::mint(llavero::domain::access_token::TokenKind::ApiKey, [7; 32]);
    assert_eq!(status(&app, unknown.expose()).await, 401);
    assert!(app.asked() > before, "the count counts");
}

#[tokio::test]
async fn a_key_with_a_term_works_until_its_end_and_no_longer() {
    let app = start().await;
    let end = app.clock.now() + TimeDelta::days(30);
    let new = NewKey {
        name: "short".to_owned(),
        scopes: vec![Scope::StoresRead],
        expires_at: Some(end),
    };
    let made = api_key::make(&app.app, app.demo.app_id, new.clone(), Actor::command())
        .await
        .unwrap();
    let told = app.api_as(made.key.expose(), "GET", "/v1/app", None).await.json();
    assert_eq!(told["key"]["expires_at"], "2026-04-01T09:00:00Z");
    app.advance(30 * DAY - Duration::from_secs(1));
    assert_eq!(status(&app, made.key.expose()).await, 200);
    app.advance(Duration::from_secs(1));
    assert_eq!(status(&app, made.key.expose()).await, 401);
    assert!(
        api_key::make(&app.app, app.demo.app_id, new, Actor::command())
            .await
            .is_err(),
        "its end is over"
    );
}

#[tokio::test]
async fn a_rolled_key_works_beside_its_successor_until_the_chosen_end() {
    let app = start().await;
    let visitor = owner(&app).await;
    let old = made_on_page(&app, &visitor, "ERP server", "90").await;
    app.advance(10 * DAY);
    let visitor = owner_again(&app).await;
    let page = visitor.get(&app_page(&app, &visitor).await.link("Roll over")).await;
    let new = shown(
        &visitor
            .submit(&page.form_with("overlap"), &[("overlap", "604800")])
            .await,
        "llv_sk_",
    );
    assert_ne!(old, new);
    let told = app.api_as(&new, "GET", "/v1/app", None).await.json();
    assert_eq!(told["key"]["name"], "ERP server");
    assert_eq!(told["key"]["scopes"].as_array().unwrap().len(), Scope::ALL.len());
    assert_eq!(
        told["key"]["expires_at"], "2026-06-10T09:00:00Z",
        "a term of the same length, from now"
    );
    app.advance(7 * DAY - Duration::from_secs(1));
    assert_eq!((status(&app, &old).await, status(&app, &new).await), (200, 200));
    app.advance(Duration::from_secs(1));
    assert_eq!((status(&app, &old).await, status(&app, &new).await), (401, 200));
}

#[tokio::test]
async fn an_overlap_never_lengthens_a_key_and_none_ends_it_at_once() {
    let app = start().await;
    let all = || Scope::ALL.to_vec();
    let made = |name: &str, days| NewKey {
        name: name.to_owned(),
        scopes: all(),
        expires_at: Some(app.clock.now() + TimeDelta::days(days)),
    };
    let of = app.demo.app_id;
    let short = api_key::make(&app.app, of, made("short", 2), Actor::command())
        .await
        .unwrap();
    let rolled = api_key::roll(&app.app, of, short.id, TimeDelta::days(7), Actor::command())
        .await
        .unwrap();
    assert_eq!(rolled.old_ends_at, app.clock.now() + TimeDelta::days(2));
    let again = api_key::roll(&app.app, of, short.id, TimeDelta::days(7), Actor::command()).await;
    assert!(again.is_err(), "it has a successor");
    let leaked = api_key::make(&app.app, of, made("leaked", 90), Actor::command())
        .await
        .unwrap();
    api_key::roll(&app.app, of, leaked.id, TimeDelta::zero(), Actor::command())
        .await
        .unwrap();
    assert_eq!(status(&app, leaked.key.expose()).await, 401);
    let other = other_app(&app, Mode::Sandbox).await;
    let foreign = api_key::roll(&app.app, other.id, rolled.made.id, TimeDelta::zero(), Actor::command()).await;
    assert!(foreign.is_err(), "no key of that app");
    assert_eq!(status(&app, rolled.made.key.expose()).await, 200);
}

#[tokio::test]
async fn the_app_page_warns_of_keys_that_end_soon_and_tells_the_last_use() {
    let app = start().await;
    let visitor = owner(&app).await;
    made_on_page(&app, &visitor, "Night reports", "30").await;
    assert!(!app_page(&app, &visitor).await.text().contains("Ends soon"));
    app.advance(17 * DAY);
    let visitor = owner_again(&app).await;
    let text = app_page(&app, &visitor).await.text();
    assert!(
        text.contains("Keys that end within two weeks") && text.contains("Ends soon"),
        "{text}"
    );
    app.advance(13 * DAY);
    let visitor = owner_again(&app).await;
    let text = app_page(&app, &visitor).await.text();
    assert!(text.contains("Expired") && !text.contains("Ends soon"), "{text}");
}

/// Signed in anew, since sessions end as well.
async fn owner_again(app: &TestApp) -> Visitor {
    let email = format!("owner{}@example.com", app.clock.now().timestamp());
    let added = llavero::broker::admins::add(&app.app, &email, Role::Owner, Actor::command())
        .await
        .unwrap();
    crate::custom_platforms::sign_in(&app.url, &added.1).await
}

#[tokio::test]
async fn a_signing_secret_is_rolled_over_without_a_return_that_the_partner_cannot_check() {
    let app = start().await;
    let visitor = owner(&app).await;
    let before = signing_secret(&app).await;
    let page = visitor
        .get(&app_page(&app, &visitor).await.link("Make a new secret"))
        .await;
    let next = shown(&visitor.press(&page, "Make a new secret").await, "llv_ss_");
    assert_eq!(
        signing_secret(&app).await,
        before,
        "the partner cannot know the next one yet"
    );
    let page = app_page(&app, &visitor).await;
    assert!(page.text().contains("A roll-over is under way"), "{}", page.text());
    let ask = visitor.get(&page.link("Finish the roll-over")).await;
    assert_eq!(visitor.press(&ask, "Finish the roll-over").await.status, 303);
    assert_eq!(signing_secret(&app).await, next);
    let left = rows(
        &app.database,
        "SELECT 1 AS n FROM apps WHERE previous_signing_secret_sealed IS NOT NULL",
    );
    assert!(left.is_empty(), "the one before is erased");
    assert!(!app_page(&app, &visitor).await.text().contains("under way"));
    assert_eq!(visitor.get(ask.url.as_str()).await.status, 404, "nothing to finish");
    assert!(
        apps::finish_signing_roll(&app.app, app.demo.app_id, Actor::command())
            .await
            .is_err()
    );
}

/// A new signing secret, beside which the one before signs for `overlap`.
async fn roll_secret(app: &TestApp, overlap: TimeDelta) -> String {
    let rolled = apps::roll_signing_secret(&app.app, app.demo.app_id, overlap, Actor::command()).await;
    rolled.unwrap().secret.expose().to_owned()
}

#[tokio::test]
async fn a_signing_secrets_roll_over_ends_by_itself_when_it_was_said_to_and_is_shown_until_then() {
    let app = start().await;
    let visitor = owner(&app).await;
    let before = signing_secret(&app).await;
    let changes_at = async || app.api("GET", "/v1/app", None).await.json()["signing_secret_changes_at"].clone();
    assert!(changes_at().await.is_null());
    let form = visitor
        .get(&app_page(&app, &visitor).await.link("Make a new secret"))
        .await
        .form_with("overlap");
    let end = app.clock.now() + TimeDelta::hours(1);
    let next = shown(&visitor.submit(&form, &[("overlap", "3600")]).await, "llv_ss_");
    let told: chrono::DateTime<chrono::Utc> = changes_at().await.as_str().unwrap().parse().unwrap();
    assert_eq!(told, end);
    let text = app_page(&app, &visitor).await.text();
    assert!(text.contains(&end.format("%H:%M UTC").to_string()), "{text}");

    app.advance(Duration::from_secs(3599));
    assert_eq!(signing_secret(&app).await, before);
    app.advance(Duration::from_secs(1));
    assert_eq!(signing_secret(&app).await, next);
    assert!(changes_at().await.is_null());
    let page = app_page(&app, &visitor).await;
    assert!(!page.text().contains("under way"), "{}", page.text());
    let finish = format!("{}/admin/apps/{}/signing-secret/finish", app.url, app.demo.app_id);
    assert_eq!(visitor.get(&finish).await.status, 404);

    // What ended is erased with the next purge.
    work(&app).await;
    app.advance(DAY);
    work(&app).await;
    let left = "SELECT 1 AS n FROM apps WHERE previous_signing_secret_sealed IS NOT NULL";
    assert!(rows(&app.database, left).is_empty());
    assert_eq!(signing_secret(&app).await, next);
}

#[tokio::test]
async fn a_signing_secret_in_wrong_hands_is_replaced_at_once_and_none_is_kept_for_longer_than_ninety_days() {
    let app = start().await;
    let next = roll_secret(&app, TimeDelta::zero()).await;
    assert_eq!(signing_secret(&app).await, next);
    let left = "SELECT 1 AS n FROM apps WHERE previous_signing_secret_sealed IS NOT NULL";
    assert!(rows(&app.database, left).is_empty());
    for wrong in [TimeDelta::days(90) + TimeDelta::seconds(1), TimeDelta::seconds(-1)] {
        let refused = apps::roll_signing_secret(&app.app, app.demo.app_id, wrong, Actor::command()).await;
        assert!(matches!(refused, Err(llavero::broker::Error::Invalid(_))), "{wrong}");
    }
    roll_secret(&app, TimeDelta::days(90)).await;
    assert_eq!(signing_secret(&app).await, next);
}

#[tokio::test]
async fn returns_are_signed_with_the_secret_that_signs() {
    let app = start().await;
    let way = Way::good("woocommerce", "keys");
    for finished in [false, true] {
        roll_secret(&app, TimeDelta::days(7)).await;
        // Rolling once more replaces the next one only.
        let next = roll_secret(&app, TimeDelta::days(7)).await;
        let before = signing_secret(&app).await;
        assert_ne!(before, next);
        if finished {
            apps::finish_signing_roll(&app.app, app.demo.app_id, Actor::command())
                .await
                .unwrap();
            assert_eq!(signing_secret(&app).await, next);
        }
        let session = begin(&app, serde_json::json!({ "platform": "woocommerce" })).await;
        let returned = walk(&app, &Visitor::new(), &session.url, &way).await;
        let signing = llavero::domain::secret::Secret::new(signing_secret(&app).await);
        let mut values: Vec<(&str, String)> = returned
            .values
            .iter()
            .map(|(name, value)| (&**name, value.clone()))
            .collect();
        values.retain(|(name, _)| *name != "signature");
        let signed = llavero::broker::connect::return_url::signed("http://127.0.0.1:4999/return", &values, &signing);
        let signature = url::Url::parse(&signed).unwrap();
        let signature = signature
            .query_pairs()
            .find(|(name, _)| name == "signature")
            .map(|(_, value)| value.into_owned());
        assert_eq!(
            signature.as_ref(),
            returned.values.get("signature"),
            "finished: {finished}"
        );
    }
    // A key of few scopes sees nothing of it.
    assert_eq!(status(&app, &key(&app, &[Scope::StoresRead]).await).await, 200);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_written_in_batches_and_told_on_the_apps_page() {
    let app = start().await;
    let visitor = owner(&app).await;
    let key = key(&app, &[Scope::StoresRead]).await;
    let used = || row(&app.database, "SELECT last_used_at FROM api_keys WHERE name = 'test'")["last_used_at"].clone();
    assert!(used().is_null());
    app.advance(Duration::from_secs(90));
    assert_eq!(status(&app, &key).await, 200);
    last_used::write(&app.app).await.unwrap();
    let at: chrono::DateTime<chrono::Utc> = used().as_str().unwrap().parse().unwrap();
    assert_eq!(at, app.clock.now());
    let moment = at.format("%Y-%m-%dT%H:%M").to_string();
    let page = app_page(&app, &visitor).await;
    let row = page.body.split("<tr").find(|row| row.contains("test<small>")).unwrap();
    assert!(row.contains(&moment), "{row}");
    // A refused call is no use of it.
    app.advance(Duration::from_secs(3600));
    app.api_as(&format!("{key}x"), "GET", "/v1/app", None).await;
    last_used::write(&app.app).await.unwrap();
    let still: chrono::DateTime<chrono::Utc> = used().as_str().unwrap().parse().unwrap();
    assert_eq!(still, at);
}
