//! Calls to token endpoints that a platform limits by address, counted over all processes: exactly, in a sliding window,
//! for such limits are low and going over one blocks everybody for long.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Timestamptz};

use super::schema::token_calls;
use super::{Conn, Result};

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    calls: i64,
    /// Seconds until the oldest call that is in the way leaves the window.
    #[diesel(sql_type = diesel::sql_types::Nullable<Double>)]
    free_in: Option<f64>,
}

/// Lets one more call through if fewer than `most` were within the window; else how long to wait. Inside a transaction.
pub fn take(conn: &mut Conn, endpoint: &str, most: u32, within: Duration) -> Result<Option<Duration>> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('token_calls:' || $1, 0))")
        .bind::<Text, _>(endpoint)
        .execute(conn)?;
    let seconds = within.as_secs_f64();
    let window_start = sql::<Timestamptz>("llavero_now() - make_interval(secs => ")
        .bind::<Double, _>(seconds)
        .sql(")");
    diesel::delete(token_calls::table)
        .filter(token_calls::endpoint.eq(endpoint))
        .filter(token_calls::called_at.le(window_start))
        .execute(conn)?;
    let counted: Counted = diesel::sql_query(
        "SELECT count(*) AS calls,
                extract(epoch FROM (array_agg(called_at ORDER BY called_at DESC))[$2]
                        + make_interval(secs => $3) - llavero_now())::float8 AS free_in
         FROM token_calls WHERE endpoint = $1",
    )
    .bind::<Text, _>(endpoint)
    .bind::<diesel::sql_types::Integer, _>(i32::try_from(most).unwrap_or(i32::MAX))
    .bind::<Double, _>(seconds)
    .get_result(conn)?;
    if counted.calls >= i64::from(most) {
        let wait = counted.free_in.unwrap_or(seconds).clamp(0.1, seconds);
        return Ok(Some(Duration::from_secs_f64(wait)));
    }
    diesel::insert_into(token_calls::table)
        .values(token_calls::endpoint.eq(endpoint))
        .execute(conn)?;
    Ok(None)
}
