//! A platform of the tests' own, with real HTTP: sellers with several shops, each of which has a cipher that its calls
//! need. It is as strict as platforms get: a seller's new authorization ends the one before, and a refresh token works once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::ops::Range;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::http::header::LOCATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{DateTime, Utc};
use llavero::platform::Catalogue;
use serde_json::{Value, json};

use super::connecting::Way;
use super::test_app::{TestApp, Wishes};

const FILE: &str = include_str!("bazaar.toml");

/// How long a token call takes that fails.
const FAILS_AFTER: Duration = Duration::from_millis(50);

/// A shop there: id and name. Its cipher is made of the id.
pub type Shop = (&'static str, &'static str);

#[derive(Default)]
struct World {
    shops: BTreeMap<String, Vec<Shop>>,
    /// Who is logged in where the browser comes to.
    seller: String,
    /// Grants by number: the seller, and whether it stands.
    grants: Vec<(String, bool)>,
    /// Tokens with the number of their grant; refresh tokens and codes go when they are used.
    access: BTreeMap<String, usize>,
    refresh: BTreeMap<String, usize>,
    codes: BTreeMap<String, usize>,
    received: Vec<Value>,
    made: usize,
    /// Refuses calls of the API, with words that it has for a refused token too.
    lacks_right: bool,
    /// Answers no token call, and the time by the test's clock, by which those that came are written down.
    down: bool,
    /// Grants whose token calls end in a fault of its own, slowly.
    failing: BTreeSet<usize>,
    now: DateTime<Utc>,
    times: Vec<DateTime<Utc>>,
}

impl World {
    fn new_name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}-{}", self.made)
    }

    fn of_token(&self, request: &HttpRequest) -> Option<(usize, Vec<Shop>)> {
        let token = header(request, "authorization").strip_prefix("Bearer ")?.to_owned();
        let number = *self.access.get(&token)?;
        let (seller, stands) = &self.grants[number];
        stands.then(|| (number, self.shops.get(seller).cloned().unwrap_or_default()))
    }
}

