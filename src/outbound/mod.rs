//! The only way out to platforms. Two manners of sending: [`Transport::send`] for what must not happen twice (token
//! calls, verify calls): one fresh connection a call, all or nothing; [`Outbound::forward`] for partners' calls: pooled
//! and streamed. Both obey one address policy, trust the same roots, follow no redirect and never try again by
//! themselves. The sandbox route is applied here, last.

mod connect;
mod forward;
mod policy;
mod sandbox;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Uri, header};
use thread_local::ThreadLocal;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::platform::transport::{NotSent, PlatformAnswer, PlatformRequest, Route, SendError, SendOptions, Transport};
use connect::{Dialer, Proxy, SystemResolver, Target};
use sandbox::SandboxRoute;

pub use connect::Resolve;
pub use forward::{AnswerStream, BodyStream};

/// Sent where neither the platform nor the caller wants another.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Llavero/", env!("CARGO_PKG_VERSION")));

/// What the settings say about going out.
#[derive(Clone, Default)]
pub struct OutboundConfig {
    /// Private and loopback addresses, and plain http.
    pub allow_private_hosts: bool,
    /// More roots, PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// `http://[user:password@]host:port`.
    pub egress_proxy: Option<Url>,
    /// Where sandbox apps find their platforms.
    pub sandbox_url: Option<Url>,
}

/// Why nothing could be sent at all with these settings.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("the extra certificate authorities cannot be read: {0}")]
    ExtraCa(String),
    #[error("the egress proxy must be an http:// URL")]
    Proxy,
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Monotonic time, handed in.
pub type Monotonic = Arc<dyn Fn() -> Instant + Send + Sync>;

/// A cheap handle.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    dialer: Arc<Dialer>,
    sandbox: Option<SandboxRoute>,
    monotonic: Monotonic,
    live_clients: ThreadLocal<forward::Client>,
    sandbox_clients: ThreadLocal<forward::Client>,
}

/// Where a request really goes.
struct Way<'a> {
    url: Url,
    sandbox: Option<&'a SandboxRoute>,
}

impl Outbound {
    pub fn new(config: OutboundConfig, monotonic: Monotonic) -> Result<Self, OutboundError> {
        Self::with_resolver(config, monotonic, Arc::new(SystemResolver))
    }

