//! Changes of what an admin may do, and what follows for sessions.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use uuid::Uuid;

use super::schema::{admins, sessions, sign_in_attempts};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::admin::Role;
use crate::domain::id::AdminId;

/// The owners who may sign in, locked, so that two of them cannot take each other's role at once.
pub fn lock_owners(conn: &mut Conn) -> Result<Vec<AdminId>> {
    let owners = admins::table
        .filter(admins::role.eq(Role::Owner))
        .filter(admins::disabled_at.is_null())
        .order(admins::id)
        .select(admins::id)
        .for_update()
        .load(conn)?;
    Ok(owners)
}

/// False: no such admin.
pub fn set_role(conn: &mut Conn, id: AdminId, role: Role) -> Result<bool> {
    Ok(diesel::update(admins::table.find(id))
        .set(admins::role.eq(role))
        .execute(conn)?
        == 1)
}

/// False: no such admin.
pub fn set_disabled(conn: &mut Conn, id: AdminId, disabled: bool) -> Result<bool> {
    let changed = if disabled {
        let now = admins::disabled_at.eq(llavero_now().nullable());
        diesel::update(admins::table.find(id)).set(now).execute(conn)?
    } else {
        let none = sql::<Nullable<Timestamptz>>("NULL");
        diesel::update(admins::table.find(id))
            .set(admins::disabled_at.eq(none))
            .execute(conn)?
    };
    Ok(changed == 1)
}

/// Ends every session of an admin; returns how many.
pub fn end_sessions_of(conn: &mut Conn, id: AdminId) -> Result<usize> {
    Ok(diesel::delete(sessions::table.filter(sessions::admin_id.eq(id))).execute(conn)?)
}

/// Takes back a noted try to sign in that did not fail.
pub fn forget_attempt(conn: &mut Conn, attempt: Uuid) -> Result<()> {
    diesel::delete(sign_in_attempts::table.find(attempt)).execute(conn)?;
    Ok(())
}
