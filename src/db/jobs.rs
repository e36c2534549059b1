//! The job table. A claim is one short statement that skips rows under claim and sets its own end by moving `due_at`
//! there, so a job whose worker died comes back by itself; a job ends only while its claim is still the one in the row.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::jobs;
use super::types::llavero_now;
use super::{Conn, Error, Result, listen};
use crate::domain::id::{AppId, CredentialId, JobId};
use crate::domain::job::{Job, JobStatus, NewJob};

/// A job as it is shown.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub payload: serde_json::Value,
    pub app_id: Option<AppId>,
    pub platform: Option<String>,
    pub status: JobStatus,
    pub due_at: DateTime<Utc>,
    pub attempts: i32,
    pub max_attempts: i32,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Enqueues a job and wakes the runners if it is due. A waiting twin (same key) only gets the new time.
pub fn insert(conn: &mut Conn, id: JobId, new: &NewJob) -> Result<()> {
    upsert(conn, id, new, "excluded.due_at")
}

/// `due_at`: of a twin, as SQL.
fn upsert(conn: &mut Conn, id: JobId, new: &NewJob, due_at: &str) -> Result<()> {
    let stored = serde_json::to_value(&new.job).unwrap_or_default();
    let payload = stored.get("payload").cloned().unwrap_or_else(|| serde_json::json!({}));
    let values = (
        jobs::id.eq(id),
        jobs::kind.eq(new.job.kind()),
        jobs::payload.eq(payload),
        jobs::app_id.eq(new.app),
        jobs::platform.eq(new.platform.as_deref()),
        jobs::unique_key.eq(new.job.unique_key()),
        jobs::due_at.eq(new.due_at),
        jobs::max_attempts.eq(new.job.max_attempts()),
    );
    let due: bool = diesel::insert_into(jobs::table)
        .values(values)
        .on_conflict(jobs::unique_key)
        .filter_target(jobs::status.eq(JobStatus::Ready))
        .do_update()
        .set((jobs::due_at.eq(sql::<Timestamptz>(due_at)), jobs::attempts.eq(0)))
        .returning(jobs::due_at.le(llavero_now()))
        .get_result(conn)?;
    if due {
        listen::notify_jobs(conn)?;
    }
    Ok(())
}

/// The same, but a waiting twin that is due earlier keeps its time.
pub fn insert_sooner(conn: &mut Conn, id: JobId, new: &NewJob) -> Result<()> {
    upsert(conn, id, new, "least(jobs.due_at, excluded.due_at)")
}

/// The same, but a waiting twin that is due stays due.
pub fn insert_unless_due(conn: &mut Conn, id: JobId, new: &NewJob) -> Result<()> {
    let due_at = "CASE WHEN jobs.due_at <= llavero_now() THEN jobs.due_at ELSE excluded.due_at END";
    upsert(conn, id, new, due_at)
}

/// The same unless a twin is waiting or running, whose time then stays.
pub fn insert_if_absent(conn: &mut Conn, id: JobId, new: &NewJob) -> Result<()> {
    let key = new.job.unique_key();
    let twin = jobs::table
        .filter(jobs::unique_key.eq(&key))
        .filter(jobs::status.eq_any([JobStatus::Ready, JobStatus::Running]));
    if diesel::select(diesel::dsl::exists(twin)).get_result(conn)? {
        return Ok(());
    }
    insert(conn, id, new)
}

/// Takes back what waits to be done about a credential.
pub fn cancel_all_of(conn: &mut Conn, credential: CredentialId) -> Result<()> {
    diesel::delete(jobs::table)
        .filter(jobs::unique_key.eq_any(Job::all_of(credential).map(|job| job.unique_key())))
        .filter(jobs::status.eq(JobStatus::Ready))
        .execute(conn)?;
    Ok(())
}

/// A job under claim.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: JobId,
    pub claim: Uuid,
    /// `None`: a payload that this version does not know.
    pub job: Option<Job>,
    pub kind: String,
    /// This run counted.
    pub attempts: i32,
    pub max_attempts: i32,
}

#[derive(QueryableByName)]
#[diesel(table_name = jobs)]
struct ClaimedRow {
    id: JobId,
    kind: String,
    payload: serde_json::Value,
    attempts: i32,
    max_attempts: i32,
}

