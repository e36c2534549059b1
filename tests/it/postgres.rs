//! The development cluster: made once and found again, never in the way of the next start, and gone when we are gone.
//! A run that gets killed is this test program itself, started anew for one test that holds a cluster and waits.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use diesel::{PgConnection, RunQueryDsl as _};
use llavero::dev::postgres::{Cluster, PostgresError, Settings};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::cluster::{entropy, parent, programs};
use crate::support::database::connect;

const HELD_FOLDER: &str = "CLUSTER_TO_HOLD";

fn start(data_dir: &Path) -> Cluster {
    let settings = Settings {
        durable: false,
        ..Settings::development()
    };
    Cluster::start(&programs(), data_dir, &settings, entropy()).unwrap_or_else(|error| panic!("{error}"))
}

fn open(cluster: &Cluster) -> PgConnection {
    connect(cluster.url_for("llavero").expose())
}

/// A data directory that takes the cluster with it, which for root lies elsewhere.
struct DataDir(tempfile::TempDir);

impl DataDir {
    fn new() -> Self {
        Self(tempfile::tempdir_in(parent()).unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn memory(&self) -> toml::Table {
        fs::read_to_string(self.path().join("postgres.toml"))
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path().join("postgres.toml")) {
            let memory: toml::Table = text.parse().unwrap();
            fs::remove_dir_all(memory["folder"].as_str().unwrap()).unwrap();
        }
    }
}

/// Another process that holds a cluster.
struct Run {
    process: Child,
    port: u16,
    server: u32,
    guardian: u32,
}

impl Run {
    fn start(data_dir: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "postgres::holds_a_cluster_until_it_is_killed", "--nocapture"]);
        command
            .env(HELD_FOLDER, data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("held: ")?.1.to_owned()));
        let line = line.expect("the run started a cluster");
        let mut numbers = line.split(' ').map(|number| number.parse::<u32>().unwrap());
        let mut next = || numbers.next().unwrap();
        Self {
            port: u16::try_from(next()).unwrap(),
            server: next(),
            guardian: next(),
            process,
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the end of a process that is not our child can only be polled for"
)]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("not seen within a minute: {what}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "only this variable makes a test of it into the process to be killed"
)]
fn holds_a_cluster_until_it_is_killed() {
    let Some(data_dir) = std::env::var_os(HELD_FOLDER) else {
        return;
    };
    let cluster = start(Path::new(&data_dir));
    println!("held: {} {} {}", cluster.port(), cluster.pid(), cluster.guardian_pid());
    let _ = std::io::stdin().lines().count();
}

#[test]
fn a_second_start_finds_the_first_ones_data_password_and_port() {
    let data_dir = DataDir::new();
    let first = start(data_dir.path());
    let (url, port) = (first.url_for("llavero"), first.port());
    diesel::sql_query("CREATE TABLE kept (id int)")
        .execute(&mut open(&first))
        .unwrap();
    first.stop().unwrap();
    assert!(!listens(port));

    let second = start(data_dir.path());
    assert_eq!(second.url_for("llavero"), url);
    diesel::sql_query("SELECT id FROM kept")
        .execute(&mut open(&second))
        .unwrap();
}

#[test]
fn a_port_that_was_taken_meanwhile_is_replaced_and_remembered() {
    let data_dir = DataDir::new();
    let first = start(data_dir.path());
    let port = first.port();
    first.stop().unwrap();
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let second = start(data_dir.path());
    assert_ne!(second.port(), port);
    assert_eq!(data_dir.memory()["port"].as_integer(), Some(i64::from(second.port())));
    open(&second);
    drop(taken);
}

#[test]
fn two_processes_do_not_share_a_data_directory() {
    let data_dir = DataDir::new();
    let _first = start(data_dir.path());
    let second = Cluster::start(&programs(), data_dir.path(), &Settings::development(), entropy());
    assert!(matches!(second, Err(PostgresError::InUse(_))));
}

#[test]
fn only_the_password_opens_the_database() {
    let data_dir = DataDir::new();
    let cluster = start(data_dir.path());
    let memory = data_dir.memory();
    let password = memory["password"].as_str().unwrap();
    let url = cluster.url_for("llavero").expose().replace(password, "guessed");
    let refused = <PgConnection as diesel::Connection>::establish(&url)
        .err()
        .unwrap()
        .to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    let mode = std::os::unix::fs::PermissionsExt::mode;
    let permissions = |path: &Path| mode(&path.metadata().unwrap().permissions()) & 0o777;
    assert_eq!(permissions(&data_dir.path().join("postgres.toml")), 0o600);
    assert_eq!(permissions(Path::new(memory["folder"].as_str().unwrap())), 0o700);
}

#[test]
fn a_killed_run_takes_its_server_with_it() {
    let data_dir = DataDir::new();
    let mut run = Run::start(data_dir.path());
    assert!(listens(run.port));
    run.kill();
    wait_until("the guardian stops the server", || !listens(run.port));
    open(&start(data_dir.path()));
}

#[test]
fn a_start_right_after_a_kill_succeeds() {
    let data_dir = DataDir::new();
    Run::start(data_dir.path()).kill();
    open(&start(data_dir.path()));
}

#[test]
fn a_server_that_died_with_everything_else_does_not_block() {
    let data_dir = DataDir::new();
    let mut run = Run::start(data_dir.path());
    kill_process_group(pid(run.guardian), Signal::KILL).unwrap();
    run.kill();
    assert!(fs::exists(Path::new(data_dir.memory()["folder"].as_str().unwrap()).join("data/postmaster.pid")).unwrap());
    open(&start(data_dir.path()));
}

#[test]
fn a_reused_process_id_is_not_taken_for_a_server() {
    let data_dir = DataDir::new();
    start(data_dir.path()).stop().unwrap();
    let data = Path::new(data_dir.memory()["folder"].as_str().unwrap()).join("data");
    let text = format!(
        "{}\n{}\n1\n1\n\n127.0.0.1\n0 0\nready\n",
        std::process::id(),
        data.display()
    );
    fs::write(data.join("postmaster.pid"), text).unwrap();
    open(&start(data_dir.path()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_outlived_its_guardian_is_stopped_by_the_next_start() {
    let data_dir = DataDir::new();
    let mut run = Run::start(data_dir.path());
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.guardian)).unwrap();
    kill_process(pid(run.guardian), Signal::KILL).unwrap();
    for child in children.split_whitespace().map(|child| child.parse().unwrap()) {
        if child != run.server {
            kill_process(pid(child), Signal::KILL).unwrap();
        }
    }
    run.kill();
    assert!(listens(run.port));
    let next = start(data_dir.path());
    assert_ne!(next.pid(), run.server);
    open(&next);
}

#[test]
fn a_removed_data_directory_starts_afresh() {
    let data_dir = DataDir::new();
    let first = start(data_dir.path());
    let url = first.url_for("llavero");
    first.stop().unwrap();
    fs::remove_file(data_dir.path().join("postgres.toml")).unwrap();
    let second = start(data_dir.path());
    assert_ne!(second.url_for("llavero"), url);
    open(&second);
}

#[test]
fn a_temporary_cluster_leaves_nothing() {
    let parent = parent().join(format!("llavero-empty-{}", std::process::id()));
    fs::create_dir(&parent).unwrap();
    fs::set_permissions(&parent, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let cluster = Cluster::temporary(&programs(), &parent, &Settings::fast(), entropy()).unwrap();
    connect(cluster.url_for("postgres").expose());
    cluster.stop().unwrap();
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
    fs::remove_dir(&parent).unwrap();
}
