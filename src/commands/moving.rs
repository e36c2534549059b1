//! `llavero export` and `llavero import`: the files, and what is told of them. An export grows beside its name and takes it
//! when it is whole; both are readable by their owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use llavero::broker::moving::{self, Append, Reader, Writer};
use llavero::config::Config;
use llavero::crypto::Cost;
use llavero::db;
use llavero::domain::id::AppId;
use llavero::domain::secret::Secret;

use super::people::{told, with_tools};
use super::stores::asker;
use super::{Stop, say};

/// Fewer letters are guessed too soon by whoever finds the file.
const SHORTEST_PASSPHRASE: usize = 12;

/// Lines that are on the disk once they are written.
struct Durable(File);

impl Append for Durable {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.write_all(line)?;
        self.0.sync_data()
    }
}

pub fn export(
    config: Config,
    owner: AppId,
    out: &Path,
    passphrase_file: &Path,
    copy: bool,
    wait: u64,
) -> Result<(), Stop> {
    let passphrase = passphrase(passphrase_file)?;
    if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
        return Err(Stop::line(format!(
            "the passphrase is too short: at least {SHORTEST_PASSPHRASE} characters"
        )));
    }
    if out.exists() {
        return Err(Stop::line(format!("{} is there already", out.display())));
    }
    let part = beside(out);
    let writing = |error: io::Error| Stop::line(format!("{}: {error}", part.display()));
    with_tools(config, async |app| {
        // What an export that was killed left behind; all that it held is still here.
        match std::fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(writing(error)),
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(writing)?;
        let lines = Box::new(Durable(file));
        let writer = Writer::begin(&passphrase, Cost::USUAL, app.random.clone(), lines).map_err(writing)?;
        let told = moving::export(&app, &asker(), owner, copy, Duration::from_secs(wait), writer)
            .await
            .map_err(|error| match error {
                llavero::broker::Error::NotFound => Stop::line(format!("no app {owner}")),
                other => told(other),
            })?;
        std::fs::rename(&part, out).map_err(writing)?;
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        folder.map_err(writing)?;
        let state = if copy { "copied" } else { "exported, and frozen here" };
        say(&format!("{} stores {state}: {}", told.stores, out.display()));
        if told.left_out.is_empty() {
            return Ok(());
        }
        let lines = told.left_out.iter();
        Err(Stop {
            lines: lines
                .map(|(id, name, why)| format!("left out: {id} ({name}): {}", why.text()))
                .collect(),
        })
    })
}

pub fn import(config: Config, owner: AppId, file: &Path, passphrase_file: &Path) -> Result<(), Stop> {
    let passphrase = passphrase(passphrase_file)?;
    let open = || -> Result<Reader, Stop> {
        let opened = File::open(file).map_err(|error| Stop::line(format!("{}: {error}", file.display())))?;
        let lines = Box::new(BufReader::new(opened));
        Reader::open(&passphrase, lines).map_err(|error| Stop::line(format!("{}: {error}", file.display())))
    };
    with_tools(config, async |app| {
        let found = app
            .db
            .run(move |conn| db::apps::find(conn, owner))
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        let owner = found.ok_or_else(|| Stop::line(format!("no app {owner}")))?;
        moving::lacking(&app, &owner, open()?)
            .await
            .map_err(|error| Stop::line(format!("{}: {error}", file.display())))?
            .map_err(|lines| Stop { lines })?;
        let done = moving::import(&app, &asker(), &owner, open()?).await.map_err(told)?;
        say(&format!(
            "{} stores imported, {} thawed, {} were here already",
            done.made, done.thawed, done.already
        ));
        if done.refused.is_empty() {
            return Ok(());
        }
        Err(Stop {
            lines: done.refused.iter().map(|line| format!("refused: {line}")).collect(),
        })
    })
}

fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// The first line of a file, or of standard input.
fn passphrase(path: &Path) -> Result<Secret, Stop> {
    let failed = |error: io::Error| Stop::line(format!("the passphrase, {}: {error}", path.display()));
    let input: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut line = zeroize::Zeroizing::new(String::new());
    BufReader::new(input).read_line(&mut line).map_err(failed)?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Stop::line(format!("the passphrase, {}: empty", path.display()))),
        text => Ok(Secret::new(text)),
    }
}
