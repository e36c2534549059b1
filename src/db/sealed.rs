//! Every column that holds sealed values, for sealing them again after a rotation of keys. The names are constants of the
//! program, so the statements made of them need no escaping.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Integer, Uuid as SqlUuid};
use uuid::Uuid;

use super::{Conn, Result};

/// A column of sealed values in a table with an `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub table: &'static str,
    pub column: &'static str,
}

const fn column(table: &'static str, column: &'static str) -> Column {
    Column { table, column }
}

/// All of them; a test compares the list with the schema.
pub const COLUMNS: [Column; 16] = [
    column("apps", "signing_secret_sealed"),
    column("apps", "previous_signing_secret_sealed"),
    column("platform_apps", "values_sealed"),
    column("platform_apps", "standby_sealed"),
    column("credentials", "values_sealed"),
    column("credentials", "spares_sealed"),
    column("frozen_credentials", "values_sealed"),
    column("frozen_credentials", "spares_sealed"),
    column("stores", "values_sealed"),
    column("connect_sessions", "attempt_sealed"),
    column("connect_sessions", "delivered_sealed"),
    column("connect_sessions", "held_sealed"),
    column("sessions", "state_sealed"),
    column("webhook_endpoints", "secret_sealed"),
    column("webhook_endpoints", "previous_secret_sealed"),
    column("idempotent_requests", "body_sealed"),
];

#[derive(QueryableByName)]
pub struct SealedRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Bytea)]
    pub value: Vec<u8>,
}

/// Sealed values of a column, by id, after one.
pub fn list(conn: &mut Conn, column: Column, after: Uuid, limit: i64) -> Result<Vec<SealedRow>> {
    let Column { table, column } = column;
    let rows = diesel::sql_query(format!(
        "SELECT id, {column} AS value FROM {table} WHERE {column} IS NOT NULL AND id > $1 ORDER BY id LIMIT $2"
    ))
    .bind::<SqlUuid, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(rows)
}

/// Replaces a value that is still what was read; false: it changed, and so was sealed with the active key.
pub fn replace(conn: &mut Conn, column: Column, read: &SealedRow, new: &[u8]) -> Result<bool> {
    let Column { table, column } = column;
    let changed = diesel::sql_query(format!(
        "UPDATE {table} SET {column} = $1 WHERE id = $2 AND {column} = $3"
    ))
    .bind::<Bytea, _>(new)
    .bind::<SqlUuid, _>(read.id)
    .bind::<Bytea, _>(&read.value)
    .execute(conn)?;
    Ok(changed == 1)
}

/// Lets the statements of this transaction take the time that a whole table needs.
pub fn may_take_long(conn: &mut Conn) -> Result<()> {
    Ok(conn.batch_execute("SET LOCAL statement_timeout = 0")?)
}

/// How many values of a column are sealed with a key: each begins with the key's id.
pub fn count_of_key(conn: &mut Conn, column: Column, key: &str) -> Result<i64> {
    let Column { table, column } = column;
    let beginning = [&[u8::try_from(key.len()).unwrap_or(u8::MAX)], key.as_bytes()].concat();
    let counted: Counted = diesel::sql_query(format!(
        "SELECT count(*) AS count FROM {table} WHERE substring({column} FROM 1 FOR $1) = $2"
    ))
    .bind::<Integer, _>(i32::try_from(beginning.len()).unwrap_or(i32::MAX))
    .bind::<Bytea, _>(&beginning)
    .get_result(conn)?;
    Ok(counted.count)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}
