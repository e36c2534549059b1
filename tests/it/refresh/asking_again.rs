//! Keys that are asked again for each token: one call whoever asks, and what each kind of answer leaves behind.

use std::time::Duration;

use llavero::broker::refresh::{self, Need, Usable, Verdict};
use llavero::broker::{Error, verify};
use llavero::db;
use llavero::db::credentials::{Granted, NewCredential};
use llavero::db::stores::{NewStore, Store};
use llavero::domain::id::{CredentialId, StoreId};
use llavero::domain::problem::Problem;
use llavero::domain::refresh::{RefreshOutcome, RefreshTrigger};
use llavero::domain::store::{StatusReason, StoreHealth, StoreStatus};
use llavero::platform::Values;
use serde_json::json;

use crate::support::test_app::TestApp;

/// A store whose platform is asked again for each token; it has none yet.
struct Connected {
    store: StoreId,
    credential: CredentialId,
}

async fn connect(it: &TestApp, secret: &str) -> Connected {
    let app = &it.app;
    let connected = Connected {
        store: app.id(),
        credential: app.id(),
    };
    let values = Values::new()
        .with("client_id", "sandbox-1")
        .with("client_secret", secret)
        .with("market", "us");
    let sealed = refresh::seal_values(&app.sealer, connected.credential, &values);
    let new = NewCredential {
        id: connected.credential,
        app_id: it.demo.app_id,
        platform: "walmart".to_owned(),
        method: "keys".to_owned(),
        platform_app_id: None,
        granted: Granted {
            values_sealed: Some(sealed),
            access_issued_at: Some(app.now()),
            access_expires_at: Some(app.now()),
            refresh_expires_at: None,
            reauthorize_by: None,
            refresh_at: None,
            scopes: None,
        },
    };
    let store = NewStore {
        id: connected.store,
        app_id: it.demo.app_id,
        credential_id: connected.credential,
        platform_app_id: None,
        platform: "walmart".to_owned(),
        method: "keys".to_owned(),
        platform_store_id: "sandbox-1".to_owned(),
        url: None,
        name: "Tienda".to_owned(),
        customer_id: None,
        merchant_email: Some("ana@example.com".to_owned()),
        merchant_name: None,
        merchant_locale: Some("es-MX".to_owned()),
        status: StoreStatus::Connected,
        values_sealed: None,
    };
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            db::credentials::insert(conn, &new)?;
            db::stores::insert(conn, &store)
        })
        .await
        .unwrap();
    connected
}

impl Connected {
    async fn usable(&self, it: &TestApp) -> Result<Usable, Error> {
        refresh::usable(&it.app, self.credential, Need::call()).await
    }

    async fn store(&self, it: &TestApp) -> Store {
        let id = self.store;
        it.app
            .db
            .run::<_, db::Error, _>(move |conn| db::stores::find(conn, id))
            .await
            .unwrap()
            .unwrap()
    }

    async fn outcomes(&self, it: &TestApp) -> Vec<RefreshOutcome> {
        let id = self.credential;
        let logs = it
            .app
            .db
            .run::<_, db::Error, _>(move |conn| db::refresh_logs::list_of_credential(conn, id, None, 50))
            .await
            .unwrap();
        logs.into_iter().map(|log| log.outcome).collect()
    }
}

