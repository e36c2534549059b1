//! One whole Llavero for one test: its own database, web server, simulated platforms and mails, on free ports, with a
//! clock that stands still until the test moves it. Jobs run only when the test says so; a test that leaves due jobs
//! behind fails.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use llavero::app::{Accepted, App, Arrivals, HookKeys, HostClocks, InFlight, Memory, Rates, TokenGates, TokenTurns};
use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::{KeyRing, Random, Sealer};
use llavero::db::last_used::LastUsed;
use llavero::db::listen::Listener;
use llavero::db::{self, Db};
use llavero::dev::demo::{self, Demo};
use llavero::domain::secret::Secret;
use llavero::journal::Journal;
use llavero::mail::Mailer;
use llavero::metrics::Metrics;
use llavero::outbound::{Outbound, OutboundConfig};
use llavero::platform::Catalogue;
use llavero::{sandbox, web};
use serde_json::Value;

use super::database::TestDatabase;
use super::visitor::Answer;

/// A running Llavero.
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Clock,
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub url: String,
    /// The same of the simulated platforms.
    pub sandbox: String,
    /// A sandbox app with an API key of every scope, and an owner's sign-in link.
    pub demo: Demo,
    pub database: TestDatabase,
    pub data: tempfile::TempDir,
    asked: Arc<AtomicUsize>,
    jobs_may_wait: bool,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    client: Http,
}

#[expect(clippy::disallowed_types, reason = "the test is the client")]
type Http = reqwest::Client;

/// How a test wants it.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Web workers; one by default.
    pub workers: Option<usize>,
    /// Refuse private addresses, as production does.
    pub strict_hosts: bool,
    /// Other platforms than the program's own.
    pub catalogue: Option<Catalogue>,
    /// Where they are simulated, instead of by the program.
    pub platforms: Option<String>,
    /// Seconds that what is in memory is served without the database; 300 by default.
    pub outage_grace: Option<u64>,
    /// The demo partner has a webhook endpoint.
    pub hears_webhooks: bool,
    /// Further settings.
    pub settings: Vec<(&'static str, &'static str)>,
}

/// Where every frozen clock begins.
pub fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Self {
        tokio::task::spawn_blocking(move || Self::start_blocking(&wishes))
            .await
            .unwrap()
    }

    fn start_blocking(wishes: &Wishes) -> Self {
        let database = TestDatabase::migrated();
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::frozen(beginning());
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (url, folder, own_clock) = (database.url(), data.path().to_owned(), clock.clone());
        let wishes = wishes.clone();
        let asked = Arc::<AtomicUsize>::default();
        let count = asked.clone();
        let thread = std::thread::spawn(move || {
            let detached = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let handle = detached.handle().clone();
            actix_web::rt::System::new().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let own_url = format!("http://{}", listener.local_addr().unwrap());
                let sandbox_clock = own_clock.clone();
                let options = sandbox::server::Options {
                    clock: Arc::new(move || sandbox_clock.now()),
                    seed: 7,
                };
                let platforms = sandbox::server::serve_on(TcpListener::bind("127.0.0.1:0").unwrap(), options).unwrap();
                let sandbox_url = format!("http://{}", platforms.address);
                let sandbox_url = wishes.platforms.clone().unwrap_or(sandbox_url);
                let config = config(&url, &own_url, &sandbox_url, &folder, &wishes);
                let mut app = assemble_counting(config, own_clock, handle, count);
                if let Some(catalogue) = &wishes.catalogue {
                    app.catalogue = catalogue.clone();
                }
                let app = Arc::new(app);
                let demo = demo::prepare(&app, None).await.unwrap();
                let addresses = demo::addresses(&own_url.parse().unwrap(), demo.app_id);
                platforms.state.tell(addresses);
                let mut inbox = None;
                if wishes.hears_webhooks {
                    let url = format!("{own_url}/demo/webhooks").parse().unwrap();
                    let secret = demo::hear_webhooks(&app, demo.app_id, &url).await.unwrap();
                    inbox = Some(Arc::new(web::Inbox::new(secret)));
                }
                let setup = web::Setup {
                    app: app.clone(),
                    demo: Some(web::Demo {
                        app_id: demo.app_id,
                        api_key: demo.api_key.clone(),
                        inbox,
                    }),
                };
                let server = web::start(setup, listener).unwrap();
                ready.send((app.clone(), own_url, sandbox_url, demo)).unwrap();
                let _ = stopped.await;
                server.stop(false).await;
                app.in_flight.idle().await;
                app.listener.stop();
                platforms.stop().await;
            });
            detached.shutdown_timeout(Duration::from_secs(5));
        });
        let Ok((app, url, sandbox, demo)) = started.recv() else {
            std::panic::resume_unwind(thread.join().unwrap_err());
        };
        Self {
            app,
            clock,
            url,
            sandbox,
            demo,
            database,
            data,
            asked,
            jobs_may_wait: false,
            stop: Some(stop),
            thread: Some(thread),
            client: Http::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        }
    }

    /// Moves our time, the database's and the platforms' at once.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// How often this process has asked the database so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// For a test whose matter are not the jobs that it leaves.
    pub fn jobs_may_wait(&mut self) {
        self.jobs_may_wait = true;
    }

    /// A call of the partner's API with the demo app's key.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.api_as(self.demo.api_key.expose(), method, path, body).await
    }

    /// The same with another key or token.
    pub async fn api_as(&self, bearer: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {bearer}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// A request with full freedom, for example a proxied call with headers and a body.
    pub fn request(&self, bearer: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {bearer}"))
    }

    /// A call through the proxy; `path` as the platform documents it, with its leading slash.
    pub async fn call(&self, token: &str, method: &str, path: &str) -> Answer {
        self.api_as(token, method, &format!("/v1/proxy{path}"), None).await
    }

    /// An order to the simulated platforms' control API, such as `expire-access-tokens`.
    pub async fn control(&self, order: &str, body: Value) -> Value {
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
        if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    }

    /// What the simulated platforms received.
    pub async fn received(&self, platform: &str) -> Vec<Value> {
        let url = format!("{}/_control/log?platform={platform}", self.sandbox);
        let answer = read(self.client.get(url).send().await.unwrap()).await.json();
        answer
            .as_array()
            .or_else(|| answer["entries"].as_array())
            .or_else(|| answer["data"].as_array())
            .cloned()
            .unwrap()
    }

    /// How many token calls a platform has received.
    pub async fn token_calls(&self, platform: &str) -> usize {
        self.received(platform)
            .await
            .iter()
            .filter(|entry| entry["token_call"] == true)
            .count()
    }
}

