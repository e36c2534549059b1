//! Two journals in one folder stand for two processes; a dropped one for a process that died.

use std::error::Error;
use std::fs;

use super::file::{JournalFile, beside};
use super::*;
use crate::domain::id::Id;

type TestResult = Result<(), Box<dyn Error>>;

fn journal(folder: &Path, number: u8) -> Journal {
    Journal::open(folder, journal_id(number))
}

fn journal_id(number: u8) -> JournalId {
    JournalId::make(1, [number; 10])
}

fn entry(number: u8) -> Entry {
    Entry {
        credential: CredentialId::make(2, [number; 10]),
        grant_no: 1,
        attempt: i64::from(number),
        sealed: vec![number; 100],
    }
}

fn file_of(folder: &Path, number: u8) -> PathBuf {
    folder.join(format!("{}.journal", journal_id(number)))
}

fn plain(adopted: &Adopted) -> Vec<Entry> {
    adopted.entries.iter().map(|(_, entry)| entry.clone()).collect()
}

#[tokio::test]
async fn an_entry_is_held_from_append_to_remove() -> TestResult {
    let folder = tempfile::tempdir()?;
    let journal = journal(folder.path(), 1);
    assert!(journal.writable());
    let key = journal.append(entry(7)).await?;
    assert_eq!(key.journal, journal.id());
    assert!(journal.holds(entry(7).credential) && !journal.holds(entry(8).credential));
    assert_eq!(plain(&journal.adopt().await?), [entry(7)]);
    journal.remove(key).await?;
    journal.remove(key).await?;
    assert!(!journal.holds(entry(7).credential));
    assert!(journal.adopt().await?.entries.is_empty());
    assert_eq!(fs::metadata(file_of(folder.path(), 1))?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_journal_of_a_living_process_is_left_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (one, two) = (journal(folder.path(), 1), journal(folder.path(), 2));
    one.append(entry(7)).await?;
    let adopted = two.adopt().await?;
    assert!(adopted.entries.is_empty() && adopted.emptied.is_empty());
    assert!(!two.holds(entry(7).credential));
    Ok(())
}

#[tokio::test]
async fn a_dead_process_is_inherited_from_once_and_its_file_goes_when_settled() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dead = journal(folder.path(), 1);
    let saved = dead.append(entry(6)).await?;
    dead.append(entry(7)).await?;
    dead.append(entry(8)).await?;
    dead.remove(saved).await?;
    drop(dead);

    let heir = journal(folder.path(), 2);
    let adopted = heir.adopt().await?;
    assert_eq!(plain(&adopted), [entry(7), entry(8)]);
    assert!(adopted.emptied.is_empty() && heir.holds(entry(7).credential));
    assert!(journal(folder.path(), 3).adopt().await?.entries.is_empty());

    for (key, _) in adopted.entries {
        assert_eq!(key.journal, journal_id(1));
        heir.discard(key.journal).await?;
        heir.remove(key).await?;
    }
    assert!(file_of(folder.path(), 1).exists());
    assert!(heir.adopt().await?.emptied.contains(&journal_id(1)));
    heir.discard(journal_id(1)).await?;
    assert!(!file_of(folder.path(), 1).exists());
    assert!(!heir.adopt().await?.emptied.contains(&journal_id(1)));
    Ok(())
}

#[tokio::test]
async fn an_heir_that_dies_too_leaves_only_what_it_has_not_saved() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dead = journal(folder.path(), 1);
    let first = dead.append(entry(7)).await?;
    dead.append(entry(8)).await?;
    drop(dead);
    let heir = journal(folder.path(), 2);
    heir.adopt().await?;
    heir.remove(first).await?;
    drop(heir);
    let last = journal(folder.path(), 3).adopt().await?;
    assert_eq!((plain(&last), last.emptied), (vec![entry(8)], vec![journal_id(2)]));
    Ok(())
}

