//! The programs that walks need, looked for in PATH. What is missing is a sentence that says how to get it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use llavero::dev::postgres::Programs;

/// Why a walk cannot be made on this machine.
#[derive(Debug)]
pub struct Missing(pub String);

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A browser and the program that steers it.
#[derive(Debug)]
pub struct BrowserPrograms {
    pub chromium: PathBuf,
    pub chromedriver: PathBuf,
}

/// PgBouncer.
#[derive(Debug)]
pub struct PoolerProgram {
    pub pgbouncer: PathBuf,
}

/// Node.js, with the modules of `tests/browser/node` installed.
#[derive(Debug)]
pub struct ProviderPrograms {
    pub node: PathBuf,
    pub folder: PathBuf,
}

/// The oldest release that the modules run on.
const NODE: u32 = 20;

pub fn postgres() -> Result<(), Missing> {
    Programs::find().map(|_| ()).map_err(|error| Missing(error.to_string()))
}

pub fn browser() -> Result<BrowserPrograms, Missing> {
    postgres()?;
    Ok(BrowserPrograms {
        chromium: first_of(&["chromium", "chromium-browser", "google-chrome"])?,
        chromedriver: first_of(&["chromedriver"])?,
    })
}

pub fn pooler() -> Result<PoolerProgram, Missing> {
    postgres()?;
    // Debian keeps it where only root looks.
    let usual = PathBuf::from("/usr/sbin/pgbouncer");
    let pgbouncer =
        first_of(&["pgbouncer"]).or_else(|missing| if usual.is_file() { Ok(usual) } else { Err(missing) })?;
    Ok(PoolerProgram { pgbouncer })
}

/// Node.js of a release that runs the modules.
pub fn node() -> Result<PathBuf, Missing> {
    let node = first_of(&["node", "nodejs"])?;
    let told = Command::new(&node).arg("--version").output();
    let told = told.map_err(|error| Missing(format!("{}: {error}", node.display())))?;
    let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let release = told.trim_start_matches('v').split('.').next();
    if release
        .and_then(|release| release.parse().ok())
        .is_none_or(|release: u32| release < NODE)
    {
        return Err(Missing(format!(
            "Node.js {NODE} or later is needed, and `node` is {told}"
        )));
    }
    Ok(node)
}

pub fn provider() -> Result<ProviderPrograms, Missing> {
    postgres()?;
    let node = node()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node");
    if !folder.join("node_modules/oidc-provider/package.json").exists() {
        return Err(Missing(
            "no `oidc-provider`: run `npm ci` in tests/browser/node".to_owned(),
        ));
    }
    Ok(ProviderPrograms { node, folder })
}

fn first_of(names: &[&str]) -> Result<PathBuf, Missing> {
    let folders = path();
    let found = names.iter().find_map(|name| {
        let mut places = std::env::split_paths(&folders).map(|folder| folder.join(name));
        places.find(|place| place.is_file())
    });
    found.ok_or_else(|| Missing(format!("no {} in PATH", names.join(", nor "))))
}

/// Where programs are looked for.
#[expect(clippy::disallowed_methods, reason = "a test program has no settings of its own")]
pub fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}
