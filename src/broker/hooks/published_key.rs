//! The key that a platform's webhook is signed with: from memory, else asked for with a token of the app's own. Strangers
//! can name any key, so questions are few, and one that cannot be asked now makes the platform send again.

use crate::app::App;
use crate::broker::moment::moment;
use crate::domain::id::PlatformAppId;
use crate::domain::store::Mode;
use crate::platform::published_key::{Asked, PublishedKey};
use crate::platform::transport::{PlatformAnswer, PlatformRequest, Route, SendOptions, Transport as _};
use crate::platform::{BuildError, Platform, Values};

/// Who asks.
pub(super) struct Client<'a> {
    pub id: Option<PlatformAppId>,
    pub mode: Mode,
    pub values: &'a Values,
}

pub(super) async fn find(
    app: &App,
    platform: &Platform,
    published: &PublishedKey,
    client: &Client<'_>,
    key_id: &str,
) -> Asked<String> {
    let (slug, mode) = (platform.slug.as_str(), client.mode);
    if let Some(key) = app.hook_keys.find(slug, mode, key_id, app.now()) {
        return Asked::Found(key);
    }
    // Without a client nothing of a store's is here.
    let Some(id) = client.id else { return Asked::Unknown };
    if app.arrivals.admit_key(id, app.now()).is_err() {
        tracing::warn!(platform = slug, "too many webhooks name keys that are not known yet");
        return Asked::NoAnswer;
    }
    let asked = ask(app, platform, published, client, key_id).await;
    if let Asked::Found(key) = &asked {
        app.hook_keys.keep(slug, mode, key_id, key.clone(), app.now());
    }
    asked
}

async fn ask(
    app: &App,
    platform: &Platform,
    published: &PublishedKey,
    client: &Client<'_>,
    key_id: &str,
) -> Asked<String> {
    let request = published.token_request(platform, client.values, &moment(app));
    let token = send(app, platform, client.mode, request).await;
    let Some(token) = token.and_then(|answer| published.read_token(&answer)) else {
        tracing::warn!(platform = %platform.slug, "the platform gave no token to ask for a webhook's key with");
        return Asked::NoAnswer;
    };
    let request = published.key_request(platform, &token, key_id, &moment(app));
    match send(app, platform, client.mode, request).await {
        Some(answer) => published.read_key(&answer),
        None => Asked::NoAnswer,
    }
}

async fn send(
    app: &App,
    platform: &Platform,
    mode: Mode,
    request: Result<PlatformRequest, BuildError>,
) -> Option<PlatformAnswer> {
    let route = match mode {
        Mode::Live => Route::Live,
        Mode::Sandbox => Route::Sandbox,
    };
    let options = SendOptions::new(route, platform.default_method().call_limit);
    let sent = match request {
        Ok(request) => app
            .outbound
            .send(request, &options)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    sent.inspect_err(|why| tracing::warn!(platform = %platform.slug, why, "a webhook's key could not be asked for"))
        .ok()
}
