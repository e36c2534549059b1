//! Calls a second through the proxy, as a share of what the same client makes of the same server when it calls it
//! directly: with the answer in memory, and with the rows read before each call. All in one process, on loopback. See
//! README.md beside it.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, HttpServer, web as actix};
use diesel::prelude::*;
use llavero::app::{Accepted, App, Arrivals, HookKeys, HostClocks, InFlight, Memory, Rates, TokenGates, TokenTurns};
use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::{KeyRing, Random, Sealer};
use llavero::db::last_used::LastUsed;
use llavero::db::listen::Listener;
use llavero::db::{self, Db};
use llavero::dev::demo;
use llavero::dev::postgres::{Cluster, Programs, Settings};
use llavero::domain::secret::Secret;
use llavero::journal::Journal;
use llavero::mail::Mailer;
use llavero::metrics::Metrics;
use llavero::outbound::{Outbound, OutboundConfig};
use llavero::platform::Catalogue;
use llavero::web;
use serde_json::{Value, json};

const CALLERS: usize = 32;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const PATH: &str = "/wp-json/wc/v3/products";
const SHOP: &str = "shop.example.com";
/// What the platform answers.
const BODY: usize = 1024;

type Failed = Box<dyn Error>;
#[expect(clippy::disallowed_types, reason = "the bench is the client")]
type Http = reqwest::Client;

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() -> Result<(), Failed> {
    // `cargo test --all-targets` starts benches too, without this.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let folder = if rustix::process::geteuid().is_root() {
        "/tmp".into()
    } else {
        std::env::temp_dir()
    };
    let random = Random::system();
    let cluster = Cluster::temporary(&Programs::find()?, &folder, &Settings::development(), random.bytes())?;
    let database = cluster.url_for("postgres");
    db::migrate(&database)?;
    let mut conn = db::Conn::establish(database.expose())?;
    let data = tempfile::tempdir()?;
    let platform = serve_platform()?;
    let (tools, own, api_key) = serve_llavero(&database, &platform, data.path())?;
    let measuring = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    measuring.block_on(async move {
        let client = Http::builder().build()?;
        let token = connect(&client, &own, &api_key).await?;
        let direct = Target::new(&client, format!("{platform}/{SHOP}{PATH}"), None);
        let proxied = Target::new(&client, format!("{own}/v1/proxy{PATH}"), Some(token));
        let mut shares = Vec::new();
        for round in 0..=ROUNDS {
            let straight = direct.measure(&mut conn).await?;
            let through = proxied.measure(&mut conn).await?;
            // The first one warms up.
            if round > 0 {
                println!("directly   {straight}\nin memory  {through}");
                shares.push(through.rate / straight.rate);
            }
        }
        println!(
            "through Llavero, in memory: {:.3} of direct calls\n",
            median(&mut shares)
        );

        tools.listener.stop();
        while tools.listener.heard_until().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shares.clear();
        for round in 0..=ROUNDS {
            let straight = direct.measure(&mut conn).await?;
            let through = proxied.measure(&mut conn).await?;
            if round > 0 {
                println!("directly   {straight}\nfrom rows  {through}");
                shares.push(through.rate / straight.rate);
            }
        }
        println!("through Llavero, rows read: {:.3} of direct calls", median(&mut shares));
        Ok(())
    })
}

/// Anything is answered at once.
fn serve_platform() -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let answer = format!("{{\"data\":\"{}\"}}", "x".repeat(BODY - 11));
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let answer = answer.clone();
                let answered = move || {
                    let answer = answer.clone();
                    async move { HttpResponse::Ok().content_type("application/json").body(answer) }
                };
                actix_web::App::new().default_service(actix::to(answered))
            });
            server.workers(1).disable_signals().listen(listener)?.run().await
        })
    });
    Ok(url)
}

/// One Llavero with one web worker, as `llavero serve` puts it together, and an API key of its demo app.
fn serve_llavero(
    database: &Secret,
    platform: &str,
    data: &std::path::Path,
) -> Result<(Arc<App>, String, Secret), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let own = format!("http://{}", listener.local_addr()?);
    let folder = data.display();
    let values = [
        ("DATABASE_URL", database.expose().to_owned()),
        ("LLAVERO_PUBLIC_URL", own.clone()),
        ("LLAVERO_SANDBOX_URL", platform.to_owned()),
        ("LLAVERO_DATA_DIR", folder.to_string()),
        ("LLAVERO_JOURNAL_DIR", format!("{folder}/journal")),
        ("LLAVERO_WORKERS", "1".to_owned()),
        ("LLAVERO_ALLOW_PRIVATE_HOSTS", "true".to_owned()),
    ];
    let config = Config::from_env(values.into_iter().map(|(name, value)| (name.to_owned(), value)))
        .map_err(|wrong| format!("{wrong:?}"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let served: Result<(), Failed> = actix_web::rt::System::new().block_on(async move {
            let detached = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?;
            let app = Arc::new(assemble(config, detached.handle().clone())?);
            let demo = demo::prepare(&app, None).await?;
            let setup = web::Setup {
                app: app.clone(),
                demo: None,
            };
            web::start(setup, listener)?;
            sender.send((app, demo.api_key))?;
            std::future::pending().await
        });
        served.map_err(|error| error.to_string())
    });
    let (app, api_key) = receiver.recv()?;
    Ok((app, own, api_key))
}

