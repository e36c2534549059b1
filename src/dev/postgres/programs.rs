//! Where this machine keeps PostgreSQL's server programs. Debian and its kin do not put them in the PATH, so the usual
//! folders are looked through as well. Several versions may be there: a cluster can only be run by the version that
//! made it, so all are kept, the one from the PATH first, then from new to old.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One `*` stands for any text within a folder's name.
const USUAL_FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The server programs that were found, at least one version of them.
#[derive(Debug, Clone)]
pub struct Programs {
    first: ServerPrograms,
    others: Vec<ServerPrograms>,
}

/// `initdb` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerPrograms {
    folder: PathBuf,
    pub(super) major: u32,
    /// Handed to children, whose environment is otherwise empty.
    pub(super) path: OsString,
}

impl ServerPrograms {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Programs {
    /// The programs of this machine; see [`find_server_programs`].
    #[expect(
        clippy::disallowed_methods,
        reason = "PATH is where programs are, not a setting of ours"
    )]
    pub fn find() -> Result<Self, MissingPrograms> {
        find_server_programs(std::env::var_os("PATH").as_deref())
    }

    pub(super) fn preferred(&self) -> &ServerPrograms {
        &self.first
    }

    pub(super) fn of(&self, major: u32) -> Option<&ServerPrograms> {
        self.all().find(|programs| programs.major == major)
    }

    pub(super) fn versions(&self) -> String {
        self.all()
            .map(|programs| programs.major.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn all(&self) -> impl Iterator<Item = &ServerPrograms> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("PostgreSQL's server programs (initdb, postgres) were not found: {how}, or set DATABASE_URL")]
pub struct MissingPrograms {
    how: String,
}

/// Looks in the folders of `path` (the value of PATH), where `pg_config` points to, and in the usual folders.
pub fn find_server_programs(path: Option<&OsStr>) -> Result<Programs, MissingPrograms> {
    let path = path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin")).to_owned();
    let in_path = std::env::split_paths(&path);
    let told = std::env::split_paths(&path).filter_map(|folder| bindir(&folder.join("pg_config")));
    let mut usual: Vec<_> = USUAL_FOLDERS.iter().flat_map(|pattern| expand(pattern)).collect();
    usual.extend(told);
    let mut found: Vec<ServerPrograms> = in_path.filter_map(|folder| inspect(&folder, &path)).take(1).collect();
    let mut others: Vec<ServerPrograms> = usual.iter().filter_map(|folder| inspect(folder, &path)).collect();
    others.sort_by_key(|programs| std::cmp::Reverse(programs.major));
    found.extend(others);
    let mut found = found.into_iter();
    match found.next() {
        Some(first) => Ok(Programs {
            first,
            others: found.collect(),
        }),
        None => Err(MissingPrograms { how: how_to_install() }),
    }
}

/// The version in `folder`, if both programs are there and run. Links are followed: `initdb` must lie beside its
/// `postgres`.
fn inspect(folder: &Path, path: &OsStr) -> Option<ServerPrograms> {
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let folder = initdb.parent()?.to_owned();
    let told = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&told.stdout))?;
    Some(ServerPrograms {
        folder,
        major,
        path: path.to_owned(),
    })
}

/// From `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`, also `18beta1`.
fn major(told: &str) -> Option<u32> {
    let version = told
        .split_whitespace()
        .find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    version
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn bindir(pg_config: &Path) -> Option<PathBuf> {
    let told = Command::new(pg_config).arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()))
}

fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        folders = match part.split_once('*') {
            None => folders.into_iter().map(|folder| folder.join(part)).collect(),
            Some((start, end)) => folders
                .iter()
                .filter_map(|folder| fs::read_dir(folder).ok())
                .flat_map(|entries| entries.filter_map(Result::ok))
                .filter(|entry| {
                    let name = entry.file_name();
                    name.to_str()
                        .is_some_and(|name| name.starts_with(start) && name.ends_with(end))
                })
                .map(|entry| entry.path())
                .collect(),
        };
    }
    folders
}

fn how_to_install() -> String {
    if cfg!(target_os = "macos") {
        return "install them with `brew install postgresql@17`".to_owned();
    }
    let release = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release"));
    match install_command(&release.unwrap_or_default()) {
        Some(command) => format!("install them (as root) with `{command}`"),
        None => "install the PostgreSQL server with this system's package manager".to_owned(),
    }
}

/// By the `ID` and `ID_LIKE` of an os-release file.
fn install_command(release: &str) -> Option<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in ["ID=", "ID_LIKE="] {
        let values = release.lines().filter_map(|line| line.strip_prefix(key));
        names.extend(values.flat_map(|value| value.trim_matches(['"', '\'']).split_whitespace()));
    }
    names.into_iter().find_map(|name| match name {
        "debian" | "ubuntu" => Some("apt-get install -y postgresql"),
        "fedora" | "rhel" | "centos" => Some("dnf install -y postgresql-server"),
        "alpine" => Some("apk add postgresql"),
        "arch" => Some("pacman -S --noconfirm postgresql"),
        "suse" | "opensuse" => Some("zypper install -y postgresql-server"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_install_command_fits_the_system() {
        let cases = [
            ("ID=debian\n", Some("apt-get install -y postgresql")),
            (
                "NAME=x\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Some("apt-get install -y postgresql"),
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Some("dnf install -y postgresql-server"),
            ),
            ("VERSION_ID=3.20\nID=alpine\n", Some("apk add postgresql")),
            ("ID=arch\n", Some("pacman -S --noconfirm postgresql")),
            ("ID=plan9\n", None),
            ("", None),
        ];
        for (release, command) in cases {
            assert_eq!(install_command(release), command, "{release}");
        }
    }

    #[test]
    fn the_major_version_is_read_from_what_the_server_prints() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_folder_with_half_of_the_programs_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("initdb"), "").unwrap();
        assert_eq!(inspect(folder.path(), OsStr::new("")), None);
    }
}
