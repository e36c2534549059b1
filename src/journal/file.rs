//! One journal file: records appended one after the other, each `length (4) | crc32 (4) | kind (1) | body`, numbers
//! little-endian. An added entry's record is synced before anybody relies on it; a removal's is not. Reading stops at the
//! first record that isn't whole: a torn write is always the last one.
//!
//! When nothing is left the file is cut to nothing. Where something stays, and more is dead than alive, what is alive is
//! written to a file beside it, which takes the name once it is on disk: at every moment one whole file has the name, and
//! the process holds the lock of whichever that is.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use uuid::Uuid;

use super::Entry;
use crate::domain::id::{CredentialId, Id, JournalId};

pub(super) const EXTENSION: &str = "journal";
const ADDED: u8 = 1;
const REMOVED: u8 = 2;
const HEAD: usize = 8;
/// Number, credential, grant, attempt.
const ADDED_FIXED: usize = 8 + 16 + 8 + 8;
/// No sealed answer comes near it; a length above is damage.
const LONGEST: usize = 16 * 1024 * 1024;
/// Disk space held ahead, so that an answer that has come can be written although the disk has filled up since.
#[cfg(target_os = "linux")]
const RESERVE: u64 = 1024 * 1024;
/// Bytes of dead records that are not worth a compaction.
const SLACK: u64 = 1024 * 1024;

/// The journal that a file belongs to, by its name.
pub(super) fn journal_of(path: &Path) -> Option<JournalId> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
}

/// Where a compaction writes before it takes the name; no journal's name, so nobody adopts it.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_extension("journal-compacted")
}

/// An open file, locked until it is dropped.
pub(super) struct JournalFile {
    file: File,
    path: PathBuf,
    length: u64,
    live: BTreeMap<u64, Entry>,
    /// Bytes of the records of `live`.
    live_bytes: u64,
    /// No compaction is tried while the file is shorter; moved ahead by one that failed.
    compact_from: u64,
    /// The folder was synced since the file got its name. Until then a crash could bring the file back that had it before.
    named: bool,
    /// The last write or reservation worked.
    sound: bool,
}