/// The running platform.
pub struct Bazaar {
    world: Arc<Mutex<World>>,
    pub url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bazaar {
    /// A Llavero that knows this platform alone, and the platform with these sellers; the first one is logged in.
    pub async fn with(sellers: &[(&str, &[Shop])]) -> (TestApp, Self) {
        let bazaar = Self::start();
        for (seller, shops) in sellers {
            bazaar.sells(seller, shops);
        }
        bazaar.log_in(sellers[0].0);
        let wishes = Wishes {
            catalogue: Some(Catalogue::parse(&[("bazaar.toml", FILE)]).unwrap_or_else(|errors| panic!("{errors:#?}"))),
            platforms: Some(bazaar.url.clone()),
            ..Wishes::default()
        };
        (super::connecting::start_with(wishes).await, bazaar)
    }

    /// The same, where a refresh moves the refresh token's end, and the platform documents how many token calls it takes
    /// in a minute. Nobody sells there yet.
    pub async fn limited(calls: u32) -> (TestApp, Self) {
        Self::limited_by(&format!("calls = {calls}, within = \"60s\"")).await
    }

    /// The same, with the limit in the catalogue's words.
    pub async fn limited_by(limit: &str) -> (TestApp, Self) {
        let bazaar = Self::start();
        let limit = format!("[shared]\ntoken_limit = {{ {limit} }}");
        let file = FILE.replacen("[shared]", &limit, 1).replacen(
            "refresh = \"30d\" }",
            "refresh = \"30d\", refresh_moves = true }",
            1,
        );
        let wishes = Wishes {
            catalogue: Some(Catalogue::parse(&[("bazaar.toml", &file)]).unwrap_or_else(|errors| panic!("{errors:#?}"))),
            platforms: Some(bazaar.url.clone()),
            ..Wishes::default()
        };
        (super::connecting::start_with(wishes).await, bazaar)
    }

    /// Grants with the refresh tokens `seeded-0` and so on.
    pub fn knows(&self, grants: usize) {
        let mut world = self.world.lock().unwrap();
        for number in 0..grants {
            let grant = world.grants.len();
            world.grants.push((format!("seller-{number}"), true));
            world.refresh.insert(format!("seeded-{number}"), grant);
        }
    }

    /// From now on these grants' token calls fail, and no others.
    pub fn fails(&self, grants: Range<usize>) {
        self.world.lock().unwrap().failing = grants.collect();
    }

    pub fn is_down(&self, down: bool) {
        self.world.lock().unwrap().down = down;
    }

    /// Whether grants lack the right to look at items.
    pub fn lacks_right(&self, lacks: bool) {
        self.world.lock().unwrap().lacks_right = lacks;
    }

    /// Ends every access token, and no grant.
    pub fn drop_access_tokens(&self) {
        self.world.lock().unwrap().access.clear();
    }

    pub fn is_now(&self, now: DateTime<Utc>) {
        self.world.lock().unwrap().now = now;
    }

    /// When token calls came, in order.
    pub fn times(&self) -> Vec<DateTime<Utc>> {
        self.world.lock().unwrap().times.clone()
    }

    /// As if no token call had come.
    pub fn forget(&self) {
        self.world.lock().unwrap().times.clear();
    }

    fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
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
                        .route("/login.bazaar.example/authorize", web::get().to(authorize))
                        .route("/api.bazaar.example/token", web::post().to(token))
                        .route("/api.bazaar.example/shops", web::get().to(shops))
                        .route("/api.bazaar.example/items", web::get().to(items))
                        .route("/api.bazaar.example/revoke", web::post().to(revoke))
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
        Self {
            world,
            url: format!("http://{}", started.recv().unwrap()),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Sets what a seller has.
    pub fn sells(&self, seller: &str, shops: &[Shop]) {
        let mut world = self.world.lock().unwrap();
        world.shops.insert(seller.to_owned(), shops.to_vec());
    }

    /// Who approves next.
    pub fn log_in(&self, seller: &str) {
        seller.clone_into(&mut self.world.lock().unwrap().seller);
    }

    /// Ends every grant.
    pub fn end_grants(&self) {
        for grant in &mut self.world.lock().unwrap().grants {
            grant.1 = false;
        }
    }

    /// How many grants stand.
    pub fn standing(&self) -> usize {
        self.world.lock().unwrap().grants.iter().filter(|grant| grant.1).count()
    }

    /// What came to a path, in order.
    pub fn received(&self, path: &str) -> Vec<Value> {
        let world = self.world.lock().unwrap();
        let there = world.received.iter().filter(|entry| entry["path"] == path);
        there.cloned().collect()
    }
}

impl Drop for Bazaar {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The way to connect there, without typing anything.
pub fn way() -> Way {
    Way::with("bazaar", "authorization", &[])
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    let value = request.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

type Shared = web::Data<Mutex<World>>;
type Pairs = web::Query<BTreeMap<String, String>>;

async fn authorize(world: Shared, asked: Pairs) -> HttpResponse {
    let mut world = world.lock().unwrap();
    let seller = world.seller.clone();
    for grant in world.grants.iter_mut().filter(|grant| grant.0 == seller) {
        grant.1 = false;
    }
    world.grants.push((seller, true));
    let (code, number) = (world.new_name("code"), world.grants.len() - 1);
    world.codes.insert(code.clone(), number);
    let mut back: url::Url = asked["redirect_uri"].parse().unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &asked["state"]);
    HttpResponse::Found()
        .insert_header((LOCATION, back.to_string()))
        .finish()
}

async fn token(shared: Shared, form: web::Form<BTreeMap<String, String>>) -> HttpResponse {
    if fails(&shared, &form) {
        tokio::time::sleep(FAILS_AFTER).await;
        return HttpResponse::InternalServerError().json(json!({ "error": "server_error" }));
    }
    let mut world = shared.lock().unwrap();
    if world.down {
        return HttpResponse::ServiceUnavailable().json(json!({ "error": "temporarily_unavailable" }));
    }
    let number = match form["grant_type"].as_str() {
        "refresh_token" => world.refresh.remove(&form["refresh_token"]),
        _ => world.codes.remove(&form["code"]),
    };
    let Some(number) = number.filter(|number| world.grants[*number].1) else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let (access, refresh) = (world.new_name("access"), world.new_name("refresh"));
    // The token before is retired.
    world.access.retain(|_, grant| *grant != number);
    world.access.insert(access.clone(), number);
    world.refresh.insert(refresh.clone(), number);
    HttpResponse::Ok().json(json!({
        "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600,
    }))
}

/// Whether this token call is of a grant that is to fail; it is written down in any case.
fn fails(world: &Shared, form: &BTreeMap<String, String>) -> bool {
    let mut world = world.lock().unwrap();
    world
        .received
        .push(json!({ "path": "/token", "grant_type": form["grant_type"] }));
    let now = world.now;
    world.times.push(now);
    let grant = form.get("refresh_token").and_then(|token| world.refresh.get(token));
    grant.is_some_and(|grant| world.failing.contains(grant))
}

async fn shops(world: Shared, request: HttpRequest) -> HttpResponse {
    let mut world = world.lock().unwrap();
    world.received.push(json!({ "path": "/shops" }));
    let Some((_, shops)) = world.of_token(&request) else {
        return refused();
    };
    let shops = shops
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name, "cipher": format!("cipher-{id}") }));
    HttpResponse::Ok().json(json!({ "shops": shops.collect::<Vec<_>>() }))
}

async fn items(world: Shared, request: HttpRequest) -> HttpResponse {
    let mut world = world.lock().unwrap();
    let cipher = header(&request, "x-shop-cipher").to_owned();
    world.received.push(json!({ "path": "/items", "cipher": cipher }));
    let Some((_, shops)) = world.of_token(&request).filter(|_| !world.lacks_right) else {
        return refused();
    };
    match shops.iter().find(|(id, _)| cipher == format!("cipher-{id}")) {
        Some((id, _)) => HttpResponse::Ok().json(json!({ "shop": id })),
        None => HttpResponse::Forbidden().json(json!({ "error": "not your shop" })),
    }
}

async fn revoke(world: Shared, request: HttpRequest) -> HttpResponse {
    let mut world = world.lock().unwrap();
    world
        .received
        .push(json!({ "path": "/revoke", "cipher": header(&request, "x-shop-cipher") }));
    let Some((number, _)) = world.of_token(&request) else {
        return refused();
    };
    world.grants[number].1 = false;
    HttpResponse::Ok().json(json!({}))
}

fn refused() -> HttpResponse {
    HttpResponse::Unauthorized().json(json!({ "error": "invalid_token" }))
}
