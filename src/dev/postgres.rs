//! A private PostgreSQL for development and tests: made with `initdb`, reachable on loopback only, behind a random
//! password. It is a real server and not a double, because leases, SKIP LOCKED and NOTIFY are what needs trying.
//! PostgreSQL refuses to run as root, so root hands it to another account, in a folder that this account can enter
//! (`account.rs`). A guardian process stops the server whatever happens to us (`server.rs`).
//!
//! Everything here blocks: call it before the runtime starts, or from a blocking thread.

mod account;
mod folder;
mod programs;
mod server;

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde::Deserialize;

use self::account::Account;
pub use self::programs::{MissingPrograms, Programs, find_server_programs};
use self::server::{Guardian, Start};
use crate::domain::secret::Secret;

/// The superuser of the cluster, and the database that a development cluster is made with.
const NAME: &str = "llavero";
/// Kept in the data directory: where the cluster is, and how to reach it.
const MEMORY: &str = "postgres.toml";
/// Locked while a process uses the data directory's cluster; the kernel frees it however that process ends.
const LOCK: &str = "postgres.lock";

#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
    #[error("{program} failed: {output}")]
    Program { program: &'static str, output: String },
    #[error("another process is using {}; stop it first, or choose another data directory", .0.display())]
    InUse(PathBuf),
    #[error("{} belongs to somebody else; remove it, or choose another data directory", .0.display())]
    NotOurs(PathBuf),
    #[error("{} cannot be read ({why}); remove the data directory to start afresh", file.display())]
    Memory { file: PathBuf, why: String },
    #[error(
        "the database was made by PostgreSQL {made_by}, which is not installed any more (found: {found}); install it, or remove the data directory to start afresh"
    )]
    Version { made_by: u32, found: String },
    #[error("PostgreSQL runs already (process {0}) and does not stop")]
    DoesNotStop(i32),
    #[error("PostgreSQL did not start: {0}")]
    DidNotStart(String),
}

pub(crate) fn failed(doing: impl Into<String>) -> impl FnOnce(io::Error) -> PostgresError {
    let doing = doing.into();
    |source| PostgresError::Io { doing, source }
}

/// How a cluster runs. None of it is stored: each start may choose anew.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a commit survives a power cut. Tests do without.
    pub durable: bool,
    pub max_connections: u16,
    pub tls: Option<Tls>,
}

/// What the server shows to clients that ask for TLS, as PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    pub certificate: String,
    pub key: Secret,
}

impl Settings {
    pub fn development() -> Self {
        Self {
            durable: true,
            max_connections: 100,
            tls: None,
        }
    }

    pub fn fast() -> Self {
        Self {
            durable: false,
            max_connections: 400,
            tls: None,
        }
    }

    fn arguments(&self, port: u16) -> Vec<String> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
            format!("max_connections={}", self.max_connections),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "logging_collector=off".to_owned(),
        ];
        if !self.durable {
            settings.extend(["fsync", "synchronous_commit", "full_page_writes"].map(|name| format!("{name}=off")));
        }
        if self.tls.is_some() {
            settings.extend(["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"].map(str::to_owned));
        }
        settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting])
            .collect()
    }
}

#[derive(Deserialize)]
struct Memory {
    folder: PathBuf,
    port: u16,
    password: Secret,
}

/// A running server. Dropping it stops the server; so does the end of this process, by whatever signal.
#[derive(Debug)]
pub struct Cluster {
    guardian: Guardian,
    port: u16,
    password: Secret,
    _lock: Option<fs::File>,
}

impl Cluster {
    /// Starts the cluster that belongs to `data_dir`, and makes it (with an empty database `llavero`) if there is
    /// none yet. What a killed run left behind is stopped first. `entropy` is used for a new cluster only.
    pub fn start(
        programs: &Programs,
        data_dir: &Path,
        settings: &Settings,
        entropy: [u8; 32],
    ) -> Result<Self, PostgresError> {
        let data_dir = folder::data_directory(data_dir)?;
        let lock = lock(&data_dir)?;
        let memory = match remembered(&data_dir.join(MEMORY))? {
            Some(memory) if memory.folder.join("data/PG_VERSION").exists() => memory,
            _ => {
                let folder = folder::place_for(&data_dir);
                let account = Account::for_new_server()?;
                folder::clear(&folder, account.as_ref())?;
                let memory = create(programs, &folder, account.as_ref(), settings, entropy)?;
                remember(&data_dir, &memory)?;
                memory
            }
        };
        let account = Account::owner_of(&memory.folder)?;
        let version = made_by(&memory.folder)?;
        let programs = programs.of(version).ok_or_else(|| PostgresError::Version {
            made_by: version,
            found: programs.versions(),
        })?;
        server::stop_leftover(&memory.folder)?;
        let start = Start {
            programs,
            folder: &memory.folder,
            account: account.as_ref(),
            settings,
            temporary: false,
        };
        let (guardian, port) = start.run(Some(memory.port))?;
        if port != memory.port {
            let memory = Memory {
                port,
                folder: memory.folder.clone(),
                password: memory.password.clone(),
            };
            remember(&data_dir, &memory)?;
        }
        Ok(Self {
            guardian,
            port,
            password: memory.password,
            _lock: Some(lock),
        })
    }

