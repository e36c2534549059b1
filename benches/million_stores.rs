//! The admin's list of stores and the overview at a million stores: every filter, order and search, the first page and a
//! deep one. Says what is slow and whether the table was ever read as a whole. See README.md beside it.

use std::error::Error;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use llavero::db::admin_stores::{self, AdminStoreFilter, StoreCursor, StoreOrder};
use llavero::db::{self, overview};
use llavero::dev::postgres::{Cluster, Programs, Settings};
use llavero::domain::id::{AppId, Id};
use llavero::domain::secret::Secret;
use llavero::domain::store::{StoreHealth, StoreStatus};

const LIMIT: i64 = 51;
const RUNS: usize = 2;

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --all-targets` starts benches too, without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let private = match &given {
        Some(_) => None,
        None => {
            let folder = if rustix::process::geteuid().is_root() {
                "/tmp".into()
            } else {
                std::env::temp_dir()
            };
            Some(Cluster::temporary(
                &Programs::find()?,
                &folder,
                &Settings::development(),
                entropy(),
            )?)
        }
    };
    let url = match (&given, &private) {
        (Some(url), _) => Secret::new(url.clone()),
        (None, Some(cluster)) => cluster.url_for("postgres"),
        (None, None) => return Err("no database".into()),
    };
    db::migrate(&url)?;
    let mut conn = db::Conn::establish(url.expose())?;
    if number(&mut conn, "SELECT count(*) AS n FROM (SELECT FROM stores LIMIT 1) one")? == 0 {
        println!("making a million stores, which takes minutes ...");
        conn.batch_execute(include_str!("million_stores.sql"))?;
        conn.batch_execute("VACUUM ANALYZE")?;
    }
    let scans_before = scans(&mut conn)?;
    let mut measured = lists(&mut conn)?;
    println!("{} lists of stores", measured.len());
    measured.sort_by_key(|(_, took)| *took);
    let at = |part: usize| {
        measured
            .get((measured.len() - 1) * part / 100)
            .map_or(Duration::ZERO, |(_, took)| *took)
    };
    println!(
        "  median {:?}, 99 of 100 within {:?}, slowest {:?}",
        at(50),
        at(99),
        at(100)
    );
    println!(
        "  slowest to median {:.0} : 1",
        at(100).as_secs_f64() / at(50).as_secs_f64()
    );
    for (what, took) in measured.iter().rev().take(10) {
        println!("  {took:>10.1?}  {what}");
    }
    let (_, took) = timed(|| overview::count_states(&mut conn))?;
    println!("overview: states of all stores {took:.1?}");
    let (_, took) = timed(|| overview::count_ending(&mut conn, Duration::from_hours(30 * 24)))?;
    println!("overview: consents that end soon {took:.1?}");
    println!(
        "whole readings of the table by lists: {}",
        scans(&mut conn)? - scans_before
    );
    Ok(())
}

/// Every list, with the shortest of its times.
fn lists(conn: &mut db::Conn) -> Result<Vec<(String, Duration)>, Box<dyn Error>> {
    let app = |number: u8| {
        AppId::from_uuid(uuid::Uuid::from_u128(
            0x0190_0000_0000_7000_8000 << 48 | u128::from(number),
        ))
    };
    let platforms = [None, Some("mercado-libre"), Some("falabella"), Some("hybris")];
    let statuses = [
        None,
        Some(StoreStatus::Connected),
        Some(StoreStatus::NeedsReauthorization),
        Some(StoreStatus::Revoked),
    ];
    let healths = [
        None,
        Some(StoreHealth::Ok),
        Some(StoreHealth::RefreshFailing),
        Some(StoreHealth::AppMisconfigured),
    ];
    // The largest, the one with hybris, the one without falabella, the smallest.
    let apps = [None, Some(1), Some(7), Some(12), Some(20)];
    let searches = [
        Some("mi tienda"),
        Some("t"),
        Some("casa 1"),
        Some("shop-5000"),
        Some("customer-777"),
        Some("zzz"),
    ];
    let mut asked = product(&platforms, &statuses, &healths, &apps, &[None]);
    asked.extend(product(
        &platforms[..2],
        &statuses[1..3],
        &[None, healths[2]],
        &[None, Some(1), Some(20)],
        &searches,
    ));
    asked.extend(product(&[None], &[None], &[None], &apps, &searches));
    let mut measured = Vec::new();
    for (platform, status, health, number, q) in asked {
        let filter = AdminStoreFilter {
            q: q.map(str::to_owned),
            platform: platform.map(str::to_owned),
            status,
            health,
            app: number.map(app),
        };
        for order in [StoreOrder::Newest, StoreOrder::Name, StoreOrder::StatusSince] {
            for after in [None, Some(deep(order)?)] {
                let mut best = Duration::MAX;
                for _ in 0..RUNS {
                    let (_, took) = timed(|| admin_stores::list(conn, &filter, order, after.as_ref(), LIMIT))?;
                    best = best.min(took);
                }
                let place = if after.is_some() { "deep" } else { "first" };
                measured.push((
                    format!("{platform:?} {status:?} {health:?} app {number:?} {q:?} {order:?} {place}"),
                    best,
                ));
            }
        }
    }
    Ok(measured)
}

/// A place far down each order.
fn deep(order: StoreOrder) -> Result<StoreCursor, Box<dyn Error>> {
    let id = "store_018cf0000000700080000000000000000"
        .get(..38)
        .unwrap_or_default()
        .parse()?;
    let since: DateTime<Utc> = "2024-06-01T00:00:00Z".parse()?;
    Ok(match order {
        StoreOrder::Newest => StoreCursor::Newest(id),
        StoreOrder::Name => StoreCursor::Name("moda 8".to_owned(), id),
        StoreOrder::StatusSince => StoreCursor::StatusSince(since, id),
    })
}

type Five<A, B, C, D, E> = (A, B, C, D, E);

fn product<A: Copy, B: Copy, C: Copy, D: Copy, E: Copy>(
    a: &[A],
    b: &[B],
    c: &[C],
    d: &[D],
    e: &[E],
) -> Vec<Five<A, B, C, D, E>> {
    let mut all = Vec::new();
    for a in a {
        for b in b {
            for c in c {
                for d in d {
                    all.extend(e.iter().map(|e| (*a, *b, *c, *d, *e)));
                }
            }
        }
    }
    all
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "two runs at once must not share a folder's name"
)]
fn entropy() -> [u8; 32] {
    rand::random()
}

/// How often the table of stores was read from end to end.
fn scans(conn: &mut db::Conn) -> QueryResult<i64> {
    conn.batch_execute("SELECT pg_stat_force_next_flush()")?;
    number(
        conn,
        "SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relname = 'stores'",
    )
}

fn number(conn: &mut db::Conn, query: &str) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    Ok(diesel::sql_query(query).get_result::<Number>(conn)?.n)
}
