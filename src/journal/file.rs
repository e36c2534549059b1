//! One journal file: records appended one after the other, each `length (4) | crc32 (4) | kind (1) | body`, numbers
//! little-endian. An added entry's record is synced before anybody relies on it; a removal's is not. When nothing is
//! left the file is cut to nothing. Reading stops at the first record that isn't whole: a torn write is always the
//! last one.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
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

/// The journal that a file belongs to, by its name.
pub(super) fn journal_of(path: &Path) -> Option<JournalId> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
}

/// An open file, locked until it is dropped.
pub(super) struct JournalFile {
    file: File,
    path: PathBuf,
    length: u64,
    live: BTreeMap<u64, Entry>,
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
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        // Between opening and locking somebody else may have adopted, emptied and deleted it.
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
        Ok(Some((
            Self {
                file,
                path: path.to_owned(),
                length,
                live,
                sound: true,
            },
            damaged,
        )))
    }

    /// Writes and syncs an entry. After an error the file is as before.
    pub(super) fn append(&mut self, number: u64, entry: Entry) -> io::Result<()> {
        let mut body = Vec::with_capacity(1 + ADDED_FIXED + entry.sealed.len());
        body.push(ADDED);
        body.extend_from_slice(&number.to_le_bytes());
        body.extend_from_slice(entry.credential.uuid().as_bytes());
        body.extend_from_slice(&entry.grant_no.to_le_bytes());
        body.extend_from_slice(&entry.attempt.to_le_bytes());
        body.extend_from_slice(&entry.sealed);
        if body.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the entry is too long"));
        }
        self.write(&body, true)?;
        self.live.insert(number, entry);
        Ok(())
    }

    pub(super) fn remove(&mut self, number: u64) -> io::Result<()> {
        if self.live.remove(&number).is_none() {
            return Ok(());
        }
        if self.live.is_empty() {
            self.file.set_len(0)?;
            self.length = 0;
            return self.reserve();
        }
        self.write(&[&[REMOVED], number.to_le_bytes().as_slice()].concat(), false)
    }

    fn write(&mut self, body: &[u8], sync: bool) -> io::Result<()> {
        // Bodies are at most LONGEST, so the length fits.
        let length = body.len() as u32;
        let record = [&length.to_le_bytes(), &crc32fast::hash(body).to_le_bytes(), body].concat();
        let written = self.write_record(&record, sync);
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
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(record)?;
        if sync { self.file.sync_data() } else { Ok(()) }
    }

    /// Holds disk space behind the end, and notes whether that works. Systems that can't do it are trusted.
    pub(super) fn reserve(&mut self) -> io::Result<()> {
        let reserved = self.allocate();
        self.sound = reserved.is_ok();
        reserved
    }

    #[cfg(target_os = "linux")]
    fn allocate(&self) -> io::Result<()> {
        let keep_size = rustix::fs::FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.file, keep_size, self.length, RESERVE) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            allocated => Ok(allocated?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn allocate(&self) -> io::Result<()> {
        Ok(())
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

    pub(super) fn delete(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }?;
        sync_folder(&self.path)
    }
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
