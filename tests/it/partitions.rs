//! The refresh log's months: made ahead, dropped when they are too old, also by two at once.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use llavero::db::refresh_logs::{drop_before, make_partitions};

use crate::support::database::TestDatabase;
use crate::support::rows::{count, execute, rows};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn partitions(database: &TestDatabase) -> Vec<String> {
    let found = rows(
        database,
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'refresh_logs'::regclass ORDER BY 1",
    );
    found
        .iter()
        .map(|row| {
            row["name"]
                .as_str()
                .unwrap()
                .trim_start_matches("refresh_logs_")
                .to_owned()
        })
        .collect()
}

fn log(database: &TestDatabase, started_at: &str) {
    execute(
        database,
        &format!(
            "INSERT INTO refresh_logs (id, app_id, credential_id, platform, trigger, outcome, duration_ms, grant_no, attempt, \
             saved_before, saved_after, started_at) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'p', \
             'timer', 'renewed', 1, 1, 1, 0, 1, '{started_at}'"
        ),
    );
}

#[test]
fn months_are_made_ahead_and_rows_lie_in_their_own() {
    let database = TestDatabase::migrated();
    make_partitions(&mut database.connect(), at("2026-11-30T23:59:00Z")).unwrap();
    assert_eq!(
        partitions(&database),
        ["2026_11", "2026_12", "2027_01", "2027_02", "default"]
    );
    for month in ["2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", "2030-01-01T00:00:00Z"] {
        log(&database, month);
    }
    for (name, rows) in [("2026_11", 1), ("2026_12", 1), ("default", 1)] {
        let query = format!("SELECT count(*) AS n FROM refresh_logs_{name}");
        assert_eq!(count(&database, &query), rows, "{name}");
    }
    // Next month the same again: nothing is lost, one is new.
    make_partitions(&mut database.connect(), at("2026-12-01T00:01:00Z")).unwrap();
    assert_eq!(partitions(&database).len(), 6);
    assert_eq!(count(&database, "SELECT count(*) AS n FROM refresh_logs"), 3);
}

#[test]
fn a_month_whose_rows_lie_in_the_default_partition_already_stays_there() {
    let database = TestDatabase::migrated();
    log(&database, "2026-12-05T00:00:00Z");
    make_partitions(&mut database.connect(), at("2026-11-15T00:00:00Z")).unwrap();
    assert_eq!(partitions(&database), ["2026_11", "2027_01", "2027_02", "default"]);
}

#[test]
fn months_past_their_keeping_time_are_dropped_whole_and_no_others() {
    let database = TestDatabase::migrated();
    let mut conn = database.connect();
    make_partitions(&mut conn, at("2026-01-15T00:00:00Z")).unwrap();
    log(&database, "2020-05-05T00:00:00Z");
    log(&database, "2026-01-31T00:00:00Z");
    log(&database, "2026-02-01T00:00:00Z");
    let dropped = drop_before(&mut conn, at("2026-02-01T00:00:00Z")).unwrap();
    assert_eq!(dropped, ["refresh_logs_2026_01"]);
    assert_eq!(partitions(&database), ["2026_02", "2026_03", "2026_04", "default"]);
    assert_eq!(count(&database, "SELECT count(*) AS n FROM refresh_logs"), 1);
    assert!(drop_before(&mut conn, at("2026-02-28T23:00:00Z")).unwrap().is_empty());
}

#[test]
fn two_at_once_make_and_drop_each_month_once() {
    let database = TestDatabase::migrated();
    for round in 0..12 {
        let now = at("2026-01-15T00:00:00Z") + TimeDelta::days(120 * round);
        let ends: Vec<_> = std::thread::scope(|scope| {
            let purge = || {
                let mut conn: PgConnection = database.connect();
                make_partitions(&mut conn, now)?;
                drop_before(&mut conn, now - TimeDelta::days(60))
            };
            let purges: Vec<_> = (0..4).map(|_| scope.spawn(purge)).collect();
            purges.into_iter().map(|purge| purge.join().unwrap()).collect()
        });
        for end in ends {
            end.unwrap();
        }
    }
    assert!(partitions(&database).len() >= 5, "{:?}", partitions(&database));
}
