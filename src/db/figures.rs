//! The figures that are measured from outside, each bounded by an index: what runs every minute must stay cheap with a
//! million stores.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz};

use super::{Conn, Result};

/// Jobs of one kind that are due.
#[derive(Debug, Clone, QueryableByName)]
pub struct Due {
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Seconds since the oldest became due.
    #[diesel(sql_type = Double)]
    pub age: f64,
}

/// Due jobs by kind. Of a flood only the 100,000 longest due are counted: the age of the oldest is exact all the same.
pub fn due_jobs(conn: &mut Conn) -> Result<Vec<Due>> {
    let rows = diesel::sql_query(
        "SELECT kind, count(*) AS count, extract(epoch FROM llavero_now() - min(due_at))::float8 AS age \
         FROM (SELECT kind, due_at FROM jobs WHERE status IN ('ready', 'running') AND due_at <= llavero_now() \
               ORDER BY due_at LIMIT 100000) due GROUP BY kind",
    )
    .load(conn)?;
    Ok(rows)
}

/// Something with a name, and how many there are.
#[derive(Debug, Clone, QueryableByName)]
pub struct Counted {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Dead letters by kind.
pub fn failed_jobs(conn: &mut Conn) -> Result<Vec<Counted>> {
    let rows =
        diesel::sql_query("SELECT kind AS name, count(*) AS count FROM jobs WHERE status = 'failed' GROUP BY kind")
            .load(conn)?;
    Ok(rows)
}

/// Living credentials whose refresh token ends within so many seconds from now.
pub fn refresh_tokens_ending(conn: &mut Conn, within: f64) -> Result<i64> {
    let found: Number = diesel::sql_query(
        "SELECT count(*) AS count FROM credentials WHERE dead_at IS NULL AND values_sealed IS NOT NULL \
         AND refresh_expires_at > llavero_now() \
         AND refresh_expires_at <= llavero_now() + make_interval(secs => $1)",
    )
    .bind::<Double, _>(within)
    .get_result(conn)?;
    Ok(found.count)
}

/// Living credentials that have as much time left as each other, to the bounds' precision.
#[derive(Debug, Clone, QueryableByName)]
pub struct Ends {
    /// Of the access token: how many bounds are less than what is left. `None`: it has no end.
    #[diesel(sql_type = Nullable<Integer>)]
    pub access: Option<i32>,
    /// The same of the refresh token.
    #[diesel(sql_type = Nullable<Integer>)]
    pub refresh: Option<i32>,
    /// The same of the consent that no refresh prolongs.
    #[diesel(sql_type = Nullable<Integer>)]
    pub authorization: Option<i32>,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Seconds left, summed over them; what is over has none.
    #[diesel(sql_type = Double)]
    pub access_seconds: f64,
    #[diesel(sql_type = Double)]
    pub refresh_seconds: f64,
    #[diesel(sql_type = Double)]
    pub authorization_seconds: f64,
}

/// How much time all living credentials have left at `now`, by bounds in seconds that grow; in one pass over an index.
pub fn time_to_expiry(conn: &mut Conn, now: DateTime<Utc>, bounds: &[f64]) -> Result<Vec<Ends>> {
    // A bound includes what ends at it; the database's times have microseconds.
    let bounds = bounds.iter().map(|seconds| {
        let until = TimeDelta::microseconds((seconds * 1e6) as i64 + 1);
        now.checked_add_signed(until).unwrap_or(DateTime::<Utc>::MAX_UTC)
    });
    let rows = diesel::sql_query(
        "SELECT width_bucket(access_expires_at, $2) AS access, width_bucket(refresh_expires_at, $2) AS refresh, \
                width_bucket(reauthorize_by, $2) AS \"authorization\", count(*) AS count, \
                coalesce(sum(greatest(date_part('epoch', access_expires_at - $1), 0)), 0) AS access_seconds, \
                coalesce(sum(greatest(date_part('epoch', refresh_expires_at - $1), 0)), 0) AS refresh_seconds, \
                coalesce(sum(greatest(date_part('epoch', reauthorize_by - $1), 0)), 0) AS authorization_seconds \
         FROM credentials WHERE dead_at IS NULL AND values_sealed IS NOT NULL GROUP BY 1, 2, 3",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Timestamptz>, _>(bounds.collect::<Vec<_>>())
    .load(conn)?;
    Ok(rows)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Clients at a platform through which refreshing is held back.
#[derive(Debug, Clone, QueryableByName)]
pub struct HeldBack {
    #[diesel(sql_type = Text)]
    pub platform: String,
    #[diesel(sql_type = BigInt)]
    pub paused: i64,
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}

/// By platform, those that none is held back at included.
pub fn held_back(conn: &mut Conn) -> Result<Vec<HeldBack>> {
    let rows = diesel::sql_query(
        "SELECT platform, count(paused_at) AS paused, count(verdicts_held_at) AS held FROM platform_apps GROUP BY platform",
    )
    .load(conn)?;
    Ok(rows)
}
