//! Refusals that no attempt had: of keys that nothing renews, noted and forgotten on the credential's row. One statement
//! each, guarded by what was seen, as everything that changes a credential is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Text, Timestamptz};

use super::credentials::Credential;
use super::leases::Failed;
use super::refresh_logs::Refusals;
use super::schema::{credentials, refresh_logs};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;
use crate::domain::refresh::{FailureKind, RefreshOutcome};

/// Notes a refusal that no attempt had, unless one is under way or the credential changed since it was `seen`. Returns the
/// row as it is now.
pub fn note_refused(conn: &mut Conn, id: CredentialId, seen: Generation, failed: Failed) -> Result<Option<Credential>> {
    let noted = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(seen.grant_no))
        .filter(credentials::saved_attempt.eq(seen.attempt))
        .filter(credentials::lease_attempt.is_null())
        .filter(credentials::dead_at.is_null())
        .filter(
            credentials::retry_at
                .is_null()
                .or(credentials::retry_at.le(llavero_now().nullable())),
        )
        .set((
            super::leases::failure!(failed),
            credentials::updated_at.eq(llavero_now()),
        ))
        .returning(Credential::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(noted)
}

/// A credential of this grant works: its refusals are over, and a verdict that rested on them too. False: there were none.
pub fn forget_refusals(conn: &mut Conn, id: CredentialId, grant_no: i64) -> Result<bool> {
    let changed = diesel::update(credentials::table.find(id))
        .filter(credentials::grant_no.eq(grant_no))
        .filter(credentials::values_sealed.is_not_null())
        .filter(credentials::failures.gt(0).or(credentials::dead_at.is_not_null()))
        .set((
            credentials::failing_since.eq(None::<DateTime<Utc>>),
            credentials::failures.eq(0),
            credentials::last_failure.eq(None::<FailureKind>),
            credentials::retry_at.eq(None::<DateTime<Utc>>),
            credentials::dead_at.eq(None::<DateTime<Utc>>),
            credentials::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// As [`super::refresh_logs::count_refusals`], of the others of this one's app and platform that have no platform app either;
/// those count too whose refusal was not believed. Until the transaction ends nobody else counts them.
pub fn count_likewise(conn: &mut Conn, row: &Credential, within: Duration) -> Result<Refusals> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('refusals:' || $1::text || ':' || $2, 0))")
        .bind::<diesel::sql_types::Uuid, _>(row.app_id)
        .bind::<Text, _>(&row.platform)
        .execute(conn)?;
    let query = diesel::sql_query(
        "WITH since AS (SELECT llavero_now() - make_interval(secs => $4) AS at), \
         refused AS (SELECT id FROM credentials, since \
                     WHERE app_id = $1 AND platform = $2 AND platform_app_id IS NULL AND id <> $3 \
                     AND (dead_at > since.at OR (dead_at IS NULL AND failing_since IS NOT NULL AND last_failure = $5))), \
         tried AS (SELECT credential_id AS id FROM refresh_logs, since \
                   WHERE app_id = $1 AND platform = $2 AND platform_app_id IS NULL AND credential_id <> $3 \
                   AND started_at > since.at UNION SELECT id FROM refused), \
         asked AS (SELECT count(*) AS n FROM jobs, since \
                   WHERE kind = 'verify_credential' AND status = 'done' AND finished_at > since.at \
                   AND app_id = $1 AND platform = $2) \
         SELECT (SELECT count(*) FROM tried) + (SELECT n FROM asked) AS tried, \
                (SELECT count(*) FROM refused) AS refused",
    );
    let counted = query
        .bind::<diesel::sql_types::Uuid, _>(row.app_id)
        .bind::<Text, _>(&row.platform)
        .bind::<diesel::sql_types::Uuid, _>(row.id)
        .bind::<Double, _>(within.as_secs_f64())
        .bind::<Text, _>(FailureKind::Dead)
        .get_result(conn)?;
    Ok(counted)
}

/// Whether another of this one's app and platform, that has no platform app either, was renewed since.
pub fn renewed_likewise(conn: &mut Conn, row: &Credential, since: DateTime<Utc>) -> Result<bool> {
    let query = refresh_logs::table
        .filter(refresh_logs::app_id.eq(row.app_id))
        .filter(refresh_logs::platform.eq(&row.platform))
        .filter(refresh_logs::platform_app_id.is_null())
        .filter(refresh_logs::credential_id.ne(row.id))
        .filter(refresh_logs::outcome.eq(RefreshOutcome::Renewed))
        .filter(refresh_logs::started_at.gt(since));
    Ok(diesel::select(diesel::dsl::exists(query)).get_result(conn)?)
}

/// Of at most 200 other living credentials of this one's app, platform and connect method: how many there are, and how
/// many of them fail.
pub fn count_failing_likewise(conn: &mut Conn, row: &Credential) -> Result<(usize, usize)> {
    let others: Vec<bool> = credentials::table
        .filter(credentials::app_id.eq(row.app_id))
        .filter(credentials::platform.eq(&row.platform))
        .filter(credentials::method.eq(&row.method))
        .filter(credentials::id.ne(row.id))
        .filter(credentials::dead_at.is_null())
        .filter(credentials::values_sealed.is_not_null())
        .limit(200)
        .select(credentials::failing_since.is_not_null())
        .load(conn)?;
    Ok((others.len(), others.iter().filter(|failing| **failing).count()))
}
