//! In: the whole file is read and checked first, and what this installation lacks is named at once; then one transaction
//! a credential. What is here already is left alone, so an import that was killed is simply run again; a credential that
//! is frozen here has come home, and thaws.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::clients;
use super::file::{Broken, Reader};
use super::record::{Travelling, TravellingStore};
use crate::app::App;
use crate::broker::asker::Asker;
use crate::broker::{Error, disconnect, events, refresh};
use crate::crypto::Place;
use crate::db;
use crate::db::credentials::Granted;
use crate::db::moving::{Arriving, ArrivingStore, LivingToken};
use crate::db::types::Texts;
use crate::domain::access_token::TokenHash;
use crate::domain::event::EventKind;
use crate::domain::id::{CredentialId, Id, PlatformAppId};
use crate::domain::store::StoreStatus;
use crate::platform::custom;

/// Timers that are due are spread over this time: nobody's token endpoint gets all of them at once.
const SPREAD_SECONDS: f64 = 1800.0;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Stores that are here now and were not before.
    pub made: usize,
    /// Stores that were frozen here and are in use again.
    pub thawed: usize,
    /// Stores that were here already.
    pub already: usize,
    /// Stores that could not be taken, and why.
    pub refused: Vec<String>,
}

enum Taken {
    /// So many of its stores; the others were revoked here meanwhile, and stay so.
    Put {
        stores: usize,
        thawed: bool,
    },
    Already,
    Refused(String),
}

/// Reads the whole file; what this app lacks to take it, a sentence each. Nothing is written.
pub async fn lacking(
    app: &Arc<App>,
    owner: &db::apps::App,
    mut reader: Reader,
) -> Result<Result<(), Vec<String>>, Broken> {
    let mut wrong = Vec::new();
    if reader.about.mode != owner.mode {
        wrong.push(format!(
            "the stores are of a {} app, and {} is a {} app",
            reader.about.mode, owner.id, owner.mode
        ));
    }
    // Each client of a method once.
    let mut needed = BTreeMap::new();
    while let Some(travelling) = reader.credential()? {
        let client = travelling.client.as_ref().map(Value::to_string);
        needed.insert((travelling.platform, travelling.method, client), travelling.client);
    }
    for ((slug, method, _), client) in needed {
        let Some(platform) = app.catalogue.platform_for(owner.id, &slug) else {
            wrong.push(format!("platform {slug} is not known here"));
            continue;
        };
        let Some(method) = platform.method(&method).cloned() else {
            wrong.push(format!("platform {slug} has no connect method {method} here"));
            continue;
        };
        let Some(theirs) = client else { continue };
        let (owner, named) = (owner.clone(), slug.clone());
        let found = app
            .db
            .run::<_, db::Error, _>(move |conn| clients::find(conn, &owner, &slug, &method, &theirs))
            .await;
        match found {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => wrong.push(why),
            Err(error) => wrong.push(format!("the platform app of {named} cannot be looked up: {error}")),
        }
    }
    wrong.dedup();
    Ok(if wrong.is_empty() { Ok(()) } else { Err(wrong) })
}

/// Takes the stores of a file that [`lacking`] has passed.
///
/// Errors: `Internal` where the file changed since; `Db`. Run again, it goes on where it stopped.
pub async fn import(
    app: &Arc<App>,
    asker: &Asker,
    owner: &db::apps::App,
    mut reader: Reader,
) -> Result<Imported, Error> {
    let mut told = Imported::default();
    let copy = reader.about.copy;
    let from = reader.about.app;
    loop {
        let next = reader
            .credential()
            .map_err(|error| Error::Internal(error.to_string()))?;
        let Some(travelling) = next else { break };
        let stores = travelling.stores.len();
        let named: Vec<String> = travelling
            .stores
            .iter()
            .map(|store| format!("{} ({})", store.id, store.name))
            .collect();
        match take(app, asker, owner, travelling).await? {
            Taken::Put { stores: put, thawed } => {
                let count = if thawed { &mut told.thawed } else { &mut told.made };
                *count += put;
                told.already += stores - put;
            }
            Taken::Already => told.already += stores,
            Taken::Refused(why) => told.refused.extend(named.iter().map(|store| format!("{store}: {why}"))),
        }
    }
    let (by, event, id) = (asker.clone(), app.id(), owner.id);
    let details = serde_json::json!({
        "from": from, "copy": copy, "made": told.made, "thawed": told.thawed, "already": told.already,
        "refused": told.refused.len(),
    });
    app.db
        .run::<_, db::Error, _>(move |conn| db::audit::insert(conn, &by.did(event, id, "app.imported", id, details)))
        .await?;
    Ok(told)
}

