//! Refusals that no attempt had: of keys that nothing renews, noted and forgotten on the credential's row. One statement
//! each, guarded by what was seen, as everything that changes a credential is.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};

use super::credentials::Credential;
use super::leases::Failed;
use super::schema::credentials;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::credential::Generation;
use crate::domain::id::CredentialId;
use crate::domain::refresh::FailureKind;

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
