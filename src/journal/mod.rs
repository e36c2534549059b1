//! The journal: what a platform answered is on this disk before it is on its way to the database, because a rotated
//! token that is lost can't be asked for again. One file a process, held by a lock that dies with the process; whoever
//! finds a file without a lock adopts it. Entries come sealed and leave when their save is committed.
//!
//! A journal that can't be written doesn't stop a process: it stops refreshing, and `writable` says so.

mod file;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::id::{CredentialId, JournalId};
use file::JournalFile;

/// One answer that isn't saved yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub credential: CredentialId,
    pub grant_no: i64,
    pub attempt: i64,
    /// Sealed by the caller.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} {}.{})", self.credential, self.grant_no, self.attempt)
    }
}

/// Names an entry: the journal that it was first written to, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    pub journal: JournalId,
    number: u64,
}

/// What [`Journal::adopt`] found.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Everything not yet removed, of our own file and of adopted ones, oldest first within a journal. May hold an
    /// entry that another task of this process is saving just now: saves are guarded.
    pub entries: Vec<(EntryKey, Entry)>,
    /// Journals of dead processes, held by us and empty: their attempts are settled. [`Journal::discard`] them once
    /// that is written down.
    pub emptied: Vec<JournalId>,
}

/// A cheap handle on this process' journal.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    id: JournalId,
    folder: PathBuf,
    /// Locked while the disk works.
    files: Mutex<Files>,
    /// The credentials with entries, apart from the files, so that asking for one never waits for the disk.
    held: Mutex<BTreeMap<EntryKey, CredentialId>>,
    /// What was last known while the disk is at work.
    writable: AtomicBool,
}

struct Files {
    /// `None` while the folder can't be written.
    own: Option<JournalFile>,
    next_number: u64,
    adopted: BTreeMap<JournalId, JournalFile>,
    /// Entries found damaged since the start.
    damaged: u64,
}

impl Journal {
    /// Makes the folder and the file for `id`, which must be new. Never fails: see [`Journal::writable`]; each
    /// [`Journal::adopt`] tries again. Blocks on the disk.
    pub fn open(folder: &Path, id: JournalId) -> Self {
        let inner = Inner {
            id,
            folder: folder.to_owned(),
            files: Mutex::new(Files {
                own: None,
                next_number: 1,
                adopted: BTreeMap::new(),
                damaged: 0,
            }),
            held: Mutex::default(),
            writable: AtomicBool::new(false),
        };
        if let Err(error) = inner.make_writable(&mut inner.files()) {
            tracing::error!(%error, journal.folder = %folder.display(), "The journal cannot be written");
        }
        Self(Arc::new(inner))
    }

    /// Names this process in leases.
    pub fn id(&self) -> JournalId {
        self.0.id
    }

    /// Keeps an entry; on disk when this returns. After an error nothing is kept. Goes on if the caller is dropped.
    pub async fn append(&self, entry: Entry) -> io::Result<EntryKey> {
        self.blocking(move |inner| {
            let mut files = inner.files();
            let files = &mut *files;
            let number = files.next_number;
            let own = files
                .own
                .as_mut()
                .ok_or_else(|| io::Error::other("the journal cannot be written"))?;
            let credential = entry.credential;
            own.append(number, entry)?;
            files.next_number += 1;
            let key = EntryKey {
                journal: inner.id,
                number,
            };
            inner.held().insert(key, credential);
            Ok(key)
        })
        .await
    }

    /// Drops an entry whose save is committed, or which a save has refused for good. Unknown keys are fine: somebody
    /// was quicker. If the machine dies right after, the entry may come back; saving it again is harmless.
    pub async fn remove(&self, key: EntryKey) -> io::Result<()> {
        self.blocking(move |inner| {
            let mut files = inner.files();
            let file = if key.journal == inner.id {
                files.own.as_mut()
            } else {
                files.adopted.get_mut(&key.journal)
            };
            let removed = file.map_or(Ok(()), |file| file.remove(key.number));
            inner.held().remove(&key);
            removed
        })
        .await
    }

    /// Whether an entry of this credential waits to be saved: then nobody here may claim it.
    pub fn holds(&self, credential: CredentialId) -> bool {
        self.0.held().values().any(|held| *held == credential)
    }

