//! Revocation, which is final. The token stops first, in one transaction; then the grant is taken back at the platform
//! where it can be, as far as the platform answers; then the credential is erased, if no other living store shares it.
//! The last two run to their end whoever hangs up.

use std::sync::Arc;
use std::time::Duration;

use super::asker::Asker;
use super::moment::moment;
use super::{Error, events, proxy};
use crate::app::App;
use crate::db;
use crate::db::stores::Store;
use crate::domain::admin::ActorKind;
use crate::domain::event::EventKind;
use crate::domain::id::{AppId, StoreId};
use crate::domain::store::{StatusReason, StoreStatus};
use crate::platform::revoke;
use crate::platform::transport::{SendOptions, Transport};

/// Longer than platforms take; a platform that is away must not hold up the erasure for minutes.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// Revokes a store. Revoking a revoked store changes nothing and is no error.
pub async fn revoke(app: &Arc<App>, asker: &Asker, store: StoreId) -> Result<(), Error> {
    let stopped = stop(app, asker, store, None).await?;
    forget_all(app, asker, stopped.into_iter().collect()).await
}

/// Revokes every store of a customer and forgets its merchants. Its connect sessions end first: an attempt under way then
/// finds its session ended and connects nothing, or was first and its store is among those revoked. Returns how many
/// stores there were. `NotFound`: neither a store nor an open session is the customer's.
pub async fn revoke_customer(app: &Arc<App>, asker: &Asker, owner: AppId, customer_id: &str) -> Result<usize, Error> {
    if customer_id.chars().any(char::is_control) {
        return Err(Error::NotFound);
    }
    let customer = customer_id.to_owned();
    let (ended, stores) = app
        .db
        .run::<_, db::Error, _>({
            let customer = customer.clone();
            // Two statements, each committed: what was connected before the first is there for the second.
            move |conn| {
                let ended = db::connect_sessions::end_of_customer(conn, owner, &customer)?;
                Ok((ended, db::stores::list_of_customer(conn, owner, &customer)?))
            }
        })
        .await?;
    if stores.is_empty() && ended == 0 {
        return Err(Error::NotFound);
    }
    // All tokens stop before the first platform is asked.
    let mut stopped = Vec::new();
    for store in &stores {
        stopped.extend(stop(app, asker, store.id, Some(customer_id)).await?);
    }
    let (by, event, count) = (asker.clone(), app.id(), stores.len());
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            // First, for those bound to the stores are found by whose these are.
            db::connect_sessions::end_of_customer(conn, owner, &customer)?;
            for store in &stores {
                db::stores::erase_merchant(conn, store.id)?;
            }
            // The customer's id is the partner's own word for a person, so the trail names only how many there were.
            let details = serde_json::json!({ "stores": stores.len() });
            db::audit::insert(conn, &by.did(event, owner, "customer.erased", owner, details))
        })
        .await?;
    forget_all(app, asker, stopped).await?;
    Ok(count)
}

/// Stops the token; `None`: the store was revoked before, or is not this customer's any more.
async fn stop(app: &Arc<App>, asker: &Asker, store: StoreId, customer: Option<&str>) -> Result<Option<Store>, Error> {
    let (tools, by, customer) = (app.clone(), asker.clone(), customer.map(str::to_owned));
    app.db
        .repeatable(move |conn| {
            db::stores::lock(conn, store)?;
            let store = by.store(conn, store)?.ok_or(Error::NotFound)?;
            if customer.is_some() && store.customer_id != customer {
                return Ok(None);
            }
            Ok(stop_in(conn, &tools, &by, &store)?.then_some(store))
        })
        .await
}

/// Revokes a locked store and tells of it; its credential stays. False: it was revoked before.
pub(super) fn stop_in(conn: &mut db::Conn, app: &App, by: &Asker, store: &Store) -> Result<bool, Error> {
    let reason = reason_of(by.actor.kind);
    if !db::stores::set_status(conn, store.id, StoreStatus::Revoked, Some(reason), None)? {
        return Ok(false);
    }
    db::access_tokens::end_others(conn, store.id, None, None)?;
    db::stores::erase_values(conn, store.id)?;
    db::connect_sessions::forget_secrets(conn, store.id)?;
    db::listen::notify_store(conn, store.id)?;
    let told = serde_json::json!({ "reason": reason });
    events::of_store(conn, app, store, EventKind::StoreRevoked, "", told)?;
    let details = serde_json::json!({ "platform": store.platform, "reason": reason });
    db::audit::insert(
        conn,
        &by.did(app.id(), store.app_id, "store.revoked", store.id, details),
    )?;
    Ok(true)
}

