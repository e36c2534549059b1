//! What each command does, and the start-up that they share. A command that cannot do its work stops with lines that
//! say what is wrong and what to do.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use llavero::app::{Accepted, App, Arrivals, HookKeys, HostClocks, InFlight, Memory, Rates, TokenGates, TokenTurns};
use llavero::broker::custom_platforms;
use llavero::clock::Clock;
use llavero::config::{Config, LogFormat};
use llavero::crypto::{KeyRing, Random, Sealer};
use llavero::db::last_used::LastUsed;
use llavero::db::listen::Listener;
use llavero::db::{self, Db};
use llavero::domain::secret::Secret;
use llavero::journal::Journal;
use llavero::mail::Mailer;
use llavero::metrics::Metrics;
use llavero::outbound::{Outbound, OutboundConfig};
use llavero::platform::Catalogue;
use llavero::telemetry;

pub mod api_keys;
pub mod audit;
pub mod bulk;
pub mod database;
pub mod dev;
pub mod doctor;
pub mod jobs;
pub mod keys;
pub mod moving;
pub mod nango;
pub mod papers;
pub mod people;
pub mod platforms;
pub mod sandbox;
pub mod serve;
pub mod stores;

/// Why a command stopped, a line each.
pub struct Stop {
    pub lines: Vec<String>,
}

impl Stop {
    pub fn line(line: impl Into<String>) -> Self {
        Self {
            lines: vec![line.into()],
        }
    }

    /// `doing`, then what went wrong.
    pub fn because<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::line(format!("{doing}: {error}"))
    }
}

/// Prints to standard output; a closed pipe is nobody's fault.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints lines to standard error and gives the exit code of a refusal.
pub fn refuse(lines: &[String]) -> ExitCode {
    for line in lines {
        let _ = writeln!(std::io::stderr(), "llavero: {line}");
    }
    ExitCode::FAILURE
}

/// Logs to standard error from now on.
pub fn start_logging(config: &Config) -> Result<(), Stop> {
    telemetry::init(&config.log, config.log_format == LogFormat::Json).map_err(Stop::because("LLAVERO_LOG"))
}

/// The database's address, or how to give it.
pub fn database_url(config: &Config) -> Result<Secret, Stop> {
    config
        .database_url
        .clone()
        .ok_or_else(|| Stop::line("DATABASE_URL is missing: the address of the Postgres database, postgres://..."))
}

/// The database for a command that only looks; `None`: no address is set.
pub fn one_connection(config: &Config) -> Option<Db> {
    let url = config.database_url.as_ref()?;
    Some(match &config.database_listen_url {
        Some(_) => Db::behind_pooler(url, 1, Arc::new(|| None)),
        None => Db::new(url, 1, Arc::new(|| None)),
    })
}

/// The way to the database itself, past a pooler.
pub fn direct_database_url(config: &Config) -> Result<Secret, Stop> {
    let url = database_url(config)?;
    Ok(config.database_listen_url.clone().unwrap_or(url))
}

/// The key ring, or how to make one.
pub fn load_ring(config: &Config) -> Result<KeyRing, Stop> {
    let path = config.keys_file.as_deref().ok_or_else(|| {
        Stop::line("LLAVERO_KEYS_FILE is missing: the path of the key ring; `llavero key new` makes one")
    })?;
    KeyRing::load(path).map_err(|error| Stop::line(format!("the key ring {}: {error}", path.display())))
}

/// A runtime for commands and for refreshes that outlive their callers.
pub fn runtime(threads: usize, name: &str) -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(Stop::because("starting threads"))
}

/// Makes every tool, and proves before anything is served that the database is there, migrated, and sealed with keys
/// that this ring holds.
pub fn tools(config: Config, detached: tokio::runtime::Handle) -> Result<Arc<App>, Stop> {
    let url = database_url(&config)?;
    let random = Random::system();
    let clock = Clock::system();
    let sealer = Sealer::new(load_ring(&config)?, random.clone());
    let frozen = clock.clone();
    let memory = Memory::new(config.outage_grace);
    let frozen = Arc::new(move || frozen.frozen_now());
    let db = match &config.database_listen_url {
        Some(_) => Db::behind_pooler(&url, config.db_pool, frozen),
        None => Db::new(&url, config.db_pool, frozen),
    };
    let db = db.telling(memory.hear());
    check_database(&db, &sealer)?;
    let catalogue = Catalogue::embedded().map_err(|errors| Stop {
        lines: errors.iter().map(ToString::to_string).collect(),
    })?;
    custom_platforms::load_blocking(&db, &catalogue).map_err(Stop::because("the database"))?;
    let extra_ca_pem = match &config.extra_ca_file {
        Some(path) => {
            let pem = std::fs::read(path)
                .map_err(|error| Stop::line(format!("LLAVERO_EXTRA_CA_FILE {}: {error}", path.display())))?;
            Some(pem)
        }
        None => None,
    };
    let outbound = OutboundConfig {
        allow_private_hosts: config.allow_private_hosts,
        extra_ca_pem,
        egress_proxy: config.egress_proxy.clone(),
        sandbox_url: config.sandbox_url.clone(),
    };
    let ticking = clock.clone();
    let outbound = Outbound::new(outbound, Arc::new(move || ticking.monotonic()))
        .map_err(Stop::because("preparing calls to platforms"))?;
    let mailer = mailer(&config)?;
    // One that can't be written stops refreshing, not serving: see `Journal::writable`.
    let journal = Journal::open(&config.journal_dir, random.id(clock.now()));
    let listen_url = config.database_listen_url.clone().unwrap_or(url);
    Ok(Arc::new(App {
        listener: Listener::start(listen_url, clock.clone(), memory.hear()),
        memory,
        in_flight: InFlight::default(),
        token_gates: TokenGates::default(),
        token_turns: TokenTurns::default(),
        accepted: Accepted::default(),
        host_clocks: HostClocks::default(),
        metrics: Metrics::default(),
        arrivals: Arrivals::default(),
        hook_keys: HookKeys::default(),
        rates: Rates::new(clock.clone(), config.app_rate, config.store_rate),
        last_used: LastUsed::default(),
        db,
        sealer,
        catalogue,
        outbound,
        mailer,
        clock,
        random,
        config,
        journal,
        detached,
    }))
}

fn mailer(config: &Config) -> Result<Mailer, Stop> {
    match (&config.smtp_url, &config.mail_from) {
        (Some(url), Some(from)) => Mailer::smtp(url, from).map_err(Stop::because("LLAVERO_SMTP_URL")),
        _ => Ok(Mailer::folder(config.data_dir.join("mails"))),
    }
}

/// The database answers, is migrated, and every key in use is in the ring.
fn check_database(db: &Db, sealer: &Sealer) -> Result<(), Stop> {
    let pending = db
        .run_blocking(db::pending_migrations)
        .map_err(Stop::because("the database"))?;
    if !pending.is_empty() {
        return Err(Stop::line(format!(
            "the database lacks {} migrations: run `llavero migrate` first",
            pending.len()
        )));
    }
    let known = db
        .run_blocking(db::key_checks::list)
        .map_err(Stop::because("the database"))?;
    for (id, sealed) in &known {
        sealer.open_check(id, sealed).map_err(|error| {
            Stop::line(format!(
                "the key ring can't open what is sealed with key `{id}` ({error}): put the ring back that was used with this database"
            ))
        })?;
    }
    let checks = sealer.check_values();
    db.run_blocking(|conn| {
        checks
            .iter()
            .try_for_each(|(id, sealed)| db::key_checks::insert(conn, id, sealed))
    })
    .map_err(Stop::because("the database"))
}