// Turns are taken by app and platform, called a lane here, and what is under way counts: one lane's flood, or its slow
// failures, keep no other waiting. The 500 longest due are all there is on most days. Past that somebody floods, and the
// first of every lane are looked for too, by leaps from lane to lane in an index. Conditions stand on the locked rows
// themselves, so a row that another runner took meanwhile is skipped.
const CLAIM: &str = "\
WITH RECURSIVE first AS MATERIALIZED ( \
    SELECT id, coalesce(app_id, '00000000-0000-0000-0000-000000000000') AS app, coalesce(platform, '') AS platform, due_at \
    FROM jobs WHERE status IN ('ready', 'running') AND due_at <= llavero_now() ORDER BY due_at LIMIT 500 \
), lanes AS ( \
    (SELECT coalesce(app_id, '00000000-0000-0000-0000-000000000000') AS app, coalesce(platform, '') AS platform \
     FROM jobs WHERE status IN ('ready', 'running') AND (SELECT count(*) >= 500 FROM first) ORDER BY 1, 2 LIMIT 1) \
    UNION ALL \
    SELECT next.app, next.platform FROM lanes CROSS JOIN LATERAL ( \
        SELECT coalesce(app_id, '00000000-0000-0000-0000-000000000000') AS app, coalesce(jobs.platform, '') AS platform \
        FROM jobs WHERE status IN ('ready', 'running') \
            AND (coalesce(app_id, '00000000-0000-0000-0000-000000000000'), coalesce(jobs.platform, '')) \
                > (lanes.app, lanes.platform) \
        ORDER BY 1, 2 LIMIT 1) next \
), heads AS ( \
    SELECT head.id, lanes.app, lanes.platform, head.due_at FROM lanes CROSS JOIN LATERAL ( \
        SELECT id, due_at FROM jobs WHERE status IN ('ready', 'running') AND due_at <= llavero_now() \
            AND coalesce(app_id, '00000000-0000-0000-0000-000000000000') = lanes.app \
            AND coalesce(jobs.platform, '') = lanes.platform \
        ORDER BY due_at LIMIT 8) head \
), under_way AS ( \
    SELECT coalesce(app_id, '00000000-0000-0000-0000-000000000000') AS app, coalesce(platform, '') AS platform, \
        count(*) AS n \
    FROM jobs WHERE status = 'running' AND due_at > llavero_now() GROUP BY 1, 2 \
), turns AS ( \
    SELECT id, due_at, coalesce(n, 0) + row_number() OVER (PARTITION BY app, platform ORDER BY due_at, id) AS turn \
    FROM (SELECT * FROM first UNION SELECT * FROM heads) seen LEFT JOIN under_way USING (app, platform) \
), picked AS ( \
    SELECT jobs.id FROM jobs JOIN turns ON turns.id = jobs.id \
    WHERE jobs.status IN ('ready', 'running') AND jobs.due_at <= llavero_now() \
    ORDER BY turns.turn, turns.due_at LIMIT $1 FOR UPDATE OF jobs SKIP LOCKED \
) \
UPDATE jobs SET status = 'running', attempts = jobs.attempts + 1, lease_id = $2, \
    lease_until = llavero_now() + make_interval(secs => $3), due_at = llavero_now() + make_interval(secs => $3) \
FROM picked WHERE jobs.id = picked.id \
RETURNING jobs.id, jobs.kind, jobs.payload, jobs.attempts, jobs.max_attempts";

/// Claims up to `limit` due jobs until `length` from now.
pub fn claim(conn: &mut Conn, claim: Uuid, limit: i64, length: Duration) -> Result<Vec<Claimed>> {
    let rows: Vec<ClaimedRow> = diesel::sql_query(CLAIM)
        .bind::<BigInt, _>(limit)
        .bind::<SqlUuid, _>(claim)
        .bind::<Double, _>(length.as_secs_f64())
        .load(conn)?;
    let claimed = rows.into_iter().map(|row| Claimed {
        id: row.id,
        claim,
        job: serde_json::from_value(serde_json::json!({ "kind": row.kind, "payload": row.payload })).ok(),
        kind: row.kind,
        attempts: row.attempts,
        max_attempts: row.max_attempts,
    });
    Ok(claimed.collect())
}

/// Lengthens a claim that is still the job's; false: somebody else has it.
pub fn prolong(conn: &mut Conn, id: JobId, claim: Uuid, length: Duration) -> Result<bool> {
    let end = || {
        sql::<Timestamptz>("llavero_now() + make_interval(secs => ")
            .bind::<Double, _>(length.as_secs_f64())
            .sql(")")
    };
    let changed = diesel::update(jobs::table.find(id))
        .filter(jobs::lease_id.eq(claim))
        .filter(jobs::status.eq(JobStatus::Running))
        .set((jobs::lease_until.eq(end().nullable()), jobs::due_at.eq(end())))
        .execute(conn)?;
    Ok(changed == 1)
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done,
    /// The same row waits for its next regular time.
    Again {
        after: Duration,
    },
    /// Again after a while; a dead letter once its tries are used up.
    Retry {
        after: Duration,
        error: String,
    },
    /// A dead letter at once.
    Fail {
        error: String,
    },
}

