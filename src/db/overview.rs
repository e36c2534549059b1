//! The figures of the overview: how many stores are in each state, what ends soon, how refreshing went, what is paused.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};

use super::platform_apps::PlatformApp;
use super::schema::{apps, credentials, platform_apps, stores};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::store::{StoreHealth, StoreStatus};

/// How many stores are in each state, in one pass over an index.
pub fn count_states(conn: &mut Conn) -> Result<Vec<(StoreStatus, StoreHealth, i64)>> {
    Ok(stores::table
        .group_by((stores::status, stores::health))
        .select((stores::status, stores::health, count_star()))
        .load(conn)?)
}

/// Connected stores whose consent ends within a time, whatever is refreshed.
pub fn count_ending(conn: &mut Conn, within: Duration) -> Result<i64> {
    let until = sql::<Nullable<Timestamptz>>("llavero_now() + make_interval(secs => ")
        .bind::<Double, _>(within.as_secs_f64())
        .sql(")");
    Ok(stores::table
        .inner_join(credentials::table)
        .filter(stores::status.eq(StoreStatus::Connected))
        .filter(credentials::reauthorize_by.gt(llavero_now().nullable()))
        .filter(credentials::reauthorize_by.lt(until))
        .count()
        .get_result(conn)?)
}

/// Platform apps through which refreshing pauses or verdicts are held, with the app's name; none: the installation's.
pub fn list_paused(conn: &mut Conn) -> Result<Vec<(PlatformApp, Option<String>)>> {
    Ok(platform_apps::table
        .left_join(apps::table)
        .filter(
            platform_apps::paused_at
                .is_not_null()
                .or(platform_apps::verdicts_held_at.is_not_null()),
        )
        .order(platform_apps::id)
        .limit(50)
        .select((PlatformApp::as_select(), apps::name.nullable()))
        .load(conn)?)
}

/// The steps of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Hour,
    Day,
}

/// How refreshing went in one step of time.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Outcomes {
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub good: i64,
    #[diesel(sql_type = BigInt)]
    pub bad: i64,
}

/// Outcomes of refreshing since a time, oldest first; steps without any are left out.
pub fn count_outcomes(conn: &mut Conn, step: Step, since: DateTime<Utc>) -> Result<Vec<Outcomes>> {
    let unit = match step {
        Step::Hour => "hour",
        Step::Day => "day",
    };
    Ok(diesel::sql_query(
        "SELECT date_trunc($1, started_at, 'UTC') AS at, \
                count(*) FILTER (WHERE outcome IN ('renewed', 'unchanged')) AS good, \
                count(*) FILTER (WHERE outcome NOT IN ('renewed', 'unchanged', 'superseded')) AS bad \
         FROM refresh_logs WHERE started_at >= $2 GROUP BY 1 ORDER BY 1",
    )
    .bind::<Text, _>(unit)
    .bind::<Timestamptz, _>(since)
    .load(conn)?)
}