fn assemble(config: Config, detached: tokio::runtime::Handle) -> Result<App, Failed> {
    let (random, clock) = (Random::system(), Clock::system());
    let url = config.database_url.clone().ok_or("no database")?;
    let sealer = Sealer::new(KeyRing::generate(&random, clock.now()), random.clone());
    let memory = Memory::new(config.outage_grace);
    let db = Db::new(&url, config.db_pool, Arc::new(|| None)).telling(memory.hear());
    let outbound = OutboundConfig {
        allow_private_hosts: config.allow_private_hosts,
        sandbox_url: config.sandbox_url.clone(),
        ..OutboundConfig::default()
    };
    let ticking = clock.clone();
    Ok(App {
        outbound: Outbound::new(outbound, Arc::new(move || ticking.monotonic()))?,
        journal: Journal::open(&config.journal_dir, random.id(clock.now())),
        listener: Listener::start(url, clock.clone(), memory.hear()),
        memory,
        catalogue: Catalogue::embedded().map_err(|errors| format!("{errors:?}"))?,
        mailer: Mailer::memory(),
        in_flight: InFlight::default(),
        token_gates: TokenGates::default(),
        token_turns: TokenTurns::default(),
        accepted: Accepted::default(),
        host_clocks: HostClocks::default(),
        metrics: Metrics::default(),
        arrivals: Arrivals::default(),
        hook_keys: HookKeys::default(),
        // No budget is to be measured.
        rates: Rates::new(clock.clone(), 0, 0),
        last_used: LastUsed::default(),
        db,
        sealer,
        clock,
        random,
        config,
        detached,
    })
}

/// A store with keys; its token.
async fn connect(client: &Http, own: &str, api_key: &Secret) -> Result<String, Failed> {
    let asked = json!({ "platform": "woocommerce", "method": "keys", "customer_id": "customer-1", "fields": {
        "store_url": format!("https://{SHOP}"),
        "consumer_key": "ck_5a00000000000000000000000000000000000001",
        "consumer_secret": "cs_5a00000000000000000000000000000000000001",
    }});
    let request = client.post(format!("{own}/v1/stores")).bearer_auth(api_key.expose());
    let made: Value = request.json(&asked).send().await?.json().await?;
    let token = made["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| format!("not connected: {made}").into())
}

/// What is called, over and over.
struct Target<'a> {
    client: &'a Http,
    url: String,
    token: Option<String>,
}

/// One round.
struct Measured {
    /// Calls a second.
    rate: f64,
    middle: Duration,
    slow: Duration,
    /// Transactions of the database a call.
    transactions: f64,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>8.0} calls/s, half within {:.2?}, 99 of 100 within {:.2?}, {:.2} transactions a call",
            self.rate, self.middle, self.slow, self.transactions
        )
    }
}

impl<'a> Target<'a> {
    fn new(client: &'a Http, url: String, token: Option<String>) -> Self {
        Self { client, url, token }
    }

    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    async fn measure(&self, conn: &mut db::Conn) -> Result<Measured, Failed> {
        let before = transactions(conn).await?;
        let failed = Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..CALLERS {
            let (client, url, token, failed) = (
                self.client.clone(),
                self.url.clone(),
                self.token.clone(),
                Arc::clone(&failed),
            );
            callers.spawn(async move {
                let mut took = Vec::new();
                while begun.elapsed() < ROUND {
                    let start = Instant::now();
                    let mut request = client.get(&url);
                    if let Some(token) = &token {
                        request = request.bearer_auth(token);
                    }
                    let whole = match request.send().await {
                        Ok(answer) if answer.status() == 200 => {
                            answer.bytes().await.is_ok_and(|body| body.len() == BODY)
                        }
                        _ => false,
                    };
                    if !whole {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    took.push(start.elapsed());
                }
                took
            });
        }
        let mut took: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
        let lasted = begun.elapsed();
        match failed.load(Ordering::Relaxed) {
            0 => {}
            some => return Err(format!("{some} calls of {} failed at {}", took.len(), self.url).into()),
        }
        took.sort();
        let at = |part: usize| took.get((took.len() - 1) * part / 100).copied().unwrap_or_default();
        Ok(Measured {
            rate: took.len() as f64 / lasted.as_secs_f64(),
            middle: at(50),
            slow: at(99),
            transactions: (transactions(conn).await? - before) as f64 / took.len() as f64,
        })
    }
}

/// Committed so far, by the database's own count, which sessions bring up to date within a second of falling silent.
async fn transactions(conn: &mut db::Conn) -> Result<i64, Failed> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let count: Count =
        diesel::sql_query("SELECT xact_commit AS n FROM pg_stat_database WHERE datname = current_database()")
            .get_result(conn)?;
    Ok(count.n)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
