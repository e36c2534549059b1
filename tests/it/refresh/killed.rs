//! A process is killed at the narrowest places of a save: its answer is in the journal, and the row waits for somebody
//! else; or the commit is ordered; or it is done and the journal does not know. Whoever finds the journal then, at once,
//! after days, or after others have moved on, brings the newest pair to the row and nothing older, and asks the platform
//! nothing twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::{PgConnection, RunQueryDsl as _};
use serde_json::{Value, json};

use super::PATH;
use super::crash::{begin_call, slow, state, works_at};
use crate::support::connecting::{MERCADO_LIBRE, SHOPIFY};
use crate::support::installation::{Held, Installation};
use crate::support::processes::Process;
use crate::support::relay::{Hold, Relay};
use crate::support::rows::{self, refresh_token, until};

/// Where the process is in its save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It waits for the row, which somebody else has locked.
    WaitsForRow,
    /// All is written, and nothing is committed.
    BeforeCommit,
    /// It is committed, and the answer still stands in the journal.
    BeforeRemoval,
}

/// A process that stands there, with the answer of its one token call.
struct Standing {
    installation: Installation,
    process: Process,
    store: Held,
    lock: Option<PgConnection>,
    _relay: Relay,
}

impl Standing {
    async fn at(place: Place, platform: &str, fields: &[(&str, &str)], more: &[(&'static str, String)]) -> Self {
        let installation = Installation::start().await;
        Self::in_its(installation, place, platform, fields, more).await
    }

    async fn in_its(
        installation: Installation,
        place: Place,
        platform: &str,
        fields: &[(&str, &str)],
        more: &[(&'static str, String)],
    ) -> Self {
        let strict = json!({ "platform": platform, "settings": { "reuse_revokes": true } });
        installation.control("settings", strict).await;
        let relay = Relay::before(&installation.database).await;
        let mut settings = vec![
            ("DATABASE_URL", relay.url.clone()),
            ("LLAVERO_DATABASE_LISTEN_URL", installation.database.url()),
        ];
        settings.extend(more.iter().cloned());
        let process = installation.serve_with(&["serve"], &settings).await;
        let store = installation.connect_expired(&process, platform, fields).await;
        slow(&installation, platform, json!({ "delay_ms": 1500 })).await;
        begin_call(&installation, &process, &store, platform).await;
        let lock = match place {
            Place::WaitsForRow => {
                let mut lock = installation.database.connect();
                for statement in ["BEGIN", "SELECT id FROM credentials FOR UPDATE"] {
                    diesel::sql_query(statement).execute(&mut lock).unwrap();
                }
                let waiting = "SELECT count(*) AS n FROM pg_stat_activity \
                               WHERE datname = current_database() AND wait_event_type = 'Lock'";
                until("the save waits for the row", async || {
                    (rows::count(&installation.database, waiting) > 0).then_some(())
                })
                .await;
                Some(lock)
            }
            Place::BeforeCommit | Place::BeforeRemoval => {
                relay.hold(if place == Place::BeforeCommit {
                    Hold::Order
                } else {
                    Hold::Answer
                });
                until("the save is at its commit", async || relay.has_held().then_some(())).await;
                None
            }
        };
        let committed = i64::from(place == Place::BeforeRemoval);
        assert_eq!(saved(&installation)["saved_attempt"], committed, "{place:?}");
        Self {
            installation,
            process,
            store,
            lock,
            _relay: relay,
        }
    }

    /// As the kernel kills it; others have the row again.
    fn kill(&mut self) {
        self.process.kill();
        if let Some(mut lock) = self.lock.take() {
            diesel::sql_query("ROLLBACK").execute(&mut lock).unwrap();
        }
    }

    /// The platform refreshes once more, with a token that it had not seen before: what is saved is its newest pair.
    async fn has_the_newest_pair(&self, process: &Process, platform: &str, calls: usize) {
        let before = self.installation.refreshes(platform).await;
        assert_eq!(before.len(), calls, "token calls so far");
        let path = format!("/v1/stores/{}/refresh", self.store.store_id);
        let asked = self.installation.api(process, "POST", &path, Some(json!({}))).await;
        assert_eq!(asked.json()["outcome"], "renewed", "{}", asked.body);
        let after = self.installation.refreshes(platform).await;
        let sent: BTreeSet<_> = after.iter().filter_map(refresh_token).collect();
        assert_eq!(
            (after.len(), sent.len()),
            (calls + 1, calls + 1),
            "each token is sent once"
        );
        works_at(&self.installation, process, &self.store).await;
        assert_eq!(
            state(&self.installation),
            json!({ "status": "connected", "health": "ok" })
        );
    }
}

fn saved(installation: &Installation) -> Value {
    let query = "SELECT grant_no, saved_attempt, md5(values_sealed) AS pair \
                 FROM credentials";
    rows::row(&installation.database, query)
}

/// The journals in a folder that hold something.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap());
    let full = files.filter(|file| file.metadata().unwrap().len() > 0);
    full.map(|file| file.path()).collect()
}

async fn emptied(folder: &Path) {
    until("the journal is empty", async || {
        journals(folder).is_empty().then_some(())
    })
    .await;
}

async fn killed_and_started_again(place: Place) {
    let mut at = Standing::at(place, "mercado-libre", MERCADO_LIBRE, &[]).await;
    let folder = at.installation.data.path().join("journal");
    assert_eq!(journals(&folder).len(), 1, "{place:?}");
    at.kill();
    let before = saved(&at.installation);

    let next = at.installation.serve().await;
    works_at(&at.installation, &next, &at.store).await;
    emptied(&folder).await;
    let after = saved(&at.installation);
    assert_eq!(after["saved_attempt"], 1);
    // What was committed is not written again.
    assert_eq!(before["pair"] == after["pair"], place == Place::BeforeRemoval);
    at.has_the_newest_pair(&next, "mercado-libre", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_its_save_waits_for_the_row_the_next_start_saves_what_it_journaled() {
    killed_and_started_again(Place::WaitsForRow).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_the_commit_of_its_save_the_next_start_saves_what_it_journaled() {
    killed_and_started_again(Place::BeforeCommit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_commit_and_the_journals_removal_nothing_is_written_twice() {
    killed_and_started_again(Place::BeforeRemoval).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_process_saves_what_one_journaled_that_was_killed_before_its_commit() {
    let installation = Installation::start().await;
    let witness = installation.serve().await;
    let mut at = Standing::in_its(installation, Place::BeforeCommit, "mercado-libre", MERCADO_LIBRE, &[]).await;
    at.kill();
    works_at(&at.installation, &witness, &at.store).await;
    at.has_the_newest_pair(&witness, "mercado-libre", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_comes_back_as_it_stood_before_its_removal_overwrites_nothing_newer() {
    let mut at = Standing::at(Place::BeforeRemoval, "mercado-libre", MERCADO_LIBRE, &[]).await;
    let folder = at.installation.data.path().join("journal");
    let journal = journals(&folder).remove(0);
    let copy = at.installation.data.path().join("copy");
    std::fs::copy(&journal, &copy).unwrap();
    at.kill();
    let next = at.installation.serve().await;
    emptied(&folder).await;
    until("the journal is gone", async || (!journal.exists()).then_some(())).await;
    at.has_the_newest_pair(&next, "mercado-libre", 1).await;
    let newest = saved(&at.installation);

    // A disk, or a backup of it, is back with what was saved long ago.
    std::fs::rename(&copy, &journal).unwrap();
    let last = at.installation.serve().await;
    emptied(&folder).await;
    // It is kept aside until the newest has proved itself.
    let now = saved(&at.installation);
    assert_eq!(
        (&now["saved_attempt"], &now["pair"]),
        (&newest["saved_attempt"], &newest["pair"])
    );
    at.has_the_newest_pair(&last, "mercado-libre", 2).await;
}

/// A process with a disk of its own, as on another machine.
async fn on_its_own_disk(platform: &str, fields: &[(&str, &str)]) -> (Standing, [(&'static str, String); 1], PathBuf) {
    let installation = Installation::start().await;
    let disk = installation.data.path().join("own-disk");
    let setting = [("LLAVERO_JOURNAL_DIR", disk.to_str().unwrap().to_owned())];
    let mut at = Standing::in_its(installation, Place::BeforeCommit, platform, fields, &setting).await;
    assert_eq!(journals(&disk).len(), 1);
    at.kill();
    (at, setting, disk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_grace_others_wait_for_a_killed_process_whose_disk_comes_back() {
    let (at, setting, disk) = on_its_own_disk("mercado-libre", MERCADO_LIBRE).await;
    let other = at.installation.serve().await;
    let answer = at.installation.call(&other, &at.store.access_token, PATH).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());

    let back = at.installation.serve_with(&["serve"], &setting).await;
    emptied(&disk).await;
    for process in [&back, &other] {
        works_at(&at.installation, process, &at.store).await;
    }
    at.has_the_newest_pair(&other, "mercado-libre", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_a_grace_others_do_not_wait_and_a_disk_that_comes_back_overwrites_nothing() {
    let (at, setting, disk) = on_its_own_disk("shopify", SHOPIFY).await;
    let other = at.installation.serve().await;
    at.installation.advance(Duration::from_secs(300)).await;
    works_at(&at.installation, &other, &at.store).await;
    let newest = saved(&at.installation);
    let sent = at.installation.refreshes("shopify").await;
    assert_eq!(sent.len(), 2, "the old token once more, within its grace");

    let back = at.installation.serve_with(&["serve"], &setting).await;
    emptied(&disk).await;
    let after = saved(&at.installation);
    assert_eq!(
        (&after["saved_attempt"], &after["pair"]),
        (&newest["saved_attempt"], &newest["pair"]),
        "the earlier answer does not take the place of the later"
    );
    for process in [&back, &other] {
        works_at(&at.installation, process, &at.store).await;
    }
    let path = format!("/v1/stores/{}/refresh", at.store.store_id);
    let asked = at.installation.api(&back, "POST", &path, Some(json!({}))).await;
    assert_eq!(asked.json()["outcome"], "renewed", "{}", asked.body);
    assert_eq!(
        state(&at.installation),
        json!({ "status": "connected", "health": "ok" })
    );
}