#[tokio::test]
async fn however_many_ask_the_platform_is_asked_once() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    let (app, credential) = (it.app.clone(), connected.credential);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { refresh::usable(&app, credential, Need::call()).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for caller in callers {
        let usable = caller.await.unwrap().unwrap();
        tokens.push(usable.values.get("access_token").unwrap().to_owned());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(it.token_calls("walmart").await, 1);
    assert_eq!(connected.outcomes(&it).await, [RefreshOutcome::Renewed]);
}

#[tokio::test]
async fn a_valid_token_is_served_and_one_that_ends_soon_is_renewed_meanwhile() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    let first = connected.usable(&it).await.unwrap();
    it.advance(Duration::from_secs(700));
    assert_eq!(connected.usable(&it).await.unwrap().generation, first.generation);
    assert_eq!(it.token_calls("walmart").await, 1);
    it.advance(Duration::from_secs(100));
    assert_eq!(connected.usable(&it).await.unwrap().generation, first.generation);
    refresh::wait_until_idle(&it.app).await;
    let next = connected.usable(&it).await.unwrap();
    assert_ne!(next.generation, first.generation);
    assert_eq!(it.token_calls("walmart").await, 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_another() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    let first = connected.usable(&it).await.unwrap();
    let need = Need::other_than(first.generation);
    let second = refresh::usable(&it.app, connected.credential, need).await.unwrap();
    assert_ne!(second.generation, first.generation);
    assert_ne!(second.values.get("access_token"), first.values.get("access_token"));
    let again = refresh::usable(&it.app, connected.credential, need).await.unwrap();
    assert_eq!(again.generation, second.generation, "the one refused is gone already");
    assert_eq!(
        verify::check(&it.app, connected.credential, RefreshTrigger::Request)
            .await
            .unwrap(),
        Verdict::Alive
    );
}

#[tokio::test]
async fn refused_keys_ask_the_merchant_and_the_admins_once() {
    let it = TestApp::start().await;
    let connected = connect(&it, "wrong-secret").await;
    let refused = connected.usable(&it).await.unwrap_err();
    assert!(
        matches!(refused, Error::NeedsReauthorization { store, .. } if store == connected.store),
        "{refused}"
    );
    let store = connected.store(&it).await;
    assert_eq!(
        (store.status, store.status_reason),
        (StoreStatus::NeedsReauthorization, Some(StatusReason::GrantRefused))
    );
    assert_eq!(store.evidence.unwrap()["class"], "dead");
    assert!(matches!(
        connected.usable(&it).await,
        Err(Error::NeedsReauthorization { .. })
    ));
    assert_eq!(
        it.token_calls("walmart").await,
        1,
        "a dead grant is not asked for again"
    );
    llavero::jobs::run_due(&it.app).await;
    let mails = it.app.mailer.taken();
    let to_merchant: Vec<_> = mails.iter().filter(|mail| mail.to == "ana@example.com").collect();
    assert_eq!(to_merchant.len(), 1);
    assert!(to_merchant[0].text.contains("/reconnect/"));
    assert!(to_merchant[0].subject.contains("vuelve a conectar"));
}

#[tokio::test]
async fn an_outage_costs_no_store_and_is_not_hammered() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    it.control(
        "faults",
        json!({ "platform": "walmart", "fault": { "calls": "token", "status": 503 } }),
    )
    .await;
    let down = connected.usable(&it).await.unwrap_err();
    assert!(
        matches!(
            down,
            Error::Platform {
                problem: Problem::PlatformUnavailable,
                ..
            }
        ),
        "{down}"
    );
    let store = connected.store(&it).await;
    assert_eq!(
        (store.status, store.health),
        (StoreStatus::Connected, StoreHealth::PlatformUnavailable)
    );
    let calls = it.token_calls("walmart").await;
    assert!(connected.usable(&it).await.is_err());
    assert_eq!(it.token_calls("walmart").await, calls, "not before its time");
    it.advance(Duration::from_secs(5));
    connected.usable(&it).await.unwrap();
    assert_eq!(connected.store(&it).await.health, StoreHealth::Ok);
}

#[tokio::test]
async fn where_no_token_is_used_up_a_lost_answer_leaves_no_doubt() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    it.control(
        "faults",
        json!({ "platform": "walmart", "fault": { "calls": "token", "effect": "lost_answer" } }),
    )
    .await;
    assert!(connected.usable(&it).await.is_err());
    assert_eq!(connected.outcomes(&it).await, [RefreshOutcome::AnswerLost]);
    it.advance(Duration::from_secs(5));
    connected.usable(&it).await.unwrap();
    assert_eq!(connected.store(&it).await.health, StoreHealth::Ok);
}

#[tokio::test]
async fn a_refresh_that_is_asked_for_tells_what_came_of_it() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    let attempt = refresh::refresh_now(&it.app, connected.credential, RefreshTrigger::Request)
        .await
        .unwrap();
    assert_eq!(
        (attempt.outcome, attempt.generation.attempt),
        (RefreshOutcome::Renewed, 1)
    );
}

#[tokio::test]
async fn a_lease_left_behind_by_a_dead_process_is_taken_over_after_its_wait() {
    let it = TestApp::start().await;
    let connected = connect(&it, "sandbox-secret").await;
    let id = connected.credential;
    let grounds = llavero::domain::lease::Grounds {
        doubt: false,
        unsettled: false,
        send_before: None,
    };
    let dead_process = it.app.id();
    it.app
        .db
        .run::<_, db::Error, _>(move |conn| {
            let seen = db::leases::find(conn, id)?.unwrap().0;
            db::leases::claim(conn, &seen, dead_process, Duration::from_secs(45), &grounds)
        })
        .await
        .unwrap()
        .unwrap();
    it.advance(Duration::from_secs(46));
    let busy = connected.usable(&it).await.unwrap_err();
    assert!(
        matches!(
            busy,
            Error::Platform {
                problem: Problem::PlatformUnavailable,
                ..
            }
        ),
        "{busy}"
    );
    assert_eq!(it.token_calls("walmart").await, 0);
    it.advance(Duration::from_secs(60));
    let usable = connected.usable(&it).await.unwrap();
    assert_eq!(usable.generation.attempt, 2);
}
