//! Programs that a walk starts, and what they started in turn. Each leads a process group of its own with a watcher in it
//! that reads from a pipe whose other end only the walk holds: when that end closes, however the walk ended, the whole
//! group is killed. Nothing outlives a run.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::programs;

/// `$@`: the program, which takes the shell's place and so keeps its process id. The watcher has no parent among us, or
/// it would be taken for something that the program left behind.
const GUARDED: &str = r#"
exec 3<&0 </dev/null
( ( while read -r _ <&3; do :; done; kill -KILL -$$ ) >/dev/null 2>&1 & )
exec "$@" 3<&-
"#;

const PAUSE: Duration = Duration::from_millis(50);
/// How long a start or a stop may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A running program; dropping it kills it and its group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both of its outputs in the file `log`, in the folder of that file, and with no more of our
    /// environment than PATH.
    pub fn start(command: &[&str], environment: &[(&str, &str)], log: &Path) -> Self {
        let output = fs::File::create(log).unwrap();
        let child = Command::new("sh")
            .args(["-c", GUARDED, "guarded"])
            .args(command)
            .env_clear()
            .env("PATH", programs::path())
            .envs(environment.iter().copied())
            .current_dir(log.parent().unwrap())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            child,
            log: log.to_owned(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The first whole line it writes that holds `text`; panics with all it wrote if it ends before.
    pub async fn line_with(&mut self, text: &str) -> String {
        until(&format!("a line with `{text}`"), async || {
            let ended = self.child.try_wait().unwrap();
            let written = self.written();
            let whole = written.rfind('\n').map_or("", |end| &written[..end]);
            let found = whole.lines().find(|line| line.contains(text)).map(str::to_owned);
            assert!(
                found.is_some() || ended.is_none(),
                "it ended before `{text}`:\n{written}"
            );
            found
        })
        .await
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.pid()), signal).unwrap();
    }

    /// Waits for it to end by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.ended_within(PATIENCE).await
    }

    /// The same for one that takes its time by itself.
    pub async fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        until_within(patience, "its end", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Process {
    #[expect(
        clippy::print_stdout,
        reason = "what the program wrote belongs to the failed walk's output"
    )]
    fn drop(&mut self) {
        // The watcher does the same if we do not come this far.
        let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        if std::thread::panicking() {
            let written = self.written();
            let lines: Vec<&str> = written.lines().collect();
            println!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed()).unwrap()
}

/// Looks again and again until there is something; panics with `what` was awaited when patience ends.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look).await
}

async fn until_within<T>(patience: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let found = tokio::time::timeout(patience, looking).await;
    found.unwrap_or_else(|_| panic!("not within {} s: {what}", patience.as_secs()))
}

/// A process as the kernel tells of it; its start tells it from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: u32,
    parent: u32,
    started: u64,
    pub name: String,
}

impl Seen {
    fn read(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name stands in brackets and may hold anything.
        let (start, rest) = text.rsplit_once(')')?;
        let rest: Vec<&str> = rest.split_whitespace().collect();
        // One that ended and that nobody asked about is no running process.
        if matches!(*rest.first()?, "Z" | "X") {
            return None;
        }
        Some(Self {
            id,
            parent: rest.get(1)?.parse().ok()?,
            started: rest.get(19)?.parse().ok()?,
            name: start.split_once('(')?.1.to_owned(),
        })
    }

    pub fn runs(&self) -> bool {
        Self::read(self.id).is_some_and(|now| now.started == self.started)
    }
}

/// The process `id` and all that it and its children started, as far as they still belong to it.
pub fn family(id: u32) -> Vec<Seen> {
    let running = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        Seen::read(name.to_str()?.parse().ok()?)
    });
    let running: Vec<Seen> = running.collect();
    let mut found: Vec<Seen> = running.iter().filter(|process| process.id == id).cloned().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|process| process.id) {
        found.extend(running.iter().filter(|process| process.parent == parent).cloned());
        next += 1;
    }
    found
}

/// Waits until none of them runs any more; panics with those that do.
pub async fn all_gone(processes: &[Seen]) {
    let still = || -> Vec<&Seen> { processes.iter().filter(|process| process.runs()).collect() };
    let gone = tokio::time::timeout(PATIENCE, async {
        while !still().is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    });
    assert!(gone.await.is_ok(), "still running: {:?}", still());
}
