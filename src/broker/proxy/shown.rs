//! The credential as callers may see it: what a call would be signed with at this moment. Never the refresh token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use url::Url;

use super::usable;
use crate::app::App;
use crate::broker::access_token::Admitted;
use crate::broker::moment::{host_of, moment_at};
use crate::broker::{Error, custom_platforms};
use crate::domain::secret::Secret;
use crate::platform::{PlatformRequest, sign};

/// The platform's own authentication of a GET to the store's root.
pub struct ShownCredential {
    /// Where the platform has one.
    pub access_token: Option<Secret>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The store's root, with the parameters that a signature put there.
    pub root: Url,
    pub headers: HeaderMap,
}

/// Refreshes first if it has to be.
pub async fn shown_credential(app: &Arc<App>, admitted: &Admitted) -> Result<ShownCredential, Error> {
    let store = &admitted.store;
    let method = app
        .catalogue
        .platform(&store.platform)
        .and_then(|platform| platform.method(&store.method));
    let method = method.ok_or_else(|| custom_platforms::missing(&store.platform, &store.method))?;
    let usable = usable(app, store, admitted.app.mode).await?;
    let built = |error| Error::Internal(format!("the credential cannot be shown: {error}"));
    let root = method.root(&usable.values).map_err(built)?;
    let moment = moment_at(app, usable.route, host_of(&root));
    let mut request = PlatformRequest::new(http::Method::GET, root);
    sign::sign(method, &usable.values, &mut request, &moment).map_err(built)?;
    Ok(ShownCredential {
        access_token: usable.values.get("access_token").map(Secret::from),
        expires_at: usable.access_expires_at,
        root: request.url,
        headers: request.headers,
    })
}