/// Platform and credentials, to the end even if nobody waits for it.
async fn forget_all(app: &Arc<App>, asker: &Asker, stores: Vec<Store>) -> Result<(), Error> {
    let (tools, asker) = (Arc::clone(app), asker.clone());
    let finishing = app.detached.spawn(async move {
        let mut failed = None;
        for store in &stores {
            // One that fails does not keep the others.
            failed = forget(&tools, &asker, store).await.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    });
    finishing
        .await
        .map_err(|error| Error::Internal(format!("revocation broke off: {error}")))?
}

/// Erases credentials that a process left behind between a revocation and the erasure. They stay granted at the platform.
pub async fn erase_unused(app: &App) -> Result<usize, Error> {
    let unused = app
        .db
        .transaction::<_, db::Error, _>(|conn| {
            let unused = db::credentials::list_unused(conn)?;
            let mut erased = Vec::new();
            for id in unused {
                // A store that came back to it in the meantime keeps it.
                db::credentials::lock(conn, id)?;
                if db::stores::list_of_credential(conn, id)?.is_empty() {
                    db::credentials::erase(conn, id)?;
                    db::listen::notify_credential(conn, id)?;
                    erased.push(id);
                }
            }
            Ok(erased)
        })
        .await?;
    if !unused.is_empty() {
        tracing::warn!(
            count = unused.len(),
            "erased credentials that revocations had left behind"
        );
    }
    Ok(unused.len())
}

fn reason_of(kind: ActorKind) -> StatusReason {
    match kind {
        ActorKind::Partner => StatusReason::RevokedByPartner,
        ActorKind::Merchant => StatusReason::RevokedByMerchant,
        ActorKind::Platform => StatusReason::Uninstalled,
        ActorKind::Command | ActorKind::System => StatusReason::RevokedByCommand,
        ActorKind::Admin => StatusReason::RevokedByAdmin,
    }
}

/// What is left to do once a store's token has stopped.
async fn forget(app: &Arc<App>, asker: &Asker, store: &Store) -> Result<(), Error> {
    let credential = store.credential_id;
    let is_last = app
        .db
        .run::<_, db::Error, _>(move |conn| Ok(db::stores::list_of_credential(conn, credential)?.is_empty()))
        .await?;
    if !is_last {
        return Ok(());
    }
    let at_platform = take_back(app, store).await;
    let (by, event, store) = (asker.clone(), app.id(), store.clone());
    app.db
        .transaction::<_, db::Error, _>(move |conn| {
            db::credentials::lock(conn, credential)?;
            // A connect may have come back to the credential meanwhile.
            if !db::stores::list_of_credential(conn, credential)?.is_empty() {
                return Ok(());
            }
            db::credentials::erase(conn, credential)?;
            db::listen::notify_credential(conn, credential)?;
            let details = serde_json::json!({ "at_platform": at_platform });
            db::audit::insert(
                conn,
                &by.did(event, store.app_id, "credential.erased", credential, details),
            )
        })
        .await?;
    Ok(())
}

/// Ends the grant at the platform; says in a word how that went.
async fn take_back(app: &Arc<App>, store: &Store) -> &'static str {
    let Some(method) = app
        .catalogue
        .platform(&store.platform)
        .and_then(|platform| platform.method(&store.method))
    else {
        return "unknown_platform";
    };
    if method.revoke.is_none() {
        return "not_offered";
    }
    let owner = store.app_id;
    let mode = match app.db.run(move |conn| db::apps::find(conn, owner)).await {
        Ok(Some(owner)) => owner.mode,
        Ok(None) | Err(_) => return "failed",
    };
    let usable = match proxy::usable(app, store, mode).await {
        Ok(usable) => usable,
        Err(error) => {
            tracing::info!(store.id = %store.id, error = %error, "revoked without the platform: no usable credential");
            return "no_usable_credential";
        }
    };
    let request = match revoke::request(method, &usable.values, &moment(app)) {
        Ok(Some(request)) => request,
        Ok(None) => return "not_offered",
        Err(error) => {
            tracing::warn!(store.id = %store.id, error = %error, "the platform's revocation could not be built");
            return "failed";
        }
    };
    let options = SendOptions::new(usable.route, method.call_limit.min(LONGEST_CALL));
    match app.outbound.send(request, &options).await {
        Ok(answer) if revoke::is_gone(method, &answer) => "revoked",
        Ok(answer) => {
            tracing::warn!(store.id = %store.id, http.status = answer.status.as_u16(), "the platform did not revoke");
            "refused"
        }
        Err(error) => {
            tracing::warn!(store.id = %store.id, error = %error, "the platform's revocation did not get through");
            "failed"
        }
    }
}