#[tokio::test]
async fn a_torn_last_entry_is_skipped_and_counted() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dead = journal(folder.path(), 1);
    dead.append(entry(7)).await?;
    let whole = fs::metadata(file_of(folder.path(), 1))?.len();
    dead.append(entry(8)).await?;
    drop(dead);
    let both = fs::read(file_of(folder.path(), 1))?;
    let mut flipped = both.clone();
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    let mut damages: Vec<Vec<u8>> = (usize::try_from(whole)? + 1..both.len())
        .map(|end| both[..end].to_vec())
        .collect();
    damages.push(flipped);
    for damaged in damages {
        let folder = tempfile::tempdir()?;
        fs::write(file_of(folder.path(), 1), &damaged)?;
        let heir = journal(folder.path(), 2);
        assert_eq!(plain(&heir.adopt().await?), [entry(7)], "{} bytes", damaged.len());
        assert_eq!(heir.damaged_entries(), 1);
        assert_eq!(fs::metadata(file_of(folder.path(), 1))?.len(), whole);
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_leaves_the_journal_unwritable_until_it_can() -> TestResult {
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("file");
    fs::write(&inside, "in the way")?;
    let journal = journal(&inside, 1);
    assert!(!journal.writable());
    assert!(journal.append(entry(7)).await.is_err());
    assert!(!journal.holds(entry(7).credential));
    fs::remove_file(&inside)?;
    journal.adopt().await?;
    assert!(journal.writable());
    journal.append(entry(7)).await?;
    Ok(())
}

#[tokio::test]
async fn a_file_deleted_under_our_hands_is_noticed_and_written_anew() -> TestResult {
    let folder = tempfile::tempdir()?;
    let journal = journal(folder.path(), 1);
    let key = journal.append(entry(7)).await?;
    fs::remove_file(file_of(folder.path(), 1))?;
    assert!(!journal.writable());
    assert_eq!(plain(&journal.adopt().await?), [entry(7)]);
    assert!(journal.writable());
    drop(journal);
    let heir = self::journal(folder.path(), 2);
    assert_eq!(heir.adopt().await?.entries, [(key, entry(7))]);
    Ok(())
}

#[tokio::test]
async fn other_files_in_the_folder_are_not_touched() -> TestResult {
    let folder = tempfile::tempdir()?;
    for name in ["notes.txt", "x.journal", ".journal"] {
        fs::write(folder.path().join(name), "not ours")?;
    }
    let adopted = journal(folder.path(), 1).adopt().await?;
    assert!(adopted.entries.is_empty() && adopted.emptied.is_empty());
    assert_eq!(fs::read_dir(folder.path())?.count(), 4);
    Ok(())
}

#[tokio::test]
async fn a_journal_stays_bounded_while_one_answer_cannot_be_saved() -> TestResult {
    let folder = tempfile::tempdir()?;
    let journal = journal(folder.path(), 1);
    let stuck = journal.append(entry(7)).await?;
    let mut longest = 0;
    for number in 0..3000_u32 {
        let saved = Entry {
            sealed: vec![number.to_le_bytes()[0]; 2000],
            ..entry(8)
        };
        let key = journal.append(saved).await?;
        journal.remove(key).await?;
        longest = longest.max(fs::metadata(file_of(folder.path(), 1))?.len());
    }
    assert!(longest < 1_100_000, "{longest}");
    drop(journal);
    let adopted = self::journal(folder.path(), 2).adopt().await?;
    assert_eq!(adopted.entries, [(stuck, entry(7))]);
    Ok(())
}

/// An entry of which two fill the slack of a journal.
fn large(number: u8) -> Entry {
    Entry {
        sealed: vec![number; 600_000],
        ..entry(number)
    }
}

fn length_of(folder: &Path, number: u8) -> io::Result<u64> {
    Ok(fs::metadata(file_of(folder, number))?.len())
}

#[tokio::test]
async fn killed_at_any_step_of_a_compaction_the_heir_finds_every_answer() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = file_of(folder.path(), 1);
    let mut file = JournalFile::create(&path)?;
    for number in 1..=5 {
        file.append(u64::from(number), entry(number))?;
    }
    for number in [1, 3, 4] {
        file.remove(number)?;
    }
    let before = fs::read(&path)?;
    file.compact()?;
    let after = fs::read(&path)?;
    drop(file);
    assert!(after.len() < before.len() / 2, "{} {}", after.len(), before.len());

    // What has the name, and what is beside it.
    let mut left = vec![(&before, None), (&after, None)];
    left.extend((0..after.len()).step_by(7).map(|end| (&before, Some(&after[..end]))));
    left.push((&before, Some(after.as_slice())));
    for (named, unnamed) in left {
        let folder = tempfile::tempdir()?;
        let path = file_of(folder.path(), 1);
        fs::write(&path, named)?;
        if let Some(unnamed) = unnamed {
            fs::write(beside(&path), unnamed)?;
        }
        let heir = journal(folder.path(), 2);
        let adopted = heir.adopt().await?;
        assert_eq!(plain(&adopted), [entry(2), entry(5)], "{:?}", unnamed.map(<[u8]>::len));
        assert_eq!(heir.damaged_entries(), 0);
        for (key, _) in adopted.entries {
            assert_eq!(key.journal, journal_id(1));
            heir.remove(key).await?;
        }
        assert_eq!(heir.adopt().await?.emptied, [journal_id(1)]);
        heir.discard(journal_id(1)).await?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing is left behind");
    }
    Ok(())
}

