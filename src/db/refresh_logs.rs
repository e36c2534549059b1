//! The refresh log: one row for each try, append-only, written after the save and allowed to fail alone. Partitioned by
//! month; rows of a month without a partition go to the default one.

use std::time::Duration;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};

use super::schema::refresh_logs;
use super::{Conn, Result};
use crate::domain::id::{AppId, CredentialId, PlatformAppId, RefreshLogId};
use crate::domain::refresh::{RefreshOutcome, RefreshTrigger};

/// One try; read and written in the same shape.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_logs)]
pub struct RefreshLog {
    pub id: RefreshLogId,
    pub app_id: AppId,
    pub credential_id: CredentialId,
    pub platform: String,
    pub platform_app_id: Option<PlatformAppId>,
    pub trigger: RefreshTrigger,
    pub outcome: RefreshOutcome,
    pub platform_code: Option<String>,
    pub http_status: Option<i32>,
    pub detail: Option<String>,
    pub duration_ms: i32,
    pub grant_no: i64,
    pub attempt: i64,
    pub saved_before: i64,
    pub saved_after: i64,
    pub started_at: DateTime<Utc>,
}

pub fn insert(conn: &mut Conn, log: &RefreshLog) -> Result<()> {
    diesel::insert_into(refresh_logs::table).values(log).execute(conn)?;
    Ok(())
}

/// The tries of a credential before `before`, newest first; none if that one is not there, or another's. A try is written
/// after its end, so ids and beginnings may stand in different orders: both say which is before which.
pub fn list_of_credential(
    conn: &mut Conn,
    credential: CredentialId,
    before: Option<RefreshLogId>,
    limit: i64,
) -> Result<Vec<RefreshLog>> {
    let mut query = refresh_logs::table
        .filter(refresh_logs::credential_id.eq(credential))
        .order((refresh_logs::started_at.desc(), refresh_logs::id.desc()))
        .limit(limit)
        .select(RefreshLog::as_select())
        .into_boxed();
    if let Some(before) = before {
        let begun: Option<DateTime<Utc>> = refresh_logs::table
            .filter(refresh_logs::credential_id.eq(credential))
            .filter(refresh_logs::id.eq(before))
            .select(refresh_logs::started_at)
            .first(conn)
            .optional()?;
        let Some(begun) = begun else { return Ok(Vec::new()) };
        query = query.filter(
            refresh_logs::started_at
                .lt(begun)
                .or(refresh_logs::started_at.eq(begun).and(refresh_logs::id.lt(before))),
        );
    }
    Ok(query.load(conn)?)
}

/// The last try of a credential.
pub fn find_last(conn: &mut Conn, credential: CredentialId) -> Result<Option<RefreshLog>> {
    Ok(list_of_credential(conn, credential, None, 1)?.pop())
}

/// How many other credentials of a platform app were tried lately, and how many of them ended dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Refusals {
    #[diesel(sql_type = BigInt)]
    pub tried: i64,
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
}

/// Verdicts are counted in the rows that they changed: the log may lag behind, or lose a row. A verify call of what is
/// never renewed is a try as well; of it only its job tells.
pub fn count_refusals(
    conn: &mut Conn,
    platform_app: PlatformAppId,
    but: CredentialId,
    within: Duration,
) -> Result<Refusals> {
    let query = diesel::sql_query(
        "WITH since AS (SELECT llavero_now() - make_interval(secs => $3) AS at), \
         dead AS (SELECT id FROM credentials, since WHERE platform_app_id = $1 AND id <> $2 AND dead_at > since.at), \
         tried AS (SELECT credential_id AS id FROM refresh_logs, since \
                   WHERE platform_app_id = $1 AND credential_id <> $2 AND started_at > since.at UNION SELECT id FROM dead), \
         asked AS (SELECT count(*) AS n FROM jobs, since, platform_apps own \
                   WHERE own.id = $1 AND kind = 'verify_credential' AND status = 'done' AND finished_at > since.at \
                   AND jobs.platform = own.platform AND (own.app_id IS NULL OR own.app_id = jobs.app_id)) \
         SELECT (SELECT count(*) FROM tried) + (SELECT n FROM asked) AS tried, \
                (SELECT count(*) FROM dead) AS refused",
    );
    let counted = query
        .bind::<diesel::sql_types::Uuid, _>(platform_app)
        .bind::<diesel::sql_types::Uuid, _>(but)
        .bind::<Double, _>(within.as_secs_f64())
        .get_result(conn)?;
    Ok(counted)
}

