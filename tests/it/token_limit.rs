//! Limits of token endpoints hold over all processes, exactly, and free themselves.

use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use llavero::db::token_calls::{self, Taken};
use llavero::db::{self, Conn};
use serde_json::json;

use crate::support::bazaar::{self, Bazaar, Shop};
use crate::support::connecting::{Connected, connect_for};
use crate::support::database::TestDatabase;
use crate::support::test_app::TestApp;

const WINDOW: Duration = Duration::from_secs(60);
/// Calls count this much longer: those a minute apart here can be closer together where they arrive.
const SPARE: Duration = Duration::from_secs(15);

/// `None`: let through; else how long to wait. Whoever finds somebody else counting asks again.
fn take(conn: &mut Conn, endpoint: &str, most: u32) -> Option<Duration> {
    for _ in 0..10_000 {
        match take_once(conn, endpoint, most) {
            Taken::Call => return None,
            Taken::Full(wait) => return Some(wait),
            Taken::Busy => std::thread::yield_now(),
        }
    }
    panic!("somebody counts for ever");
}

fn take_once(conn: &mut Conn, endpoint: &str, most: u32) -> Taken {
    conn.transaction::<_, db::Error, _>(|conn| token_calls::take(conn, endpoint, most, WINDOW))
        .unwrap()
}

fn at(conn: &mut Conn, second: i64) {
    let now = chrono::DateTime::from_timestamp(1_780_000_000 + second, 0).unwrap();
    conn.batch_execute(&format!("SET llavero.now = '{}'", now.to_rfc3339()))
        .unwrap();
}

#[test]
fn two_processes_share_one_limit_and_calls_leave_it_one_by_one() {
    let database = TestDatabase::migrated();
    let (mut one, mut two) = (database.connect(), database.connect());
    for second in 0..3 {
        at(&mut one, second);
        assert_eq!(take(&mut one, "acme:live", 5), None);
    }
    at(&mut two, 10);
    assert_eq!(take(&mut two, "acme:live", 5), None);
    assert_eq!(take(&mut two, "acme:live", 5), None);
    assert_eq!(take(&mut two, "acme:live", 5), Some(Duration::from_secs(50)));
    assert_eq!(take(&mut two, "other:live", 5), None, "another endpoint has its own");
    at(&mut one, 60);
    assert_eq!(
        take(&mut one, "acme:live", 5),
        None,
        "the first call has left the window"
    );
    assert_eq!(take(&mut one, "acme:live", 5), Some(Duration::from_secs(1)));
}

#[test]
fn a_lower_limit_leaves_room_for_those_who_may_take_more() {
    let database = TestDatabase::migrated();
    let mut conn = database.connect();
    at(&mut conn, 0);
    for _ in 0..4 {
        assert_eq!(take(&mut conn, "acme:live", 4), None);
    }
    assert_eq!(take(&mut conn, "acme:live", 4), Some(WINDOW));
    assert_eq!(take(&mut conn, "acme:live", 5), None);
}

#[test]
fn no_crowd_gets_through_together() {
    let database = TestDatabase::migrated();
    let through: usize = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut conn = database.connect();
                    at(&mut conn, 0);
                    (0..5).filter(|_| take(&mut conn, "acme:live", 7).is_none()).count()
                })
            })
            .collect();
        crowd.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(through, 7);
}

#[test]
fn nobody_waits_in_the_database_for_another_who_is_counting() {
    let database = TestDatabase::migrated();
    let (mut one, mut two) = (database.connect(), database.connect());
    for conn in [&mut one, &mut two] {
        at(conn, 0);
        conn.batch_execute("SET lock_timeout = '1s'").unwrap();
    }
    let met = one
        .transaction::<_, db::Error, _>(|one| {
            assert_eq!(token_calls::take(one, "acme:live", 1, WINDOW)?, Taken::Call);
            Ok((
                take_once(&mut two, "acme:live", 1),
                take_once(&mut two, "other:live", 1),
            ))
        })
        .unwrap();
    assert_eq!(met, (Taken::Busy, Taken::Call));
    assert_eq!(take_once(&mut two, "acme:live", 1), Taken::Full(WINDOW));
}

