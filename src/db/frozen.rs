//! Credentials that were exported. Freezing takes the secrets out of the credential's row, so that no statement of the
//! lease protocol finds anything to claim or to save to: a frozen credential cannot be refreshed by mistake.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{credentials, frozen_credentials};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::id::{AppId, CredentialId};

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = frozen_credentials)]
pub struct Frozen {
    pub id: CredentialId,
    pub app_id: AppId,
    pub values_sealed: Vec<u8>,
    pub spares_sealed: Option<Vec<u8>>,
    pub frozen_at: DateTime<Utc>,
}

/// Freezes a locked credential with its secrets sealed for their new place. Raises `grant_no`: nothing under way saves.
pub fn freeze(
    conn: &mut Conn,
    id: CredentialId,
    app: AppId,
    values_sealed: &[u8],
    spares_sealed: Option<&[u8]>,
) -> Result<()> {
    diesel::insert_into(frozen_credentials::table)
        .values((
            frozen_credentials::id.eq(id),
            frozen_credentials::app_id.eq(app),
            frozen_credentials::values_sealed.eq(values_sealed),
            frozen_credentials::spares_sealed.eq(spares_sealed),
        ))
        .execute(conn)?;
    diesel::update(credentials::table.find(id))
        .set((
            credentials::grant_no.eq(credentials::grant_no + 1),
            credentials::values_sealed.eq(None::<Vec<u8>>),
            credentials::spares_sealed.eq(None::<Vec<u8>>),
            credentials::updated_at.eq(llavero_now()),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Conn, id: CredentialId) -> Result<Option<Frozen>> {
    Ok(frozen_credentials::table
        .find(id)
        .select(Frozen::as_select())
        .first(conn)
        .optional()?)
}

/// Since when these are frozen, of those that are.
pub fn since(conn: &mut Conn, ids: &[CredentialId]) -> Result<HashMap<CredentialId, DateTime<Utc>>> {
    let rows: Vec<(CredentialId, DateTime<Utc>)> = frozen_credentials::table
        .filter(frozen_credentials::id.eq_any(ids))
        .select((frozen_credentials::id, frozen_credentials::frozen_at))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Whether any of these is frozen.
pub fn any(conn: &mut Conn, ids: &[CredentialId]) -> Result<bool> {
    let frozen = frozen_credentials::table.filter(frozen_credentials::id.eq_any(ids));
    Ok(diesel::select(diesel::dsl::exists(frozen)).get_result(conn)?)
}

/// The credential is erased, or in use again.
pub fn forget(conn: &mut Conn, id: CredentialId) -> Result<()> {
    diesel::delete(frozen_credentials::table.find(id)).execute(conn)?;
    Ok(())
}
