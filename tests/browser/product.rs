//! The real binary as a walk starts it: development with a data directory of its own, or production against a database
//! of the run. Settings of the machine do not reach it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Process;
use super::programs;

const BINARY: &str = env!("CARGO_BIN_EXE_llavero");

/// The data directory of a development set-up, which outlives its starts. Removed at the end, and with it the cluster's
/// folder, which is elsewhere if the run is root's.
#[derive(Debug)]
pub struct DevelopmentFolder {
    data: tempfile::TempDir,
    bind: String,
}

/// `llavero dev` while it runs.
#[derive(Debug)]
pub struct Development {
    pub process: Process,
    /// What stands in `dev.env`.
    pub environment: BTreeMap<String, String>,
}

impl DevelopmentFolder {
    pub fn new() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            bind: free_address(),
        }
    }

    pub fn path(&self) -> &Path {
        self.data.path()
    }

    pub async fn start(&self) -> Development {
        self.start_with(&[]).await
    }

    /// With further settings.
    pub async fn start_with(&self, settings: &[(&str, &str)]) -> Development {
        let folder = self.path().join("data");
        let mut environment = vec![
            ("LLAVERO_DATA_DIR", folder.to_str().unwrap()),
            ("LLAVERO_BIND", self.bind.as_str()),
        ];
        environment.extend(settings);
        let mut process = Process::start(&[BINARY, "dev"], &environment, &self.path().join("dev.log"));
        process.line_with("Llavero is running").await;
        Development {
            process,
            environment: shell_values(&folder.join("dev.env")),
        }
    }
}

impl Drop for DevelopmentFolder {
    fn drop(&mut self) {
        let memory = fs::read_to_string(self.path().join("data/postgres.toml")).unwrap_or_default();
        let memory: toml::Table = memory.parse().unwrap_or_default();
        if let Some(folder) = memory.get("folder").and_then(|folder| folder.as_str()) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl Development {
    /// A value of `dev.env`.
    pub fn value(&self, name: &str) -> &str {
        let value = self.environment.get(name);
        value.unwrap_or_else(|| panic!("dev.env lacks {name}: {:?}", self.environment.keys()))
    }
}

/// Names and values of a file in shell syntax, as `dev.env` writes it.
fn shell_values(file: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect()
}

/// `llavero serve --work` with its keys.
#[derive(Debug)]
pub struct Production {
    // Before its folder: it ends first.
    process: Option<Process>,
    data: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
    /// Scheme and address, without a slash at the end.
    pub url: String,
}

impl Production {
    /// Prepared for a migrated database, with a new key ring; not started yet.
    pub fn prepare(database_url: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let bind = free_address();
        let url = format!("http://{bind}");
        let folder = |name: &str| -> PathBuf { data.path().join(name) };
        let settings = vec![
            ("DATABASE_URL", database_url.to_owned()),
            ("LLAVERO_BIND", bind),
            ("LLAVERO_PUBLIC_URL", url.clone()),
            ("LLAVERO_KEYS_FILE", folder("keys.toml").to_str().unwrap().to_owned()),
            ("LLAVERO_DATA_DIR", folder("data").to_str().unwrap().to_owned()),
            ("LLAVERO_JOURNAL_DIR", folder("journal").to_str().unwrap().to_owned()),
            ("LLAVERO_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
        ];
        let production = Self {
            data,
            settings,
            url,
            process: None,
        };
        production.command(&["key", "new"]);
        production
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    /// What a command prints; it must succeed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", programs::path())
            .envs(self.settings());
        let done = command.current_dir(self.data.path()).output().unwrap();
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "llavero {}: {printed}{told}",
            arguments.join(" ")
        );
        printed
    }

    pub async fn start(&mut self) {
        let log = self.data.path().join("serve.log");
        let mut process = Process::start(&[BINARY, "serve", "--work"], &self.settings(), &log);
        process.line_with("llavero is ready").await;
        self.process = Some(process);
    }
}

/// An address on loopback that nothing listens on at the moment.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}
