//! Who runs the server. An ordinary user does it himself; PostgreSQL refuses root, so root lets `postgres` do it
//! (`_postgres` on macOS), or `nobody` where that account is missing. The standard library switches the account of a
//! child and drops root's groups, so neither `su`, `runuser` nor `setpriv` is needed, which bare containers lack.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::programs::ServerPrograms;
use super::{PostgresError, failed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// Whom a new cluster shall belong to; `None`: to us.
    pub(super) fn for_new_server() -> Result<Option<Self>, PostgresError> {
        if !is_root() {
            return Ok(None);
        }
        let found = ["postgres", "_postgres", "nobody"].into_iter().find_map(Self::named);
        found.map(Some).ok_or_else(|| {
            let missing = io::Error::other("there is neither an account `postgres` nor `nobody`");
            failed("PostgreSQL does not run as root")(missing)
        })
    }

    /// Whom root must act for in an existing folder; `None`: for nobody but ourselves.
    pub(super) fn owner_of(folder: &Path) -> Result<Option<Self>, PostgresError> {
        let owner = folder
            .symlink_metadata()
            .map_err(failed(format!("looking at {}", folder.display())))?;
        if is_root() {
            return Ok((owner.uid() != 0).then_some(Self {
                uid: owner.uid(),
                gid: owner.gid(),
            }));
        }
        if owner.uid() != rustix::process::geteuid().as_raw() {
            return Err(PostgresError::NotOurs(folder.to_owned()));
        }
        Ok(None)
    }

    fn named(name: &str) -> Option<Self> {
        let ask = |what: &str| -> Option<u32> {
            let told = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8_lossy(&told.stdout).trim().parse().ok()
        };
        Some(Self {
            uid: ask("-u")?,
            gid: ask("-g")?,
        })
    }
}

/// A program that runs for `account` in `folder`, with nothing of our environment but the PATH: `PGDATA` and its kin
/// would change what the programs do.
pub(super) fn command(
    program: impl Into<OsString>,
    programs: &ServerPrograms,
    folder: &Path,
    account: Option<&Account>,
) -> Command {
    let mut command = Command::new(program.into());
    command
        .env_clear()
        .env("PATH", &programs.path)
        .env("LC_ALL", "C")
        .current_dir(folder);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}
