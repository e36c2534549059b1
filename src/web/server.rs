//! The web server: one set of tools, one URL map, on an address that is already bound. Stopping it lets calls under way
//! finish.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App as Service, HttpServer, web};
use url::Url;

use super::session_rows::Rows;
use super::site::{SiteError, SiteOptions};
use super::{Inbox, Site, middleware, routes, session};
use crate::app::App;
use crate::domain::id::AppId;
use crate::domain::secret::Secret;

/// What the server works with.
#[derive(Clone)]
pub struct Setup {
    pub app: Arc<App>,
    /// The demo partner's pages, in development only.
    pub demo: Option<Demo>,
}

/// Whom the demo partner's pages call as.
#[derive(Debug, Clone)]
pub struct Demo {
    pub app_id: AppId,
    pub api_key: Secret,
    /// Where its webhooks arrive.
    pub inbox: Option<Arc<Inbox>>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Stops taking requests; with `graceful` waits for those under way.
    pub async fn stop(self, graceful: bool) {
        self.handle.stop(graceful).await;
    }
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no public address is set")]
    NoPublicUrl,
}

/// Starts serving on `listener`, inside an actix system.
pub fn start(setup: Setup, listener: TcpListener) -> Result<Server, StartError> {
    let address = listener.local_addr()?;
    let app = setup.app.clone();
    let public_url: Url = app.config.public_url.clone().ok_or(StartError::NoPublicUrl)?;
    let random = app.random.clone();
    let clock = app.clock.clone();
    let site = web::Data::new(Site::new(SiteOptions {
        public_url,
        sandbox_url: app.config.sandbox_url.clone(),
        plain_http_stores: app.config.allow_private_hosts,
        make_key: Box::new(move || random.bytes()),
        monotonic: Box::new(move || clock.monotonic()),
    })?);
    let cookie_key = cookie_key(&app);
    let rows = Arc::new(Rows::new(app.clone()));
    let workers = app.config.workers;
    let tools = web::Data::from(app);
    let mut server = HttpServer::new(move || {
        Service::new()
            .app_data(site.clone())
            .app_data(tools.clone())
            .configure(|config| routes::configure(config, setup.demo.as_ref()))
            .wrap(from_fn(middleware::conditional::answer))
            .wrap(from_fn(middleware::idempotency::once))
            .wrap(session::middleware(rows.clone(), site.clone(), &cookie_key))
            .wrap(from_fn(middleware::patience::limited))
            .wrap(from_fn(middleware::edge))
    })
    .disable_signals()
    .shutdown_timeout(30)
    .listen(listener)?;
    if let Some(workers) = workers {
        server = server.workers(workers.get());
    }
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(Server { address, handle })
}

/// Starts serving the metrics, and nothing else, on `listener`, inside an actix system.
pub fn start_metrics(app: Arc<App>, listener: TcpListener) -> Result<Server, StartError> {
    let address = listener.local_addr()?;
    let tools = web::Data::from(app);
    let server = HttpServer::new(move || {
        Service::new()
            .app_data(tools.clone())
            .configure(routes::configure_metrics)
    })
    .disable_signals()
    .workers(1)
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(Server { address, handle })
}

/// The key that signs session cookies, from the key ring: the same in every process, and gone with the ring.
fn cookie_key(app: &App) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&app.sealer.mac("admin session cookie", b"first half"));
    key[32..].copy_from_slice(&app.sealer.mac("admin session cookie", b"second half"));
    key
}
