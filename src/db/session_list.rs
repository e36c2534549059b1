//! Signed-in browsers with their admins, for the page where they are ended.

use diesel::prelude::*;

use super::schema::{admins, sessions};
use super::sessions::Session;
use super::types::llavero_now;
use super::{Conn, Result};
use crate::domain::id::AdminId;

/// Living sessions with the admin's address, last used first; of one admin or of all.
pub fn list(conn: &mut Conn, of: Option<AdminId>, limit: i64) -> Result<Vec<(Session, String)>> {
    let mut query = sessions::table
        .inner_join(admins::table)
        .filter(sessions::expires_at.gt(llavero_now()))
        .order((sessions::seen_at.desc(), sessions::id.desc()))
        .limit(limit)
        .select((Session::as_select(), admins::email))
        .into_boxed();
    if let Some(of) = of {
        query = query.filter(sessions::admin_id.eq(of));
    }
    Ok(query.load(conn)?)
}
