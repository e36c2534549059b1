//! Admins and their one-time sign-in links.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{admin_links, admins};
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::access_token::TokenHash;
use crate::domain::admin::Role;
use crate::domain::id::AdminId;

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = admins)]
pub struct Admin {
    pub id: AdminId,
    pub email: String,
    pub role: Role,
    pub password_hash: Option<String>,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

pub fn insert(conn: &mut Conn, id: AdminId, email: &str, role: Role) -> Result<()> {
    diesel::insert_into(admins::table)
        .values((
            admins::id.eq(id),
            admins::email.eq(email.to_lowercase()),
            admins::role.eq(role),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Conn, id: AdminId) -> Result<Option<Admin>> {
    Ok(admins::table
        .find(id)
        .select(Admin::as_select())
        .first(conn)
        .optional()?)
}

pub fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Admin>> {
    let found = admins::table
        .filter(admins::email.eq(email.to_lowercase()))
        .select(Admin::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

pub fn list(conn: &mut Conn) -> Result<Vec<Admin>> {
    Ok(admins::table
        .order(admins::email)
        .select(Admin::as_select())
        .load(conn)?)
}

pub fn set_password(conn: &mut Conn, id: AdminId, password_hash: &str) -> Result<()> {
    diesel::update(admins::table.find(id))
        .set(admins::password_hash.eq(password_hash))
        .execute(conn)?;
    Ok(())
}

pub fn insert_link(conn: &mut Conn, admin: AdminId, hash: TokenHash, expires_at: DateTime<Utc>) -> Result<()> {
    diesel::insert_into(admin_links::table)
        .values((
            admin_links::hash.eq(hash),
            admin_links::admin_id.eq(admin),
            admin_links::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whose unspent link this is; does not spend it.
pub fn find_link(conn: &mut Conn, hash: TokenHash) -> Result<Option<AdminId>> {
    let found = admin_links::table
        .filter(admin_links::hash.eq(hash))
        .filter(admin_links::used_at.is_null())
        .filter(admin_links::expires_at.gt(llavero_now()))
        .select(admin_links::admin_id)
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Spends every link of an admin: after a new password, or when the admin is disabled.
pub fn spend_links_of(conn: &mut Conn, admin: AdminId) -> Result<()> {
    diesel::update(admin_links::table)
        .filter(admin_links::admin_id.eq(admin))
        .filter(admin_links::used_at.is_null())
        .set(admin_links::used_at.eq(llavero_now().nullable()))
        .execute(conn)?;
    Ok(())
}

/// Spends a link once: a second call finds nothing.
pub fn take_link(conn: &mut Conn, hash: TokenHash) -> Result<Option<AdminId>> {
    let taken = diesel::update(admin_links::table)
        .filter(admin_links::hash.eq(hash))
        .filter(admin_links::used_at.is_null())
        .filter(admin_links::expires_at.gt(llavero_now()))
        .set(admin_links::used_at.eq(llavero_now().nullable()))
        .returning(admin_links::admin_id)
        .get_result(conn)
        .optional()?;
    Ok(taken)
}
