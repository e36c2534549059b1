//! Every setting, read once from the environment and handed down typed. All that is wrong is told at once, one line a
//! setting; a `LLAVERO_*` name that nobody knows is an error, because a misspelt setting that is silently ignored is
//! worse than a start that fails. An empty value counts as not set. `.env.example` lists the same names (tested).

mod network;
mod parse;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::domain::secret::Secret;
pub use network::Network;
use parse::Settings;

/// What is written to the log, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// All settings. Optional ones are `None` when not set; the others have their documented default.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`. Carries a password, hence secret.
    pub database_url: Option<Secret>,
    /// `LLAVERO_DATABASE_LISTEN_URL`: the way past a pooler, for LISTEN. Defaults to `DATABASE_URL`.
    pub database_listen_url: Option<Secret>,
    /// `LLAVERO_BIND`, default 127.0.0.1:8080.
    pub bind: SocketAddr,
    /// `LLAVERO_PUBLIC_URL`: scheme and host as browsers see them; no path.
    pub public_url: Option<Url>,
    /// `LLAVERO_KEYS_FILE`: the key ring.
    pub keys_file: Option<PathBuf>,
    /// `LLAVERO_DATA_DIR`, default `.llavero`.
    pub data_dir: PathBuf,
    /// `LLAVERO_SMTP_URL`. Carries a password, hence secret.
    pub smtp_url: Option<Secret>,
    /// `LLAVERO_MAIL_FROM`: an address, or `Name <address>`.
    pub mail_from: Option<String>,
    /// `LLAVERO_WORKERS`: web worker threads; `None` means one a core.
    pub workers: Option<NonZeroUsize>,
    /// `LLAVERO_DB_POOL`: connections of this process, default 16.
    pub db_pool: u32,
    /// `LLAVERO_JOURNAL_DIR`, default `journal` in the data directory.
    pub journal_dir: PathBuf,
    /// `LLAVERO_JOURNAL_WAIT` in seconds, default 900.
    pub journal_wait: Duration,
    /// `LLAVERO_OUTAGE_GRACE` in seconds, default 300; zero turns it off.
    pub outage_grace: Duration,
    /// `LLAVERO_APP_RATE`: requests a minute of one app to the partner API, default 6000; zero: no limit.
    pub app_rate: u32,
    /// `LLAVERO_STORE_RATE`: calls a minute with one store's token, default 3000; zero: no limit.
    pub store_rate: u32,
    /// `LLAVERO_ALLOW_PRIVATE_HOSTS`, default false.
    pub allow_private_hosts: bool,
    /// `LLAVERO_EXTRA_CA_FILE`: PEM.
    pub extra_ca_file: Option<PathBuf>,
    /// `LLAVERO_EGRESS_PROXY`: `http://[user:password@]host:port`.
    pub egress_proxy: Option<Url>,
    /// `LLAVERO_LOG`: filter directives, default `info`.
    pub log: String,
    /// `LLAVERO_LOG_FORMAT`, default text.
    pub log_format: LogFormat,
    /// `LLAVERO_METRICS_BIND`: own port for metrics, which anybody who reaches it may read; `None` means none.
    pub metrics_bind: Option<SocketAddr>,
    /// `LLAVERO_TRUSTED_PROXIES`: whose `Forwarded` headers are believed; comma-separated addresses or networks.
    pub trusted_proxies: Vec<Network>,
    /// `LLAVERO_SANDBOX_URL`: where sandbox apps find their platforms.
    pub sandbox_url: Option<Url>,
}

/// One setting that can't be taken, as one line. Never shows the value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct SettingError {
    pub name: String,
    pub problem: String,
}

/// Every name that is read, in the order of the documentation.
pub const NAMES: [&str; 23] = [
    "DATABASE_URL",
    "LLAVERO_DATABASE_LISTEN_URL",
    "LLAVERO_BIND",
    "LLAVERO_PUBLIC_URL",
    "LLAVERO_KEYS_FILE",
    "LLAVERO_DATA_DIR",
    "LLAVERO_SMTP_URL",
    "LLAVERO_MAIL_FROM",
    "LLAVERO_WORKERS",
    "LLAVERO_DB_POOL",
    "LLAVERO_JOURNAL_DIR",
    "LLAVERO_JOURNAL_WAIT",
    "LLAVERO_OUTAGE_GRACE",
    "LLAVERO_APP_RATE",
    "LLAVERO_STORE_RATE",
    "LLAVERO_ALLOW_PRIVATE_HOSTS",
    "LLAVERO_EXTRA_CA_FILE",
    "LLAVERO_EGRESS_PROXY",
    "LLAVERO_LOG",
    "LLAVERO_LOG_FORMAT",
    "LLAVERO_METRICS_BIND",
    "LLAVERO_TRUSTED_PROXIES",
    "LLAVERO_SANDBOX_URL",
];

