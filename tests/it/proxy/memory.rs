//! What calls need to know is in memory, and is true: calls wait for no database, and what was revoked, renewed or changed,
//! here or by another process, is not served as it was. Tests change rows without telling anybody to see whether a row
//! was read or remembered.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use llavero::app::App;
use llavero::app::memory::KnownCredential;
use llavero::broker::{self, access_token};
use llavero::db::listen::News;
use llavero::db::{self, Db};
use llavero::domain::access_token::{TokenHash, TokenKind, mint};
use llavero::domain::admin::{Actor, ActorKind};
use llavero::domain::id::{AccessTokenId, AppId, CredentialId, Id, StoreId};
use llavero::domain::secret::Secret;
use llavero::domain::store::MerchantMail;
use serde_json::json;
use tokio::task::JoinSet;

use super::{header, received_since, with_store};
use crate::support::connecting::{Connected, MERCADO_LIBRE, Way, connect_for, start_with};
use crate::support::database::TestDatabase;
use crate::support::installation::Installation;
use crate::support::rows::{count, execute, row, until};
use crate::support::test_app::{TestApp, Wishes, assemble};

const PRODUCTS: &str = "/wp-json/wc/v3/products";
/// Told to nobody.
const SECRETLY_REVOKED: &str = "UPDATE access_tokens SET revoked_at = now()";

async fn shop() -> (TestApp, Connected) {
    with_store("woocommerce", "keys").await
}

/// A Llavero that serves nothing without the database beyond what memory may be trusted with.
async fn shop_without_grace() -> (TestApp, Connected) {
    let app = start_with(Wishes {
        outage_grace: Some(0),
        ..Wishes::default()
    })
    .await;
    let connected = connect_for(&app, "customer-1", &Way::good("woocommerce", "keys")).await;
    (app, connected)
}

async fn status(app: &TestApp, connected: &Connected) -> u16 {
    app.call(&connected.access_token, "GET", PRODUCTS).await.status
}

/// Returns once the listener of `app` has completed a round trip that it began after this call.
async fn heard_anew(app: &App) {
    let now = app.clock.monotonic();
    until("the database is heard", async || {
        app.listener.heard_until().filter(|begun| *begun > now)
    })
    .await;
}

/// Takes every pooled connection until the result is dropped.
async fn exhausted(db: &Db, size: u32) -> Vec<mpsc::Sender<()>> {
    let (taken, mut all_taken) = tokio::sync::mpsc::unbounded_channel();
    let mut held = Vec::new();
    for _ in 0..size {
        let (db, taken) = (db.clone(), taken.clone());
        let (sender, receiver) = mpsc::channel::<()>();
        held.push(sender);
        tokio::task::spawn_blocking(move || {
            let kept = db.run_blocking::<_, db::Error, _>(|_| {
                let _ = taken.send(());
                let _ = receiver.recv();
                Ok(())
            });
            kept.unwrap();
        });
    }
    for _ in 0..size {
        all_taken.recv().await.unwrap();
    }
    held
}

#[tokio::test]
async fn calls_in_memory_ask_the_database_for_nothing() {
    let (app, connected) = shop_without_grace().await;
    // News of the connection itself that come later would make what is read now worth nothing.
    heard_anew(&app.app).await;
    assert_eq!(status(&app, &connected).await, 200);
    let held = exhausted(&app.app.db, app.app.config.db_pool).await;
    // On a busy machine a round trip may be late, and then the row is wanted.
    let mut served = 0;
    for _ in 0..60 {
        heard_anew(&app.app).await;
        served += usize::from(status(&app, &connected).await == 200);
        if served == 20 {
            break;
        }
    }
    assert_eq!(served, 20);
    let unknown = mint(TokenKind::Store, [7; 32]);
    assert_eq!(app.call(unknown.expose(), "GET", PRODUCTS).await.status, 503);
    drop(held);
    assert_eq!(app.call(unknown.expose(), "GET", PRODUCTS).await.status, 401);
}

#[tokio::test]
async fn a_row_is_read_before_each_call_while_the_database_is_not_heard() {
    let (app, connected) = shop().await;
    assert_eq!(status(&app, &connected).await, 200);
    app.app.listener.stop();
    until("the listener has stopped", async || {
        app.app.listener.heard_until().is_none().then_some(())
    })
    .await;
    assert_eq!(status(&app, &connected).await, 200);
    assert_eq!(execute(&app.database, SECRETLY_REVOKED), 1);
    assert_eq!(status(&app, &connected).await, 401);
}

#[tokio::test]
async fn after_the_listening_connection_was_cut_rows_are_read_again() {
    let (app, connected) = shop().await;
    assert_eq!(status(&app, &connected).await, 200);
    assert_eq!(execute(&app.database, SECRETLY_REVOKED), 1);
    let cut = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%clock_timestamp()%'";
    let mut news = app.app.listener.subscribe();
    assert_eq!(count(&app.database, cut), 1);
    // Once when it is lost, once when it is there again.
    for _ in 0..2 {
        while news.recv().await.unwrap() != News::Anything {}
    }
    assert_eq!(status(&app, &connected).await, 401);
}