/// Whether another credential of the platform app was renewed within the time.
pub fn others_renewed(
    conn: &mut Conn,
    platform_app: PlatformAppId,
    credential: CredentialId,
    within: Duration,
) -> Result<bool> {
    let query = refresh_logs::table
        .filter(refresh_logs::platform_app_id.eq(platform_app))
        .filter(refresh_logs::credential_id.ne(credential))
        .filter(refresh_logs::outcome.eq(RefreshOutcome::Renewed))
        .filter(
            refresh_logs::started_at.gt(sql::<Timestamptz>("llavero_now() - make_interval(secs => ")
                .bind::<Double, _>(within.as_secs_f64())
                .sql(")")),
        );
    Ok(diesel::select(diesel::dsl::exists(query)).get_result(conn)?)
}

/// This month's partition and those of the months that follow.
const MONTHS_AHEAD: u32 = 3;

/// Makes the partitions of this month and the three that follow, if they are missing and the default one holds no row of
/// theirs (moving rows would lock the table).
pub fn make_partitions(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    conn.transaction(|conn| {
        one_at_a_time(conn)?;
        make_missing(conn, now)
    })
}

/// Until the transaction ends nobody else makes or drops partitions: two who find the same one missing would both make
/// it, and only one can.
fn one_at_a_time(conn: &mut Conn) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('partitions of refresh_logs'))").execute(conn)?;
    Ok(())
}

fn make_missing(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    for ahead in 0..=MONTHS_AHEAD {
        let Some(from) = month(now, ahead) else { continue };
        let Some(to) = month(now, ahead + 1) else { continue };
        // Dates and names are made of digits only, so nothing needs escaping.
        let name = format!("refresh_logs_{:04}_{:02}", from.year(), from.month());
        conn.batch_execute(&format!(
            "DO $$ BEGIN \
               IF to_regclass('{name}') IS NULL \
                  AND NOT EXISTS (SELECT FROM refresh_logs_default WHERE started_at >= '{from}' AND started_at < '{to}') THEN \
                 CREATE TABLE {name} PARTITION OF refresh_logs FOR VALUES FROM ('{from}') TO ('{to}'); \
                 COMMENT ON TABLE {name} IS 'Rows of one month'; \
               END IF; \
             END $$"
        ))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Drops the partitions of months that ended before `before`, and such rows of the default one; returns what was dropped.
pub fn drop_before(conn: &mut Conn, before: DateTime<Utc>) -> Result<Vec<String>> {
    conn.transaction(|conn| {
        one_at_a_time(conn)?;
        drop_ended(conn, before)
    })
}

fn drop_ended(conn: &mut Conn, before: DateTime<Utc>) -> Result<Vec<String>> {
    let partitions: Vec<Name> = diesel::sql_query(
        "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
         WHERE i.inhparent = 'refresh_logs'::regclass ORDER BY 1",
    )
    .load(conn)?;
    let mut dropped = Vec::new();
    for Name { name } in partitions {
        let Some(ends) = name.strip_prefix("refresh_logs_").and_then(end_of_month) else {
            continue;
        };
        if ends <= before.date_naive() {
            conn.batch_execute(&format!("DROP TABLE {name}"))?;
            dropped.push(name);
        }
    }
    diesel::sql_query("DELETE FROM refresh_logs_default WHERE started_at < $1")
        .bind::<Nullable<Timestamptz>, _>(Some(before))
        .execute(conn)?;
    Ok(dropped)
}

fn month(now: DateTime<Utc>, ahead: u32) -> Option<NaiveDate> {
    now.date_naive().with_day(1)?.checked_add_months(Months::new(ahead))
}

/// `2026_11` -> the first of December; `None` for the default partition.
fn end_of_month(text: &str) -> Option<NaiveDate> {
    let (year, month) = text.split_once('_')?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?.checked_add_months(Months::new(1))
}