async fn take(
    app: &Arc<App>,
    asker: &Asker,
    owner: &db::apps::App,
    travelling: Box<Travelling>,
) -> Result<Taken, Error> {
    let (tools, by, owner) = (app.clone(), asker.clone(), owner.clone());
    let taken = app
        .db
        .repeatable(move |conn| settle(conn, &tools, &by, &owner, &travelling))
        .await;
    match taken {
        Err(Error::Db(db::Error::Conflict { .. })) => Ok(Taken::Refused(
            "the shop is connected here already, as another store".to_owned(),
        )),
        Err(Error::Conflict(why)) => Ok(Taken::Refused(why)),
        taken => taken,
    }
}

fn settle(
    conn: &mut db::Conn,
    app: &Arc<App>,
    by: &Asker,
    owner: &db::apps::App,
    travelling: &Travelling,
) -> Result<Taken, Error> {
    let platform = app.catalogue.platform_for(owner.id, &travelling.platform);
    let Some(method) = platform.and_then(|platform| platform.method(&travelling.method)) else {
        return Ok(Taken::Refused("its platform is not known here".to_owned()));
    };
    if custom::is_custom(&travelling.platform)
        && !db::custom_platforms::hold(conn, owner.id, &travelling.platform, &travelling.method)?
    {
        return Ok(Taken::Refused(
            "its platform's definition was removed meanwhile".to_owned(),
        ));
    }
    let client = match &travelling.client {
        Some(theirs) => match clients::find(conn, owner, &travelling.platform, method, theirs)? {
            Ok(found) => Some(found.id),
            Err(why) => return Ok(Taken::Refused(why)),
        },
        None => None,
    };
    let here = db::leases::lock(conn, travelling.id)?;
    let mut grant_no = travelling.grant_no;
    let mut attempt = travelling.next_attempt;
    if let Some(here) = &here {
        if here.app_id != owner.id {
            return Ok(Taken::Refused("it belongs to another app here".to_owned()));
        }
        if db::frozen::find(conn, travelling.id)?.is_none() {
            return Ok(Taken::Already);
        }
        if here.grant_no > travelling.grant_no {
            return Ok(Taken::Refused(
                "the file is older than the export that froze it here".to_owned(),
            ));
        }
        grant_no = grant_no.max(here.grant_no);
        attempt = attempt.max(here.next_attempt);
    }
    let granted = granted(app, travelling);
    let new = Arriving {
        id: travelling.id,
        app_id: owner.id,
        platform: travelling.platform.clone(),
        method: travelling.method.clone(),
        platform_app_id: client.filter(|_| travelling.of_client),
        spares_sealed: travelling
            .spares
            .as_ref()
            .map(|spares| seal(app, "credentials", "spares_sealed", travelling.id.uuid(), spares)),
        asks_spare: travelling.asks_spare,
        grant_no: grant_no + 1,
        saved_attempt: attempt,
        dead_at: travelling.dead_at,
        last_failure: travelling.last_failure,
        granted: granted.clone(),
    };
    db::moving::put_credential(conn, &new)?;
    db::frozen::forget(conn, travelling.id)?;
    // Revoked where they were meanwhile.
    for store in db::stores::list_of_credential(conn, travelling.id)? {
        if travelling.stores.iter().all(|other| other.id != store.id) {
            disconnect::stop_in(conn, app, by, &store)?;
        }
    }
    let mut stores = 0;
    for store in &travelling.stores {
        if !put_store(conn, app, &new, client, store)? {
            continue;
        }
        stores += 1;
        let details = serde_json::json!({ "platform": travelling.platform, "credential": travelling.id });
        db::audit::insert(conn, &by.did(app.id(), owner.id, "store.imported", store.id, details))?;
        if let Some(row) = db::stores::find(conn, store.id)? {
            let incident = format!("import:{grant_no}");
            let details = serde_json::json!({ "imported": true });
            events::of_store(conn, app, &row, EventKind::StoreConnected, &incident, details)?;
        }
    }
    if travelling.dead_at.is_none() {
        refresh::first_jobs(conn, app, new.id, owner.id, &new.platform, method, &granted)?;
    }
    Ok(Taken::Put {
        stores,
        thawed: here.is_some(),
    })
}