/// Writes how a run ended, while the claim is still the job's; false: it was not.
pub fn finish(conn: &mut Conn, id: JobId, claim: Uuid, attempts: i32, max_attempts: i32, end: &End) -> Result<bool> {
    let (status, after, error) = match end {
        End::Done => (JobStatus::Done, Duration::ZERO, None),
        End::Again { after } => (JobStatus::Ready, *after, None),
        End::Retry { error, .. } if attempts >= max_attempts => (JobStatus::Failed, Duration::ZERO, Some(error)),
        End::Retry { after, error } => (JobStatus::Ready, *after, Some(error)),
        End::Fail { error } => (JobStatus::Failed, Duration::ZERO, Some(error)),
    };
    let regular = matches!(end, End::Again { .. });
    match set_end(conn, id, claim, status, after, error, regular) {
        // A twin was enqueued meanwhile: it does the rest. The failed statement has left the transaction, if any, so this
        // function is called outside of one.
        Err(Error::Conflict { .. }) => set_end(conn, id, claim, JobStatus::Done, Duration::ZERO, error, false),
        other => other,
    }
}

fn set_end(
    conn: &mut Conn,
    id: JobId,
    claim: Uuid,
    status: JobStatus,
    after: Duration,
    error: Option<&String>,
    regular: bool,
) -> Result<bool> {
    let ended = status != JobStatus::Ready;
    let changed = diesel::update(jobs::table.find(id))
        .filter(jobs::lease_id.eq(claim))
        .filter(jobs::status.eq(JobStatus::Running))
        .set((
            jobs::status.eq(status),
            jobs::due_at.eq(sql::<Timestamptz>("llavero_now() + make_interval(secs => ")
                .bind::<Double, _>(after.as_secs_f64())
                .sql(")")),
            jobs::lease_id.eq(None::<Uuid>),
            jobs::lease_until.eq(None::<DateTime<Utc>>),
            error.map(|error| jobs::last_error.eq(error)),
            ended.then(|| jobs::finished_at.eq(llavero_now().nullable())),
            regular.then(|| jobs::attempts.eq(0)),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// When the next job is due, those under claim included.
pub fn next_due(conn: &mut Conn) -> Result<Option<DateTime<Utc>>> {
    let due = jobs::table
        .filter(jobs::status.eq_any([JobStatus::Ready, JobStatus::Running]))
        .order(jobs::due_at)
        .select(jobs::due_at)
        .first(conn)
        .optional()?;
    Ok(due)
}

pub fn find(conn: &mut Conn, id: JobId) -> Result<Option<JobRow>> {
    Ok(jobs::table
        .find(id)
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// Jobs before `before`, newest first; in one state or in all.
pub fn list(conn: &mut Conn, status: Option<JobStatus>, before: Option<JobId>, limit: i64) -> Result<Vec<JobRow>> {
    let mut query = jobs::table
        .select(JobRow::as_select())
        .order(jobs::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(jobs::status.eq(status));
    }
    if let Some(before) = before {
        query = query.filter(jobs::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// How many jobs are in each state.
pub fn count(conn: &mut Conn) -> Result<Vec<(JobStatus, i64)>> {
    let counts = jobs::table
        .group_by(jobs::status)
        .select((jobs::status, diesel::dsl::count_star()))
        .load(conn)?;
    Ok(counts)
}

/// Gives a dead letter, or a waiting job, another run at once, its tries counted anew; false: no such job. `Conflict`: a
/// twin is waiting already.
pub fn retry(conn: &mut Conn, id: JobId) -> Result<bool> {
    let changed = diesel::update(jobs::table.find(id))
        .filter(jobs::status.eq_any([JobStatus::Failed, JobStatus::Ready]))
        .set((
            jobs::status.eq(JobStatus::Ready),
            jobs::due_at.eq(llavero_now()),
            jobs::attempts.eq(0),
            jobs::finished_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    if changed == 1 {
        listen::notify_jobs(conn)?;
    }
    Ok(changed == 1)
}

/// Removes jobs that were done before `before`; returns how many.
pub fn delete_done_before(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize> {
    let deleted = diesel::delete(jobs::table)
        .filter(jobs::status.eq(JobStatus::Done))
        .filter(jobs::finished_at.lt(before))
        .execute(conn)?;
    Ok(deleted)
}