impl JournalFile {
    /// Makes a new, empty file, synced together with its folder.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.sync_all()?;
        sync_folder(path)?;
        let mut made = Self {
            file,
            path: path.to_owned(),
            length: 0,
            live: BTreeMap::new(),
            live_bytes: 0,
            compact_from: 0,
            named: true,
            sound: true,
        };
        // Without room it is kept and not sound; the next try reserves again. Given up, its name would be taken for good.
        if let Err(error) = made.reserve() {
            tracing::warn!(%error, "no room could be reserved for the journal");
        }
        Ok(made)
    }

    /// Opens the file of a process that is gone, with the number of damaged entries; `None` if it is locked, or
    /// deleted meanwhile.
    pub(super) fn adopt(path: &Path) -> io::Result<Option<(Self, u64)>> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => Self::take(file?, path),
        }
    }

    /// The same with the file that was found at `path` when it was opened.
    pub(super) fn take(mut file: File, path: &Path) -> io::Result<Option<(Self, u64)>> {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        // Between opening and locking somebody else may have adopted, emptied and deleted it, or its process compacted it.
        if file.metadata()?.nlink() == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (live, whole) = read_records(&bytes);
        let damaged = u64::from(whole < bytes.len());
        if damaged > 0 {
            // So that what is appended next follows a whole record.
            file.set_len(whole as u64)?;
        }
        let length = whole as u64;
        let live_bytes = live.values().map(record_length).sum();
        Ok(Some((
            Self {
                file,
                path: path.to_owned(),
                length,
                live,
                live_bytes,
                compact_from: 0,
                // Whoever compacted it may have died before that was synced.
                named: false,
                sound: true,
            },
            damaged,
        )))
    }

    /// Writes and syncs an entry. After an error the file is as before.
    pub(super) fn append(&mut self, number: u64, entry: Entry) -> io::Result<()> {
        let body = added(number, &entry);
        if body.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the entry is too long"));
        }
        self.write(&record(&body), true)?;
        self.live_bytes += record_length(&entry);
        if let Some(replaced) = self.live.insert(number, entry) {
            self.live_bytes -= record_length(&replaced);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, number: u64) -> io::Result<()> {
        let Some(removed) = self.live.remove(&number) else {
            return Ok(());
        };
        self.live_bytes -= record_length(&removed);
        if self.live.is_empty() {
            self.file.set_len(0)?;
            self.length = 0;
            self.compact_from = 0;
            return self.reserve();
        }
        self.write(&record(&[&[REMOVED], number.to_le_bytes().as_slice()].concat()), false)?;
        let dead = self.length.saturating_sub(self.live_bytes);
        if dead > SLACK.max(self.live_bytes)
            && self.length >= self.compact_from
            && let Err(error) = self.compact()
        {
            // Nothing is lost; the file is longer than need be.
            self.compact_from = self.length + SLACK;
            tracing::warn!(%error, "a journal could not be compacted");
        }
        Ok(())
    }

    /// Gives the name to a file that holds nothing but what is live. Whoever dies meanwhile leaves the old file or the
    /// new one under it, each whole. The old one, which somebody may have opened just before, stays locked until it has
    /// lost its name.
    pub(super) fn compact(&mut self) -> io::Result<()> {
        let beside = beside(&self.path);
        let renamed = self.write_live(&beside).and_then(|fresh| {
            std::fs::rename(&beside, &self.path)?;
            Ok(fresh)
        });
        match renamed {
            Ok(fresh) => self.file = fresh,
            Err(error) => {
                // Another try writes it anew; it goes with the journal at the latest.
                let _ = std::fs::remove_file(&beside);
                return Err(error);
            }
        }
        self.length = self.live_bytes;
        self.compact_from = 0;
        self.sound = true;
        self.named = false;
        self.name_lastingly()
    }

    /// A locked file with the live entries, on disk, and room behind it.
    fn write_live(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let mut writer = BufWriter::new(&file);
        for (number, entry) in &self.live {
            writer.write_all(&record(&added(*number, entry)))?;
        }
        writer.flush()?;
        drop(writer);
        allocate(&file, self.live_bytes)?;
        file.sync_all()?;
        Ok(file)
    }

    fn name_lastingly(&mut self) -> io::Result<()> {
        if !self.named {
            sync_folder(&self.path)?;
            self.named = true;
        }
        Ok(())
    }

    fn write(&mut self, record: &[u8], sync: bool) -> io::Result<()> {
        let written = self.write_record(record, sync);
        if written.is_err() {
            // What was written of it must not count; the next record is written over it in any case.
            self.sound = false;
            self.file.set_len(self.length)?;
        } else {
            self.length += record.len() as u64;
        }
        written
    }

    fn write_record(&mut self, record: &[u8], sync: bool) -> io::Result<()> {
        if sync {
            self.name_lastingly()?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(record)?;
        if sync { self.file.sync_data() } else { Ok(()) }
    }

    /// Holds disk space behind the end, and notes whether that works. Systems that can't do it are trusted.
    pub(super) fn reserve(&mut self) -> io::Result<()> {
        let reserved = allocate(&self.file, self.length);
        self.sound = reserved.is_ok();
        reserved
    }

    pub(super) fn writable(&self) -> bool {
        self.sound && self.is_linked()
    }

    /// Whether the file still has its name: an entry in a deleted file would die with the process.
    pub(super) fn is_linked(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.live.iter().map(|(number, entry)| (*number, entry))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Removes the file, and before it what a compaction may have left.
    pub(super) fn delete(&self) -> io::Result<()> {
        for path in [&beside(&self.path), &self.path] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        sync_folder(&self.path)
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, from: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, from, RESERVE) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        allocated => Ok(allocated?),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Makes the folder, and its name lasting.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    sync_folder(folder)
}

/// Syncs the folder that `path` lies in, so that its name is there after a crash.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// The record of a body. Bodies are at most LONGEST, so the length fits.
fn record(body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32;
    [&length.to_le_bytes(), &crc32fast::hash(body).to_le_bytes(), body].concat()
}

/// The body that adds an entry.
fn added(number: u64, entry: &Entry) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + ADDED_FIXED + entry.sealed.len());
    body.push(ADDED);
    body.extend_from_slice(&number.to_le_bytes());
    body.extend_from_slice(entry.credential.uuid().as_bytes());
    body.extend_from_slice(&entry.grant_no.to_le_bytes());
    body.extend_from_slice(&entry.attempt.to_le_bytes());
    body.extend_from_slice(&entry.sealed);
    body
}

fn record_length(entry: &Entry) -> u64 {
    (HEAD + 1 + ADDED_FIXED + entry.sealed.len()) as u64
}

/// The entries that are left, and how many bytes are whole records.
fn read_records(bytes: &[u8]) -> (BTreeMap<u64, Entry>, usize) {
    let mut live = BTreeMap::new();
    let mut at = 0;
    while let Some(body) = next_body(&bytes[at..]) {
        match Record::read(body) {
            Some(Record::Added(number, entry)) => drop(live.insert(number, entry)),
            Some(Record::Removed(number)) => drop(live.remove(&number)),
            None => break,
        }
        at += HEAD + body.len();
    }
    (live, at)
}

fn next_body(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length))
        .ok()
        .filter(|length| *length <= LONGEST)?;
    rest.get(..length)
        .filter(|body| crc32fast::hash(body) == u32::from_le_bytes(*sum))
}

enum Record {
    Added(u64, Entry),
    Removed(u64),
}

impl Record {
    fn read(body: &[u8]) -> Option<Self> {
        let (&kind, rest) = body.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let number = u64::from_le_bytes(*number);
        if kind == REMOVED {
            return Some(Self::Removed(number));
        }
        let (credential, rest) = rest.split_first_chunk()?;
        let (grant_no, rest) = rest.split_first_chunk()?;
        let (attempt, sealed) = rest.split_first_chunk()?;
        let entry = Entry {
            credential: CredentialId::from_uuid(Uuid::from_bytes(*credential)),
            grant_no: i64::from_le_bytes(*grant_no),
            attempt: i64::from_le_bytes(*attempt),
            sealed: sealed.to_vec(),
        };
        (kind == ADDED).then_some(Self::Added(number, entry))
    }
}
