//! The private PostgreSQL of a run, which is really stopped and started again, and whose clock is minutes off the
//! machine's. Its own guardian stops it if the run is killed.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use llavero::clock::Clock;
use llavero::crypto::Random;
use llavero::dev::postgres::{Cluster, Programs, Settings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How far the database's clock is ahead of the machine's, in seconds: minutes, so that nobody may mistake one for the
/// other.
pub const AHEAD: i64 = 180;

const DATABASE: &str = "llavero";

/// `clock_timestamp()` of this database alone is off: ours comes before the built-in one.
const OWN_CLOCK: &[&str] = &[
    "CREATE TABLE clock_shift (ahead interval NOT NULL)",
    "INSERT INTO clock_shift VALUES ('180 s')",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
     AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM public.clock_shift)'",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
];

/// A time in which the database could not be reached.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
}

pub struct Database {
    data: tempfile::TempDir,
    clock: Clock,
    cluster: Mutex<Option<Cluster>>,
    outages: Mutex<Vec<Outage>>,
    cuts: Mutex<Vec<DateTime<Utc>>>,
}

impl Database {
    /// Blocks.
    pub fn start(clock: Clock) -> Self {
        let made = Self {
            data: tempfile::tempdir().unwrap(),
            clock,
            cluster: Mutex::default(),
            outages: Mutex::default(),
            cuts: Mutex::default(),
        };
        made.resume();
        made.migrate();
        for statement in OWN_CLOCK {
            made.execute(statement).unwrap();
        }
        made
    }

    fn migrate(&self) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let migrations = FileBasedMigrations::from_path(folder).unwrap();
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        connection.run_pending_migrations(migrations).unwrap();
    }

    pub fn url(&self) -> String {
        let cluster = locked(&self.cluster);
        let running = cluster.as_ref().expect("the database runs");
        running.url_for(DATABASE).expose().to_owned()
    }

    /// Stops the server, as an administrator does or as a crash does. Blocks.
    pub fn stop(&self, crash: bool) {
        locked(&self.outages).push(Outage {
            from: self.clock.now(),
            until: None,
        });
        let Some(cluster) = locked(&self.cluster).take() else {
            return;
        };
        if crash {
            let server = Pid::from_raw(cluster.pid().cast_signed()).unwrap();
            kill_process(server, Signal::QUIT).unwrap();
        }
        cluster.stop().unwrap();
    }

    /// Starts it, at the same address. Blocks.
    pub fn resume(&self) {
        let programs = Programs::find().unwrap();
        let folder = self.data.path().join("data");
        let cluster = Cluster::start(&programs, &folder, &Settings::development(), Random::system().bytes()).unwrap();
        *locked(&self.cluster) = Some(cluster);
        if let Some(last) = locked(&self.outages).last_mut() {
            last.until = Some(self.clock.now());
        }
    }

    /// Ends the connections of everybody else.
    pub fn cut(&self) {
        locked(&self.cuts).push(self.clock.now());
        let _ = self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }

    pub fn cuts(&self) -> Vec<DateTime<Utc>> {
        locked(&self.cuts).clone()
    }

    pub fn outages(&self) -> Vec<Outage> {
        locked(&self.outages).clone()
    }

    pub fn execute(&self, statement: &str) -> Result<usize, String> {
        let mut connection = self.connect()?;
        diesel::sql_query(statement)
            .execute(&mut connection)
            .map_err(|error| format!("{statement}: {error}"))
    }

    /// The rows of a query as JSON objects; an error while the database is away.
    pub fn rows(&self, query: &str) -> Result<Vec<Value>, String> {
        #[derive(QueryableByName)]
        struct Json {
            #[diesel(sql_type = diesel::sql_types::Text)]
            json: String,
        }
        let wrapped = format!("SELECT coalesce(json_agg(t), '[]')::text AS json FROM ({query}) t");
        let found: Json = diesel::sql_query(&wrapped)
            .get_result(&mut self.connect()?)
            .map_err(|error| format!("{query}: {error}"))?;
        serde_json::from_str(&found.json).map_err(|error| error.to_string())
    }

    /// The number that a query calls `n`.
    pub fn count(&self, query: &str) -> Result<i64, String> {
        let rows = self.rows(query)?;
        Ok(rows.first().and_then(|row| row["n"].as_i64()).unwrap_or_default())
    }

    fn connect(&self) -> Result<PgConnection, String> {
        if locked(&self.cluster).is_none() {
            return Err("the database is stopped".to_owned());
        }
        PgConnection::establish(&self.url()).map_err(|error| error.to_string())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(locked(&self.cluster).take());
        // Root's cluster lies elsewhere, because the server runs as another account.
        let memory = std::fs::read_to_string(self.data.path().join("data/postgres.toml")).unwrap_or_default();
        let memory: toml::Table = memory.parse().unwrap_or_default();
        if let Some(folder) = memory.get("folder").and_then(|folder| folder.as_str()) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A panic elsewhere fails the run in any case.
pub fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
