//! Two processes behind PgBouncer, which lends each transaction another connection of the server: a store is connected,
//! called, refreshed, authorized again and revoked through it, its token is replaced, and what one process changes the other
//! hears of on its direct connection. How soon is printed; a second is promised.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::programs::PoolerProgram;
use super::support::connecting::MERCADO_LIBRE;
use super::support::database::TestDatabase;
use super::support::installation::{Held, Installation};
use super::support::processes::{Process, free_address};
use super::support::rows::{count, is_call_of, until};

/// Connections of the server that all of our processes share.
const SHARED: i64 = 3;
const PATH: &str = "/anything";
/// What is promised within a second is waited for so long, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running PgBouncer in transaction mode; ends when dropped.
struct Pooler {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Pooler {
    async fn before(database: &TestDatabase, program: &PoolerProgram) -> Self {
        let direct: url::Url = database.url().parse().unwrap();
        let name = direct.path().trim_start_matches('/').to_owned();
        let bind = free_address();
        let (host, port) = bind.rsplit_once(':').unwrap();
        let settings = format!(
            "[databases]\n{name} = host={} port={} dbname={name} user={} password='{}'\n\
             [pgbouncer]\nlisten_addr = {host}\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = {SHARED}\nmax_client_conn = 100\n",
            direct.host_str().unwrap(),
            direct.port().unwrap(),
            direct.username(),
            direct.password().unwrap(),
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(&program.pgbouncer);
        if rustix::process::geteuid().is_root() {
            // It refuses to run as root, and hands itself to another account.
            for (path, mode) in [(folder.path(), 0o755), (file.as_path(), 0o644)] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            command.args(["-u", "postgres"]);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = command
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut url = direct.clone();
        url.set_port(Some(port.parse().unwrap())).unwrap();
        until("the pooler listens", async || std::net::TcpStream::connect(&bind).ok()).await;
        Self {
            process,
            url: url.into(),
            _folder: folder,
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub async fn walk(program: PoolerProgram) {
    let installation = Installation::start().await;
    let pooler = Pooler::before(&installation.database, &program).await;
    let settings = [
        ("DATABASE_URL", pooler.url.clone()),
        ("LLAVERO_DATABASE_LISTEN_URL", installation.database.url()),
    ];
    let one = installation.serve_with(&["serve", "--work"], &settings).await;
    let two = installation.serve_with(&["serve"], &settings).await;

    let store = installation.connect_expired(&one, "mercado-libre", MERCADO_LIBRE).await;
    many_calls(&installation, [&one, &two], &store).await;
    assert_eq!(
        installation.refreshes("mercado-libre").await.len(),
        1,
        "an expired token, many callers of two processes, one refresh"
    );
    let asked = installation
        .api(
            &two,
            "POST",
            &format!("/v1/stores/{}/refresh", store.store_id),
            Some(json!({})),
        )
        .await;
    assert_eq!(
        (asked.status, &asked.json()["outcome"]),
        (200, &json!("renewed")),
        "{}",
        asked.body
    );
    many_calls(&installation, [&one, &two], &store).await;

    let connections = "SELECT count(*) AS n FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let connections = count(&installation.database, connections);
    assert!(
        connections <= SHARED + 2,
        "{connections}: one direct connection a process, the rest is shared"
    );

    let told = hears_of_changes(&installation, [&one, &two], &store).await;
    for process in [&one, &two] {
        let said = process.log();
        assert!(!said.contains("prepared statement"), "{said}");
        assert!(!said.contains(" ERROR "), "{said}");
    }
    let _ = writeln!(
        std::io::stderr(),
        "{connections} connections of the server for two processes; {told}"
    );
}

/// Each change is made at one process and noticed at the other, where what was before is in memory.
async fn hears_of_changes(installation: &Installation, [one, two]: [&Process; 2], store: &Held) -> String {
    let path = format!("/v1/stores/{}", store.store_id);
    let status = async |token: &str| installation.call(two, token, PATH).await.status;
    let known = async |token: &str| {
        for _ in 0..3 {
            assert_eq!(status(token).await, 200);
        }
    };

    known(&store.access_token).await;
    let body = json!({ "overlap_seconds": 0 });
    let made = installation
        .api(one, "POST", &format!("{path}/access-tokens"), Some(body))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let token = made.json()["access_token"].as_str().unwrap().to_owned();
    let replaced = noticed("the replaced token", async || status(&store.access_token).await == 401).await;

    known(&token).await;
    let before = shown(installation).await;
    installation.reauthorize(one, &store.store_id, MERCADO_LIBRE).await;
    let authorized = noticed("the new authorization", async || {
        assert_eq!(status(&token).await, 200, "nobody is turned away meanwhile");
        shown(installation).await != before
    })
    .await;

    known(&token).await;
    let revoked = installation.api(one, "DELETE", &path, None).await;
    assert!((200..300).contains(&revoked.status), "{}", revoked.body);
    let revoked = noticed("the revocation", async || status(&token).await == 401).await;
    format!(
        "the other process noticed a replaced token within {replaced:.0?}, a new authorization within {authorized:.0?}, \
         a revocation within {revoked:.0?}"
    )
}

/// How long it took, from the answer to the change on.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
async fn noticed(what: &str, mut look: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let looking = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(()) => began.elapsed(),
        Err(_) => panic!("{what} was not noticed within {PATIENCE:?}"),
    }
}

/// The platform's access token of the last call.
async fn shown(installation: &Installation) -> String {
    let all = installation.received("mercado-libre").await;
    let last = all.iter().rfind(|entry| is_call_of(entry, PATH)).unwrap();
    let headers = last["headers"].as_array().unwrap();
    let header = headers.iter().find(|pair| pair[0] == "authorization").unwrap();
    header[1].as_str().unwrap().to_owned()
}

/// More at once than the server has connections.
async fn many_calls(installation: &Installation, processes: [&Process; 2], store: &Held) {
    let calls = (0..24).map(|number| installation.call(processes[number % 2], &store.access_token, PATH));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
