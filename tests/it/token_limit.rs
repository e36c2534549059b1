//! Limits of token endpoints hold over all processes, exactly, and free themselves.

use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use llavero::db::token_calls::{self, Taken};
use llavero::db::{self, Conn};

use crate::support::database::TestDatabase;

const WINDOW: Duration = Duration::from_secs(60);

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
