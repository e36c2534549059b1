//! The text of `src/db/schema.rs` for a migrated database, as `diesel print-schema` with our `diesel.toml` prints it.
//! Made here, so that the comparison needs no further program on the machine but `rustfmt`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use diesel::sql_types::{Array, Bool, Integer, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    udt_name: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    max_length: Option<i32>,
}

const COLUMNS: &str = "
SELECT c.table_name::text, c.column_name::text, c.udt_name::text, c.is_nullable = 'YES' AS nullable,
       c.character_maximum_length::int4 AS max_length
FROM information_schema.columns c
JOIN pg_class r ON r.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
WHERE c.table_schema = 'public' AND r.relkind IN ('r', 'p') AND NOT r.relispartition AND c.table_name !~ '^__'
ORDER BY c.table_name COLLATE \"C\", c.ordinal_position";

#[derive(QueryableByName)]
struct PrimaryKey {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
}

const PRIMARY_KEYS: &str = "
SELECT conrelid::regclass::text AS table_name,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns
FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace";

#[derive(QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    parent_columns: Vec<String>,
}

const FOREIGN_KEYS: &str = "
SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS parent_columns
FROM pg_constraint c JOIN pg_class r ON r.oid = conrelid
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT r.relispartition AND conparentid = 0
ORDER BY conrelid::regclass::text COLLATE \"C\", confrelid::regclass::text COLLATE \"C\"";

pub fn print_schema(connection: &mut PgConnection) -> String {
    let columns: Vec<Column> = diesel::sql_query(COLUMNS).load(connection).unwrap();
    let keys: Vec<PrimaryKey> = diesel::sql_query(PRIMARY_KEYS).load(connection).unwrap();
    let keys: BTreeMap<String, Vec<String>> = keys.into_iter().map(|key| (key.table_name, key.columns)).collect();
    let foreign_keys: Vec<ForeignKey> = diesel::sql_query(FOREIGN_KEYS).load(connection).unwrap();

    let mut tables: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in &columns {
        tables.entry(&column.table_name).or_default().push(column);
    }
    let mut text = "// @generated automatically by Diesel CLI.\n\n".to_owned();
    for (table, columns) in &tables {
        let key = keys
            .get(*table)
            .unwrap_or_else(|| panic!("table {table} has no primary key"));
        table_text(&mut text, table, key, columns);
    }
    for key in joinable(&foreign_keys, &keys) {
        let column = rust_name(&key.columns[0]);
        writeln!(
            text,
            "diesel::joinable!({} -> {} ({column}));",
            rust_name(&key.child),
            rust_name(&key.parent)
        )
        .unwrap();
    }
    let names: String = tables.keys().map(|table| format!("{},", rust_name(table))).collect();
    if tables.len() > 1 {
        writeln!(text, "\ndiesel::allow_tables_to_appear_in_same_query!({names});").unwrap();
    }
    format(&text)
}

fn table_text(text: &mut String, table: &str, key: &[String], columns: &[&Column]) {
    let key: Vec<String> = key.iter().map(|column| rust_name(column)).collect();
    text.push_str("diesel::table! {\n");
    if rust_name(table) != table {
        writeln!(text, "    #[sql_name = \"{table}\"]").unwrap();
    }
    writeln!(text, "    {} ({}) {{", rust_name(table), key.join(", ")).unwrap();
    for column in columns {
        let name = rust_name(&column.column_name);
        if name != column.column_name {
            writeln!(text, "        #[sql_name = \"{}\"]", column.column_name).unwrap();
        }
        if let Some(length) = column.max_length {
            writeln!(text, "        #[max_length = {length}]").unwrap();
        }
        writeln!(text, "        {name} -> {},", sql_type(column)).unwrap();
    }
    text.push_str("    }\n}\n\n");
}

/// A table that refers twice to another, or to itself, needs its `ON` spelled out; so does one that refers to
/// something else than the primary key.
fn joinable<'a>(all: &'a [ForeignKey], keys: &BTreeMap<String, Vec<String>>) -> Vec<&'a ForeignKey> {
    let pair = |key: &ForeignKey| BTreeSet::from([key.child.clone(), key.parent.clone()]);
    let alone = |key: &ForeignKey| all.iter().filter(|other| pair(other) == pair(key)).count() == 1;
    let plain = |key: &ForeignKey| key.columns.len() == 1 && keys.get(&key.parent) == Some(&key.parent_columns);
    all.iter()
        .filter(|key| key.child != key.parent && alone(key) && plain(key))
        .collect()
}

fn sql_type(column: &Column) -> String {
    let (name, array) = match column.udt_name.strip_prefix('_') {
        Some(element) => (element, true),
        None => (column.udt_name.as_str(), false),
    };
    let known = [
        "bool",
        "bpchar",
        "bytea",
        "date",
        "float4",
        "float8",
        "inet",
        "int2",
        "int4",
        "int8",
        "interval",
        "json",
        "jsonb",
        "numeric",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "varchar",
    ];
    assert!(
        known.contains(&name),
        "{}.{}: teach print_schema the type {name}",
        column.table_name,
        column.column_name
    );
    let mut name = name[..1].to_uppercase() + &name[1..];
    if array {
        name = format!("Array<Nullable<{name}>>");
    }
    if column.nullable {
        format!("Nullable<{name}>")
    } else {
        name
    }
}

/// Rust's own words get an underscore.
fn rust_name(name: &str) -> String {
    let own = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match",
        "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait",
        "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    if own.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

fn format(text: &str) -> String {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt
        .args(["--edition", "2024"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = rustfmt
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt is installed");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "rustfmt refuses:\n{text}");
    String::from_utf8(output.stdout).unwrap()
}
