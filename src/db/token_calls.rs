//! Calls to token endpoints that a platform limits by address, counted over all processes: exactly, in a sliding window,
//! for such limits are low and going over one blocks everybody for long. Nobody waits inside the database for another's
//! turn to count: that would hold a connection each, and a crowd would hold them all.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Text};

use super::{Conn, Result};

/// What became of the wish to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The call is counted and may be made.
    Call,
    /// The window is full: how long until the call in the way leaves it.
    Full(Duration),
    /// Somebody else is counting just now.
    Busy,
}

/// Removes calls that no window holds any more: those of a grant, or of a client, that calls no longer.
pub fn delete_old(conn: &mut Conn, older_than: Duration) -> Result<usize> {
    let gone = diesel::sql_query("DELETE FROM token_calls WHERE called_at < llavero_now() - make_interval(secs => $1)");
    Ok(gone.bind::<Double, _>(older_than.as_secs_f64()).execute(conn)?)
}

#[derive(QueryableByName)]
struct Turn {
    #[diesel(sql_type = Bool)]
    mine: bool,
}

#[derive(QueryableByName)]
struct InTheWay {
    /// Seconds until it leaves the window.
    #[diesel(sql_type = Double)]
    leaves_in: f64,
}

// One call is counted unless as many as allowed are within the window; the last of those is in the way then.
const COUNT: &str = "\
WITH gone AS ( \
    DELETE FROM token_calls WHERE endpoint = $1 AND called_at <= llavero_now() - make_interval(secs => $2) \
), in_the_way AS ( \
    SELECT called_at FROM token_calls \
    WHERE endpoint = $1 AND called_at > llavero_now() - make_interval(secs => $2) \
    ORDER BY called_at DESC OFFSET $3 LIMIT 1 \
), counted AS ( \
    INSERT INTO token_calls (endpoint) SELECT $1 WHERE NOT EXISTS (SELECT FROM in_the_way) \
) \
SELECT extract(epoch FROM called_at + make_interval(secs => $2) - llavero_now())::float8 AS leaves_in FROM in_the_way";

/// Lets one more call through if fewer than `most` were within the window. Inside a transaction of its own.
pub fn take(conn: &mut Conn, endpoint: &str, most: u32, within: Duration) -> Result<Taken> {
    let turn: Turn =
        diesel::sql_query("SELECT pg_try_advisory_xact_lock(hashtextextended('token_calls:' || $1, 0)) AS mine")
            .bind::<Text, _>(endpoint)
            .get_result(conn)?;
    if !turn.mine {
        return Ok(Taken::Busy);
    }
    let seconds = within.as_secs_f64();
    let in_the_way: Option<InTheWay> = diesel::sql_query(COUNT)
        .bind::<Text, _>(endpoint)
        .bind::<Double, _>(seconds)
        .bind::<BigInt, _>(i64::from(most.max(1)) - 1)
        .get_result(conn)
        .optional()?;
    Ok(in_the_way.map_or(Taken::Call, |call| {
        Taken::Full(Duration::from_secs_f64(call.leaves_in.clamp(0.1, seconds)))
    }))
}
