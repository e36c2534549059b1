//! Credentials that nothing keeps any more: their next job is gone. Each credential writes its own next job, so one that was
//! lost (a row deleted by hand, a restored backup, a defect) would be missed by nobody until its token has died. Looked
//! through page by page, each one statement, so that neither many rows nor many that only wait make it slow.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::credentials;
use super::{Conn, Result};
use crate::domain::id::{AppId, CredentialId, Id};

/// A credential that is looked at.
#[derive(Debug, Clone, QueryableByName)]
#[diesel(table_name = credentials)]
pub struct Seen {
    pub id: CredentialId,
    pub app_id: AppId,
    pub platform: String,
    pub method: String,
    pub refresh_at: Option<DateTime<Utc>>,
    pub refresh_expires_at: Option<DateTime<Utc>>,
    pub reauthorize_by: Option<DateTime<Utc>>,
    /// No job of the kind waits or runs.
    #[diesel(sql_type = Bool)]
    pub lost: bool,
}

/// What is selected, with `$1` the kind of job; ids stand in a job's key as they are written everywhere.
const SEEN: &str = "SELECT id, app_id, platform, method, refresh_at, refresh_expires_at, reauthorize_by, \
    NOT EXISTS (SELECT FROM jobs WHERE status = 'ready' AND unique_key = $1 || replace(c.id::text, '-', '')) \
    AND NOT EXISTS (SELECT FROM jobs WHERE status = 'running' AND unique_key = $1 || replace(c.id::text, '-', '')) AS lost \
    FROM credentials c WHERE dead_at IS NULL AND values_sealed IS NOT NULL AND ";

fn key(kind: &str) -> String {
    format!("{kind}:{}_", CredentialId::PREFIX)
}

/// Living credentials whose timer went off more than `late` ago, the longest ago first; those after `last`.
pub fn late_timers(conn: &mut Conn, late: Duration, last: Option<&Seen>, limit: i64) -> Result<Vec<Seen>> {
    let query = format!(
        "{SEEN} refresh_at < llavero_now() - make_interval(secs => $2) \
         AND (refresh_at, id) > (coalesce($3, '-infinity'), $4) ORDER BY refresh_at, id LIMIT $5"
    );
    let rows = diesel::sql_query(query)
        .bind::<Text, _>(key("refresh_credential"))
        .bind::<Double, _>(late.as_secs_f64())
        .bind::<Nullable<Timestamptz>, _>(last.and_then(|last| last.refresh_at))
        .bind::<SqlUuid, _>(last.map_or(Uuid::nil(), |last| last.id.uuid()))
        .bind::<BigInt, _>(limit)
        .load(conn)?;
    Ok(rows)
}

/// Living credentials without a job to verify them, after `last`: whoever asks knows which are to be verified now and then.
pub fn verified(conn: &mut Conn, last: Option<CredentialId>, limit: i64) -> Result<Vec<Seen>> {
    let query = format!("{SEEN} id > $2 ORDER BY id LIMIT $3");
    let rows = diesel::sql_query(query)
        .bind::<Text, _>(key("verify_credential"))
        .bind::<SqlUuid, _>(last.map_or(Uuid::nil(), Id::uuid))
        .bind::<BigInt, _>(limit)
        .load(conn)?;
    Ok(rows)
}

/// Living credentials whose deadline is to be announced by `until`; those after `last`.
pub fn announced(conn: &mut Conn, until: DateTime<Utc>, last: Option<CredentialId>, limit: i64) -> Result<Vec<Seen>> {
    let query =
        format!("{SEEN} reauthorize_by > llavero_now() AND reauthorize_by < $2 AND id > $3 ORDER BY id LIMIT $4");
    let rows = diesel::sql_query(query)
        .bind::<Text, _>(key("announce_deadline"))
        .bind::<Timestamptz, _>(until)
        .bind::<SqlUuid, _>(last.map_or(Uuid::nil(), Id::uuid))
        .bind::<BigInt, _>(limit)
        .load(conn)?;
    Ok(rows)
}
