//! A platform of the tests' own that counts how many token calls it handles at once. Each store asks with a client of its
//! own, all at one host; when it is told to be down, it answers so.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use llavero::platform::Catalogue;
use serde_json::{Value, json};

use super::test_app::{TestApp, Wishes};

const FILE: &str = r#"
slug = "depot"
name = "Depot"
number = 1
reference = { auth = "OAuth2" }
confidence = "documented"
documentation = "https://depot.example/docs"
api_hosts = ["https://api.depot.example"]

[[methods]]
id = "client"
name = "Client"
choose = "Client"
documentation = "https://depot.example/docs"
client = "store"
identity = "typed"
identity_template = "{client_id}"
lifetimes = { access = "1h", refresh = "never" }
grace = "not_rotating"
base_url = "https://api.depot.example"

[[methods.fields]]
name = "client_id"
label = "ID"
help = "there"
example = "1"
pattern = '^.+$'

[[methods.fields]]
name = "client_secret"
label = "Secret"
help = "there"
pattern = '^.+$'
secret = true

[methods.obtain.ask.token]
url = "https://api.depot.example/token"

[methods.sign]
headers = [{ name = "authorization", value = "Bearer {access_token}" }]

[methods.answer]
code_at = ["/error"]
token = [{ kind = "dead", on = { status = [400], code = ["invalid_client"] } }]
unauthorized = [{ status = [401] }]

[methods.verify]
needs = ["/ok"]
call = { path = "/me" }
"#;

#[derive(Default)]
struct World {
    down: AtomicBool,
    under_way: AtomicUsize,
    most: AtomicUsize,
    received: AtomicUsize,
}

/// The running platform.
pub struct Depot {
    world: Arc<World>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Depot {
    /// A Llavero that knows this platform alone.
    pub async fn start() -> (TestApp, Self) {
        let world = Arc::new(World::default());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (ready, started) = mpsc::channel();
        let own = world.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::Data::from(own.clone()))
                        .route("/api.depot.example/token", web::post().to(token))
                        .default_service(web::to(|| async { HttpResponse::Ok().json(json!({ "ok": true })) }))
                });
                let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
                let handle = server.handle();
                actix_web::rt::spawn(async move {
                    let _ = stopped.await;
                    handle.stop(false).await;
                });
                server.await.unwrap();
            });
        });
        let wishes = Wishes {
            catalogue: Some(Catalogue::parse(&[("depot.toml", FILE)]).unwrap_or_else(|errors| panic!("{errors:#?}"))),
            platforms: Some(format!("http://{}", started.recv().unwrap())),
            ..Wishes::default()
        };
        let depot = Self {
            world,
            stop: Some(stop),
            thread: Some(thread),
        };
        (TestApp::with(wishes).await, depot)
    }

    pub fn set_down(&self, down: bool) {
        self.world.down.store(down, Ordering::SeqCst);
    }

    /// Token calls since the start.
    pub fn received(&self) -> usize {
        self.world.received.load(Ordering::SeqCst)
    }

    /// The most that were handled at once since it was last asked.
    pub fn most_at_once(&self) -> usize {
        self.world.most.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a store is connected with.
pub fn store(number: usize) -> Value {
    json!({
        "platform": "depot", "method": "client", "customer_id": "customer-1",
        "fields": { "client_id": format!("client-{number}"), "client_secret": "secret" },
    })
}

/// Takes its time, so that calls which are let through together meet here.
async fn token(world: web::Data<World>) -> HttpResponse {
    let now = world.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    world.most.fetch_max(now, Ordering::SeqCst);
    let number = world.received.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(40)).await;
    world.under_way.fetch_sub(1, Ordering::SeqCst);
    if world.down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().json(json!({ "error": "maintenance" }));
    }
    HttpResponse::Ok()
        .json(json!({ "access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": 3600 }))
}