fn seal(app: &App, table: &'static str, column: &'static str, row: uuid::Uuid, value: &Value) -> Vec<u8> {
    app.sealer
        .seal(Place { table, column, row }, value.to_string().as_bytes())
}

fn granted(app: &App, travelling: &Travelling) -> Granted {
    let id: CredentialId = travelling.id;
    Granted {
        values_sealed: Some(seal(app, "credentials", "values_sealed", id.uuid(), &travelling.values)),
        access_issued_at: travelling.access_issued_at,
        access_expires_at: travelling.access_expires_at,
        refresh_expires_at: travelling.refresh_expires_at,
        reauthorize_by: travelling.reauthorize_by,
        refresh_at: travelling
            .refresh_at
            .map(|at| spread(app, at, travelling.refresh_expires_at)),
        scopes: travelling.scopes.clone().map(Texts),
    }
}

/// A timer that went off on the way goes off soon, and not with all others; never past half of what is left of the
/// refresh token.
fn spread(app: &App, at: DateTime<Utc>, ends: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let now = app.now();
    let room = ends.map_or(SPREAD_SECONDS, |ends| ((ends - now).num_seconds().max(0) / 2) as f64);
    let seconds = SPREAD_SECONDS.min(room) * app.random.fraction();
    at.max(now + TimeDelta::milliseconds((seconds * 1000.0) as i64))
}

/// False: it was revoked here, which is final.
fn put_store(
    conn: &mut db::Conn,
    app: &App,
    credential: &Arriving,
    client: Option<PlatformAppId>,
    store: &TravellingStore,
) -> Result<bool, Error> {
    let here = db::stores::lock(conn, store.id)?;
    if here.as_ref().is_some_and(|here| here.app_id != credential.app_id) {
        return Err(Error::Conflict(format!("{} belongs to another app here", store.id)));
    }
    if here.as_ref().is_some_and(|here| here.status == StoreStatus::Revoked) {
        return Ok(false);
    }
    let new = ArrivingStore {
        id: store.id,
        app_id: credential.app_id,
        credential_id: credential.id,
        platform_app_id: client.filter(|_| store.of_client),
        platform: credential.platform.clone(),
        method: store.method.clone(),
        platform_store_id: store.platform_store_id.clone(),
        url: store.url.clone(),
        name: store.name.clone(),
        customer_id: store.customer_id.clone(),
        merchant_email: store.merchant_email.clone(),
        merchant_name: store.merchant_name.clone(),
        merchant_locale: store.merchant_locale.clone(),
        metadata: store.metadata.clone(),
        status: store.status,
        status_reason: store.status_reason,
        status_since: store.status_since,
        evidence: store.evidence.clone(),
        health: store.health,
        sequence: store.sequence.max(here.map_or(0, |here| here.sequence)),
        connected_at: store.connected_at,
        last_used_at: store.last_used_at,
        values_sealed: store
            .values
            .as_ref()
            .map(|values| seal(app, "stores", "values_sealed", store.id.uuid(), values)),
    };
    db::moving::put_store(conn, &new)?;
    let mut tokens = Vec::new();
    for token in &store.tokens {
        let hash = URL_SAFE_NO_PAD.decode(&token.hash).ok();
        let hash = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        tokens.push(LivingToken {
            id: token.id,
            hash: TokenHash(hash.ok_or_else(|| Error::Internal(format!("the hash of {} is malformed", token.id)))?),
            hint: token.hint.clone(),
            created_at: token.created_at,
            ends_at: token.ends_at,
        });
    }
    db::moving::put_tokens(conn, store.id, credential.app_id, &tokens)?;
    Ok(true)
}
