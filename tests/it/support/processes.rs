//! A process of the built program, as a test starts, pauses and kills it. It hears nothing of the test's environment and
//! ends when the test does.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};

use super::rows::until;

/// A process of the built program; killed when dropped.
pub struct Process {
    child: Child,
    /// `http://127.0.0.1:PORT`; empty for a command.
    pub url: String,
    log: PathBuf,
}

/// Nothing of the environment but what the program needs to find its libraries.
pub fn program(arguments: &[&str], settings: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llavero"));
    command
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null());
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    command
}

/// A port that was free a moment ago.
pub fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

impl Process {
    pub fn spawn(command: &mut Command, url: String, log: PathBuf) -> Self {
        let out = File::create(&log).unwrap();
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        Self { child, url, log }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// As the kernel ends a process that may not even say goodbye.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn wake(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop; its exit code says whether it did so by itself.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    pub async fn ended(&mut self) -> bool {
        until("the process has ended", async || self.child.try_wait().unwrap())
            .await
            .success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
