//! The server process and its guardian. Nothing of ours runs when we are killed with SIGKILL, so a small shell is the
//! server's parent: it reads from a pipe whose other end only we hold, and stops the server when that end closes,
//! however we ended. It leads a process group of its own: a Ctrl-C in the terminal reaches us, and we stop in order.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::account::{self, Account};
use super::programs::ServerPrograms;
use super::{PostgresError, Settings, failed, folder, free_port, last_lines};

/// `$1`: the folder to remove afterwards, or nothing. The rest: the server and its arguments. A server that ended by
/// itself leaves its folder, so that its log can be read.
///
/// The watcher sits in `read` until the pipe closes, then asks for a fast shutdown; after 30 s for an immediate one.
const GUARDIAN: &str = r#"
remove=$1; shift
exec 3<&0 </dev/null
"$@" >server.log 2>&1 3<&- &
server=$!
echo "$server"
exec >/dev/null 2>&1
(
    nap=
    trap 'kill $nap; exit' TERM
    while read -r _ <&3; do :; done
    : >stopping
    kill -INT "$server"
    sleep 30 & nap=$!
    wait "$nap"
    kill -QUIT "$server"
) &
watcher=$!
exec 3<&-
wait "$server"
kill "$watcher"
[ -z "$remove" ] || [ ! -e stopping ] || { cd / && rm -rf "$remove"; }
rm -f stopping
"#;

const PAUSE: Duration = Duration::from_millis(50);
/// Pauses to wait for a server that recovers from a crash: a minute.
const PAUSES_TO_START: u32 = 1200;
const PAUSES_TO_STOP: u32 = 600;
/// Ports may be taken between our look and the server's, and the last processes of a killed server take a moment.
const ATTEMPTS: u32 = 8;
/// A process id that no system gives out; it still parses as one.
const NO_PROCESS: &str = "2147483646";

#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
    pub(super) server: u32,
}

impl Guardian {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes the pipe and waits for the guardian, which ends after the server. Doing it twice does no harm.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().map(|_: ExitStatus| ())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // Nobody is left to be told; the guardian goes on without us in any case.
        let _ = self.stop();
    }
}

/// All that it takes to start a server in a cluster's folder.
pub(super) struct Start<'a> {
    pub(super) programs: &'a ServerPrograms,
    pub(super) folder: &'a Path,
    pub(super) account: Option<&'a Account>,
    pub(super) settings: &'a Settings,
    pub(super) temporary: bool,
}

impl Start<'_> {
    /// Answers the port as well, which is `wanted` if that one is free.
    pub(super) fn run(&self, wanted: Option<u16>) -> Result<(Guardian, u16), PostgresError> {
        if let Some(tls) = &self.settings.tls {
            folder::write_private(&self.folder.join("server.crt"), &tls.certificate, self.account)?;
            folder::write_private(&self.folder.join("server.key"), tls.key.expose(), self.account)?;
        }
        let mut wanted = wanted.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
        let mut told = String::new();
        for _ in 0..ATTEMPTS {
            let port = match wanted.take() {
                Some(port) => port,
                None => free_port()?,
            };
            let mut guardian = self.spawn(port)?;
            if self.wait_until_ready(&mut guardian)? {
                return Ok((guardian, port));
            }
            told = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            guardian.stop().map_err(failed("stopping PostgreSQL"))?;
            if told.contains("pre-existing shared memory block") {
                wanted = Some(port);
                pause_for(20);
            } else if !told.contains("could not create any TCP/IP sockets") {
                break;
            }
        }
        Err(PostgresError::DidNotStart(last_lines(&told)))
    }

    fn spawn(&self, port: u16) -> Result<Guardian, PostgresError> {
        let mut command = account::command("sh", self.programs, self.folder, self.account);
        command.args(["-c", GUARDIAN, "guardian"]);
        command.arg(if self.temporary {
            self.folder.as_os_str()
        } else {
            "".as_ref()
        });
        command
            .arg(self.programs.program("postgres"))
            .arg("-D")
            .arg(self.folder.join("data"));
        command.args(self.settings.arguments(port));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().map_err(failed("starting PostgreSQL"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(failed("starting PostgreSQL"))?;
        }
        let server = line
            .trim()
            .parse()
            .map_err(|_| PostgresError::DidNotStart("its guardian ended".to_owned()))?;
        Ok(Guardian { child, server })
    }

    /// Whether it came up; false if it ended instead.
    fn wait_until_ready(&self, guardian: &mut Guardian) -> Result<bool, PostgresError> {
        for _ in 0..PAUSES_TO_START {
            if guardian
                .child
                .try_wait()
                .map_err(failed("starting PostgreSQL"))?
                .is_some()
            {
                return Ok(false);
            }
            if PidFile::read(self.folder).is_some_and(|file| file.ready && file.pid == i64::from(guardian.server)) {
                return Ok(true);
            }
            pause_for(1);
        }
        Ok(false)
    }
}

/// What the server writes about itself into its data folder.
struct PidFile {
    pid: i64,
    ready: bool,
    text: String,
}

impl PidFile {
    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        let ready = text.lines().nth(7).is_some_and(|line| line.trim() == "ready");
        Some(Self { pid, ready, text })
    }
}

/// Stops the server that a killed run left running in `folder`, and makes sure that a left-over file does not keep
/// the next one from starting.
pub(super) fn stop_leftover(folder: &Path) -> Result<(), PostgresError> {
    let Some(file) = PidFile::read(folder) else {
        return Ok(());
    };
    let Some((raw, pid)) = i32::try_from(file.pid)
        .ok()
        .and_then(|raw| Some((raw, Pid::from_raw(raw)?)))
    else {
        return Ok(());
    };
    if !serves(raw, folder) {
        return disown(folder, &file);
    }
    for signal in [Signal::INT, Signal::QUIT] {
        // It may have ended just now; the loop sees it.
        let _ = kill_process(pid, signal);
        for _ in 0..PAUSES_TO_STOP {
            if !serves(raw, folder) {
                return Ok(());
            }
            pause_for(1);
        }
    }
    Err(PostgresError::DoesNotStop(raw))
}

/// After a reboot or in a new container the id may belong to any process of the same account, and PostgreSQL would
/// take that for a running server. The rest of the file stays: it guards against the old server's last processes.
fn disown(folder: &Path, file: &PidFile) -> Result<(), PostgresError> {
    let rest = file.text.split_once('\n').map_or("", |(_, rest)| rest);
    let owner = Account::owner_of(folder)?;
    folder::write_private(
        &folder.join("data/postmaster.pid"),
        &format!("{NO_PROCESS}\n{rest}"),
        owner.as_ref(),
    )
}

/// Whether process `pid` is a server of the cluster in `folder`.
fn serves(pid: i32, folder: &Path) -> bool {
    let data = folder.join("data");
    let data = data.as_os_str().as_encoded_bytes();
    if Path::new("/proc/self/cmdline").exists() {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return words.split(|byte| *byte == 0).any(|word| word == data);
    }
    let told = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .output();
    told.is_ok_and(|told| told.stdout.windows(data.len()).any(|words| words == data))
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program is waited for, on a thread that may block"
)]
fn pause_for(times: u32) {
    std::thread::sleep(PAUSE * times);
}
