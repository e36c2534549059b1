//! Partners: the companies that own apps.

use diesel::prelude::*;

use super::schema::partners;
use super::{Conn, Result};
use crate::domain::id::PartnerId;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = partners)]
pub struct Partner {
    pub id: PartnerId,
    pub name: String,
}

pub fn insert(conn: &mut Conn, id: PartnerId, name: &str) -> Result<()> {
    diesel::insert_into(partners::table)
        .values((partners::id.eq(id), partners::name.eq(name)))
        .execute(conn)?;
    Ok(())
}

pub fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<Partner>> {
    let found = partners::table
        .filter(partners::name.eq(name))
        .order(partners::created_at)
        .select(Partner::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}