pub async fn read(response: reqwest::Response) -> Answer {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let location = headers
        .get("location")
        .and_then(|value| value.to_str().ok())
        .and_then(|location| url.join(location).ok());
    Answer {
        url,
        status,
        location,
        headers,
        body: response.text().await.unwrap(),
    }
}

/// The settings of one test, through the same door as everybody's.
pub fn config(database: &str, own_url: &str, sandbox_url: &str, folder: &std::path::Path, wishes: &Wishes) -> Config {
    let folder = folder.to_str().unwrap();
    let values = [
        ("DATABASE_URL", database.to_owned()),
        ("LLAVERO_PUBLIC_URL", own_url.to_owned()),
        ("LLAVERO_SANDBOX_URL", sandbox_url.to_owned()),
        ("LLAVERO_DATA_DIR", folder.to_owned()),
        ("LLAVERO_JOURNAL_DIR", format!("{folder}/journal")),
        ("LLAVERO_WORKERS", wishes.workers.unwrap_or(1).to_string()),
        ("LLAVERO_ALLOW_PRIVATE_HOSTS", (!wishes.strict_hosts).to_string()),
        ("LLAVERO_DB_POOL", "8".to_owned()),
        ("LLAVERO_OUTAGE_GRACE", wishes.outage_grace.unwrap_or(300).to_string()),
    ];
    let more = wishes.settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let values = values.into_iter().chain(more);
    Config::from_env(values.map(|(name, value)| (name.to_owned(), value))).unwrap()
}

/// The tools, with a frozen clock, seeded randomness and mails in memory.
pub fn assemble(config: Config, clock: Clock, detached: tokio::runtime::Handle) -> App {
    assemble_counting(config, clock, detached, Arc::default())
}

/// The same; `asked` counts how often the database is asked.
fn assemble_counting(config: Config, clock: Clock, detached: tokio::runtime::Handle, asked: Arc<AtomicUsize>) -> App {
    let random = Random::seeded(42);
    let url: Secret = config.database_url.clone().unwrap();
    let sealer = Sealer::new(KeyRing::generate(&random, clock.now()), random.clone());
    let (frozen, monotonic) = (clock.clone(), clock.clone());
    let memory = Memory::new(config.outage_grace);
    let counting = move || {
        asked.fetch_add(1, Ordering::SeqCst);
        frozen.frozen_now()
    };
    let db = Db::new(&url, config.db_pool, Arc::new(counting)).telling(memory.hear());
    let checks = sealer.check_values();
    db.run_blocking(|conn| {
        checks
            .iter()
            .try_for_each(|(id, sealed)| db::key_checks::insert(conn, id, sealed))
    })
    .unwrap_or_else(|error: db::Error| panic!("{error}"));
    let outbound = OutboundConfig {
        allow_private_hosts: config.allow_private_hosts,
        extra_ca_pem: None,
        egress_proxy: None,
        sandbox_url: config.sandbox_url.clone(),
    };
    App {
        outbound: Outbound::new(outbound, Arc::new(move || monotonic.monotonic())).unwrap(),
        journal: Journal::open(&config.journal_dir, random.id(clock.now())),
        listener: Listener::start(url, clock.clone(), memory.hear()),
        memory,
        catalogue: Catalogue::embedded().unwrap(),
        mailer: Mailer::memory(),
        in_flight: InFlight::default(),
        token_gates: TokenGates::default(),
        token_turns: TokenTurns::default(),
        accepted: Accepted::default(),
        host_clocks: HostClocks::default(),
        metrics: Metrics::default(),
        arrivals: Arrivals::default(),
        hook_keys: HookKeys::default(),
        rates: Rates::new(clock.clone(), config.app_rate, config.store_rate),
        last_used: LastUsed::default(),
        db,
        sealer,
        clock,
        random,
        config,
        detached,
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let left = if self.jobs_may_wait || std::thread::panicking() {
            Vec::new()
        } else {
            self.due_jobs()
        };
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        assert!(left.is_empty(), "the test leaves due jobs behind: {left:?}");
    }
}

impl TestApp {
    /// Kinds of the jobs that are due now and wait.
    pub fn due_jobs(&self) -> Vec<String> {
        use diesel::prelude::*;
        let mut conn = self.database.connect();
        let now = self.clock.now().to_rfc3339();
        #[derive(QueryableByName)]
        struct Kind {
            #[diesel(sql_type = diesel::sql_types::Text)]
            kind: String,
        }
        let rows: Vec<Kind> = diesel::sql_query(
            "SELECT kind FROM jobs WHERE status IN ('ready', 'running') AND due_at <= $1::timestamptz ORDER BY kind",
        )
        .bind::<diesel::sql_types::Text, _>(now)
        .load(&mut conn)
        .unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }
}