/// Status, code and seconds to wait.
async fn refresh(app: &TestApp, store: &Connected) -> (u16, String, u64) {
    let answer = app
        .api("POST", &format!("/v1/stores/{}/refresh", store.store_id), None)
        .await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code, answer.header("retry-after").parse().unwrap_or(0))
}

const SELLERS: [(&str, &[Shop]); 3] = [("ana", &[("1", "A")]), ("eva", &[("2", "B")]), ("leo", &[("3", "C")])];

async fn open(limit: &str) -> (TestApp, Bazaar) {
    let (app, bazaar) = Bazaar::limited_by(limit).await;
    let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
    let registered = app.api("PUT", "/v1/platforms/bazaar/app", Some(client)).await;
    assert!(registered.status < 300, "{}", registered.body);
    for (seller, shops) in SELLERS {
        bazaar.sells(seller, shops);
    }
    (app, bazaar)
}

async fn connect(app: &TestApp, bazaar: &Bazaar, seller: &str) -> Connected {
    bazaar.log_in(seller);
    connect_for(app, seller, &bazaar::way()).await
}

#[tokio::test]
async fn a_limit_per_grant_holds_up_no_other_grant() {
    let (app, bazaar) = open("calls = 3, within = \"60s\", per = \"grant\"").await;
    let (ana, eva) = (connect(&app, &bazaar, "ana").await, connect(&app, &bazaar, "eva").await);
    // A code belongs to no grant yet.
    for _ in 0..3 {
        assert_eq!(refresh(&app, &ana).await.0, 200);
    }
    let (status, code, _) = refresh(&app, &ana).await;
    assert_eq!((status, code.as_str()), (503, "platform_throttled"));
    assert_eq!(refresh(&app, &eva).await.0, 200);
    assert_eq!(bazaar.received("/token").len(), 6);
    app.advance(WINDOW + SPARE);
    assert_eq!(refresh(&app, &ana).await.0, 200);
}

#[tokio::test]
async fn exchanges_are_counted_apart_where_the_platform_does() {
    let (app, bazaar) = open("calls = 2, within = \"60s\", per = \"client\", exchanges = 3").await;
    let ana = connect(&app, &bazaar, "ana").await;
    connect(&app, &bazaar, "eva").await;
    connect(&app, &bazaar, "leo").await;
    for _ in 0..2 {
        assert_eq!(refresh(&app, &ana).await.0, 200);
    }
    assert_eq!(refresh(&app, &ana).await.1, "platform_throttled");
    assert_eq!(bazaar.received("/token").len(), 5);
}

#[tokio::test]
async fn connecting_counts_with_refreshing_and_finds_room_that_refreshes_leave() {
    let (app, bazaar) = open("calls = 5, within = \"60s\"").await;

    // Of five calls a minute refreshes take four, those counted that connected stores.
    let (ana, eva) = (connect(&app, &bazaar, "ana").await, connect(&app, &bazaar, "eva").await);
    assert_eq!([refresh(&app, &ana).await.0, refresh(&app, &eva).await.0], [200, 200]);
    let (status, code, wait) = refresh(&app, &ana).await;
    assert_eq!((status, code.as_str()), (503, "platform_throttled"));
    assert!((1..=75).contains(&wait), "{wait}");
    assert_eq!(bazaar.received("/token").len(), 4);

    let leo = connect(&app, &bazaar, "leo").await;
    assert_eq!(bazaar.received("/token").len(), 5);
    app.advance(WINDOW + SPARE);
    for store in [&ana, &eva, &leo, &ana] {
        assert_eq!(refresh(&app, store).await.0, 200);
    }
    assert_eq!(refresh(&app, &eva).await.0, 503);
    assert_eq!(bazaar.received("/token").len(), 9);
}