    /// The same with another way from names to addresses.
    pub fn with_resolver(
        config: OutboundConfig,
        monotonic: Monotonic,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, OutboundError> {
        let dialer = Dialer {
            allow_private: config.allow_private_hosts,
            resolver,
            tls: TlsConnector::from(connect::tls_config(config.extra_ca_pem.as_deref())?),
            proxy: config.egress_proxy.as_ref().map(Proxy::new).transpose()?,
        };
        Ok(Self(Arc::new(Inner {
            dialer: Arc::new(dialer),
            sandbox: config.sandbox_url.map(SandboxRoute::new),
            monotonic,
            live_clients: ThreadLocal::new(),
            sandbox_clients: ThreadLocal::new(),
        })))
    }

    /// Whether sandbox apps have somewhere to go.
    pub fn has_sandbox(&self) -> bool {
        self.0.sandbox.is_some()
    }

    /// Why nothing can be sent to `url`, as far as that can be told without resolving a name; `None`: nothing stands
    /// against it so far. Each call judges again what its name resolves to.
    pub fn refusal(&self, url: &Url) -> Option<String> {
        let allow_private = self.0.dialer.allow_private;
        let target = match Target::of(url, false) {
            Ok(target) => target,
            Err(why) => return Some(why.to_string()),
        };
        if !target.https && !allow_private {
            return Some("an https address".to_owned());
        }
        let address = match target.host {
            url::Host::Ipv4(address) => address.into(),
            url::Host::Ipv6(address) => address.into(),
            url::Host::Domain(_) => return None,
        };
        let kind = policy::judge(address, allow_private).err()?;
        Some(format!("not {kind}"))
    }

    /// The URL to send a browser to instead of `original`: the same for live apps, below the sandbox for sandbox apps,
    /// `None` for these without a sandbox.
    pub fn browser_url(&self, route: &Route, original: &Url) -> Option<Url> {
        match route {
            Route::Live => Some(original.clone()),
            Route::Sandbox => self.0.sandbox.as_ref().map(|sandbox| sandbox.for_browser(original)),
        }
    }

    /// Forwards a streamed request to its absolute URI and streams the answer. `options.timeout` is how long nothing
    /// may move, in either direction; `send_before` and `max_body` don't apply. Must be called on the thread whose
    /// runtime lives as long as the connections: each thread has its own.
    pub async fn forward(
        &self,
        mut request: http::Request<BodyStream>,
        options: &SendOptions,
    ) -> Result<http::Response<AnswerStream>, SendError> {
        let refused = |why: &str| SendError::NotSent {
            why: NotSent::Refused(why.into()),
        };
        let asked = Url::parse(&request.uri().to_string()).map_err(|_| refused("not an absolute URL"))?;
        let way = self.way(&asked, &options.route)?;
        // The caller's Host named us; the client sets the right one.
        request.headers_mut().remove(header::HOST);
        if let Some(sandbox) = way.sandbox {
            if asked.scheme() == "http" {
                request
                    .headers_mut()
                    .insert(sandbox::SCHEME_HEADER, HeaderValue::from_static("http"));
            }
            // Path and query as they were written: a URL type would encode some characters anew.
            let written = request.uri().path_and_query().map_or("/", |written| written.as_str());
            *request.uri_mut() =
                Uri::try_from(sandbox.written(&asked, written)).map_err(|_| refused("not an absolute URL"))?;
        }
        let clients = if way.sandbox.is_some() {
            &self.0.sandbox_clients
        } else {
            &self.0.live_clients
        };
        let client = clients.get_or(|| forward::client(Arc::clone(&self.0.dialer), way.sandbox.is_some()));
        let mut answer = forward::forward(client, request, options.timeout).await?;
        if let Some(sandbox) = way.sandbox {
            send::map_location(answer.headers_mut(), sandbox, &asked);
        }
        Ok(answer)
    }

    fn way(&self, original: &Url, route: &Route) -> Result<Way<'_>, SendError> {
        match (route, &self.0.sandbox) {
            (Route::Live, _) => Ok(Way {
                url: original.clone(),
                sandbox: None,
            }),
            (Route::Sandbox, Some(sandbox)) => Ok(Way {
                url: sandbox.for_call(original),
                sandbox: Some(sandbox),
            }),
            (Route::Sandbox, None) => Err(SendError::NotSent {
                why: NotSent::Refused("no sandbox is configured".into()),
            }),
        }
    }
}

#[async_trait::async_trait]
impl Transport for Outbound {
    async fn send(&self, mut request: PlatformRequest, options: &SendOptions) -> Result<PlatformAnswer, SendError> {
        let asked = request.url.clone();
        let way = self.way(&asked, &options.route)?;
        if way.sandbox.is_some() {
            request.headers.remove(header::HOST);
            if asked.scheme() == "http" {
                request
                    .headers
                    .insert(sandbox::SCHEME_HEADER, HeaderValue::from_static("http"));
            }
        }
        request.url = way.url;
        let target = Target::of(&request.url, way.sandbox.is_some()).map_err(|why| SendError::NotSent { why })?;
        // At least a moment, for the operating system takes zero as "no limit".
        let user_timeout = options.timeout.max(Duration::from_millis(1));
        let wire = self
            .0
            .dialer
            .dial(&target, user_timeout)
            .await
            .map_err(|why| SendError::NotSent { why })?;
        let mut answer = send::exchange(wire, request, options, &self.0.monotonic).await?;
        if let Some(sandbox) = way.sandbox {
            send::map_location(&mut answer.headers, sandbox, &asked);
        }
        Ok(answer)
    }
}
