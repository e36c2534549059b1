//! A database's structure as text, asked from PostgreSQL's own catalogs: two dumps are equal when nobody could tell the
//! databases apart. `pg_dump` is not used because a machine may have the server programs without the client ones.

use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// All that was made in the database (objects after the built-in ones), a sorted line for each.
const DUMP: &str = r#"
WITH made AS (
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), lines AS (
    SELECT format('relation %s %s by %s of %s options %s rights %s', relkind, oid::regclass, pg_get_partkeydef(oid),
                  pg_get_expr(relpartbound, oid), reloptions, relacl) AS line
    FROM made
    UNION ALL
    SELECT format('column %s %s. %s %s null %s default %s generated %s%s storage %s', made.oid::regclass,
                  row_number() OVER (PARTITION BY made.oid ORDER BY attnum), attname, format_type(atttypid, atttypmod),
                  NOT attnotnull, pg_get_expr(adbin, adrelid), attgenerated, attidentity, attstorage)
    FROM made JOIN pg_attribute ON attrelid = made.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = made.oid AND adnum = attnum
    UNION ALL
    SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN made ON made.oid = conrelid
    UNION ALL
    SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index JOIN made ON made.oid = indrelid
    UNION ALL
    SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled)
    FROM pg_trigger t JOIN made ON made.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT format('view %s %s', oid::regclass, pg_get_viewdef(oid)) FROM made WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT format('sequence %s %s', made.oid::regclass, to_jsonb(s) - 'seqrelid' - 'seqtypid')
    FROM pg_sequence s JOIN made ON made.oid = seqrelid
    UNION ALL
    SELECT format('function %s rights %s', pg_get_functiondef(oid), proacl)
    FROM pg_proc WHERE oid >= 16384 AND prokind IN ('f', 'p')
    UNION ALL
    SELECT format('enum %s %s', t.oid::regtype, array_agg(enumlabel ORDER BY enumsortorder))
    FROM pg_enum JOIN pg_type t ON t.oid = enumtypid GROUP BY t.oid
    UNION ALL
    SELECT format('domain %s %s', oid::regtype, format_type(typbasetype, typtypmod))
    FROM pg_type WHERE typtype = 'd' AND oid >= 16384
    UNION ALL
    SELECT format('policy %s %s %s', polrelid::regclass, polname, pg_get_expr(polqual, polrelid)) FROM pg_policy
    UNION ALL
    SELECT format('comment %s: %s', pg_describe_object(classoid, objoid, objsubid), description)
    FROM pg_description WHERE objoid >= 16384
    UNION ALL
    SELECT format('schema %s', nspname) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
    UNION ALL
    SELECT format('extension %s', extname) FROM pg_extension
)
SELECT line FROM lines WHERE line !~ '__diesel_schema_migrations' ORDER BY line COLLATE "C"
"#;

pub fn dump(connection: &mut PgConnection) -> Vec<String> {
    list(connection, DUMP)
}

/// The answers to a query whose one column is the text `line`.
pub fn list(connection: &mut PgConnection, query: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(query)
        .load(connection)
        .unwrap_or_else(|error| panic!("{error}"));
    lines.into_iter().map(|line| line.line).collect()
}
