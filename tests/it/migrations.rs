//! Each migration can be undone and done again, and leaves the same database as before. Asked one by one, so that a
//! `down.sql` that forgets something is named.

use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel_migrations::MigrationHarness as _;

use crate::support::catalog::dump;
use crate::support::database::{TestDatabase, migrations};

#[test]
fn every_migration_can_be_undone_and_done_again() {
    let database = TestDatabase::empty();
    let mut connection = database.connect();
    let all: Vec<Box<dyn Migration<Pg>>> = migrations().migrations().unwrap();
    // Makes the table that remembers what was applied.
    connection.applied_migrations().unwrap();
    let mut before = dump(&mut connection);
    for migration in sorted(all) {
        let name = migration.name().to_string();
        connection
            .run_migration(&migration)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let after = dump(&mut connection);
        connection
            .revert_migration(&migration)
            .unwrap_or_else(|error| panic!("{name}, down: {error}"));
        assert_same(&before, &dump(&mut connection), &format!("{name}, undone"));
        connection
            .run_migration(&migration)
            .unwrap_or_else(|error| panic!("{name}, again: {error}"));
        assert_same(&after, &dump(&mut connection), &format!("{name}, done again"));
        before = after;
    }
}

fn sorted(mut all: Vec<Box<dyn Migration<Pg>>>) -> Vec<Box<dyn Migration<Pg>>> {
    all.sort_by_key(|migration| migration.name().version().as_owned());
    all
}

fn assert_same(wanted: &[String], found: &[String], what: &str) {
    let missing: Vec<_> = wanted.iter().filter(|line| !found.contains(line)).collect();
    let added: Vec<_> = found.iter().filter(|line| !wanted.contains(line)).collect();
    assert!(
        missing.is_empty() && added.is_empty(),
        "{what}: missing {missing:#?}, too much {added:#?}"
    );
}
