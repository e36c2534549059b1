//! Webhooks of platforms. Their proof is checked with the secret of the platform app that the app uses; what they say of
//! a store holds for every store of that platform app, whichever app it belongs to. A platform sends again until we say
//! that it is done, so nothing is kept for later.

mod published_key;

use std::sync::Arc;

use super::Error;
use super::asker::Asker;
use super::connect::platform_client;
use super::refresh::{Announced, Removal, removed};
use crate::app::App;
use crate::db;
use crate::domain::id::AppId;
use crate::domain::store::StoreStatus;
use crate::platform::hook::{self, HookKind, HookRefusal, Received};
use crate::platform::published_key::Asked;

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Done,
    /// Not proven, or not a platform that sends any.
    Refused,
    /// To be sent again.
    Later,
}

/// Takes a webhook that came to an app's address for a platform.
pub async fn hear(app: &Arc<App>, app_id: AppId, slug: &str, received: &Received<'_>) -> Result<Heard, Error> {
    let platform = app.catalogue.platform_for(app_id, slug).ok_or(Error::NotFound)?;
    let found = app.db.run(move |conn| db::apps::find(conn, app_id)).await?;
    let api_app = found.ok_or(Error::NotFound)?;
    let (platform_app, values) = platform_client(app, &api_app, platform).await?;
    let read = match hook::signed(platform, received) {
        None => hook::read(platform, received, &values, app.now()),
        Some(Err(refusal)) => Err(refusal),
        Some(Ok((published, signed))) => {
            let client = published_key::Client {
                id: platform_app,
                mode: api_app.mode,
                values: &values,
            };
            match published_key::find(app, platform, published, &client, &signed.key_id).await {
                Asked::Found(key) => hook::read_signed(platform, received, &signed, &key),
                Asked::Unknown => Err(HookRefusal::BadProof),
                Asked::NoAnswer => return Ok(Heard::Later),
            }
        }
    };
    let hook = match read {
        Ok(hook) => hook,
        Err(HookRefusal::NoHooks) => return Err(Error::NotFound),
        Err(refusal) => {
            tracing::info!(platform = slug, %refusal, "a webhook was not believed");
            return Ok(Heard::Refused);
        }
    };
    let Some(platform_store_id) = hook.platform_store_id else {
        return Ok(Heard::Done);
    };
    let slug = platform.slug.clone();
    let find =
        move |conn: &mut db::Conn| db::stores::find_by_identity(conn, app_id, platform_app, &slug, &platform_store_id);
    let Some(store) = app.db.run(find).await? else {
        return Ok(Heard::Done);
    };
    let proven = match hook.kind {
        HookKind::Uninstalled => true,
        HookKind::MaybeUninstalled => false,
        HookKind::AccountClosed => {
            forget(app, &store, &hook.topic).await?;
            false
        }
        HookKind::Privacy if store.status != StoreStatus::Connected => {
            // What the platform wants forgotten is forgotten once the store is no longer connected.
            forget(app, &store, &hook.topic).await?;
            return Ok(Heard::Done);
        }
        HookKind::Privacy | HookKind::Other => return Ok(Heard::Done),
    };
    let (tools, credential) = (app.clone(), store.credential_id);
    let announced = Announced {
        topic: hook.topic,
        happened_at: hook.happened_at,
        proven,
    };
    let working = app
        .detached
        .spawn(async move { removed(&tools, credential, &announced).await });
    let removal = working
        .await
        .map_err(|error| Error::Internal(format!("a webhook's work broke off: {error}")))??;
    tracing::info!(store.id = %store.id, ?removal, "a platform announced that the app was removed");
    Ok(match removal {
        Removal::Later if proven => Heard::Later,
        Removal::Later | Removal::Ended | Removal::Outlived | Removal::EndedBefore => Heard::Done,
    })
}

/// Erases what is known of a store's merchant.
async fn forget(app: &App, store: &db::stores::Store, topic: &str) -> Result<(), Error> {
    let (id, owner, event) = (store.id, store.app_id, app.id());
    let details = serde_json::json!({ "topic": topic });
    let event = Asker::merchant(owner).did(event, owner, "store.merchant_erased", id, details);
    let erase = move |conn: &mut db::Conn| {
        db::stores::erase_merchant(conn, id)?;
        db::audit::insert(conn, &event)
    };
    Ok(app.db.transaction::<_, db::Error, _>(erase).await?)
}

/// The answer to a platform that asks whether a webhook's address is ours: JSON. `None`: it asks nothing of the kind.
pub async fn challenge(app: &App, app_id: AppId, slug: &str, raw_query: &str) -> Result<Option<String>, Error> {
    let platform = app.catalogue.platform(slug).ok_or(Error::NotFound)?;
    let Some(challenge) = platform.hooks.as_ref().and_then(|hooks| hooks.challenge.as_ref()) else {
        return Ok(None);
    };
    let found = app.db.run(move |conn| db::apps::find(conn, app_id)).await?;
    let (_, values) = platform_client(app, &found.ok_or(Error::NotFound)?, platform).await?;
    let Some(public_url) = &app.config.public_url else {
        return Ok(None);
    };
    let address = crate::platform::webhook_url(public_url, &app_id.to_string(), slug);
    match challenge.answer(raw_query, &values, &address) {
        Some(Ok(answer)) => Ok(Some(answer)),
        Some(Err(refusal)) => {
            tracing::info!(platform = slug, %refusal, "a webhook's address was asked about, and the app has no answer");
            Err(Error::NotFound)
        }
        None => Ok(None),
    }
}
