//! Llavero as it runs in production: real processes of the built program on one database, with simulated platforms as a
//! process of their own, so that a test can kill one, stop one, or cut all of them off from the database. Time is real;
//! the database's clock, which all of them follow, can be moved forward. Everything ends when the test does.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use serde_json::{Value, json};

use super::database::{self, TestDatabase};
use super::processes::{Process, free_address, program};
use super::rows::{self, until};
use super::test_app::read;
use super::visitor::{Answer, Visitor};

#[expect(clippy::disallowed_types, reason = "the test is the client")]
type Http = reqwest::Client;

/// One installation: a database, a key ring, an app in sandbox mode, and platforms to connect to.
pub struct Installation {
    pub database: TestDatabase,
    pub data: tempfile::TempDir,
    /// `http://127.0.0.1:PORT` of the simulated platforms.
    pub sandbox: String,
    pub api_key: String,
    pub app_id: String,
    pub client: Http,
    _platforms: Process,
}

/// A store with its token.
#[derive(Debug, Clone)]
pub struct Held {
    pub access_token: String,
    pub store_id: String,
    /// The link that the merchant opened, and the one-time code that came of it.
    pub link: String,
    pub code: String,
}

impl Installation {
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(Self::prepare).await.unwrap().ready().await
    }

    fn prepare() -> Self {
        let database = TestDatabase::migrated();
        let mut connection = database.connect();
        for statement in MOVABLE_CLOCK {
            diesel::sql_query(*statement)
                .execute(&mut connection)
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let data = tempfile::tempdir().unwrap();
        let platforms_log = data.path().join("platforms.log");
        let mut command = program(&["sandbox", "--bind", "127.0.0.1:0"], &[]);
        let platforms = Process::spawn(&mut command, String::new(), platforms_log);
        let mut made = Self {
            database,
            data,
            sandbox: String::new(),
            api_key: String::new(),
            app_id: String::new(),
            client: client(),
            _platforms: platforms,
        };
        made.command(&["key", "new"]);
        let said = made.command(&[
            "app",
            "add",
            "--partner",
            "Partner",
            "--name",
            "Shop manager",
            "--mode",
            "sandbox",
        ]);
        let after = |label: &str| {
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix(label))
                .unwrap_or_else(|| panic!("{said}"));
            line.trim().to_owned()
        };
        (made.app_id, made.api_key) = (after("app"), after("API key"));
        made
    }

    async fn ready(mut self) -> Self {
        self.sandbox = until("the platforms are there", async || {
            let said = self._platforms.log();
            said.lines()
                .find_map(|line| line.strip_prefix("LLAVERO_SANDBOX_URL=").map(str::to_owned))
        })
        .await;
        self
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let data = self.data.path().to_str().unwrap();
        vec![
            ("DATABASE_URL", self.database.url()),
            ("LLAVERO_KEYS_FILE", format!("{data}/keys.toml")),
            ("LLAVERO_DATA_DIR", data.to_owned()),
            ("LLAVERO_JOURNAL_DIR", format!("{data}/journal")),
            ("LLAVERO_JOURNAL_WAIT", "60".to_owned()),
            ("LLAVERO_WORKERS", "1".to_owned()),
            ("LLAVERO_DB_POOL", "6".to_owned()),
            ("LLAVERO_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
        ]
    }

    /// Runs a command to its end; what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let done = program(arguments, &self.settings()).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(
            done.status.success(),
            "{arguments:?}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        said
    }

    /// A web server without a worker.
    pub async fn serve(&self) -> Process {
        self.serve_with(&["serve"], &[]).await
    }

    /// A server that is ready, with further settings.
    pub async fn serve_with(&self, arguments: &[&str], more: &[(&'static str, String)]) -> Process {
        let process = self.launch(arguments, more);
        self.answering(&process).await;
        process
    }

    /// The same, not waiting until it answers.
    pub fn launch(&self, arguments: &[&str], more: &[(&'static str, String)]) -> Process {
        let bind = free_address();
        let url = format!("http://{bind}");
        let mut settings = self.settings();
        settings.extend([
            ("LLAVERO_BIND", bind.clone()),
            ("LLAVERO_PUBLIC_URL", url.clone()),
            ("LLAVERO_SANDBOX_URL", self.sandbox.clone()),
        ]);
        settings.extend(more.iter().cloned());
        let log = self.data.path().join(format!("{}.log", bind.replace(':', "-")));
        Process::spawn(&mut program(arguments, &settings), url, log)
    }

    pub async fn answering(&self, process: &Process) {
        until(&format!("{} answers", process.url), async || {
            let answer = self.client.get(format!("{}/healthz", process.url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// A call of the partner's API at one process.
    pub async fn api(&self, process: &Process, method: &str, path: &str, body: Option<Value>) -> Answer {
        send(
            &self.client,
            &self.api_key,
            method,
            &format!("{}{path}", process.url),
            body,
        )
        .await
    }

    /// A proxied call at one process.
    pub async fn call(&self, process: &Process, token: &str, path: &str) -> Answer {
        send(
            &self.client,
            token,
            "GET",
            &format!("{}/v1/proxy{path}", process.url),
            None,
        )
        .await
    }

    pub async fn control(&self, order: &str, body: Value) {
        let answer = self
            .client
            .post(format!("{}/_control/{order}", self.sandbox))
            .json(&body)
            .send()
            .await
            .unwrap();
        let answer = read(answer).await;
        assert!(
            (200..300).contains(&answer.status),
            "{order}: {} {}",
            answer.status,
            answer.body
        );
    }

    pub async fn received(&self, platform: &str) -> Vec<Value> {
        let url = format!("{}/_control/log?platform={platform}", self.sandbox);
        let answer = read(self.client.get(url).send().await.unwrap()).await.json();
        answer["data"].as_array().cloned().unwrap()
    }

    /// The refreshes that a platform received, oldest first.
    pub async fn refreshes(&self, platform: &str) -> Vec<Value> {
        let all = self.received(platform).await;
        all.into_iter()
            .filter(|entry| entry["token_call"] == true && rows::is_refresh(entry))
            .collect()
    }

    /// Connects a store as a merchant would. Its first access token lives seconds, so it has expired when this returns;
    /// later ones live as long as the platform's do.
    pub async fn connect_expired(&self, process: &Process, platform: &str, fields: &[(&str, &str)]) -> Held {
        self.control(
            "settings",
            json!({ "platform": platform, "settings": { "access_seconds": 3 } }),
        )
        .await;
        let held = self.connect(process, platform, fields).await;
        self.control(
            "settings",
            json!({ "platform": platform, "settings": { "access_seconds": 21_600 } }),
        )
        .await;
        until("the first access token has expired", async || {
            let over = rows::count(
                &self.database,
                "SELECT count(*) AS n FROM credentials WHERE access_expires_at > llavero_now()",
            );
            (over == 0).then_some(())
        })
        .await;
        held
    }

    pub async fn connect(&self, process: &Process, platform: &str, fields: &[(&str, &str)]) -> Held {
        let client = json!({ "fields": { "client_id": "sandbox-client", "client_secret": "sandbox-secret" } });
        if matches!(platform, "mercado-libre" | "shopify") {
            let registered = self
                .api(process, "PUT", &format!("/v1/platforms/{platform}/app"), Some(client))
                .await;
            assert!(registered.status < 300, "{}", registered.body);
        }
        let asked = json!({ "customer_id": "customer-1", "platform": platform, "return_url": RETURN_URL });
        let made = self.api(process, "POST", "/v1/connect-sessions", Some(asked)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        let link = made["url"].as_str().unwrap();
        let code = self.code(process, link, fields).await;
        let answer = self
            .api(
                process,
                "POST",
                "/v1/access-tokens/exchange",
                Some(json!({ "code": code })),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        Held {
            access_token: body["access_token"]
                .as_str()
                .unwrap_or_else(|| panic!("{body}"))
                .to_owned(),
            store_id: body["store"]["id"].as_str().unwrap().to_owned(),
            link: link.to_owned(),
            code,
        }
    }

    /// A merchant authorizes a store again.
    pub async fn reauthorize(&self, process: &Process, store_id: &str, fields: &[(&str, &str)]) {
        let path = format!("/v1/stores/{store_id}/reauthorize");
        let made = self
            .api(process, "POST", &path, Some(json!({ "return_url": RETURN_URL })))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        let code = self.code(process, made.json()["url"].as_str().unwrap(), fields).await;
        assert!(!code.is_empty());
    }

    /// From the link to the one-time code that the partner is sent.
    pub async fn code(&self, process: &Process, link: &str, fields: &[(&str, &str)]) -> String {
        let visitor = Visitor::new();
        let within = [process.url.as_str(), self.sandbox.as_str()];
        let page = visitor.open(link, &within).await;
        let answer = visitor.submit(&page.form_with(fields[0].0), fields).await;
        let mut page = visitor.follow(answer, &within).await;
        if page.url.as_str().starts_with(&self.sandbox) {
            let answer = visitor.press(&page, "Approve as").await;
            page = visitor.follow(answer, &within).await;
        }
        let links = page.attributes("a[href]", "href");
        let back = links.iter().find(|link| link.starts_with(RETURN_URL));
        let back: url::Url = back
            .unwrap_or_else(|| panic!("{}: {}", page.url, page.text()))
            .parse()
            .unwrap();
        back.query_pairs()
            .find(|(name, _)| name == "code")
            .map(|(_, code)| code.into_owned())
            .unwrap()
    }

    /// Moves the clock that all processes follow, and the platforms', forward.
    pub async fn advance(&self, by: Duration) {
        let seconds = by.as_secs();
        rows::execute(
            &self.database,
            &format!("UPDATE clock_shift SET ahead = ahead + interval '{seconds} s'"),
        );
        self.control("advance", json!({ "seconds": seconds })).await;
    }

    /// Returns once a process runs on the database's clock of now.
    pub async fn followed(&self, process: &Process) {
        until("the process follows the clock", async || {
            let asked = json!({ "customer_id": "nobody", "return_url": RETURN_URL, "expires_in": 3600 });
            let made = self.api(process, "POST", "/v1/connect-sessions", Some(asked)).await;
            let ends = made.json()["expires_at"].as_str().unwrap().to_owned();
            let behind = format!("SELECT (llavero_now() > timestamptz '{ends}' - interval '3590 s')::int AS n");
            (rows::count(&self.database, &behind) == 0).then_some(())
        })
        .await;
    }

    /// Nobody reaches the database any more.
    pub fn stop_database(&self) {
        self.allow_connections(false);
        let name = database_name(&self.database);
        self.execute_outside(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }

    pub fn start_database(&self) {
        self.allow_connections(true);
    }

    fn allow_connections(&self, allowed: bool) {
        self.execute_outside(&format!(
            "ALTER DATABASE {} ALLOW_CONNECTIONS {allowed}",
            database_name(&self.database)
        ));
    }

    fn execute_outside(&self, statement: &str) {
        let mut url: url::Url = self.database.url().parse().unwrap();
        url.set_path("/postgres");
        let mut connection = database::connect(url.as_str());
        diesel::sql_query(statement)
            .execute(&mut connection)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Bytes in the journals of all processes: what was answered and is not saved yet.
    pub fn journal_bytes(&self) -> u64 {
        let Ok(files) = std::fs::read_dir(self.data.path().join("journal")) else {
            return 0;
        };
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }
}

pub const RETURN_URL: &str = "http://127.0.0.1:4999/return";

/// `clock_timestamp()` of this database alone can be moved: ours comes before the built-in one.
const MOVABLE_CLOCK: &[&str] = &[
    "CREATE TABLE clock_shift (ahead interval NOT NULL)",
    "INSERT INTO clock_shift VALUES ('0')",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
     AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM public.clock_shift)'",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
];

fn database_name(database: &TestDatabase) -> String {
    let url: url::Url = database.url().parse().unwrap();
    url.path().trim_start_matches('/').to_owned()
}

fn client() -> Http {
    Http::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

pub async fn send(client: &Http, bearer: &str, method: &str, url: &str, body: Option<Value>) -> Answer {
    let mut request = client
        .request(method.parse().unwrap(), url)
        .header("authorization", format!("Bearer {bearer}"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    read(request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"))).await
}