    /// Starts a cluster of its own, in a new folder under `parent`, which is removed when the server stops.
    /// Root's `parent` must be a folder that every account can enter.
    pub fn temporary(
        programs: &Programs,
        parent: &Path,
        settings: &Settings,
        entropy: [u8; 32],
    ) -> Result<Self, PostgresError> {
        let parent = parent
            .canonicalize()
            .map_err(failed(format!("finding {}", parent.display())))?;
        let folder = parent.join(format!("llavero-test-{}", hex(&entropy[24..])));
        let account = Account::for_new_server()?;
        let start = Start {
            programs: programs.preferred(),
            folder: &folder,
            account: account.as_ref(),
            settings,
            temporary: true,
        };
        let made = create(programs, &folder, account.as_ref(), settings, entropy);
        let started = made.and_then(|memory| Ok((start.run(None)?, memory.password)));
        match started {
            Ok(((guardian, port), password)) => Ok(Self {
                guardian,
                port,
                password,
                _lock: None,
            }),
            Err(error) => {
                // The first error is the one to tell.
                let _ = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    /// The address of one of its databases; it holds the password.
    pub fn url_for(&self, database: &str) -> Secret {
        Secret::new(format!(
            "postgres://{NAME}:{}@127.0.0.1:{}/{database}",
            self.password.expose(),
            self.port
        ))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server itself.
    pub fn pid(&self) -> u32 {
        self.guardian.server
    }

    /// The process id of the guardian, which leads a process group of its own.
    pub fn guardian_pid(&self) -> u32 {
        self.guardian.pid()
    }

    /// Stops the server cleanly (open connections are ended) and waits until it is gone.
    pub fn stop(mut self) -> Result<(), PostgresError> {
        self.guardian.stop().map_err(failed("stopping PostgreSQL"))
    }
}

/// Makes a cluster in `folder`, which must not exist, and its first database.
fn create(
    programs: &Programs,
    folder: &Path,
    account: Option<&Account>,
    settings: &Settings,
    entropy: [u8; 32],
) -> Result<Memory, PostgresError> {
    let password = Secret::new(hex(&entropy[..24]));
    folder::make(folder, account)?;
    let password_file = folder.join("password");
    folder::write_private(&password_file, password.expose(), account)?;
    let programs = programs.preferred();
    let mut initdb = account::command(programs.program("initdb"), programs, folder, account);
    initdb.args([
        "--pgdata=data",
        "--pwfile=password",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    initdb.arg(format!("--username={NAME}"));
    if !settings.durable {
        initdb.arg("--no-sync");
    }
    let made = initdb.stdin(Stdio::null()).output().map_err(failed("running initdb"))?;
    fs::remove_file(&password_file).map_err(failed("removing the password file"))?;
    succeeded("initdb", &made)?;

    let mut single = account::command(programs.program("postgres"), programs, folder, account);
    single.args(["--single", "-D", "data", "postgres"]);
    single
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = single.spawn().map_err(failed("running postgres"))?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "CREATE DATABASE {NAME}").map_err(failed("making the database"))?;
    }
    let made = child.wait_with_output().map_err(failed("making the database"))?;
    succeeded("postgres --single", &made)?;
    Ok(Memory {
        folder: folder.to_owned(),
        port: free_port()?,
        password,
    })
}

fn succeeded(program: &'static str, made: &Output) -> Result<(), PostgresError> {
    let told = String::from_utf8_lossy(&made.stderr);
    // A single-user server ends well even when its statement failed.
    if made.status.success() && !told.contains("ERROR:") {
        return Ok(());
    }
    Err(PostgresError::Program {
        program,
        output: last_lines(&told),
    })
}

/// The end of a longer text, as one line that fits an error message.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("; ")
}

fn made_by(folder: &Path) -> Result<u32, PostgresError> {
    let file = folder.join("data/PG_VERSION");
    let text = fs::read_to_string(&file).map_err(failed(format!("reading {}", file.display())))?;
    text.trim().parse().map_err(|_| PostgresError::Memory {
        file,
        why: "not a version".to_owned(),
    })
}

fn lock(data_dir: &Path) -> Result<fs::File, PostgresError> {
    let path = data_dir.join(LOCK);
    let open = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path);
    let file = open.map_err(failed(format!("opening {}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(PostgresError::InUse(data_dir.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(failed(format!("locking {}", path.display()))(error)),
    }
}

fn remembered(file: &Path) -> Result<Option<Memory>, PostgresError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(format!("reading {}", file.display()))(error)),
    };
    // The parser's own message would quote the line, and that may be the password.
    let memory = toml::from_str(&text).map_err(|_| PostgresError::Memory {
        file: file.to_owned(),
        why: "not what was written".to_owned(),
    })?;
    Ok(Some(memory))
}

/// Written aside and renamed, so that a kill in the middle loses nothing.
fn remember(data_dir: &Path, memory: &Memory) -> Result<(), PostgresError> {
    let folder = toml::Value::String(memory.folder.to_string_lossy().into_owned());
    let text = format!(
        "folder = {folder}\nport = {}\npassword = \"{}\"\n",
        memory.port,
        memory.password.expose()
    );
    let aside = data_dir.join("postgres.toml.new");
    let owner = Account::owner_of(data_dir)?;
    folder::write_private(&aside, &text, owner.as_ref())?;
    fs::rename(&aside, data_dir.join(MEMORY)).map_err(failed("remembering where PostgreSQL is"))
}

/// A port that was free a moment ago. Somebody may take it before the server does; then another one is tried.
fn free_port() -> Result<u16, PostgresError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("looking for a free port"))?;
    Ok(listener.local_addr().map_err(failed("looking for a free port"))?.port())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn private_mode(mode: u32) -> fs::Permissions {
    fs::Permissions::from_mode(mode)
}
