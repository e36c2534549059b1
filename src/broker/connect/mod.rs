//! Connecting a store and authorizing it again: a session is made, a browser begins, the platform answers, and one
//! transaction makes the store. One session is one attempt and is used up once; every way out ends in a state that a page
//! can explain. What belongs to one attempt only (verifier, typed fields) is kept sealed in the session's row.

mod asked;
mod attempt;
mod begin;
mod brought;
mod client;
mod complete;
mod decide;
mod deliver;
mod direct;
mod ecartapi;
mod exchange;
mod finish;
mod held;
mod install;
mod ladder;
mod obtain;
pub mod reconnect;
pub mod return_url;
pub mod sessions;
mod settle;
mod shops;

pub use begin::{Begun, begin, browser_secret, prefilled};
pub use brought::BroughtTokens;
pub use complete::{Arrival, Returned, complete};
pub use decide::{HeldIdentity, accept, accept_identity, held_identity, start_over};
pub use deliver::deliver;
pub use direct::{DirectStore, connect_directly};
pub use exchange::{Exchanged, StoreToken, exchange};
pub use finish::{Ending, Finish, began_here, ending};
pub use held::{Held, HeldReason, held};
pub use install::{Installed, install};
pub use sessions::Visit;
pub use shops::{Offered, ShopState, choose_shops, offered};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use url::Url;

use super::{Delivered, Error};
use crate::app::App;
use crate::domain::connect::{ConnectFailure, Language};
use crate::domain::problem::Problem;
use crate::domain::store::Mode;
use crate::platform::transport::Route;

/// What the partner asked for when it made a session; stored with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Slugs that may be chosen; empty: all that the app can use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Values filled in beforehand; never secrets.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub fields: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Language>,
    /// The store may move here from another customer.
    pub transfer: bool,
    /// The pages come without their frame.
    pub bare: bool,
    /// A changed typed identity is accepted, once.
    pub accept_identity_change: bool,
    /// Made when somebody came to a page: in the audit trail from the first beginning on.
    pub arrived: bool,
    /// It started at the platform, so nobody at the partner's asked for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub installed: bool,
}

/// The client that an app uses at a platform, and its values; nothing where there is none.
pub async fn platform_client(
    app: &App,
    api_app: &crate::db::apps::App,
    platform: &crate::platform::Platform,
) -> Result<(Option<crate::domain::id::PlatformAppId>, crate::platform::Values), Error> {
    let client = client::find(app, api_app, platform).await?;
    Ok((client.id, client.values))
}

/// Slugs of the platforms that a session may choose from: those asked for, where the app can use a method.
pub async fn choices(app: &App, visit: &Visit) -> Result<Vec<String>, Error> {
    let mut slugs = Vec::new();
    for platform in app
        .catalogue
        .all_for(visit.api_app.id)
        .into_iter()
        .filter(|platform| visit.allows(&platform.slug))
    {
        if !methods(app, visit, platform).await?.is_empty() {
            slugs.push(platform.slug.clone());
        }
    }
    Ok(slugs)
}

/// Ids of the methods that the session's app can use at a platform, the default first.
pub async fn methods(app: &App, visit: &Visit, platform: &crate::platform::Platform) -> Result<Vec<String>, Error> {
    let has_client = client::find(app, &visit.api_app, platform).await?.id.is_some();
    let usable = platform
        .methods
        .iter()
        .filter(|method| client::can_use(method, has_client) && !method.for_partners);
    Ok(usable.map(|method| method.id.clone()).collect())
}

/// The platform's side did not go well, in a form that a page explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub why: ConnectFailure,
    /// For the partner and admins, in English, without secrets.
    pub detail: String,
    /// Trying again may help.
    pub again: bool,
    /// The field whose value cannot be meant, where it is one.
    pub field: Option<String>,
    /// What `PlatformUnavailable` is told to programs as: a platform that is away, slow, or asks for patience.
    pub trouble: Problem,
    pub retry_after: Option<Duration>,
    /// Whether the platform may have acted.
    pub delivered: Delivered,
    /// What the platform was shown is not accepted there; a token that has had its time is refused in the same words.
    pub unaccepted: bool,
}

impl Refused {
    fn new(why: ConnectFailure, detail: impl Into<String>) -> Self {
        let again = matches!(why, ConnectFailure::PlatformUnavailable);
        Self {
            why,
            detail: detail.into(),
            again,
            field: None,
            trouble: Problem::PlatformUnavailable,
            retry_after: None,
            delivered: Delivered::No,
            unaccepted: false,
        }
    }

    /// The platform's limit is reached.
    fn throttled(detail: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self {
            trouble: Problem::PlatformThrottled,
            retry_after,
            ..Self::new(ConnectFailure::PlatformUnavailable, detail)
        }
    }
}

/// Runs a step to its end, whoever hangs up meanwhile: between a platform's answer and our save a broken connection of
/// the browser must not lose the grant. A graceful stop waits for it.
async fn to_end<T: Send + 'static>(
    app: &App,
    step: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let busy = app.in_flight.busy();
    let running = app.detached.spawn(
        async move {
            let _busy = busy;
            step.await
        }
        .in_current_span(),
    );
    running
        .await
        .map_err(|error| Error::Internal(format!("connecting broke off: {error}")))?
}

/// Either the platform's side or our own stopped an attempt.
#[derive(Debug)]
enum Stop {
    Refused(Refused),
    Error(Error),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<crate::db::Error> for Stop {
    fn from(error: crate::db::Error) -> Self {
        Self::Error(error.into())
    }
}

/// Which way requests of an app take.
fn route(mode: Mode) -> Route {
    match mode {
        Mode::Live => Route::Live,
        Mode::Sandbox => Route::Sandbox,
    }
}

/// Our own address as browsers see it.
fn public_url(app: &App) -> Result<&Url, Error> {
    app.config
        .public_url
        .as_ref()
        .ok_or_else(|| Error::Internal("LLAVERO_PUBLIC_URL is not set".to_owned()))
}

/// One of our own pages as a whole address; `path` begins with a slash.
fn absolute(app: &App, path: &str) -> Result<String, Error> {
    Ok(format!("{}{path}", public_url(app)?.as_str().trim_end_matches('/')))
}