#[tokio::test]
async fn nothing_is_remembered_for_longer_than_a_minute() {
    let (app, connected) = shop().await;
    assert_eq!(status(&app, &connected).await, 200);
    assert_eq!(execute(&app.database, SECRETLY_REVOKED), 1);
    app.advance(Duration::from_secs(60));
    assert_eq!(status(&app, &connected).await, 401);
}

#[tokio::test]
async fn what_is_read_again_beside_a_call_replaces_what_was_remembered() {
    let (app, connected) = shop().await;
    assert_eq!(status(&app, &connected).await, 200);
    assert_eq!(execute(&app.database, SECRETLY_REVOKED), 1);
    app.advance(Duration::from_secs(50));
    until("the row was read beside a call", async || {
        (status(&app, &connected).await == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_read_while_news_of_it_come_in_is_not_kept() {
    let (app, connected) = shop().await;
    // Nothing is in memory yet. The reader waits for a table while the news come in, and goes on when they were told.
    let mut lock = app.database.connect();
    lock.batch_execute("BEGIN; LOCK TABLE access_tokens IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let (url, token) = (
        format!("{}/v1/proxy{PRODUCTS}", app.url),
        connected.access_token.clone(),
    );
    let request = app.request(&token, "GET", url.strip_prefix(&app.url).unwrap());
    let reader = tokio::spawn(async move { request.send().await.unwrap().status().as_u16() });
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the reader waits", async || {
        (count(&app.database, waiting) == 1).then_some(())
    })
    .await;
    let mut news = app.app.listener.subscribe();
    let store: StoreId = connected.store_id.parse().unwrap();
    execute(&app.database, &format!("NOTIFY llavero, '{store}'"));
    while news.recv().await.unwrap() != News::Store(store) {}
    lock.batch_execute("COMMIT").unwrap();
    assert_eq!(reader.await.unwrap(), 200);

    assert_eq!(execute(&app.database, SECRETLY_REVOKED), 1);
    assert_eq!(status(&app, &connected).await, 401);
}

#[tokio::test]
async fn work_that_sends_news_is_told_of_here_before_its_own_news_come_back() {
    let database = TestDatabase::migrated();
    let (sender, told) = mpsc::channel();
    let url = Secret::new(database.url());
    // Nobody listens to the database here.
    let db = Db::new(&url, 1, Arc::new(|| None)).telling(Arc::new(move |news| sender.send(news).unwrap()));
    let (store, credential) = (StoreId::make(1, [1; 10]), CredentialId::make(1, [2; 10]));
    db.transaction::<_, db::Error, _>(move |conn| {
        db::listen::notify_store(conn, store)?;
        db::listen::notify_credential(conn, credential)
    })
    .await
    .unwrap();
    let heard: Vec<News> = told.try_iter().collect();
    assert_eq!(heard, [News::Store(store), News::Credential(credential)]);
    db.run(db::apps::list).await.unwrap();
    assert_eq!(told.try_iter().count(), 0, "reading is no news");
}

#[tokio::test]
async fn what_this_process_wrote_is_seen_at_its_next_call() {
    let (app, connected) = shop().await;
    assert_eq!(status(&app, &connected).await, 200);
    let path = format!("/v1/stores/{}", connected.store_id);
    let at_once = Some(json!({ "overlap_seconds": 0 }));
    let rotated = app.api("POST", &format!("{path}/access-tokens"), at_once).await;
    assert_eq!(status(&app, &connected).await, 401, "{}", rotated.body);
    let body = rotated.json();
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(app.call(token, "GET", PRODUCTS).await.status, 200);
    assert!(app.api("DELETE", &path, None).await.status < 300);
    let refused = app.call(token, "GET", PRODUCTS).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (401, &json!("token_revoked"))
    );
}

#[tokio::test]
async fn a_call_after_a_refresh_is_made_with_what_was_saved() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let before = app.received("mercado-libre").await.len();
        let answer = app.call(&connected.access_token, "GET", "/users/me").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        sent.extend(header(
            &received_since(&app, "mercado-libre", before).await[0],
            "authorization",
        ));
        let path = format!("/v1/stores/{}/refresh", connected.store_id);
        assert_eq!(app.api("POST", &path, None).await.status, 200);
    }
    sent.dedup();
    assert_eq!(sent.len(), 3, "each call was made with the token of its time");
}