/// Names that development writes to `dev.env` for people and scripts. A shell that has read that file must still be
/// able to start the server, so they are known, and not read.
pub const DEV_NAMES: [&str; 7] = [
    "LLAVERO_URL",
    "LLAVERO_ADMIN_URL",
    "LLAVERO_CONNECT_URL",
    "LLAVERO_APP_ID",
    "LLAVERO_API_KEY",
    "LLAVERO_SIGNING_SECRET",
    "LLAVERO_RETURN_URL",
];

impl Config {
    /// Reads the settings out of `vars`; other names than ours are passed over. The errors are complete: one for each
    /// setting that can't be parsed and one for each unknown `LLAVERO_*` name.
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Result<Self, Vec<SettingError>> {
        let mut settings = Settings::collect(vars);
        let data_dir = settings
            .path("LLAVERO_DATA_DIR")
            .unwrap_or_else(|| PathBuf::from(".llavero"));
        let config = Self {
            database_url: settings.database_url("DATABASE_URL"),
            database_listen_url: settings.database_url("LLAVERO_DATABASE_LISTEN_URL"),
            bind: settings
                .address("LLAVERO_BIND")
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            public_url: settings.origin("LLAVERO_PUBLIC_URL"),
            keys_file: settings.path("LLAVERO_KEYS_FILE"),
            smtp_url: settings.smtp_url("LLAVERO_SMTP_URL"),
            mail_from: settings.mailbox("LLAVERO_MAIL_FROM"),
            workers: settings
                .whole("LLAVERO_WORKERS", 1, 1_024)
                .and_then(|n| NonZeroUsize::new(n as usize)),
            db_pool: settings.whole("LLAVERO_DB_POOL", 1, 1_000).unwrap_or(16),
            journal_dir: settings
                .path("LLAVERO_JOURNAL_DIR")
                .unwrap_or_else(|| data_dir.join("journal")),
            journal_wait: settings
                .seconds("LLAVERO_JOURNAL_WAIT", 60)
                .unwrap_or(Duration::from_secs(900)),
            outage_grace: settings
                .seconds("LLAVERO_OUTAGE_GRACE", 0)
                .unwrap_or(Duration::from_secs(300)),
            app_rate: settings.whole("LLAVERO_APP_RATE", 0, 10_000_000).unwrap_or(6_000),
            store_rate: settings.whole("LLAVERO_STORE_RATE", 0, 10_000_000).unwrap_or(3_000),
            allow_private_hosts: settings.boolean("LLAVERO_ALLOW_PRIVATE_HOSTS").unwrap_or(false),
            extra_ca_file: settings.path("LLAVERO_EXTRA_CA_FILE"),
            egress_proxy: settings.proxy_url("LLAVERO_EGRESS_PROXY"),
            log: settings
                .log_filter("LLAVERO_LOG")
                .unwrap_or_else(|| "info,actix_server=warn".into()),
            log_format: settings.log_format("LLAVERO_LOG_FORMAT").unwrap_or(LogFormat::Text),
            metrics_bind: settings.address("LLAVERO_METRICS_BIND"),
            trusted_proxies: settings.networks("LLAVERO_TRUSTED_PROXIES"),
            sandbox_url: settings.base_url("LLAVERO_SANDBOX_URL"),
            data_dir,
        };
        let errors = settings.finish();
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    /// The environment of this process over what `env_file` holds, ready for [`Config::from_env`]. A missing file is
    /// no error; values that aren't UTF-8 are passed over unless the name is ours.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn read_environment(env_file: &Path) -> Result<Vec<(String, String)>, SettingError> {
        let mut vars = Vec::new();
        match dotenvy::from_path_iter(env_file) {
            Ok(lines) => {
                for line in lines {
                    // The library's message quotes the line, which may hold a secret.
                    vars.push(line.map_err(|_| parse::error(".env", "a line is not of the form NAME=value"))?);
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => return Err(parse::error(".env", "cannot be read")),
        }
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => vars.push((name, value)),
                Err(_) if NAMES.contains(&name.as_str()) => return Err(parse::error(&name, "is not UTF-8")),
                Err(_) => {}
            }
        }
        Ok(vars)
    }

    /// The settings that `serve` can't do without and that aren't set, to be named all at once.
    pub fn missing_for_serve(&self) -> Vec<&'static str> {
        let needed = [
            ("DATABASE_URL", self.database_url.is_some()),
            ("LLAVERO_KEYS_FILE", self.keys_file.is_some()),
            ("LLAVERO_PUBLIC_URL", self.public_url.is_some()),
            // Mail can be left out altogether, but not by half.
            ("LLAVERO_MAIL_FROM", self.mail_from.is_some() || self.smtp_url.is_none()),
        ];
        needed
            .into_iter()
            .filter(|(_, set)| !set)
            .map(|(name, _)| name)
            .collect()
    }
}

