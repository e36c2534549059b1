//! The only SQL of the program, behind one door: `Db::run` for one statement, `Db::transaction` for several that stand or
//! fall together. Diesel is synchronous, so both run on the blocking pool; no pooled connection outlives the closure, so
//! none is ever held while a platform is called. The pool fails fast: an outage is told within seconds, never as
//! "not found".

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::Connection;
use diesel::connection::{CacheSize, SimpleConnection};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use self::listen::Hear;
use self::own_news::OwnNews;
use crate::domain::secret::Secret;

pub mod access_tokens;
pub mod admin_roles;
pub mod admin_stores;
pub mod admins;
pub mod api_keys;
pub mod app_list;
pub mod apps;
pub mod audit;
pub mod audit_chain;
mod connect_session_ends;
pub mod connect_session_stores;
pub mod connect_session_tokens;
pub mod connect_sessions;
pub mod credentials;
pub mod custom_platforms;
pub mod events;
pub mod figures;
pub mod frozen;
pub mod idempotent_requests;
pub mod jobs;
pub mod key_checks;
pub mod last_used;
pub mod leases;
pub mod listen;
pub mod lost_jobs;
pub mod moving;
pub mod notices;
pub mod overview;
mod own_news;
pub mod partners;
pub mod pauses;
pub mod platform_apps;
pub mod refresh_logs;
pub mod refusals;
pub mod schema;
pub mod sealed;
pub mod session_list;
pub mod sessions;
pub mod store_health;
pub mod store_list;
pub mod stores;
pub mod timeline;
pub mod token_calls;
pub mod types;
pub mod webhook_deliveries;
pub mod webhook_endpoints;

/// How often at most a repeatable transaction is run.
const RUNS: u32 = 5;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// A connection as the queries of this layer take it.
pub type Conn = diesel::PgConnection;
pub type Result<T> = std::result::Result<T, Error>;

/// Why a query gave no answer. A missing row is no error: finders return `Option`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is out of reach, or too slow; trying again later may help.
    #[error("the database is out of reach: {0}")]
    Unavailable(String),
    /// A unique constraint stands against it.
    #[error("a row with the same key exists already ({constraint})")]
    Conflict { constraint: String },
    /// Anything else: a defect of the program or of the data.
    #[error("query failed: {0}")]
    Query(DieselError),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => Self::Conflict {
                constraint: info.constraint_name().unwrap_or("unnamed").to_owned(),
            },
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                info,
            ) => Self::Unavailable(info.message().to_owned()),
            // Postgres says these while it stops, starts or cancels a slow statement; Diesel has no kind for them.
            DieselError::DatabaseError(_, info) if is_passing(info.message()) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                Self::Unavailable(UNDONE.to_owned())
            }
            DieselError::DatabaseError(_, info) if info.message().contains("deadlock detected") => {
                Self::Unavailable(UNDONE.to_owned())
            }
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection broke".to_owned()),
            other => Self::Query(other),
        }
    }
}

/// Why a transaction gave no answer that Postgres undid for another's sake.
const UNDONE: &str = "the transaction and another waited for each other, and this one was undone";

/// Whether a transaction failed only because Postgres undid it for another's sake: run again, it waits its turn.
pub trait Undone {
    fn was_undone(&self) -> bool;
}

impl Undone for Error {
    fn was_undone(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why == UNDONE)
    }
}

fn is_passing(message: &str) -> bool {
    [
        "terminating connection",
        "server closed the connection",
        "canceling statement due to statement timeout",
        "the database system is",
        "connection to server",
        "no connection to the server",
        "could not receive data",
        "could not send data",
        "SSL connection has been closed",
    ]
    .iter()
    .any(|part| message.contains(part))
}

/// Gives the frozen time of a test, to be used by every statement; `None`: the database's own clock.
pub type FrozenNow = Arc<dyn Fn() -> Option<DateTime<Utc>> + Send + Sync>;

/// The door to the database. Cloning is cheap.
#[derive(Clone)]
pub struct Db {
    pool: Pool<ConnectionManager<Conn>>,
    frozen_now: FrozenNow,
    hear: Option<Hear>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// A pool of up to `size` connections. Connects lazily: an unreachable database shows at the first use.
    pub fn new(url: &Secret, size: u32, frozen_now: FrozenNow) -> Self {
        Self::with(url, size, frozen_now, Box::new(Limits))
    }

    /// The same through a pooler that lends a connection of the server for one transaction only: nothing is left behind
    /// in a session, neither prepared statements nor settings.
    pub fn behind_pooler(url: &Secret, size: u32, frozen_now: FrozenNow) -> Self {
        Self::with(url, size, frozen_now, Box::new(NothingKept))
    }

