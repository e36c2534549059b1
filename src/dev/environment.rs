//! `dev.env`: the addresses and keys of the running development set-up, for scripts. Mode 0600, shell syntax.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::domain::secret::Secret;

/// What the file holds, in the order of `contract`.
#[derive(Debug, Clone)]
pub struct Environment {
    pub url: String,
    pub admin_url: Secret,
    pub connect_url: String,
    pub app_id: String,
    pub api_key: Secret,
    /// What the demo app's return URLs are signed with.
    pub signing_secret: Secret,
    pub return_url: String,
    pub sandbox_url: String,
    pub database_url: Secret,
}

impl Environment {
    fn lines(&self) -> [(&'static str, &str); 9] {
        [
            ("LLAVERO_URL", &self.url),
            ("LLAVERO_ADMIN_URL", self.admin_url.expose()),
            ("LLAVERO_CONNECT_URL", &self.connect_url),
            ("LLAVERO_APP_ID", &self.app_id),
            ("LLAVERO_API_KEY", self.api_key.expose()),
            ("LLAVERO_SIGNING_SECRET", self.signing_secret.expose()),
            ("LLAVERO_RETURN_URL", &self.return_url),
            ("LLAVERO_SANDBOX_URL", &self.sandbox_url),
            ("DATABASE_URL", self.database_url.expose()),
        ]
    }

    /// Replaces the file in one step.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("env.new");
        let _ = fs::remove_file(&draft);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        for (name, value) in self.lines() {
            // Single quotes: an address may hold `&`, and none of the values can hold a quote.
            writeln!(file, "{name}='{}'", value.replace('\'', ""))?;
        }
        file.sync_all()?;
        fs::rename(&draft, path)
    }
}

/// The API key of an earlier run, if the file is there.
pub fn remembered_api_key(path: &Path) -> Option<Secret> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("LLAVERO_API_KEY="))?;
    Some(Secret::new(line.trim_matches('\'')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_private_and_gives_the_key_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.env");
        assert_eq!(remembered_api_key(&path), None);
        let written = Environment {
            url: "http://127.0.0.1:8080".into(),
            admin_url: Secret::new("a"),
            connect_url: "c".into(),
            app_id: "app".into(),
            api_key: Secret::new("llv_sk_x"),
            signing_secret: Secret::new("llv_ss_x"),
            return_url: "r".into(),
            sandbox_url: "s".into(),
            database_url: Secret::new("postgres://a?b&c"),
        };
        written.write(&path).unwrap();
        written.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(remembered_api_key(&path), Some(Secret::new("llv_sk_x")));
    }
}
