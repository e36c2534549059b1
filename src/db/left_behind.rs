//! Attempts whose lease nobody cleared: which of them are worth a look. Whether one may be taken over is decided elsewhere,
//! from the row itself; a row too many in these lists costs one look.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};

use super::schema::credentials;
use super::{Conn, Result};
use crate::domain::id::CredentialId;

/// Credentials whose lease ended more than `silence` ago and was not cleared, the latest first.
pub fn list_abandoned(conn: &mut Conn, silence: Duration, limit: i64) -> Result<Vec<CredentialId>> {
    let rows = credentials::table
        .filter(credentials::lease_attempt.is_not_null())
        .filter(credentials::dead_at.is_null())
        .filter(
            credentials::lease_until.lt(sql::<Nullable<Timestamptz>>("llavero_now() - make_interval(secs => ")
                .bind::<Double, _>(silence.as_secs_f64())
                .sql(")")),
        )
        .order(credentials::lease_until.desc())
        .limit(limit)
        .select(credentials::id)
        .load(conn)?;
    Ok(rows)
}

/// Credentials of these platforms whose last attempt was settled without an answer, the latest first.
pub fn list_settled(conn: &mut Conn, platforms: &[&str], limit: i64) -> Result<Vec<CredentialId>> {
    let rows = credentials::table
        .filter(credentials::lease_attempt.is_not_null())
        .filter(credentials::lease_owner.is_null())
        .filter(credentials::dead_at.is_null())
        .filter(credentials::platform.eq_any(platforms))
        .order(credentials::lease_until.desc())
        .limit(limit)
        .select(credentials::id)
        .load(conn)?;
    Ok(rows)
}
