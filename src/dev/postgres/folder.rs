//! Where a cluster lies: within the data directory for an ordinary user; outside the checkout for root, because the
//! account that runs the server need not be able to enter the checkout. The place is named after the data directory,
//! so that a removed data directory finds, and replaces, what it left there.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use sha2::{Digest as _, Sha256};

use super::account::{Account, is_root};
use super::{PostgresError, failed, hex, private_mode, server};

/// Makes the data directory if needed; answers its full path.
pub(super) fn data_directory(data_dir: &Path) -> Result<PathBuf, PostgresError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.map_err(failed(format!("making {}", data_dir.display())))?;
    data_dir
        .canonicalize()
        .map_err(failed(format!("finding {}", data_dir.display())))
}

/// Where the cluster of `data_dir` (a full path) is to be made.
pub(super) fn place_for(data_dir: &Path) -> PathBuf {
    if !is_root() {
        return data_dir.join("postgres");
    }
    let hash = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    let usable = |parent: &&Path| rustix::fs::access(*parent, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    let parent = ["/var/lib", "/var/tmp"].map(Path::new).into_iter().find(usable);
    parent
        .unwrap_or(Path::new("/tmp"))
        .join(format!("llavero-dev-{}", hex(&hash[..8])))
}

/// Removes what a forgotten or half-made cluster left in `folder`, after stopping its server.
pub(super) fn clear(folder: &Path, account: Option<&Account>) -> Result<(), PostgresError> {
    let found = match folder.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(format!("looking at {}", folder.display()))(error)),
    };
    let ours = [
        Some(rustix::process::geteuid().as_raw()),
        account.map(|account| account.uid),
    ];
    if !found.is_dir() || !ours.contains(&Some(found.uid())) {
        return Err(PostgresError::NotOurs(folder.to_owned()));
    }
    server::stop_leftover(folder)?;
    fs::remove_dir_all(folder).map_err(failed(format!("removing {}", folder.display())))
}

/// Makes `folder`, closed to all but the account. It must not exist: in a place that all can write to, a folder that
/// is there already may be a trap.
pub(super) fn make(folder: &Path, account: Option<&Account>) -> Result<(), PostgresError> {
    let made = fs::DirBuilder::new().mode(0o700).create(folder);
    made.and_then(|()| fs::set_permissions(folder, private_mode(0o700)))
        .map_err(failed(format!("making {}", folder.display())))?;
    give(folder, account).map_err(failed(format!(
        "giving {} to the account that runs PostgreSQL",
        folder.display()
    )))
}

/// Writes a file that only the account can read.
pub(super) fn write_private(file: &Path, text: &str, account: Option<&Account>) -> Result<(), PostgresError> {
    let write = || {
        if let Err(error) = fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut open = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(file)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        give(file, account)
    };
    write().map_err(failed(format!("writing {}", file.display())))
}

fn give(path: &Path, account: Option<&Account>) -> io::Result<()> {
    match account {
        Some(account) => chown(path, Some(account.uid), Some(account.gid)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_already_is_not_taken_over() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("cluster");
        fs::create_dir(&folder).unwrap();
        assert!(make(&folder, None).is_err());
    }

    #[test]
    fn a_link_is_never_followed_when_a_place_is_cleared() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("target");
        fs::create_dir(&target).unwrap();
        let link = parent.path().join("cluster");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(clear(&link, None), Err(PostgresError::NotOurs(_))));
        assert!(target.exists());
    }

    #[test]
    fn a_private_file_can_be_read_by_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("password");
        fs::write(&file, "older").unwrap();
        write_private(&file, "secret", None).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), "secret");
    }
}