    /// Whether an append would work, as far as is known. False: start no refresh. Never waits for the disk.
    pub fn writable(&self) -> bool {
        if let Ok(files) = self.0.files.try_lock() {
            let writable = files.own.as_ref().is_some_and(JournalFile::writable);
            self.0.writable.store(writable, Ordering::Relaxed);
        }
        self.0.writable.load(Ordering::Relaxed)
    }

    /// How many answers wait to be saved, those of adopted journals included.
    pub fn waiting(&self) -> usize {
        self.0.held().len()
    }

    /// How many damaged entries were skipped since the start; each was also logged.
    pub fn damaged_entries(&self) -> u64 {
        self.0.files().damaged
    }

    /// Takes over the files of processes that are gone and lists all that is to be saved. At start, and every 15 s.
    pub async fn adopt(&self) -> io::Result<Adopted> {
        self.blocking(|inner| {
            let mut files = inner.files();
            if let Err(error) = inner.make_writable(&mut files) {
                tracing::error!(%error, journal.folder = %inner.folder.display(), "The journal cannot be written");
            }
            if let Err(error) = inner.adopt_files(&mut files) {
                tracing::error!(%error, journal.folder = %inner.folder.display(), "Journals cannot be looked for");
            }
            let mut adopted = Adopted::default();
            let own = files.own.iter().map(|file| (inner.id, file));
            for (journal, file) in own.chain(files.adopted.iter().map(|(id, file)| (*id, file))) {
                let keyed = |(number, entry): (u64, &Entry)| (EntryKey { journal, number }, entry.clone());
                adopted.entries.extend(file.entries().map(keyed));
                if journal != inner.id && file.is_empty() {
                    adopted.emptied.push(journal);
                }
            }
            Ok(adopted)
        })
        .await
    }

    /// Deletes the file of a dead process that [`Journal::adopt`] named empty. No effect on others.
    pub async fn discard(&self, journal: JournalId) -> io::Result<()> {
        self.blocking(move |inner| {
            let mut files = inner.files();
            match files.adopted.get(&journal) {
                Some(file) if file.is_empty() => {
                    file.delete()?;
                    files.adopted.remove(&journal);
                    Ok(())
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(io::Error::other)?
    }
}

impl Inner {
    fn files(&self) -> MutexGuard<'_, Files> {
        // A panicking thread leaves at worst an entry that is replayed once more.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<EntryKey, CredentialId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, journal: JournalId) -> PathBuf {
        self.folder.join(format!("{journal}.{}", file::EXTENSION))
    }

    /// Opens the own file if there is none, or if it was deleted under our hands; otherwise makes sure that there is
    /// room to write.
    fn make_writable(&self, files: &mut Files) -> io::Result<()> {
        match &mut files.own {
            Some(own) if own.is_linked() => own.reserve(),
            _ => {
                file::create_folder(&self.folder)?;
                let mut fresh = JournalFile::create(&self.path(self.id))?;
                // What the lost file held is still in memory; it moves along under its numbers.
                if let Some(lost) = &files.own {
                    for (number, entry) in lost.entries() {
                        if let Err(error) = fresh.append(number, entry.clone()) {
                            // Left behind, it would be taken for a dead process' empty journal.
                            fresh.delete()?;
                            return Err(error);
                        }
                    }
                }
                files.own = Some(fresh);
                Ok(())
            }
        }
    }

    fn adopt_files(&self, files: &mut Files) -> io::Result<()> {
        let folder = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        for item in folder {
            let path = item?.path();
            let Some(journal) = file::journal_of(&path) else {
                continue;
            };
            if journal == self.id || files.adopted.contains_key(&journal) {
                continue;
            }
            // `None`: its process lives, or another one was quicker.
            match JournalFile::adopt(&path) {
                Ok(Some((file, damaged))) => {
                    if damaged > 0 {
                        tracing::error!(journal.id = %journal, entries = damaged, "Damaged journal entries were skipped");
                    }
                    tracing::info!(journal.id = %journal, entries = file.entries().count(), "Adopted a journal");
                    files.damaged += damaged;
                    let keyed = |(number, entry): (u64, &Entry)| (EntryKey { journal, number }, entry.credential);
                    self.held().extend(file.entries().map(keyed));
                    files.adopted.insert(journal, file);
                }
                Ok(None) => {}
                // One file that can't be read must not keep the others from being saved.
                Err(error) => tracing::error!(journal.id = %journal, %error, "A journal cannot be adopted"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
