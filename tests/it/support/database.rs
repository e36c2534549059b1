//! A database for each test, copied from one that was migrated once. Not a schema each: NOTIFY and advisory locks
//! reach through a whole database, and tests would hear each other.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};

use super::cluster;

const TEMPLATE: &str = "migrated";

static MIGRATED: OnceLock<()> = OnceLock::new();
static MADE: AtomicU32 = AtomicU32::new(0);

/// Dropped with everything in it, open connections included, when the test is over.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// As after `llavero migrate`.
    pub fn migrated() -> Self {
        MIGRATED.get_or_init(|| {
            execute("postgres", &format!("CREATE DATABASE {TEMPLATE}"));
            migrate(cluster::shared().url_for(TEMPLATE).expose());
        });
        Self::copy_of(TEMPLATE)
    }

    /// Without any table.
    pub fn empty() -> Self {
        Self::copy_of("template0")
    }

    fn copy_of(template: &str) -> Self {
        let name = format!("test_{}", MADE.fetch_add(1, Ordering::Relaxed));
        execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name }
    }

    pub fn url(&self) -> String {
        cluster::shared().url_for(&self.name).expose().to_owned()
    }

    /// The number in the column `count` of a query's one row.
    pub fn count(&self, query: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let row: Count = diesel::sql_query(query).get_result(&mut self.connect()).unwrap();
        row.count
    }

    /// From now on the database refuses everybody, those connected included, as if it had stopped.
    pub fn stop(&self) {
        execute(
            "postgres",
            &format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name),
        );
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        execute("postgres", &end);
    }

    pub fn resume(&self) {
        execute(
            "postgres",
            &format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name),
        );
    }

    pub fn connect(&self) -> PgConnection {
        connect(&self.url())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        execute(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

pub fn connect(url: &str) -> PgConnection {
    // Before libpq does: see `keep_tls` of the program.
    openssl_sys::init();
    PgConnection::establish(url).unwrap_or_else(|error| panic!("{error}"))
}

fn execute(database: &str, statement: &str) {
    let mut connection = connect(cluster::shared().url_for(database).expose());
    diesel::sql_query(statement)
        .execute(&mut connection)
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The migrations as they lie in the checkout.
pub fn migrations() -> FileBasedMigrations {
    FileBasedMigrations::from_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap()
}

pub fn migrate(url: &str) {
    let mut connection = connect(url);
    connection
        .run_pending_migrations(migrations())
        .unwrap_or_else(|error| panic!("{error}"));
}