/// URLs may carry passwords, so nothing is shown.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../.env.example");

    fn from(pairs: &[(&str, &str)]) -> Result<Config, Vec<SettingError>> {
        Config::from_env(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn lines(pairs: &[(&str, &str)]) -> Vec<String> {
        from(pairs)
            .map(|_| ())
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// The `# NAME=value` lines of `.env.example`, each with the line before it.
    fn example() -> Vec<(String, String, String)> {
        let mut before = "";
        let mut found = Vec::new();
        for line in EXAMPLE.lines() {
            if let Some((name, value)) = line.strip_prefix('#').and_then(|rest| rest.split_once('='))
                && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
            {
                found.push((before.to_owned(), name.to_owned(), value.to_owned()));
            }
            before = line;
        }
        found
    }

    #[test]
    fn nothing_set_gives_the_documented_defaults() {
        let Ok(config) = from(&[]) else {
            panic!("no setting is compulsory")
        };
        assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from(".llavero"));
        assert_eq!(config.journal_dir, PathBuf::from(".llavero/journal"));
        assert_eq!(
            (config.journal_wait.as_secs(), config.outage_grace.as_secs()),
            (900, 300)
        );
        assert!(!config.allow_private_hosts);
        assert_eq!(config.log_format, LogFormat::Text);
        assert_eq!(
            config.missing_for_serve(),
            ["DATABASE_URL", "LLAVERO_KEYS_FILE", "LLAVERO_PUBLIC_URL"]
        );
    }

    #[test]
    fn the_example_file_lists_every_setting_with_a_comment_and_a_value_that_parses() {
        let example = example();
        let names: Vec<_> = example.iter().map(|(_, name, _)| name.as_str()).collect();
        assert_eq!(names, NAMES);
        for (comment, name, _) in &example {
            assert!(comment.starts_with("# "), "{name} has no comment");
        }
        let pairs: Vec<_> = example
            .iter()
            .map(|(_, name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(lines(&pairs), Vec::<String>::new());
        assert_eq!(from(&pairs).map(|config| config.missing_for_serve()), Ok(vec![]));
    }

    #[test]
    fn every_wrong_setting_and_every_unknown_name_has_one_line() {
        let wrong = [
            ("DATABASE_URL", "mysql://h/d"),
            ("LLAVERO_BIND", "9191"),
            ("LLAVERO_PUBLIC_URL", "https://llavero.example/path"),
            ("LLAVERO_SMTP_URL", "http://mail"),
            ("LLAVERO_MAIL_FROM", "nobody"),
            ("LLAVERO_WORKERS", "-7"),
            ("LLAVERO_DB_POOL", "many"),
            ("LLAVERO_JOURNAL_WAIT", "15m"),
            ("LLAVERO_ALLOW_PRIVATE_HOSTS", "perhaps"),
            ("LLAVERO_EGRESS_PROXY", "socks5://proxy:1080"),
            ("LLAVERO_LOG", "llavero=loud"),
            ("LLAVERO_LOG_FORMAT", "xml"),
            ("LLAVERO_METRICS_BIND", "localhost"),
            ("LLAVERO_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
            ("LLAVERO_SANDBOX_URL", "sandbox"),
            ("LLAVERO_PUBLIC_URI", "https://llavero.example"),
        ];
        let lines = lines(&wrong);
        assert_eq!(lines.len(), wrong.len(), "{lines:#?}");
        for (name, value) in wrong {
            let line = lines.iter().find(|line| line.starts_with(&format!("{name}: ")));
            assert!(
                line.is_some_and(|line| !line.contains('\n') && !line.contains(value)),
                "{name}: {line:?}"
            );
        }
    }

    #[test]
    fn other_programs_names_empty_values_and_dev_env_are_no_errors() {
        assert!(from(&[("PATH", "/bin"), ("LLAVERO_BIND", ""), ("LLAVERO_API_KEY", "llv_sk_x")]).is_ok());
    }

    #[test]
    fn the_later_of_two_values_wins_so_the_environment_goes_over_the_file() {
        let config = from(&[("LLAVERO_DB_POOL", "3"), ("LLAVERO_DB_POOL", "4")]);
        assert_eq!(config.map(|config| config.db_pool), Ok(4));
    }

    #[test]
    fn mail_by_half_is_missing_its_sender() {
        let config = from(&[("LLAVERO_SMTP_URL", "smtp://user:pw@mail.example:587?tls=required")]);
        assert!(config.is_ok_and(|config| config.missing_for_serve().contains(&"LLAVERO_MAIL_FROM")));
    }

    #[test]
    fn debug_shows_no_setting() {
        let shown = from(&[("DATABASE_URL", "postgres://u:hunter2@h/d")]).map(|config| format!("{config:?}"));
        assert_eq!(shown, Ok("Config".to_owned()));
    }
}
