//! From a host name to a connection that is ready to be written to: resolve once, judge each address, connect to a
//! judged one, finish TLS. All of it comes before the first byte of a request, so every failure here means "surely not
//! sent". Through an egress proxy the judged address is what the proxy is asked for, not the name.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::legacy::connect::{Connected, Connection};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use super::{OutboundError, policy};
use crate::domain::secret::Secret;
use crate::platform::transport::NotSent;

/// For resolving, connecting and TLS together.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For one of several addresses, so that a dead one does not use up the time of the others.
const ADDRESS_LIMIT: Duration = Duration::from_secs(4);
/// The longest answer of a proxy to CONNECT.
const PROXY_ANSWER_LIMIT: usize = 16 * 1024;

/// How names become addresses; replaced in tests.
#[async_trait::async_trait]
pub trait Resolve: Send + Sync {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
pub(super) struct SystemResolver;

#[async_trait::async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// What is connected to.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) https: bool,
    /// The sandbox: the operator named it, so no policy and no proxy.
    pub(super) exempt: bool,
}

impl Target {
    pub(super) fn of(url: &Url, exempt: bool) -> Result<Self, NotSent> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(NotSent::Refused("only http and https are spoken".into())),
        };
        let host = url
            .host()
            .ok_or_else(|| NotSent::Refused("the URL has no host".into()))?
            .to_owned();
        let port = url.port().unwrap_or(if https { 443 } else { 80 });
        Ok(Self {
            host,
            port,
            https,
            exempt,
        })
    }
}

/// Opens connections under the policy.
pub(super) struct Dialer {
    pub(super) allow_private: bool,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: TlsConnector,
    pub(super) proxy: Option<Proxy>,
}

impl Dialer {
    /// A fresh connection, TLS finished. `user_timeout`: how long sent bytes may stay unacknowledged.
    pub(super) async fn dial(&self, target: &Target, user_timeout: Duration) -> Result<Wire, NotSent> {
        if !target.https && !target.exempt && !self.allow_private {
            return Err(NotSent::Refused("plain http is not allowed".into()));
        }
        let connecting = async {
            let tcp = self.connect(target, user_timeout).await?;
            if !target.https {
                return Ok(Wire::Plain(tcp));
            }
            let name = match &target.host {
                Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| NotSent::Tls)?,
                Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
                Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
            };
            match self.tls.connect(name, tcp).await {
                Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
                Err(error) => {
                    tracing::debug!(host = %target.host, %error, "TLS failed");
                    Err(NotSent::Tls)
                }
            }
        };
        tokio::time::timeout(CONNECT_LIMIT, connecting)
            .await
            .unwrap_or(Err(NotSent::Connect))
    }

    async fn connect(&self, target: &Target, user_timeout: Duration) -> Result<TcpStream, NotSent> {
        let resolved = match &target.host {
            Host::Ipv4(address) => vec![IpAddr::from(*address)],
            Host::Ipv6(address) => vec![IpAddr::from(*address)],
            Host::Domain(name) => self.resolver.resolve(name).await.map_err(|_| NotSent::Dns)?,
        };
        let mut refused = None;
        let mut addresses = Vec::with_capacity(resolved.len());
        for address in resolved {
            match policy::judge(address, self.allow_private) {
                Err(kind) if !target.exempt => refused = Some(kind),
                _ => addresses.push(SocketAddr::new(address, target.port)),
            }
        }
        match refused {
            Some(kind) if addresses.is_empty() => return Err(NotSent::Refused(format!("the host has {kind}"))),
            None if addresses.is_empty() => return Err(NotSent::Dns),
            _ => {}
        }
        for address in addresses {
            let attempt = async {
                match &self.proxy {
                    Some(proxy) if !target.exempt => proxy.connect(&*self.resolver, address, user_timeout).await,
                    _ => tcp(address, user_timeout).await,
                }
            };
            match tokio::time::timeout(ADDRESS_LIMIT, attempt).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => tracing::debug!(host = %target.host, %error, "Connecting failed"),
                Err(_) => tracing::debug!(host = %target.host, "Connecting took too long"),
            }
        }
        Err(NotSent::Connect)
    }
}

async fn tcp(address: SocketAddr, user_timeout: Duration) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    // Elsewhere the overall time limit alone has to do.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(user_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = user_timeout;
    socket.connect(address).await
}

/// An HTTP proxy that is asked to CONNECT.
pub(super) struct Proxy {
    host: Host<String>,
    port: u16,
    authorization: Option<Secret>,
}

impl Proxy {
    pub(super) fn new(url: &Url) -> Result<Self, OutboundError> {
        let host = url
            .host()
            .filter(|_| url.scheme() == "http")
            .ok_or(OutboundError::Proxy)?
            .to_owned();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let authorization = (!url.username().is_empty()).then(|| {
            let pair = format!(
                "{}:{}",
                decoded(url.username()),
                decoded(url.password().unwrap_or_default())
            );
            Secret::new(format!("Basic {}", STANDARD.encode(pair)))
        });
        Ok(Self {
            host,
            port: url.port().unwrap_or(80),
            authorization,
        })
    }

    async fn connect(&self, dns: &dyn Resolve, to: SocketAddr, user_timeout: Duration) -> io::Result<TcpStream> {
        let address = match &self.host {
            Host::Ipv4(address) => IpAddr::from(*address),
            Host::Ipv6(address) => IpAddr::from(*address),
            Host::Domain(name) => dns
                .resolve(name)
                .await?
                .first()
                .copied()
                .ok_or_else(|| io::Error::other("the proxy has no address"))?,
        };
        let mut stream = tcp(SocketAddr::new(address, self.port), user_timeout).await?;
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization.expose());
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the empty line belongs to the platform.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == PROXY_ANSWER_LIMIT {
                return Err(io::Error::other("the proxy's answer is too long"));
            }
            answer.push(stream.read_u8().await?);
        }
        let status = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
        match status {
            Some([b'2', ..]) => Ok(stream),
            _ => Err(io::Error::other("the proxy refused to connect")),
        }
    }
}

/// Public roots plus the operator's, HTTP/1.1 only.
pub(super) fn tls_config(extra_ca_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, OutboundError> {
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = extra_ca_pem {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| OutboundError::ExtraCa(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| OutboundError::ExtraCa(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(OutboundError::ExtraCa("it holds no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A connection, with or without TLS.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
