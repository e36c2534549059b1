//! The simulated platforms as a server of their own (`serve`), or mounted into another one (`configure`). State is shared
//! by all workers of one server and lives as long as it; clock and randomness are handed in.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use chrono::{DateTime, Utc};

use super::behaviour::{Behaviour, BehaviourError};
use super::call::Call;
use super::control;
use super::gateway::gateway;
use super::partner::Partner;
use super::world::World;

/// One lock guards the state, so more threads would only wait for it.
const WORKERS: usize = 2;

/// Tells what time it is.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    pub clock: Now,
    /// The same seed makes the same codes, tokens and keys.
    pub seed: u64,
}

/// What all workers share; clones are the same.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    behaviours: Vec<Behaviour>,
    now: Now,
    world: Mutex<World>,
}

impl State {
    /// Errors name the behaviour file that cannot be read.
    pub fn new(options: &Options) -> Result<Self, BehaviourError> {
        Ok(Self::with(Behaviour::embedded()?, options))
    }

    pub(super) fn with(behaviours: Vec<Behaviour>, options: &Options) -> Self {
        let world = Mutex::new(World::new(options.seed, &behaviours));
        Self(Arc::new(Shared {
            behaviours,
            now: Arc::clone(&options.clock),
            world,
        }))
    }

    /// Tells all platforms where the partner's addresses lie; the control API can change it.
    pub fn tell(&self, partner: Partner) {
        self.world().partner = partner;
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.0.now)()
    }

    pub(super) fn behaviours(&self) -> &[Behaviour] {
        &self.0.behaviours
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The behaviour that serves this host: by its fixed hosts, else by the path, else as it was met before.
    pub(super) fn serving(&self, call: &Call) -> Option<usize> {
        let (host, path) = (call.host.as_str(), call.path.as_str());
        let behaviours = self.behaviours();
        if let Some(index) = behaviours.iter().position(|behaviour| behaviour.serves_host(host)) {
            return Some(index);
        }
        let by_path = |behaviour: &Behaviour| behaviour.paths.as_ref().is_some_and(|paths| paths.matches(path));
        let mut world = self.world();
        let marked = |behaviour: &Behaviour| behaviour.mark.as_ref().is_some_and(|mark| mark.read(call).is_some());
        let told = behaviours
            .iter()
            .position(|behaviour| marked(behaviour) && by_path(behaviour));
        let told = told.or_else(|| {
            behaviours
                .iter()
                .position(|behaviour| behaviour.mark.is_none() && by_path(behaviour))
        });
        if let Some(index) = told {
            world.hosts.insert(host.to_owned(), behaviours.get(index)?.slug.clone());
            return Some(index);
        }
        let slug = world.hosts.get(host)?;
        behaviours.iter().position(|behaviour| &behaviour.slug == slug)
    }
}

/// Adds the control API and the platforms; under a scope, their base is that scope.
pub fn configure(config: &mut web::ServiceConfig, state: State) {
    config
        .app_data(web::Data::new(state))
        .service(web::scope("/_control").configure(control::routes))
        .service(web::resource("/{original:.*}").route(web::route().to(gateway)));
}

/// A server that runs until it is stopped.
pub struct Running {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    pub state: State,
}

impl Running {
    /// Stops at once, dropping what is under way.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Starts the simulated platforms at `bind` (port 0: any) in the background of the calling Tokio runtime.
pub fn serve(bind: SocketAddr, options: Options) -> io::Result<Running> {
    serve_on(TcpListener::bind(bind)?, options)
}

/// As `serve`, on a listener that is bound already.
pub fn serve_on(listener: TcpListener, options: Options) -> io::Result<Running> {
    serve_state(listener, State::new(&options).map_err(io::Error::other)?)
}

/// As `serve_on`, over a state that the caller made; several servers may share one.
pub fn serve_state(listener: TcpListener, state: State) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let shared = state.clone();
    let server = HttpServer::new(move || {
        let state = shared.clone();
        App::new().configure(move |config| configure(config, state))
    })
    .workers(WORKERS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Running { address, handle, state })
}
