//! Webhooks of platforms. Their proof is checked with the secret of the platform app that the app uses; what they say of
//! a store holds for every store of that platform app, whichever app it belongs to. A platform sends again until we say
//! that it is done, so nothing is kept for later.

use std::sync::Arc;

use super::Error;
use super::asker::Asker;
use super::connect::platform_client;
use super::refresh::{Removal, removed};
use crate::app::App;
use crate::db;
use crate::domain::id::AppId;
use crate::domain::store::StoreStatus;
use crate::platform::hook::{self, HookKind, HookRefusal, Received};

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
    let hook = match hook::read(platform, received, &values, app.now()) {
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
        HookKind::Privacy if store.status != StoreStatus::Connected => {
            // What the platform wants forgotten is forgotten once the store is no longer connected.
            let (id, owner, event) = (store.id, store.app_id, app.id());
            let details = serde_json::json!({ "topic": hook.topic });
            let event = Asker::merchant(owner).did(event, owner, "store.merchant_erased", id, details);
            app.db
                .transaction::<_, db::Error, _>(move |conn| {
                    db::stores::erase_merchant(conn, id)?;
                    db::audit::insert(conn, &event)
                })
                .await?;
            return Ok(Heard::Done);
        }
        HookKind::Privacy | HookKind::Other => return Ok(Heard::Done),
    };
    let (tools, topic) = (app.clone(), hook.topic);
    let credential = store.credential_id;
    let working = app
        .detached
        .spawn(async move { removed(&tools, credential, &topic, proven).await });
    let removal = working
        .await
        .map_err(|error| Error::Internal(format!("a webhook's work broke off: {error}")))??;
    tracing::info!(store.id = %store.id, ?removal, "a platform announced that the app was removed");
    Ok(match removal {
        Removal::Later if proven => Heard::Later,
        Removal::Later | Removal::Ended | Removal::Outlived | Removal::EndedBefore => Heard::Done,
    })
}
