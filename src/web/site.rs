//! What every answer of the web edge needs, made once at start and shared: texts, assets, our own address, and a source
//! of random keys that `main` hands in.

use std::fmt;
use std::time::Instant;

use url::Url;

use super::assets::{AssetError, Assets};
use super::docs::Docs;
use super::i18n::{TextError, Texts};
use super::openapi;

/// A maker of 256-bit random values.
pub type MakeKey = Box<dyn Fn() -> [u8; 32] + Send + Sync>;

/// What differs between installations.
pub struct SiteOptions {
    /// `LLAVERO_PUBLIC_URL`: scheme and host that browsers see.
    pub public_url: Url,
    /// `LLAVERO_SANDBOX_URL`: where merchants of sandbox apps are sent.
    pub sandbox_url: Option<Url>,
    /// Whether stores may live on plain http (development).
    pub plain_http_stores: bool,
    pub make_key: MakeKey,
    /// The monotonic clock, for the log's durations.
    pub monotonic: Box<dyn Fn() -> Instant + Send + Sync>,
}

/// The shared parts of the web edge; `web::Data<Site>` in actix.
pub struct Site {
    pub assets: Assets,
    pub texts: Texts,
    pub docs: Docs,
    pub options: SiteOptions,
}

/// The embedded files are not usable; names the file.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(transparent)]
    Assets(#[from] AssetError),
    #[error(transparent)]
    Texts(#[from] TextError),
    #[error("docs/openapi.json: {0}")]
    Description(#[from] serde_json::Error),
}

impl Site {
    pub fn new(options: SiteOptions) -> Result<Self, SiteError> {
        Ok(Self {
            assets: Assets::embedded()?,
            texts: Texts::embedded()?,
            docs: Docs::new(Some(&openapi::committed()?)),
            options,
        })
    }

    /// A site for tests, with `make_key` as its source of random keys.
    #[cfg(test)]
    pub fn sample(public_url: &str, make_key: MakeKey) -> actix_web::web::Data<Self> {
        let clock = crate::clock::Clock::system();
        let options = SiteOptions {
            public_url: public_url.parse().unwrap(),
            sandbox_url: None,
            plain_http_stores: false,
            make_key,
            monotonic: Box::new(move || clock.monotonic()),
        };
        actix_web::web::Data::new(Self::new(options).unwrap())
    }

    /// Whether browsers reach us over https, so that cookies can be `Secure` and carry the `__Host-` prefix.
    pub fn is_https(&self) -> bool {
        self.options.public_url.scheme() == "https"
    }

    /// `path` as a URL for mails, redirect URIs and API answers.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.options.public_url.as_str().trim_end_matches('/'))
    }

    /// The name of one of our cookies, with the prefix that ties it to this host where https allows it.
    pub fn cookie_name(&self, name: &str) -> String {
        if self.is_https() {
            format!("__Host-{name}")
        } else {
            name.to_owned()
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Site")
    }
}
