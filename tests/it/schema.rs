//! Conventions of the schema, asked from the migrated database itself, and `src/db/schema.rs`, which is generated from
//! it: `UPDATE_SCHEMA=1 cargo test --test it schema` writes the file anew.

use std::fs;
use std::path::Path;

use crate::support::catalog::list;
use crate::support::database::TestDatabase;
use crate::support::print_schema::print_schema;

/// Tables of ours: no partitions, which have what their parent has, and not the migrations' own.
const OURS: &str =
    "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname !~ '^__'";

fn assert_none(query: &str, rule: &str) {
    let offenders = list(&mut TestDatabase::migrated().connect(), query);
    assert!(offenders.is_empty(), "{rule}: {offenders:#?}");
}

#[test]
fn schema_rs_is_what_the_migrations_make() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db/schema.rs");
    let wanted = print_schema(&mut TestDatabase::migrated().connect());
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for the developer, not a setting of the program"
    )]
    let update = std::env::var_os("UPDATE_SCHEMA").is_some();
    if update {
        fs::write(&file, &wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "src/db/schema.rs is out of date: UPDATE_SCHEMA=1 cargo test --test it schema"
    );
}

#[test]
fn every_table_is_commented() {
    assert_none(
        &format!(
            "SELECT relname::text AS line FROM pg_class WHERE {OURS} AND obj_description(oid, 'pg_class') IS NULL"
        ),
        "tables without a comment",
    );
}

#[test]
fn every_column_is_commented() {
    assert_none(
        &format!(
            "SELECT relname || '.' || attname AS line FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE {OURS} AND attnum > 0 AND NOT attisdropped AND col_description(pg_class.oid, attnum) IS NULL"
        ),
        "columns without a comment",
    );
}

#[test]
fn every_time_knows_its_zone() {
    assert_none(
        &format!(
            "SELECT relname || '.' || attname AS line FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE {OURS} AND attnum > 0 AND NOT attisdropped
             AND atttypid IN ('timestamp'::regtype, 'timestamp[]'::regtype, 'time'::regtype, 'timetz'::regtype)"
        ),
        "times that are not timestamptz",
    );
}

#[test]
fn every_sealed_column_holds_bytes() {
    assert_none(
        &format!(
            "SELECT relname || '.' || attname AS line FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE {OURS} AND attnum > 0 AND NOT attisdropped AND attname ~ '_sealed$' AND atttypid <> 'bytea'::regtype"
        ),
        "sealed columns that are not bytea",
    );
}

#[test]
fn every_foreign_key_has_an_index() {
    assert_none(
        &format!(
            "SELECT relname || ' ' || conname AS line FROM pg_constraint c JOIN pg_class ON pg_class.oid = conrelid
             WHERE {OURS} AND contype = 'f' AND NOT EXISTS (
                 SELECT FROM pg_index WHERE indrelid = conrelid AND indisvalid
                 AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
                 AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey)"
        ),
        "foreign keys without an index that begins with their columns",
    );
}

#[test]
fn no_sequence_hands_out_ids() {
    assert_none(
        "SELECT relname::text AS line FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
        "sequences, which a database spread over machines cannot share",
    );
}
