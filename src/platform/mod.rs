//! Platforms as data: how each is connected, how its calls are authenticated and how its answers show failure. This
//! module builds and reads requests and never sends one. What differs between platforms stands in `catalogue/`, in a
//! closed vocabulary along three independent axes (`obtain`, `sign`, `answer`); no platform is named in code.

pub mod answer;
pub mod call;
pub mod catalogue;
mod check;
mod claim;
pub mod custom;
pub mod descriptor;
pub mod facts;
pub mod facts_text;
pub mod failure;
pub mod field;
mod field_facts;
pub mod follows;
pub mod hook;
pub mod host;
pub mod lifetimes;
pub mod limits;
pub mod nango;
pub mod obtain;
pub mod published_key;
pub mod quirk;
pub mod reference;
pub mod register;
pub mod revoke;
pub mod sign;
pub mod signature;
pub mod template;
pub mod transport;
pub mod values;
pub mod verify;
mod wait;

pub use catalogue::{Catalogue, CatalogueError};
pub use descriptor::{ClientOwner, Grace, IdentitySource, Method, Platform, Renewal, Text};
pub use failure::{BuildError, Failure};
pub use field::{Field, FieldProblem};
pub use sign::SignMoment;
pub use transport::{PlatformAnswer, PlatformRequest, Transport};
pub use values::Values;

/// The redirect URI to register at a platform, exactly. A platform that brings no `state` back is told it as the last
/// segment of the path (see [`obtain::redirect_uri`]).
pub fn redirect_uri(public_url: &url::Url, slug: &str) -> String {
    format!("{}/connect/callback/{slug}", public_url.as_str().trim_end_matches('/'))
}

/// Where connections that start at a platform arrive, to be registered there for one app.
pub fn install_url(public_url: &url::Url, app: &str, slug: &str) -> String {
    format!(
        "{}/connect/install/{app}/{slug}",
        public_url.as_str().trim_end_matches('/')
    )
}

/// Where a platform's webhooks arrive, to be registered there for one app.
pub fn webhook_url(public_url: &url::Url, app: &str, slug: &str) -> String {
    format!("{}/hooks/{app}/{slug}", public_url.as_str().trim_end_matches('/'))
}