#[tokio::test]
async fn a_journal_that_was_compacted_stays_its_process_own_and_takes_further_answers() -> TestResult {
    let folder = tempfile::tempdir()?;
    let journal = journal(folder.path(), 1);
    let stuck = journal.append(entry(7)).await?;
    let (first, second) = (journal.append(large(1)).await?, journal.append(large(2)).await?);
    // Opened by somebody who looks for journals, and locked only after the compaction.
    let path = file_of(folder.path(), 1);
    let opened = || fs::OpenOptions::new().read(true).write(true).open(&path);
    let (early, late) = (opened()?, opened()?);
    journal.remove(first).await?;
    assert!(length_of(folder.path(), 1)? > 1_200_000);
    journal.remove(second).await?;
    assert!(length_of(folder.path(), 1)? < 1000);

    assert!(JournalFile::take(early, &path)?.is_none(), "it has lost its name");
    let other = self::journal(folder.path(), 2);
    assert!(other.adopt().await?.entries.is_empty());
    assert!(journal.writable() && journal.holds(entry(7).credential));
    let next = journal.append(entry(8)).await?;
    drop(journal);
    assert!(JournalFile::take(late, &path)?.is_none());
    let adopted = other.adopt().await?;
    assert_eq!(adopted.entries, [(stuck, entry(7)), (next, entry(8))]);
    Ok(())
}

#[tokio::test]
async fn an_adopted_journal_is_compacted_too_and_its_next_heir_finds_the_rest() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dead = journal(folder.path(), 1);
    for entry in [large(1), entry(7), large(2)] {
        dead.append(entry).await?;
    }
    drop(dead);
    let heir = journal(folder.path(), 2);
    for (key, entry) in heir.adopt().await?.entries {
        if entry != self::entry(7) {
            heir.remove(key).await?;
        }
    }
    assert!(length_of(folder.path(), 1)? < 1000);
    assert!(
        journal(folder.path(), 3).adopt().await?.entries.is_empty(),
        "it is held"
    );
    drop(heir);
    assert_eq!(plain(&journal(folder.path(), 4).adopt().await?), [entry(7)]);
    Ok(())
}

#[tokio::test]
async fn a_compaction_that_fails_costs_nothing_and_is_tried_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let journal = journal(folder.path(), 1);
    let stuck = journal.append(entry(7)).await?;
    let in_the_way = beside(&file_of(folder.path(), 1));
    fs::create_dir(&in_the_way)?;
    for number in [1, 2] {
        let key = journal.append(large(number)).await?;
        journal.remove(key).await?;
    }
    assert!(length_of(folder.path(), 1)? > 1_200_000);
    assert!(journal.writable());
    assert_eq!(journal.adopt().await?.entries, [(stuck, entry(7))]);
    fs::remove_dir(&in_the_way)?;
    for number in [3, 4] {
        let key = journal.append(large(number)).await?;
        journal.remove(key).await?;
    }
    assert!(length_of(folder.path(), 1)? < 1000);
    drop(journal);
    assert_eq!(plain(&self::journal(folder.path(), 2).adopt().await?), [entry(7)]);
    Ok(())
}

#[test]
fn debug_of_an_entry_shows_nothing_of_what_is_sealed() {
    let shown = format!("{:?}", entry(7));
    assert!(shown.starts_with("Entry(cred_") && !shown.contains("7, 7"), "{shown}");
}
