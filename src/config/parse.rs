//! One reader a kind of value. Each takes its setting out of the collection and notes what is wrong with it, so that
//! reading goes on and all errors come out together. No message repeats the value.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{DEV_NAMES, LogFormat, NAMES, Network, SettingError};
use crate::domain::secret::Secret;

/// The longest waits that make sense; more is a typing error.
const LONGEST_SECONDS: u32 = 7 * 24 * 3600;

pub(super) struct Settings {
    values: BTreeMap<String, String>,
    errors: Vec<SettingError>,
}

pub(super) fn error(name: &str, problem: &str) -> SettingError {
    SettingError {
        name: name.to_owned(),
        problem: problem.to_owned(),
    }
}

impl Settings {
    /// Keeps our names and notes unknown ones; the later of two values wins.
    pub(super) fn collect(vars: impl Iterator<Item = (String, String)>) -> Self {
        let mut values = BTreeMap::new();
        let mut unknown = BTreeMap::new();
        for (name, value) in vars {
            if NAMES.contains(&name.as_str()) {
                values.insert(name, value);
            } else if name.starts_with("LLAVERO_") && !DEV_NAMES.contains(&name.as_str()) {
                unknown.insert(name, ());
            }
        }
        let errors = unknown
            .into_keys()
            .map(|name| error(&name, "no such setting"))
            .collect();
        Self { values, errors }
    }

    pub(super) fn finish(self) -> Vec<SettingError> {
        self.errors
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.values
            .remove(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn read<T>(&mut self, name: &str, wanted: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.take(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.errors.push(error(name, wanted));
        }
        value
    }

    fn read_url(&mut self, name: &str, wanted: &str, fits: impl FnOnce(&Url) -> bool) -> Option<Url> {
        self.read(name, wanted, |text| {
            Url::parse(text).ok().filter(|url| url.host().is_some() && fits(url))
        })
    }

    pub(super) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.take(name).map(PathBuf::from)
    }

    pub(super) fn address(&mut self, name: &str) -> Option<SocketAddr> {
        self.read(name, "must be an address with a port, such as 127.0.0.1:8080", |text| {
            text.parse().ok()
        })
    }

    pub(super) fn whole(&mut self, name: &str, least: u32, most: u32) -> Option<u32> {
        let wanted = format!("must be a whole number from {least} to {most}");
        self.read(name, &wanted, |text| {
            text.parse().ok().filter(|number| (least..=most).contains(number))
        })
    }

    pub(super) fn seconds(&mut self, name: &str, least: u32) -> Option<Duration> {
        let wanted = format!("must be whole seconds, {least} to {LONGEST_SECONDS}");
        let fits = |number: &u32| (least..=LONGEST_SECONDS).contains(number);
        self.read(name, &wanted, |text| text.parse().ok().filter(fits))
            .map(|number| Duration::from_secs(number.into()))
    }

    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read(name, "must be true or false", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            }
        })
    }

    pub(super) fn database_url(&mut self, name: &str) -> Option<Secret> {
        // libpq reads it; a socket directory leaves the host empty, so only the scheme is judged here.
        let fits = |text: &str| text.starts_with("postgres://") || text.starts_with("postgresql://");
        self.read(name, "must be a postgres:// URL", |text| {
            fits(text).then(|| Secret::new(text))
        })
    }

    pub(super) fn smtp_url(&mut self, name: &str) -> Option<Secret> {
        let fits = |url: &Url| matches!(url.scheme(), "smtp" | "smtps");
        self.read_url(name, "must be an smtp:// or smtps:// URL", fits)
            .map(|url| Secret::new(url.as_str()))
    }

    pub(super) fn origin(&mut self, name: &str) -> Option<Url> {
        let fits = |url: &Url| is_web(url) && is_bare(url) && url.path() == "/";
        self.read_url(
            name,
            "must be an http(s) URL with nothing behind the host and port",
            fits,
        )
    }

    pub(super) fn base_url(&mut self, name: &str) -> Option<Url> {
        let url = self.read_url(name, "must be an http(s) URL without query", |url| {
            is_web(url) && is_bare(url)
        })?;
        let trimmed = url.path().trim_end_matches('/').to_owned();
        let mut url = url;
        url.set_path(&trimmed);
        Some(url)
    }

    pub(super) fn proxy_url(&mut self, name: &str) -> Option<Url> {
        let fits = |url: &Url| url.scheme() == "http" && matches!(url.path(), "" | "/");
        self.read_url(name, "must be an http:// URL of a proxy that knows CONNECT", fits)
    }

    /// Only the outer form is judged; the mailer parses it in full.
    pub(super) fn mailbox(&mut self, name: &str) -> Option<String> {
        self.read(name, "must be an address, or Name <address>", |text| {
            let address = match text.rsplit_once('<') {
                Some((_, rest)) => rest.strip_suffix('>')?,
                None => text,
            };
            let (local, host) = address.rsplit_once('@')?;
            let fits = !local.is_empty() && !host.is_empty() && !address.contains(char::is_whitespace);
            (fits && !text.contains(['\r', '\n'])).then(|| text.to_owned())
        })
    }

    pub(super) fn log_filter(&mut self, name: &str) -> Option<String> {
        let wanted = "must be a log filter such as info,llavero=debug";
        self.read(name, wanted, |text| {
            tracing_subscriber::EnvFilter::try_new(text)
                .is_ok()
                .then(|| text.to_owned())
        })
    }

    pub(super) fn log_format(&mut self, name: &str) -> Option<LogFormat> {
        self.read(name, "must be text or json", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        })
    }

    pub(super) fn networks(&mut self, name: &str) -> Vec<Network> {
        let wanted = "must be addresses or networks such as 10.0.0.0/8, separated by commas";
        self.read(name, wanted, |text| {
            text.split(',').map(|part| part.trim().parse().ok()).collect()
        })
        .unwrap_or_default()
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn is_bare(url: &Url) -> bool {
    url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
}
