//! One sealed check value per key id in use, so that a wrong key ring stops the start instead of failing stores.

use diesel::prelude::*;

use super::schema::key_checks;
use super::{Conn, Result};

/// All checks: key id and sealed value.
pub fn list(conn: &mut Conn) -> Result<Vec<(String, Vec<u8>)>> {
    Ok(key_checks::table
        .select((key_checks::key_id, key_checks::check_sealed))
        .order(key_checks::key_id)
        .load(conn)?)
}

/// Keeps a key's check; one that is there already stays.
pub fn insert(conn: &mut Conn, key_id: &str, check_sealed: &[u8]) -> Result<()> {
    diesel::insert_into(key_checks::table)
        .values((key_checks::key_id.eq(key_id), key_checks::check_sealed.eq(check_sealed)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Forgets a key that nothing in the database needs any more.
pub fn delete(conn: &mut Conn, key_id: &str) -> Result<()> {
    diesel::delete(key_checks::table.find(key_id)).execute(conn)?;
    Ok(())
}
