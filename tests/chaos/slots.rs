//! The places in which processes run: each has an address and a disk that outlive a kill. Whoever is killed is started
//! again as a supervisor would do it, as often as it takes; before that the database is asked which attempts it had under
//! way, for these may be in doubt.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::Signal;

use super::database::locked;
use super::installation::{BINARY, Http, Installation};
use super::process::{PATIENCE, Process, family};

/// A cheap handle.
#[derive(Clone)]
pub struct Slot(Arc<Inner>);

struct Inner {
    name: &'static str,
    arguments: &'static [&'static str],
    bind: String,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    starts: usize,
    downs: Vec<Down>,
    /// Attempts that were under way when their process was killed: credential and number.
    doubts: BTreeSet<(String, i64)>,
}

/// From the kill until it answers again.
#[derive(Debug, Clone, Copy)]
pub struct Down {
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
}

impl Slot {
    pub fn new(name: &'static str, arguments: &'static [&'static str], bind: String, data: &Path) -> Self {
        let folder = data.join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(Arc::new(Inner {
            name,
            arguments,
            bind,
            folder,
            state: Mutex::default(),
        }))
    }

    pub fn bind(&self) -> &str {
        &self.0.bind
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.bind)
    }

    pub fn journal(&self) -> PathBuf {
        self.0.folder.join("journal")
    }

    pub fn serves(&self) -> bool {
        self.0.arguments[0] == "serve"
    }

    pub fn is_up(&self) -> bool {
        let state = locked(&self.0.state);
        state.process.is_some() && state.downs.last().is_none_or(|down| down.until.is_some())
    }

    pub fn downs(&self) -> Vec<Down> {
        locked(&self.0.state).downs.clone()
    }

    pub fn doubts(&self) -> BTreeSet<(String, i64)> {
        locked(&self.0.state).doubts.clone()
    }

    /// Starts a process and waits until it is ready; another one if it ends before that, for instance because it found no
    /// database.
    pub async fn start(&self, client: &Http, settings: &[(&'static str, String)]) {
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let command: Vec<&str> = [BINARY].into_iter().chain(self.0.arguments.iter().copied()).collect();
        loop {
            let number = {
                let mut state = locked(&self.0.state);
                state.starts += 1;
                state.starts
            };
            let process = Process::start(&command, &settings, &self.0.folder.join(format!("{number}.log")));
            if self.ready(client, &process).await {
                locked(&self.0.state).process = Some(process);
                return;
            }
            drop(process);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// False: it ended.
    async fn ready(&self, client: &Http, process: &Process) -> bool {
        let waiting = async {
            loop {
                let ready = if self.serves() {
                    let answer = client.get(format!("{}/healthz", self.url())).send().await;
                    answer.is_ok_and(|answer| answer.status().is_success())
                } else {
                    process.written().contains("the worker is ready")
                };
                if ready {
                    return true;
                }
                if family(process.pid()).is_empty() {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, waiting).await;
        ready.unwrap_or_else(|_| panic!("{} is not ready: {}", self.0.name, process.written()))
    }

    /// The journals on its disk, as the database names their owners.
    fn owners(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.journal()) else {
            return Vec::new();
        };
        let names = files.filter_map(|file| file.unwrap().file_name().into_string().ok());
        names
            .filter_map(|name| Some(name.strip_prefix("journal_")?.strip_suffix(".journal")?.to_owned()))
            .collect()
    }
}

impl Installation {
    /// Kills the process of a slot as the kernel does, and starts another one after `pause`.
    pub async fn kill(&self, slot: &Slot, pause: Duration) {
        let process = {
            let mut state = locked(&slot.0.state);
            let Some(process) = state.process.take() else { return };
            state.downs.push(Down {
                from: self.clock.now(),
                until: None,
            });
            process
        };
        process.signal(Signal::KILL);
        drop(process);
        tokio::time::sleep(pause).await;
        let owners: Vec<String> = slot.owners().iter().map(|owner| format!("'{owner}'::uuid")).collect();
        if !owners.is_empty() {
            let under_way = format!(
                "SELECT id, lease_attempt FROM credentials WHERE lease_attempt IS NOT NULL AND lease_owner IN ({})",
                owners.join(",")
            );
            let rows = loop {
                match self.database.rows(&under_way) {
                    Ok(rows) => break rows,
                    Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            };
            let doubts = rows.iter().map(|row| {
                (
                    row["id"].as_str().unwrap().to_owned(),
                    row["lease_attempt"].as_i64().unwrap(),
                )
            });
            locked(&slot.0.state).doubts.extend(doubts);
        }
        slot.start(&self.client, &self.settings_of(slot)).await;
        if let Some(down) = locked(&slot.0.state).downs.last_mut() {
            down.until = Some(self.clock.now());
        }
    }
}

/// An address that was free a moment ago.
pub fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