#[tokio::test]
async fn what_another_process_revoked_is_refused_from_the_first_round_trip_on() {
    let (app, connected) = shop().await;
    let mut other = assemble(
        app.app.config.clone(),
        app.clock.clone(),
        tokio::runtime::Handle::current(),
    );
    // Its own random numbers would be those of the first.
    other.random = llavero::crypto::Random::system();
    let other = Arc::new(other);
    heard_anew(&other).await;
    for _ in 0..3 {
        let admitted = access_token::admit(&other, &connected.access_token).await;
        admitted.unwrap().check_connected().unwrap();
    }
    let path = format!("/v1/stores/{}", connected.store_id);
    assert!(app.api("DELETE", &path, None).await.status < 300);
    heard_anew(&other).await;
    let refused = access_token::admit(&other, &connected.access_token).await;
    assert!(matches!(refused.err(), Some(broker::Error::TokenRevoked)));
    other.listener.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_one_process_stops_stops_at_another() {
    let installation = Installation::start().await;
    let (first, second) = (installation.serve().await, installation.serve().await);
    let held = installation.connect(&first, "mercado-libre", MERCADO_LIBRE).await;
    for _ in 0..3 {
        let answer = installation.call(&second, &held.access_token, "/users/me").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let path = format!("/v1/stores/{}", held.store_id);
    assert!(installation.api(&first, "DELETE", &path, None).await.status < 300);
    let here = installation.call(&first, &held.access_token, "/users/me").await;
    assert_eq!(here.status, 401, "{}", here.body);
    // Sooner than anything could have been forgotten by its age.
    let answer = until("the other process refuses it", async || {
        let answer = installation.call(&second, &held.access_token, "/users/me").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("token_revoked")));
}

#[tokio::test]
async fn tokens_that_nobody_has_drive_no_living_one_out_and_one_that_comes_to_be_works_at_once() {
    let (app, connected) = shop_without_grace().await;
    let tools = &app.app;
    heard_anew(tools).await;
    assert_eq!(status(&app, &connected).await, 200);
    let made_up = |number: u32| {
        let mut bits = [9; 32];
        bits[..4].copy_from_slice(&number.to_be_bytes());
        mint(TokenKind::Store, bits)
    };
    let mut asked = JoinSet::new();
    for number in 0..300 {
        let (tools, token) = (Arc::clone(tools), made_up(number));
        asked.spawn(async move { access_token::admit(&tools, token.expose()).await.err() });
        if number % 8 == 0 {
            asked.join_next().await;
        }
    }
    while let Some(refused) = asked.join_next().await {
        assert!(matches!(refused.unwrap(), Some(broker::Error::Unauthenticated)));
    }
    let held = exhausted(&tools.db, tools.config.db_pool).await;
    until("both are answered from memory", async || {
        heard_anew(tools).await;
        let unknown = access_token::admit(tools, made_up(299).expose()).await.err();
        let known = status(&app, &connected).await;
        (known == 200 && matches!(unknown, Some(broker::Error::Unauthenticated))).then_some(())
    })
    .await;
    drop(held);

    // As an import would bring one along.
    let (store, owner): (StoreId, AppId) = (connected.store_id.parse().unwrap(), app.demo.app_id);
    let token = made_up(299);
    let (id, hash) = (AccessTokenId::make(1, [5; 10]), TokenHash::of(token.expose()));
    tools
        .db
        .run::<_, db::Error, _>(move |conn| db::access_tokens::insert(conn, id, store, owner, hash, "hint"))
        .await
        .unwrap();
    assert!(access_token::admit(tools, token.expose()).await.is_ok());
}

#[tokio::test]
async fn a_changed_app_and_a_changed_platform_app_are_seen_at_once() {
    let (app, connected) = with_store("mercado-libre", "authorization").await;
    let asked = async || {
        let token = &connected.access_token;
        app.api_as(token, "GET", "/v1/access/credentials", None).await.status
    };
    assert_eq!(asked().await, 403);
    let change = broker::apps::AppChange {
        name: "Another name".to_owned(),
        logo_url: None,
        return_urls: Vec::new(),
        merchant_mail: MerchantMail::Llavero,
        expose_credentials: true,
        ecartapi_redirect: false,
    };
    let actor = Actor {
        kind: ActorKind::Command,
        id: None,
        request_id: None,
    };
    broker::apps::change(&app.app, app.demo.app_id, change, actor.clone())
        .await
        .unwrap();
    assert_eq!(asked().await, 200);

    let credential = row(
        &app.database,
        "SELECT id, platform_app_id IS NOT NULL AS through FROM credentials",
    );
    assert_eq!(credential["through"], true);
    let id = CredentialId::from_uuid(credential["id"].as_str().unwrap().parse().unwrap());
    let sealed = async || {
        let found = app.app.recall::<KnownCredential>(id).await.unwrap().unwrap();
        found.row.platform_app.clone().unwrap().values_sealed
    };
    let before = sealed().await;
    let platform = app.app.catalogue.platform("mercado-libre").unwrap();
    let registered = broker::platform_apps::Registered {
        fields: [("client_id", "another"), ("client_secret", "secret-two")]
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .into(),
        standby: None,
    };
    let values = broker::platform_apps::check(platform, &registered).unwrap();
    let mode = llavero::domain::store::Mode::Sandbox;
    broker::platform_apps::set_installation(&app.app, "mercado-libre", mode, values, actor)
        .await
        .unwrap();
    assert_ne!(sealed().await, before);
}