    fn with(
        url: &Secret,
        size: u32,
        frozen_now: FrozenNow,
        customizer: Box<dyn CustomizeConnection<Conn, diesel::r2d2::Error>>,
    ) -> Self {
        keep_tls();
        let manager = ConnectionManager::new(with_limits(url.expose()));
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(2))
            .test_on_check_out(true)
            .error_handler(Box::new(LogPoolErrors))
            .connection_customizer(customizer)
            .build_unchecked(manager);
        Self {
            pool,
            frozen_now,
            hear: None,
        }
    }

    /// Tells `hear` the news that this process sends itself as soon as the work that sends them is over, without the way
    /// through the database.
    pub fn telling(self, hear: Hear) -> Self {
        Self {
            hear: Some(hear),
            ..self
        }
    }

    /// Runs `work` with a connection on the blocking pool.
    pub async fn run<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let db = self.clone();
        tokio::task::spawn_blocking(move || db.run_blocking(work))
            .await
            .unwrap_or_else(|joined| Err(Error::Unavailable(format!("the query's thread ended: {joined}")).into()))
    }

    /// Runs `work` in a transaction: its error, of either kind, rolls everything back.
    pub async fn transaction<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run(move |conn| within(conn, work)).await
    }

    /// The same for `work` that may run more than once: if Postgres undoes it because it and another transaction wait for
    /// each other's rows, it is run again. For what must not fail by an accident of timing.
    pub async fn repeatable<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: Fn(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Undone + Send + 'static,
    {
        self.run(move |conn| {
            for _ in 1..RUNS {
                match within(conn, &work) {
                    Err(error) if error.was_undone() => tracing::info!("a transaction was undone, and runs again"),
                    ended => return ended,
                }
            }
            within(conn, &work)
        })
        .await
    }

    /// As [`Db::run`], on the calling thread: for threads that may block, such as commands.
    pub fn run_blocking<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: FnOnce(&mut Conn) -> std::result::Result<T, E>,
        E: From<Error>,
    {
        let mut conn = self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
        if let Some(now) = (self.frozen_now)() {
            set_now(&mut conn, now)?;
        }
        // Told when it is dropped: after the commit, and also if nobody knows whether there was one.
        let _own = self.hear.clone().map(|hear| OwnNews::of(&mut conn, hear));
        work(&mut conn)
    }
}

fn within<T, E: From<Error>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    conn.transaction(|conn| work(conn).map_err(Rollback::Work))
        .map_err(|rollback| match rollback {
            Rollback::Work(error) => error,
            Rollback::Query(error) => Error::from(error).into(),
        })
}

enum Rollback<E> {
    Work(E),
    Query(DieselError),
}

impl<E> From<DieselError> for Rollback<E> {
    fn from(error: DieselError) -> Self {
        Self::Query(error)
    }
}

/// Freezes `llavero_now()` for this connection.
fn set_now(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    // The text is made by chrono, so it holds nothing that would need escaping.
    Ok(conn.batch_execute(&format!("SET llavero.now = '{}'", now.to_rfc3339()))?)
}

/// The database's time, with the connection's round trip left to the caller to judge.
pub fn now(conn: &mut Conn) -> Result<DateTime<Utc>> {
    use diesel::prelude::*;
    Ok(diesel::select(types::llavero_now()).get_result(conn)?)
}

/// Left to libpq, OpenSSL frees its tables at exit, also under a thread that is connecting: a crash in place of the end.
fn keep_tls() {
    openssl_sys::init();
}

/// libpq's own limits, added where the address does not set them.
fn with_limits(url: &str) -> String {
    let mut url = url.to_owned();
    if !url.contains("://") {
        // The key=value form of libpq.
        for (name, value) in [
            ("connect_timeout", "3"),
            ("tcp_user_timeout", "5000"),
            ("application_name", "llavero"),
        ] {
            if !url.contains(name) {
                url.push_str(&format!(" {name}={value}"));
            }
        }
        return url;
    }
    for (name, value) in [
        ("connect_timeout", "3"),
        ("tcp_user_timeout", "5000"),
        ("application_name", "llavero"),
    ] {
        if !url.contains(name) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    url
}

#[derive(Debug)]
struct Limits;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for Limits {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        conn.batch_execute("SET statement_timeout = '5s'; SET TIME ZONE 'UTC'")
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Behind a pooler, `statement_timeout` belongs to the role or to the pooler (README): set here, it would stay with a
/// connection that others use, and not come along to the next.
#[derive(Debug)]
struct NothingKept;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for NothingKept {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        // Parse and execution go out together then, as one unnamed statement.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        Ok(())
    }
}

#[derive(Debug)]
struct LogPoolErrors;

impl<E: std::error::Error> r2d2::HandleError<E> for LogPoolErrors {
    fn handle_error(&self, error: E) {
        tracing::warn!(error = %error, "a database connection could not be made");
    }
}

/// Applies the pending migrations; returns their names.
pub fn migrate(url: &Secret) -> Result<Vec<String>> {
    let mut conn = connect(url)?;
    let done = conn
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// Takes back every migration, newest first.
pub fn revert_all(url: &Secret) -> Result<Vec<String>> {
    let mut conn = connect(url)?;
    let done = conn
        .revert_all_migrations(MIGRATIONS)
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// The names of migrations not yet applied.
pub fn pending_migrations(conn: &mut Conn) -> Result<Vec<String>> {
    let pending = conn
        .pending_migrations(MIGRATIONS)
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// A connection of its own, outside the pool.
pub fn connect(url: &Secret) -> Result<Conn> {
    keep_tls();
    Conn::establish(&with_limits(url.expose())).map_err(|error| Error::Unavailable(error.to_string()))
}
